/**
 * Plays a stream into an FLV file, for some seconds or until it ends:
 *
 *   tsx examples/play-to-file.ts rtmp://localhost/live/livestream video.flv 10
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { FlvWriter } from '@sluice/media/flv';
import { play } from '@sluice/rtmp/node';

async function playToFile(url: string, file: string, seconds: number): Promise<number> {
  const player = await play(url);
  const output = createWriteStream(file);
  const writer = new FlvWriter();
  let first: number | undefined;
  let tags = 0;
  for await (const { kind, flvTagType, timestamp, payload } of player) {
    // Stream time starts anywhere; the file's starts at 0.
    if (kind !== 'data') {
      first ??= timestamp;
    }
    const time = Math.max(0, timestamp - (first ?? timestamp));
    if (!output.write(writer.write({ type: flvTagType, timestamp: time, body: payload }))) {
      await once(output, 'drain');
    }
    tags += 1;
    if (time >= seconds * 1000) {
      break;
    }
  }
  output.end();
  await once(output, 'finish');
  return tags;
}

const [url, file, seconds = 'Infinity'] = process.argv.slice(2);
if (url === undefined || file === undefined) {
  console.error('usage: play-to-file.ts rtmp://host/app/stream FILE.flv [SECONDS]');
  process.exitCode = 2;
} else {
  try {
    console.log(`${await playToFile(url, file, Number(seconds))} tags written to ${file}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
