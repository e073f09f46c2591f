import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { parseVideoTagHeader } from '@sluice/media/flv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  awaitPlaylist,
  clipTags,
  downloadSegments,
  FlvViewer,
  haveFfmpeg,
  isKeyframe,
  isSequenceHeader,
  type MediaMessage,
  openPublisher,
  type Packet,
  packets,
  type SluiceUnderTest,
  startSluice,
  waitFor,
} from '../harness/index.ts';

/** Times of a track, ms, from the first frame of any on: what has to be the same everywhere. */
interface Times {
  readonly video: readonly number[];
  readonly audio: readonly number[];
}

function compositionOf(body: Uint8Array): number {
  return parseVideoTagHeader(body)?.compositionTime ?? 0;
}

/** Presentation times of what is published. */
function timesOf(frames: readonly MediaMessage[]): Times {
  const first = Math.min(...frames.map(({ timestamp }) => timestamp));
  const of = (kind: number): number[] =>
    frames
      .filter(({ type }) => type === kind)
      .map(({ timestamp, body }) => timestamp - first + (kind === 9 ? compositionOf(body) : 0))
      .sort((a, b) => a - b);
  return { video: of(9), audio: of(8) };
}

/** The same of what a demuxer found; a container may count from a time of its own. */
function timesOfPackets(found: readonly Pick<Packet, 'kind' | 'pts'>[], source: Times): Times {
  const of = (kind: Packet['kind']): number[] =>
    found
      .filter((packet) => packet.kind === kind)
      .map(({ pts }) => pts * 1000)
      // Of sound that begins late in a TS, ffprobe gives a PES's first frame a time only.
      .filter((time) => !Number.isNaN(time))
      .sort((a, b) => a - b);
  const [video, audio] = [of('video'), of('audio')];
  const shift = (video[0] ?? 0) - (source.video[0] ?? 0);
  return { video: video.map((time) => time - shift), audio: audio.map((time) => time - shift) };
}

/** Compares up to the rounding of clocks; audio in TS and MP4 has times of its own within a PES or by samples. */
function expectTimes(found: Times, source: Times, leastShare: number): void {
  expect(found.video.length).toBeGreaterThanOrEqual(source.video.length * leastShare);
  for (const [index, time] of found.video.entries()) {
    expect(Math.abs(time - (source.video[index] ?? Infinity))).toBeLessThanOrEqual(1);
  }
  if (source.audio.length === 0) return;
  expect(Math.abs((found.audio[0] ?? Infinity) - (source.audio[0] ?? 0))).toBeLessThanOrEqual(30);
  expect(Math.abs((found.audio.at(-1) ?? Infinity) - (source.audio.at(-1) ?? 0))).toBeLessThanOrEqual(60);
  if (found.audio.length < source.audio.length * leastShare) return;
  for (const [index, time] of found.audio.entries()) {
    expect(Math.abs(time - (source.audio[index] ?? Infinity))).toBeLessThanOrEqual(60);
  }
}

/** Puts a track behind the other one on the wire; its times stay. */
function lateOnTheWire(frames: readonly MediaMessage[], type: 8 | 9, byMs: number): MediaMessage[] {
  const due = (frame: MediaMessage): number => frame.timestamp + (frame.type === type ? byMs : 0);
  return frames.toSorted((a, b) => due(a) - due(b));
}

/** Frames with composition times that are too small, as of an encoder that counts no delay. */
function composedEarlier(frames: readonly MediaMessage[], byMs: number): MediaMessage[] {
  return frames.map((frame) => {
    if (frame.type !== 9) return frame;
    const body = Uint8Array.from(frame.body);
    const composition = compositionOf(body) - byMs;
    for (const [at, shift] of [16, 8, 0].entries()) body[2 + at] = (composition >> shift) & 0xff;
    return { ...frame, body };
  });
}

describe.runIf(haveFfmpeg)('timestamps that are right', () => {
  let sluice: SluiceUnderTest;

  beforeAll(async () => {
    const dvr = (extension: string): string =>
      `dvr { enabled on; dvr_plan session; dvr_path ./rec/[app]/[stream].${extension}; }`;
    sluice = await startSluice({
      root: `vhost mp4.test { ${dvr('mp4')} }`,
      vhost: `mw_latency 50; publish { normal_timeout 600000; } ${dvr('flv')}
        hls { enabled on; hls_path ./; hls_fragment 2; hls_window 60; }`,
    });
  });
  afterAll(() => sluice.stop());

  async function recorded(name: string): Promise<readonly Packet[]> {
    const folder = join(sluice.folder, 'rec/live');
    await waitFor(
      async () => ((await readdir(folder).catch(() => [] as string[])).includes(name) ? true : undefined),
      `${name} is recorded`,
    );
    return packets(join(folder, name));
  }

  /** Publishes, and gives what HTTP-FLV, HLS and both recordings made of it. */
  async function published(
    stream: string,
    headers: readonly MediaMessage[],
    frames: readonly MediaMessage[],
  ) {
    const viewer = await FlvViewer.open(sluice.httpUrl(`/live/${stream}.flv`));
    for (const app of ['live', 'live?vhost=mp4.test']) {
      const publisher = await openPublisher(sluice.ports.rtmp, stream, { app });
      publisher.sendAllMedia([...headers, ...frames]);
      await publisher.synced();
      await publisher.close();
    }
    const isFrame = (tag: MediaMessage): boolean => tag.type !== 18 && !isSequenceHeader(tag);
    const flv = await viewer.until('every frame came by HTTP-FLV', () => {
      const tags = viewer.media().filter(isFrame);
      return tags.length >= frames.length ? tags : undefined;
    });
    viewer.close();
    const flvFile = await recorded(`${stream}.flv`);
    const mp4File = await recorded(`${stream}.mp4`);
    // The recording is finished, so the last segment is there as well.
    const playlist = await awaitPlaylist(sluice.httpUrl(`/live/${stream}.m3u8`), () => true, 'HLS');
    const hls = await packets(await downloadSegments(playlist, join(sluice.folder, `${stream}.all.ts`)));
    return { flv, flvFile, mp4File, hls, playlist };
  }

  it('P016 L002 V001 one frame a second without sound is one frame a second', async () => {
    const { tags } = await clipTags('h264-only');
    const headers = tags.filter((tag) => tag.type === 18 || isSequenceHeader(tag));
    const pictures = tags.filter(isKeyframe);
    const frames = Array.from({ length: 3 }, () => pictures)
      .flat()
      .map((frame, index) => ({ ...frame, timestamp: index * 1000 }));
    const source = timesOf(frames);
    const { flv, flvFile, mp4File, hls, playlist } = await published('one-fps', headers, frames);
    expect(timesOf(flv)).toEqual(source);
    for (const found of [flvFile, mp4File, hls]) expectTimes(timesOfPackets(found, source), source, 1);
    const lengths = playlist.segments.map(({ duration }) => duration);
    expect(lengths.reduce((sum, one) => sum + one, 0)).toBe(frames.length);
    expect(playlist.text).not.toContain('DISCONTINUITY');
  });

  it.each([
    ['sound 1.5 s ahead', 9, 1500],
    ['sound 1.5 s behind', 8, 1500],
    ['all sound before the picture', 9, 8000],
    ['the whole picture before the sound', 8, 8000],
  ] as const)(
    'P016 L002 V001 tracks that are apart on the wire stay in step: %s',
    async (name, type, late) => {
      const clip = await clipTags('h264-aac');
      const headers = clip.tags.filter((tag) => tag.type === 18 || isSequenceHeader(tag));
      const frames = lateOnTheWire(clip.frames, type, late);
      const source = timesOf(clip.frames);
      const stream = name.replaceAll(' ', '-');
      const { flv, flvFile, mp4File, hls, playlist } = await published(stream, headers, frames);
      const live = flv.map(
        ({ type, timestamp }) => ({ kind: type === 9 ? 'video' : 'audio', pts: timestamp / 1000 }) as const,
      );
      expectTimes(timesOfPackets(live, source), source, 1);
      expectTimes(timesOfPackets(flvFile, source), source, 1);
      expectTimes(timesOfPackets(mp4File, source), source, 1);
      expectTimes(timesOfPackets(hls, source), source, 0.95);
      expect(playlist.text).not.toContain('DISCONTINUITY');
    },
  );

  it.each([80, 200])(
    'P016 L017 V001 composition times that are %d ms too small: each picture has its own PTS, in order',
    async (early) => {
      const clip = await clipTags('h264-bframes-aac');
      const headers = clip.tags.filter((tag) => tag.type === 18 || isSequenceHeader(tag));
      const frames = composedEarlier(clip.frames, early);
      const source = timesOf(frames);
      expect(source.video.length).toBe(new Set(source.video).size);
      expect(frames.some(({ type, body }) => type === 9 && compositionOf(body) < 0)).toBe(true);
      const { flv, flvFile, mp4File, hls } = await published(`early-${early}`, headers, frames);
      expect(timesOf(flv)).toEqual(source);
      expectTimes(timesOfPackets(flvFile, source), source, 1);
      expectTimes(timesOfPackets(mp4File, source), source, 1);
      expectTimes(timesOfPackets(hls, source), source, 0.95);
      const video = hls.filter(({ kind }) => kind === 'video');
      for (const [index, { dts }] of video.entries()) {
        if (index > 0) expect(dts).toBeGreaterThan(video[index - 1]?.dts ?? Infinity);
      }
      // The first pictures came before it was known how early they are shown.
      for (const { pts, dts } of video.slice(25)) expect(pts).toBeGreaterThanOrEqual(dts);
    },
  );
});
