/**
 * Publishes an FLV file in real time:
 *
 *   tsx examples/publish-flv.ts video.flv rtmp://localhost/live/livestream
 */
import { createReadStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeAmf0 } from '@sluice/media/amf';
import { concatBytes } from '@sluice/media/bytes';
import { FlvReader, FlvTagType } from '@sluice/media/flv';
import type { FlvTag } from '@sluice/media/flv';
import { publish } from '@sluice/rtmp/node';
import type { RtmpClientPublisher } from '@sluice/rtmp/node';

async function publishFile(file: string, url: string): Promise<number> {
  const publisher = await publish(url);
  const reader = new FlvReader();
  const start = performance.now();
  let tags = 0;
  for await (const bytes of createReadStream(file) as AsyncIterable<Uint8Array>) {
    for (const tag of reader.write(bytes)) {
      await sleep(Math.max(0, start + tag.timestamp - performance.now()));
      sendTag(publisher, tag);
      // A slow network makes the file wait; a live source would drop frames here.
      await publisher.drained();
      tags += 1;
    }
  }
  await publisher.close();
  return tags;
}

function sendTag(publisher: RtmpClientPublisher, { type, timestamp, body }: FlvTag): void {
  if (type === FlvTagType.audio) {
    publisher.sendAudio(timestamp, body);
  } else if (type === FlvTagType.video) {
    publisher.sendVideo(timestamp, body);
  } else {
    // Metadata travels to a server behind this name, so that it keeps it for late players.
    publisher.sendData(timestamp, concatBytes([encodeAmf0('@setDataFrame'), body]));
  }
}

const [file, url] = process.argv.slice(2);
if (file === undefined || url === undefined) {
  console.error('usage: publish-flv.ts FILE.flv rtmp://host/app/stream');
  process.exitCode = 2;
} else {
  try {
    console.log(`${await publishFile(file, url)} tags published`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
