import { type FlvTag, FlvTagType, parseFlvMetadata } from '@sluice/media/flv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  FileBytes,
  indexMediaFile,
  type MediaFile,
  MediaFileError,
  openMediaFile,
  type SegmentIndex,
  type SegmentPlan,
} from './index.ts';
import { aacHeaderTag, avcHeaderTag, clipTags, mp4Bytes, temporaryFile } from './test-kit.ts';

async function allTags(file: MediaFile): Promise<FlvTag[]> {
  const all: FlvTag[] = [];
  for await (const tags of file.tags()) all.push(...tags);
  return all;
}

async function readFile(path: string): Promise<FlvTag[]> {
  const file = await openMediaFile(path);
  try {
    return await allTags(file);
  } finally {
    await file.close();
  }
}

async function indexOf(path: string, plan: Partial<SegmentPlan>): Promise<SegmentIndex> {
  const bytes = await FileBytes.open(path);
  try {
    return await indexMediaFile(bytes, { plan });
  } finally {
    await bytes.close();
  }
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

function cuts(index: SegmentIndex): (readonly [number, number])[] {
  return Array.from({ length: index.segmentCount }, (_, number) => {
    const { startMs, durationMs } = index.segment(number) ?? { startMs: -1, durationMs: -1 };
    return [startMs, durationMs] as const;
  });
}

const clip = clipTags(7_000, 1_500);
/** The avcC as an MP4 keeps it: without a mark. */
const headers = [avcHeaderTag(0, 0), aacHeaderTag()];
const plan = { targetMs: 2_000, maxMs: 6_000 };

describe.each([
  ['finished', true],
  ['that is being recorded', false],
])('an MP4 %s', (_, finished) => {
  it('is read as FLV tags: metadata, headers, every sample', async () => {
    const file = await openMediaFile(await temporaryFile('x.dat', mp4Bytes(clip, finished)));
    expect(file.format).toBe('mp4');
    expect(file.skipped).toEqual([]);
    const tags = await allTags(file);
    expect(parseFlvMetadata(tags[0]?.body ?? new Uint8Array(0))).toMatchObject({
      videoCodec: 'h264',
      audioCodec: 'aac',
      audioSampleRate: 44_100,
      stereo: true,
    });
    expect(tags.slice(1, 3)).toEqual(headers);
    expect(tags.slice(3)).toEqual(clip.slice(3));
    expect(await allTags(file)).toEqual(tags);
    await file.close();
  });

  it('is cut at keyframes, and its segments together are the whole file', async () => {
    const path = await temporaryFile('x.mp4', mp4Bytes(clip, finished));
    const index = await indexOf(path, plan);
    expect(index).toMatchObject({ source: 'tables', videoCodec: 'h264', audioCodec: 'aac' });
    expect(cuts(index)).toEqual([
      [0, 3_000],
      [3_000, 3_000],
      [6_000, 1_000],
    ]);
    const read: FlvTag[] = [];
    for (let number = 0; number < index.segmentCount; number += 1) {
      const segment = await readSegment(path, index, number);
      const timestamp = index.segment(number)?.startMs ?? -1;
      expect(segment.slice(0, 2)).toEqual(headers.map((header) => ({ ...header, timestamp })));
      read.push(...segment.slice(2));
    }
    expect(read).toEqual(clip.slice(3));
    await expect(readSegment(path, index, index.segmentCount)).rejects.toBeInstanceOf(RangeError);
  });

  it('a group of pictures that is too long is cut within', async () => {
    const path = await temporaryFile('x.mp4', mp4Bytes(clipTags(9_000, 60_000), finished));
    const index = await indexOf(path, { targetMs: 1_000, maxMs: 4_000 });
    expect(cuts(index)).toEqual([
      [0, 4_000],
      [4_000, 4_000],
      [8_000, 1_000],
    ]);
    const tags = await readSegment(path, index, 1);
    expect(tags.slice(2).map(({ timestamp }) => timestamp)).toEqual(
      clipTags(9_000, 60_000)
        .slice(3)
        .map(({ timestamp }) => timestamp)
        .filter((time) => time >= 4_000 && time < 8_000),
    );
  });

  it('audio alone is cut at the target', async () => {
    const audio = clipTags(5_000).filter(({ type }) => type === FlvTagType.audio);
    const path = await temporaryFile('x.mp4', mp4Bytes(audio, finished));
    // The video track is there, and empty.
    const index = await indexOf(path, plan);
    expect(index).toMatchObject({ videoCodec: undefined, skipped: ['track 1 (h264): no keyframe'] });
    expect(cuts(index)).toEqual([
      [0, 2_000],
      [2_000, 2_000],
      [4_000, 1_000],
    ]);
    const read: FlvTag[] = [];
    for (let number = 0; number < index.segmentCount; number += 1) {
      read.push(...(await readSegment(path, index, number)).slice(1));
    }
    expect(read).toEqual(audio.slice(1));
  });

  it('names a track that FLV has no form for, and skips it', async () => {
    const file = await openMediaFile(await temporaryFile('x.mp4', mp4Bytes(clip, finished, true)));
    expect(file.skipped).toEqual(['track 3 (opus): not in FLV']);
    expect((await allTags(file)).length).toBe(clip.length);
    await file.close();
  });

  it('changed bytes give tags, or a MediaFileError', async () => {
    const good = mp4Bytes(clipTags(2_000, 500), finished);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(good.length - 1),
        fc.integer({ min: 0, max: 255 }),
        fc.nat(900),
        async (at, value, cut) => {
          const bytes = good.slice(0, good.length - cut);
          if (at < bytes.length) bytes[at] = value;
          const path = await temporaryFile('x.mp4', bytes);
          try {
            await readFile(path);
            const index = await indexOf(path, { targetMs: 500 });
            for (let number = 0; number < index.segmentCount; number += 1) {
              await readSegment(path, index, number);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(MediaFileError);
          }
        },
      ),
      { numRuns: 80 },
    );
  });
});

describe('an MP4 whose recording was cut', () => {
  it('is what its whole fragments hold', async () => {
    const whole = mp4Bytes(clip, false);
    const path = await temporaryFile('x.mp4', whole.subarray(0, whole.length - 100));
    const tags = await readFile(path);
    expect(tags.length).toBeGreaterThan(3 + 6 * 75 - 10);
    expect(tags.slice(3)).toEqual(clip.slice(3, tags.length));
    expect((await indexOf(path, plan)).durationMs).toBeGreaterThan(5_900);
  });

  it('is no media when there is not even its head', async () => {
    const path = await temporaryFile('x.mp4', mp4Bytes(clip, false).subarray(0, 60));
    const error: unknown = await openMediaFile(path).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'MediaFileError', code: 'damaged' });
  });
});
