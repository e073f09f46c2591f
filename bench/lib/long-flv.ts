import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { AmfObject } from '@sluice/media/amf';
import {
  buildFlvMetadata,
  encodeFlvTag,
  flvHeader,
  FlvReader,
  type FlvTag,
  FlvTagType,
  parseAudioTagHeader,
  parseFlvMetadata,
  parseVideoTagHeader,
} from '@sluice/media/flv';

const TAG_TIMESTAMP_OFFSET = 4;

/** How long a file becomes. */
export interface LongFlvOptions {
  /** Length of one round of the source, ms: its keyframe distance times a whole number. */
  readonly roundMs: number;
  readonly rounds: number;
  /** Put the times and places of all keyframes into the metadata, and the duration. */
  readonly index: boolean;
}

/** Writes an FLV file that is another one's media again and again, with timestamps that go on. */
export function writeLongFlv(file: string, source: string, options: LongFlvOptions): void {
  const { roundMs, rounds, index } = options;
  const tags = new FlvReader().write(readFileSync(source));
  const headers = tags.filter(isSequenceHeader);
  const media = tags.filter((tag) => tag.type !== FlvTagType.script && !isSequenceHeader(tag));
  const encoded = media.map((tag) => encodeFlvTag(tag));
  const offsets: number[] = [];
  let roundBytes = 0;
  for (const bytes of encoded) {
    offsets.push(roundBytes);
    roundBytes += bytes.length;
  }
  const round = Buffer.concat(encoded);
  const keyframes = media.flatMap((tag, at) =>
    tag.type === FlvTagType.video && parseVideoTagHeader(tag.body)?.keyframe === true
      ? [{ timestamp: tag.timestamp, offset: offsets[at] ?? 0 }]
      : [],
  );
  const script = tags.find((tag) => tag.type === FlvTagType.script);
  const head = (mediaAt: number): Buffer => {
    const all = Array.from({ length: index ? rounds : 0 }, (_, number) =>
      keyframes.map(({ timestamp, offset }) => ({
        time: (number * roundMs + timestamp) / 1000,
        position: mediaAt + number * roundBytes + offset,
      })),
    ).flat();
    const properties = new Map(script === undefined ? [] : parseFlvMetadata(script.body)?.properties);
    if (index) {
      properties.set('duration', (rounds * roundMs) / 1000);
      properties.set(
        'keyframes',
        AmfObject.from({
          filepositions: all.map(({ position }) => position),
          times: all.map(({ time }) => time),
        }),
      );
    }
    return Buffer.concat([
      flvHeader({ audio: true, video: true }),
      encodeFlvTag({ type: FlvTagType.script, timestamp: 0, body: buildFlvMetadata({ properties }) }),
      ...headers.map((tag) => encodeFlvTag({ ...tag, timestamp: 0 })),
    ]);
  };
  mkdirSync(dirname(file), { recursive: true });
  const descriptor = openSync(file, 'w');
  try {
    // Numbers take the same place whatever they are, so the head's length is known before the places are.
    writeSync(descriptor, head(head(0).length));
    for (let number = 0; number < rounds; number++) {
      media.forEach((tag, at) => {
        const timestamp = number * roundMs + tag.timestamp;
        const field = (offsets[at] ?? 0) + TAG_TIMESTAMP_OFFSET;
        round.writeUIntBE(timestamp & 0xffffff, field, 3);
        round.writeUInt8(timestamp >>> 24, field + 3);
      });
      writeSync(descriptor, round);
    }
  } finally {
    closeSync(descriptor);
  }
}

function isSequenceHeader(tag: FlvTag): boolean {
  if (tag.type === FlvTagType.script) return false;
  const header =
    tag.type === FlvTagType.audio ? parseAudioTagHeader(tag.body) : parseVideoTagHeader(tag.body);
  return header?.packetType === 'sequence-header';
}
