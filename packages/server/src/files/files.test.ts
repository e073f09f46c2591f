import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { type FlvTag, FlvTagType, parseFlvMetadata } from '@sluice/media/flv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { FileTimeline } from './file-timeline.ts';
import { type MediaFile, MediaFileError, openMediaFile } from './index.ts';
import { Pace } from './pace.ts';
import { type LiveTag, playFile, type PlayFileOptions } from './play-file.ts';
import {
  aacHeaderTag,
  audioTag,
  avcHeaderTag,
  clipTags,
  FakeClock,
  flvBytes,
  metadataTag,
  temporaryDirectory,
  temporaryFile,
  videoTag,
} from './test-kit.ts';

async function allTags(file: MediaFile): Promise<FlvTag[]> {
  const all: FlvTag[] = [];
  for await (const tags of file.tags()) all.push(...tags);
  return all;
}

/** A file that is not on a disk. */
function memoryFile(tags: readonly FlvTag[]): MediaFile {
  return {
    path: 'memory.flv',
    format: 'flv',
    skipped: [],
    async *tags() {
      if (tags.length > 0) yield tags;
    },
    close: () => Promise.resolve(),
  };
}

/** What a player gets, with the time of the clock at which it gets it. */
async function played(
  tags: readonly FlvTag[],
  options: PlayFileOptions = {},
): Promise<{ tag: LiveTag; at: number }[]> {
  const clock = new FakeClock();
  const begin = clock.time;
  const result: { tag: LiveTag; at: number }[] = [];
  for await (const batch of playFile(memoryFile(tags), { clock, ...options })) {
    for (const tag of batch) result.push({ tag, at: clock.time - begin });
  }
  return result;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof MediaFileError ? error.code : String(error);
}

describe('openMediaFile', () => {
  it('X004 reads the tags of an FLV file in order, whatever its name', async () => {
    const tags = clipTags(30_000);
    const file = await openMediaFile(await temporaryFile('x.dat', flvBytes(tags)));
    expect(file.format).toBe('flv');
    expect(await allTags(file)).toEqual(tags);
    expect(await allTags(file)).toEqual(tags);
    await file.close();
  });

  it('ends an unfinished file with its last whole tag', async () => {
    const bytes = flvBytes(clipTags(1_000));
    const file = await openMediaFile(await temporaryFile('x.flv', bytes.subarray(0, bytes.length - 6)));
    expect(await allTags(file)).toEqual(clipTags(1_000).slice(0, -1));
    await file.close();
  });

  it('names what is wrong with a path', async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, 'sub'));
    expect(await codeOf(openMediaFile(join(directory, 'none.flv')))).toBe('missing');
    expect(await codeOf(openMediaFile(join(directory, 'sub')))).toBe('not-a-file');
    for (const bytes of [new Uint8Array(0), new TextEncoder().encode('RIFF----WAVEfmt ')]) {
      expect(await codeOf(openMediaFile(await temporaryFile('x.flv', bytes)))).toBe('not-media');
    }
  });

  it('a damaged file gives what comes before, then its error', async () => {
    const good = flvBytes(clipTags(200));
    const bytes = new Uint8Array(good.length + 20).fill(0xff);
    bytes.set(good);
    const file = await openMediaFile(await temporaryFile('x.flv', bytes));
    expect(await codeOf(allTags(file))).toBe('damaged');
    await file.close();
  });

  it('changed bytes give tags or a MediaFileError, nothing else', async () => {
    const good = flvBytes(clipTags(400));
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), async (at, value) => {
        const bytes = good.slice();
        bytes[at] = value;
        const path = await temporaryFile('x.flv', bytes);
        try {
          const file = await openMediaFile(path);
          try {
            await allTags(file);
          } finally {
            await file.close();
          }
        } catch (error) {
          expect(error).toBeInstanceOf(MediaFileError);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('playFile', () => {
  it('X007 gives each tag when it is due, from 0 on', async () => {
    const result = await played(clipTags(2_000, 1_000, 77_000));
    for (const { tag, at } of result) expect(at).toBe(tag.timestamp);
    expect(result.at(-1)?.tag.timestamp).toBe(1_980);
    expect(result.filter(({ tag }) => tag.role === 'keyframe').map(({ at }) => at)).toEqual([0, 1_000]);
  });

  it('plays at another speed, and without any wait', async () => {
    expect((await played(clipTags(2_000), { speed: 2 })).at(-1)?.at).toBe(990);
    const clock = new FakeClock();
    await played(clipTags(2_000), { speed: Infinity, clock });
    expect(clock.sleeps).toBe(0);
  });

  it('a loop goes on without a gap, and says its headers once', async () => {
    const result = await played(clipTags(2_000, 1_000, 500), { rounds: 50 });
    const videos = result.filter(
      ({ tag }) => tag.type === FlvTagType.video && tag.role !== 'sequence-header',
    );
    expect(videos.map(({ tag }) => tag.timestamp)).toEqual(videos.map((_, index) => index * 40));
    expect(videos.length).toBe(50 * 50);
    const audios = result.filter(({ tag }) => tag.type === FlvTagType.audio && tag.role === 'media');
    expect(audios.map(({ tag }) => tag.timestamp)).toEqual(audios.map((_, index) => index * 20));
    expect(result.filter(({ tag }) => tag.role === 'sequence-header').length).toBe(2);
    expect(result.filter(({ tag }) => tag.role === 'data').length).toBe(1);
  });

  it('sends a sequence header again when it changes', async () => {
    const tags = [avcHeaderTag(0, 1), videoTag(0, true), avcHeaderTag(40, 2), videoTag(40, true)];
    const result = await played(tags, { rounds: 2 });
    expect(result.filter(({ tag }) => tag.role === 'sequence-header').map(({ at }) => at)).toEqual([
      0, 0, 40, 80,
    ]);
  });

  it('drops the end of the sequence between rounds, and keeps it at the end', async () => {
    const end = { type: FlvTagType.video, timestamp: 40, body: Uint8Array.of(0x17, 2, 0, 0, 0) };
    const result = await played([avcHeaderTag(), videoTag(0, true), end], { rounds: 3 });
    expect(result.map(({ tag }) => tag.body[1])).toEqual([0, 1, 1, 1, 2]);
  });

  it('takes what is true of a file only out of the metadata', async () => {
    const properties = new Map([
      ['duration', 12],
      ['filesize', 3],
      ['width', 640],
    ]);
    const [first] = await played([metadataTag(properties), videoTag(0, true)]);
    const metadata = parseFlvMetadata(first?.tag.body ?? new Uint8Array(0));
    expect([...(metadata?.properties.keys() ?? [])]).toEqual(['width']);
  });

  it('ends when it is aborted', async () => {
    const abort = new AbortController();
    const result: LiveTag[] = [];
    const options = { clock: new FakeClock(), rounds: Infinity, signal: abort.signal };
    for await (const batch of playFile(memoryFile(clipTags(1_000)), options)) {
      result.push(...batch);
      if (result.length > 500) abort.abort();
    }
    expect(result.length).toBeLessThan(510);
  });

  it('a file without media ends a loop with an error', async () => {
    for (const tags of [[], [metadataTag(), avcHeaderTag(), aacHeaderTag()]]) {
      expect(await codeOf(played(tags, { rounds: Infinity }))).toBe('no-media');
    }
  });
});

describe('FileTimeline', () => {
  it('goes on where a file of a few seconds was put behind another', () => {
    const timeline = new FileTimeline();
    const parts = [0, 0].flatMap(() => [
      timeline.next('video', 0),
      timeline.next('audio', 10),
      timeline.next('video', 2_000),
      // Tracks that are far apart are no jump.
      timeline.next('audio', 1_200),
      timeline.next('video', 2_040),
    ]);
    expect(parts).toEqual([0, 10, 2_000, 1_200, 2_040, 2_080, 2_090, 4_080, 3_280, 4_120]);
  });

  it('closes jumps of the clock in both directions', () => {
    const timeline = new FileTimeline();
    const times = [1_000, 1_040, 900_000, 900_040, 100, 140].map((time) => timeline.next('video', time));
    expect(times).toEqual([0, 40, 80, 120, 160, 200]);
  });

  it('rounds go on behind the longest track, in whole ms for ever', () => {
    const timeline = new FileTimeline();
    // In the file the first audio stands behind the first video, and is earlier; the video lasts longest.
    const round = (): number[] => [
      timeline.next('video', 30),
      timeline.next('audio', 10),
      timeline.next('audio', 30),
      timeline.next('video', 70),
    ];
    expect(round()).toEqual([0, 0, 0, 40]);
    for (let count = 1; count < 1_000; count += 1) {
      timeline.nextRound();
      const begin = 80 + (count - 1) * 100;
      expect(round()).toEqual([begin + 20, begin, begin + 20, begin + 60]);
    }
  });
});

describe('Pace', () => {
  it('makes up for no more than the limit after a stall, and moves the clock by the rest', () => {
    let now = 0;
    const pace = new Pace(() => now, { maxLateMs: 100 });
    expect(pace.wait(0)).toBe(0);
    expect(pace.wait(40)).toBe(40);
    now = 1_000;
    expect(pace.wait(40)).toBe(-100);
    // 900 - 40 - … of the stall are lost: what was due in the last 100 ms goes out at once.
    expect(pace.wait(140)).toBe(0);
    expect(pace.wait(200)).toBe(60);
  });

  it('a short stall is made up for whole', () => {
    let now = 0;
    const pace = new Pace(() => now);
    pace.wait(0);
    now = 900;
    expect(pace.wait(40)).toBe(-860);
    expect(pace.wait(1_000)).toBe(100);
  });
});

describe('sizes', () => {
  it('a body that is larger than a read comes whole', async () => {
    const tags = [avcHeaderTag(), videoTag(0, true, 700_000), audioTag(0), videoTag(40, false, 300_000)];
    const file = await openMediaFile(await temporaryFile('x.flv', flvBytes(tags)));
    const read = await allTags(file);
    expect(read.map(({ body }) => body.length)).toEqual(tags.map(({ body }) => body.length));
    expect(Buffer.compare(flvBytes(read), flvBytes(tags))).toBe(0);
    await file.close();
  });
});
