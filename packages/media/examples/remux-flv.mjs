/**
 * Turns an FLV file into MPEG-TS, MP4 or fragmented MP4, by the name of the output; the FLV may still be growing, as a
 * download is: `node remux-flv.mjs in.flv out.ts|out.mp4|out.m4s`.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { FlvToMp4, remuxFlv } from '@sluice/media/remux';

const [input, output] = process.argv.slice(2);
if (input === undefined || output === undefined) {
  console.error('usage: node remux-flv.mjs INPUT.flv OUTPUT.ts|OUTPUT.mp4|OUTPUT.m4s');
  process.exit(2);
}

if (output.endsWith('.mp4')) {
  await toFile();
} else {
  const to = output.endsWith('.ts') ? 'ts' : 'mp4';
  await pipeline(Readable.from(remuxFlv(createReadStream(input), { to })), createWriteStream(output));
}

/** An ordinary MP4: appended to as the FLV is read, and patched once at its end. */
async function toFile() {
  const converter = new FlvToMp4();
  const file = await open(output, 'w');
  try {
    for await (const bytes of createReadStream(input)) {
      for (const piece of converter.write(bytes)) await file.appendFile(piece);
    }
    const { pieces, patch } = converter.end();
    for (const piece of pieces) await file.appendFile(piece);
    if (patch !== undefined) await file.write(patch.bytes, 0, patch.bytes.length, patch.offset);
  } finally {
    await file.close();
  }
  for (const [codec, count] of converter.skipped) console.error(`${count} tags of ${codec} were left out`);
}
