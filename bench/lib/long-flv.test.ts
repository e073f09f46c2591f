import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AmfObject } from '@sluice/media/amf';
import { FlvReader, type FlvTag, FlvWriter, parseFlvMetadata } from '@sluice/media/flv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeLongFlv } from './long-flv.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-long-flv-'));
const source = join(folder, 'source.flv');
const sequenceHeader: FlvTag = {
  type: 9,
  timestamp: 0,
  body: Uint8Array.of(0x17, 0, 0, 0, 0, 1, 0x42, 0, 30),
};
const media: readonly FlvTag[] = [0, 500, 1000, 1500].map((timestamp) => ({
  type: 9,
  timestamp,
  body: Uint8Array.of(timestamp % 1000 === 0 ? 0x17 : 0x27, 1, 0, 0, 0, timestamp & 0xff),
}));

beforeAll(() => {
  const writer = new FlvWriter();
  writeFileSync(source, Buffer.concat([sequenceHeader, ...media].map((tag) => writer.write(tag))));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function readLong(rounds: number, index: boolean): { bytes: Uint8Array; tags: FlvTag[] } {
  const file = join(folder, 'long.flv');
  writeLongFlv(file, source, { roundMs: 2000, rounds, index });
  const bytes = new Uint8Array(readFileSync(file));
  return { bytes, tags: new FlvReader().write(bytes) };
}

describe('writeLongFlv', () => {
  it('says the media again and again, and its headers once', () => {
    const { tags } = readLong(10_000, false);
    expect(tags.slice(1, 3)).toEqual([sequenceHeader, media[0]]);
    expect(tags).toHaveLength(2 + 4 * 10_000);
    // Beyond 24 bits.
    expect(tags.at(-1)).toEqual({ ...media.at(-1), timestamp: 9999 * 2000 + 1500 });
    expect(parseFlvMetadata(tags[0]?.body ?? new Uint8Array())?.properties.has('keyframes')).toBe(false);
  });

  it('names each keyframe in the metadata on request', () => {
    const { bytes, tags } = readLong(3, true);
    const properties = parseFlvMetadata(tags[0]?.body ?? new Uint8Array())?.properties;
    expect(properties?.get('duration')).toBe(6);
    const index = properties?.get('keyframes');
    const places = index instanceof AmfObject ? index.get('filepositions') : undefined;
    const times = index instanceof AmfObject ? index.get('times') : undefined;
    expect(times).toEqual([0, 1, 2, 3, 4, 5]);
    expect(places).toHaveLength(6);
    for (const place of Array.isArray(places) ? places : []) {
      // A video tag whose body begins as a keyframe's.
      expect([bytes[Number(place)], bytes[Number(place) + 11]]).toEqual([9, 0x17]);
    }
  });
});
