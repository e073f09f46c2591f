import { appendFile, writeFile } from 'node:fs/promises';

import { AmfEcmaArray, AmfObject } from '@sluice/media/amf';
import { concatBytes } from '@sluice/media/bytes';
import { buildFlvMetadata, encodeFlvTag, flvTagSize, type FlvTag, FlvTagType } from '@sluice/media/flv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { FlvScanner } from './flv-scanner.ts';
import {
  DEFAULT_SEGMENT_PLAN,
  FileBytes,
  indexMediaFile,
  MediaFileError,
  type SegmentIndex,
  type SegmentPlan,
} from './index.ts';
import {
  aacHeaderTag,
  audioTag,
  avcHeaderTag,
  clipTags,
  flvBytes,
  metadataTag,
  temporaryFile,
  videoTag,
} from './test-kit.ts';

async function indexOf(
  path: string,
  plan: Partial<SegmentPlan> = {},
  previous?: SegmentIndex,
): Promise<SegmentIndex> {
  const bytes = await FileBytes.open(path);
  try {
    return await indexMediaFile(bytes, { plan, previous });
  } finally {
    await bytes.close();
  }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof MediaFileError ? error.code : String(error);
}

async function readSegment(path: string, index: SegmentIndex, number: number): Promise<FlvTag[]> {
  const bytes = await FileBytes.open(path);
  const tags: FlvTag[] = [];
  try {
    for await (const batch of index.read(bytes, number)) tags.push(...batch);
  } finally {
    await bytes.close();
  }
  return tags;
}

/** Start, duration and, when it is one, discontinuity of each segment. */
function cuts(index: SegmentIndex): (readonly [number, number] | readonly [number, number, true])[] {
  return Array.from({ length: index.segmentCount }, (_, number) => {
    const facts = index.segment(number);
    if (facts === undefined) throw new Error(`no segment ${number}`);
    const { startMs, durationMs, discontinuity } = facts;
    return discontinuity ? [startMs, durationMs, true] : [startMs, durationMs];
  });
}

/** The same tags behind metadata with an index of keyframes, as file tools write it. */
function withKeyframes(tags: readonly FlvTag[], shiftBytes = 0, shiftMs = 0, stretch = 1): FlvTag[] {
  const media = tags.filter(({ type }) => type !== FlvTagType.script);
  const metadata = (positions: readonly number[], times: readonly number[]): FlvTag => {
    const keyframes = new AmfObject([
      ['filepositions', [...positions]],
      ['times', [...times]],
    ]);
    const properties = new AmfEcmaArray([['keyframes', keyframes]]);
    return { type: FlvTagType.script, timestamp: 0, body: buildFlvMetadata({ properties }) };
  };
  const keys = media.filter(
    ({ type, body }) => type === FlvTagType.video && body[0] === 0x17 && body[1] === 1,
  );
  const placeholder = keys.map(() => 0);
  let position = 13 + flvTagSize(metadata(placeholder, placeholder).body.length);
  const positions: number[] = [];
  for (const tag of media) {
    if (keys.includes(tag)) positions.push(position + shiftBytes);
    position += flvTagSize(tag.body.length);
  }
  const times = keys.map(({ timestamp }) => (timestamp * stretch + shiftMs) / 1000);
  return [metadata(positions, times), ...media];
}

const plan = { targetMs: 2_000, maxMs: 6_000 };

describe('indexMediaFile of FLV', () => {
  it('cuts at the keyframes from the target on, with exact times', async () => {
    const path = await temporaryFile('x.flv', flvBytes(clipTags(7_000, 1_500)));
    const index = await indexOf(path, plan);
    expect(index).toMatchObject({ source: 'scan', videoCodec: 'h264', audioCodec: 'aac', durationMs: 7_000 });
    expect(cuts(index)).toEqual([
      [0, 3_000],
      [3_000, 3_000],
      [6_000, 1_000],
    ]);
  });

  it.each([-10_000, -1500, 1500, 10_000])(
    'sound that stands %d ms from its picture in the file is neither a jump nor a reason to cut',
    async (apart) => {
      const media = Array.from({ length: 500 }, (_, index) => index * 40).flatMap((time) => [
        videoTag(time + 20_000, time % 1000 === 0),
        audioTag(time + 20_000 + apart),
      ]);
      const path = await temporaryFile('x.flv', flvBytes([avcHeaderTag(), aacHeaderTag(), ...media]));
      const index = await indexOf(path, plan);
      expect(cuts(index).slice(0, -1)).toEqual(
        Array.from({ length: 9 }, (_, number) => [20_000 + number * 2000, 2000]),
      );
    },
  );

  it('the segments together are the whole file, each with its headers', async () => {
    const tags = clipTags(7_000, 1_000);
    const path = await temporaryFile('x.flv', flvBytes(tags));
    const index = await indexOf(path, plan);
    const read: FlvTag[] = [];
    for (let number = 0; number < index.segmentCount; number += 1) {
      const segment = await readSegment(path, index, number);
      if (number > 0) {
        const at = index.segment(number)?.startMs ?? -1;
        expect(segment.slice(0, 2)).toEqual([avcHeaderTag(at), aacHeaderTag(at)]);
        expect(segment[2]).toEqual(videoTag(at, true));
      }
      read.push(...segment.slice(number > 0 ? 2 : 0));
    }
    expect(read).toEqual(tags);
    await expect(readSegment(path, index, index.segmentCount)).rejects.toBeInstanceOf(RangeError);
  });

  it('an index of keyframes in the metadata gives the same cuts without a scan', async () => {
    const tags = clipTags(9_000, 1_000);
    const indexed = await temporaryFile('x.flv', flvBytes(withKeyframes(tags)));
    const plain = await temporaryFile('x.flv', flvBytes(tags));
    const index = await indexOf(indexed, plan);
    expect(index).toMatchObject({ source: 'metadata', videoCodec: 'h264', audioCodec: 'aac' });
    expect(cuts(index)).toEqual(cuts(await indexOf(plain, plan)));
    const first = await readSegment(indexed, index, 0);
    expect(first.slice(1, 3)).toEqual([avcHeaderTag(), aacHeaderTag()]);
    expect((await readSegment(indexed, index, 1)).slice(0, 3)).toEqual([
      avcHeaderTag(2_000),
      aacHeaderTag(2_000),
      videoTag(2_000, true),
    ]);
  });

  it('an index whose times count from the first keyframe is understood', async () => {
    const tags = clipTags(9_000, 1_000, 80);
    const path = await temporaryFile('x.flv', flvBytes(withKeyframes(tags, 0, -80)));
    const index = await indexOf(path, plan);
    expect(index.source).toBe('metadata');
    expect(cuts(index)).toEqual(cuts(await indexOf(await temporaryFile('x.flv', flvBytes(tags)), plan)));
  });

  it.each([
    ['wrong places', 3, 1],
    ['wrong times', 0, 1.01],
    ['places behind the end', 1e9, 1],
  ])('an index with %s is not believed', async (_, bytes, stretch) => {
    const tags = clipTags(9_000, 1_000);
    const path = await temporaryFile('x.flv', flvBytes(withKeyframes(tags, bytes, 0, stretch)));
    const index = await indexOf(path, plan);
    expect(index.source).toBe('scan');
    expect(index.segmentCount).toBe(5);
  });

  it('an index that ends before the file does is continued by a scan', async () => {
    const tags = clipTags(20_000, 1_000);
    const [metadata] = withKeyframes(tags.filter(({ timestamp }) => timestamp < 9_000));
    const [longer] = withKeyframes(tags);
    if (metadata === undefined || longer === undefined) throw new Error('no metadata');
    // The index has the places of a file whose metadata is as long as the short one's.
    const rest = tags.filter(({ type }) => type !== FlvTagType.script);
    const path = await temporaryFile('x.flv', flvBytes([metadata, ...rest]));
    const index = await indexOf(path, plan);
    expect(index.source).toBe('metadata');
    expect(index.segmentCount).toBe(10);
    expect(index.durationMs).toBe(20_000);
  });

  it('a recording that grows keeps its cuts, and only its end is looked at', async () => {
    const tags = clipTags(20_000, 1_000);
    const whole = flvBytes(tags);
    const path = await temporaryFile('x.flv', whole.subarray(0, Math.floor(whole.length * 0.55)));
    const half = await indexOf(path, plan);
    expect(half.durationMs).toBeGreaterThan(10_000);
    await appendFile(path, whole.subarray(Math.floor(whole.length * 0.55)));
    const grown = await indexOf(path, plan, half);
    expect(cuts(grown)).toEqual(cuts(await indexOf(path, plan)));
    expect(await readSegment(path, grown, 9)).toEqual(await readSegment(path, await indexOf(path, plan), 9));
    // The old index still reads what it knew.
    expect((await readSegment(path, half, 0)).length).toBeGreaterThan(100);
  });

  it('a file that is another one is indexed anew', async () => {
    const path = await temporaryFile('x.flv', flvBytes(clipTags(5_000)));
    const old = await indexOf(path, plan);
    await writeFile(path, flvBytes(clipTags(9_000, 3_000, 100_000)));
    expect(cuts(await indexOf(path, plan, old))).toEqual([
      [100_000, 3_000],
      [103_000, 3_000],
      [106_000, 3_000],
    ]);
  });

  it('audio alone is cut at the target', async () => {
    const tags = clipTags(5_000).filter(({ type }) => type === FlvTagType.audio);
    const index = await indexOf(await temporaryFile('x.flv', flvBytes(tags)), plan);
    expect(index.videoCodec).toBeUndefined();
    expect(cuts(index)).toEqual([
      [0, 2_000],
      [2_000, 2_000],
      [4_000, 1_000],
    ]);
  });

  it('limits: a segment without a keyframe ends at its length or size, a recording at its segments', async () => {
    const path = await temporaryFile('x.flv', flvBytes(clipTags(14_000, 60_000)));
    expect(cuts(await indexOf(path, plan))).toEqual([
      [0, 6_000],
      [6_000, 6_000],
      [12_000, 2_000],
    ]);
    const bySize = await indexOf(path, { ...plan, maxBytes: 10_000 });
    expect(bySize.segmentCount).toBeGreaterThan(3);
    expect(bySize.durationMs).toBe(14_000);
    const few = await indexOf(path, { ...plan, maxSegments: 2 });
    expect(few.segmentCount).toBe(2);
  });

  it('a jump of the clock, or another picture, is a discontinuity', async () => {
    const tags = [
      ...clipTags(3_000, 1_000),
      ...clipTags(3_000, 1_000).filter(({ type }) => type !== FlvTagType.script),
      avcHeaderTag(3_000, 2),
      ...clipTags(1_000, 1_000, 3_000).slice(3),
      ...clipTags(1_000, 1_000, 900_000).slice(3),
    ];
    const index = await indexOf(await temporaryFile('x.flv', flvBytes(tags)), plan);
    expect(cuts(index)).toEqual([
      [0, 2_000],
      [2_000, 1_000],
      [0, 2_000, true],
      [2_000, 1_000],
      [3_000, 1_000, true],
      [900_000, 1_000, true],
    ]);
  });

  it('an unfinished file is what is there', async () => {
    const tags = clipTags(5_000);
    const whole = flvBytes(tags);
    const index = await indexOf(await temporaryFile('x.flv', whole.subarray(0, whole.length - 7)), plan);
    expect(index.durationMs).toBe(5_000);
    const path = await temporaryFile('x.flv', whole.subarray(0, whole.length - 1));
    const last = await readSegment(path, await indexOf(path, plan), 2);
    expect(last.at(-1)).toEqual(tags.at(-1));
  });

  it('a damaged file is what is good in front of the damage', async () => {
    const good = flvBytes(clipTags(5_000));
    const path = await temporaryFile('x.flv', concatBytes([good, new Uint8Array(999).fill(0xee)]));
    const index = await indexOf(path, plan);
    expect(index.durationMs).toBe(5_000);
    expect((await readSegment(path, index, index.segmentCount - 1)).at(-1)).toEqual(audioTag(4_980));
    const bad = await temporaryFile('x.flv', concatBytes([flvBytes([]), new Uint8Array(99).fill(0xee)]));
    expect(await codeOf(indexOf(bad))).toBe('damaged');
    expect(await codeOf(indexOf(await temporaryFile('x.flv', flvBytes([metadataTag()]))))).toBe('no-media');
    expect(await codeOf(indexOf(await temporaryFile('x.flv', flvBytes([]).subarray(0, 8))))).toBe('damaged');
  });

  it('a file that has become shorter, or another, is seen when it is read', async () => {
    const path = await temporaryFile('x.flv', flvBytes(clipTags(9_000)));
    const index = await indexOf(path, plan);
    const whole = flvBytes(clipTags(9_000, 1_000, 40));
    await writeFile(path, whole.subarray(0, 3_000));
    expect(await codeOf(readSegment(path, index, 3))).toBe('changed');
    await writeFile(path, whole);
    expect(await codeOf(readSegment(path, index, 1))).toBe('changed');
  });

  it('changed bytes give an index and its segments, or a MediaFileError', async () => {
    const good = flvBytes(withKeyframes(clipTags(4_000, 500)));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(good.length - 1),
        fc.integer({ min: 0, max: 255 }),
        fc.nat(500),
        async (at, value, cut) => {
          const bytes = good.slice(0, good.length - cut);
          if (at < bytes.length) bytes[at] = value;
          const path = await temporaryFile('x.flv', bytes);
          try {
            const index = await indexOf(path, { targetMs: 1_000 });
            for (let number = 0; number < index.segmentCount; number += 1) {
              await readSegment(path, index, number);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(MediaFileError);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('FlvScanner', () => {
  it('sees the same through windows of every size', () => {
    const body = concatBytes(clipTags(3_000, 700).map(encodeFlvTag));
    const walk = (size: number): FlvScanner => {
      const scanner = new FlvScanner({ ...DEFAULT_SEGMENT_PLAN, targetMs: 1_000 }, body.length);
      let position = 0;
      while (position < body.length && !scanner.stopped) {
        const next = scanner.walk(body.subarray(position, position + size), position);
        expect(next).toBeGreaterThan(position);
        position = next;
      }
      scanner.finish();
      return scanner;
    };
    const whole = walk(body.length);
    expect(whole.columns.starts.length).toBe(3);
    fc.assert(
      fc.property(fc.integer({ min: 80, max: 2_000 }), (size) => {
        const scanner = walk(size);
        expect(scanner.columns).toEqual(whole.columns);
        expect(scanner.end).toBe(body.length);
      }),
    );
  });
});
