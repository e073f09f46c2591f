import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { chunkedSize, writeChunkedPayload, writeChunkHeader0 } from '@sluice/rtmp';
import {
  bodies,
  clipTags,
  fixture,
  FlvViewer,
  framemd5,
  haveFfmpeg,
  isSequenceHeader,
  openPlayer,
  openPublisher,
  packets,
  publish,
  record,
  shifted,
  startSluice,
} from '../harness/index.ts';
import type { Clip, MediaMessage, SluiceUnderTest } from '../harness/index.ts';

/** From here on a timestamp needs the extended field. */
const EXTENDED = 0xff_ffff;
/** Largest step of a corrected stream, ms (P016). */
const LARGEST_STEP_MS = 500;

describe.runIf(haveFfmpeg)('timestamps', () => {
  let clip: Clip;
  let servers: Readonly<Record<'full' | 'zero' | 'off' | 'atc' | 'mixed', SluiceUnderTest>>;

  beforeAll(async () => {
    clip = await clipTags('h264-aac');
    const [full, zero, off, atc, mixed] = await Promise.all(
      ['time_jitter full;', 'time_jitter zero;', 'time_jitter off;', 'atc on;', 'mix_correct on;'].map(
        async (vhost) => startSluice({ vhost: `mw_latency 50; publish { normal_timeout 600000; } ${vhost}` }),
      ),
    );
    if (
      full === undefined ||
      zero === undefined ||
      off === undefined ||
      atc === undefined ||
      mixed === undefined
    )
      throw new Error('a server is missing');
    servers = { full, zero, off, atc, mixed };
  });
  afterAll(async () => {
    await Promise.all(Object.values(servers).map((sluice) => sluice.stop()));
  });

  const frames = (media: readonly MediaMessage[]): readonly MediaMessage[] =>
    media.filter((message) => message.type !== 18 && !isSequenceHeader(message));
  const times = (media: readonly MediaMessage[]): readonly number[] =>
    media.map(({ timestamp }) => timestamp);

  /** Publishes tags while an RTMP and an HTTP-FLV player watch from before the start; gives what they got. */
  async function relay(
    sluice: SluiceUnderTest,
    stream: string,
    tags: readonly MediaMessage[],
  ): Promise<{ readonly rtmp: readonly MediaMessage[]; readonly flv: readonly MediaMessage[] }> {
    const wanted = frames(tags).length;
    const player = await openPlayer(sluice.ports.rtmp, stream);
    const viewer = await FlvViewer.open(sluice.httpUrl(`/live/${stream}.flv`));
    const publisher = await openPublisher(sluice.ports.rtmp, stream);
    publisher.sendAllMedia(tags);
    await publisher.synced();
    // What is held back to be put in order comes when nothing can follow any more.
    await publisher.close();
    const rtmp = await player.until('every frame came by RTMP', () =>
      frames(player.media()).length >= wanted ? frames(player.media()) : undefined,
    );
    const flv = await viewer.until('every frame came by HTTP-FLV', () =>
      frames(viewer.media()).length >= wanted ? frames(viewer.media()) : undefined,
    );
    viewer.close();
    await player.close();
    return { rtmp, flv };
  }

  const starts = [
    ['R011 R012: across 0xFFFFFF', EXTENDED - 3000],
    ['R011 R012: far beyond 0xFFFFFF', 0x1234_5678],
    ['R012: across 2^31', 2 ** 31 - 3000],
    ['R012: across 2^32', 2 ** 32 - 3000],
  ] as const;

  describe.each(starts)('%s', (_name, start) => {
    it.each(['full', 'zero', 'mixed'] as const)('P016 P017: plays from 0 with %s', async (mode) => {
      const { rtmp, flv } = await relay(servers[mode], `from-${start}`, shifted(clip.tags, start));
      const source = clip.frames;
      const expected = mode === 'mixed' ? [...source].sort((a, b) => a.timestamp - b.timestamp) : source;
      expect(times(rtmp)).toEqual(times(expected));
      expect(times(flv)).toEqual(times(expected));
      if (mode === 'mixed') return;
      expect(bodies(rtmp)).toEqual(bodies(source));
      expect(bodies(flv)).toEqual(bodies(source));
    });

    it.each(['off', 'atc'] as const)('P016 P018: keeps its own times with %s', async (mode) => {
      const { rtmp, flv } = await relay(servers[mode], `own-${start}`, shifted(clip.tags, start));
      const own = times(clip.frames).map((time) => time + start);
      // RTMP has 31 bits of them.
      expect(times(rtmp).map((time) => time % 2 ** 31)).toEqual(own.map((time) => time % 2 ** 31));
      expect(times(flv).map((time) => time % 2 ** 31)).toEqual(own.map((time) => time % 2 ** 31));
      for (const kind of [8, 9]) {
        const track = times(flv.filter(({ type }) => type === kind));
        expect([...track].sort((a, b) => a - b)).toEqual(track);
      }
      expect(bodies(rtmp)).toEqual(bodies(clip.frames));
    });
  });

  it('R011: extended timestamps that are not repeated in continuation chunks are understood', async () => {
    const sluice = servers.zero;
    const player = await openPlayer(sluice.ports.rtmp, 'librtmp');
    const publisher = await openPublisher(sluice.ports.rtmp, 'librtmp');
    publisher.setChunkSize(128);
    const tags = shifted(clip.tags, EXTENDED + 5);
    for (const { type, timestamp, body } of tags) {
      const chunkStream = type === 9 ? 6 : 7;
      const bytes = new Uint8Array(chunkedSize(body.length, 128, 16, false));
      const start = writeChunkHeader0(bytes, 0, chunkStream, timestamp, body.length, type, 1);
      writeChunkedPayload(bytes, start, body, 128, chunkStream, undefined);
      publisher.sendBytes(bytes);
    }
    const media = await player.until('every frame came', () =>
      frames(player.media()).length >= clip.frames.length ? frames(player.media()) : undefined,
    );
    expect(bodies(media)).toEqual(bodies(clip.frames));
    await Promise.all([player.close(), publisher.close()]);
  });

  it.each([
    ['back by an hour', 3_600_000, -3_600_000],
    ['forward by hours', 0, 5 * 3_600_000],
    ['forward across 2^31', 0, 2 ** 31],
    ['back a little', 10_000, -700],
  ])(
    'P016: full makes a jump %s one small step, and keeps audio and video in step',
    async (name, start, jump) => {
      const half = clip.frames.length / 2;
      const head = clip.tags.length - clip.frames.length;
      const before = shifted(clip.tags.slice(0, head + half), start);
      const after = shifted(clip.frames.slice(half), start + jump);
      const { rtmp, flv } = await relay(servers.full, `jump ${name}`.replaceAll(' ', '-'), [
        ...before,
        ...after,
      ]);
      expect(bodies(rtmp)).toEqual(bodies(clip.frames));
      for (const media of [rtmp, flv]) {
        expect(media[0]?.timestamp).toBe(0);
        const latest = new Map<number, number>();
        for (const { type, timestamp } of media) {
          const last = latest.get(type) ?? timestamp;
          expect(timestamp).toBeGreaterThanOrEqual(last);
          expect(timestamp - last).toBeLessThanOrEqual(LARGEST_STEP_MS);
          latest.set(type, timestamp);
        }
        const source = times(clip.frames);
        for (const [index, { timestamp }] of media.entries())
          expect(Math.abs(timestamp - (source[index] ?? 0))).toBeLessThanOrEqual(2 * LARGEST_STEP_MS);
      }
    },
  );

  it.each(['zero', 'off', 'atc'] as const)(
    'P016 P018: a jump passes with %s, and nothing is lost',
    async (mode) => {
      const half = clip.frames.length / 2;
      const head = clip.tags.length - clip.frames.length;
      const tags = [
        ...clip.tags.slice(0, head + half),
        ...shifted(clip.frames.slice(half), 5 * 3_600_000),
        ...shifted(clip.frames.slice(half), -1000),
      ];
      const { rtmp, flv } = await relay(servers[mode], `jump-${mode}`, tags);
      expect(bodies(rtmp)).toEqual(bodies(frames(tags)));
      expect(bodies(flv)).toEqual(bodies(frames(tags)));
      expect(times(rtmp)).toEqual(times(frames(tags)));
      expect(times(flv)).toEqual(times(frames(tags)));
    },
  );

  it('R012: ffmpeg plays a stream that crosses 4.66 hours, from 0 and without a fault', async () => {
    const sluice = servers.full;
    const file = await fixture('h264-bframes-aac');
    const folder = await mkdtemp(join(tmpdir(), 'sluice-times-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const recording = record(sluice.rtmpUrl('long'), join(folder, 'long.flv'), 6);
    await sluice.logged(/play \S+\/live\/long /);
    const publisher = publish({
      file,
      url: sluice.rtmpUrl('long'),
      // More than the players take, however late they are.
      loop: true,
      outputArgs: ['-output_ts_offset', String(EXTENDED / 1000 - 3)],
    });
    onTestFinished(() => publisher.kill());
    await sluice.published('long');
    // A player that comes late, too, while the border is near.
    const [late] = await Promise.all([packets(sluice.rtmpUrl('long'), 2), recording]);
    expect(Math.min(...late.map(({ dts }) => dts))).toBeLessThan(0.05);
    const pictures = (await framemd5(join(folder, 'long.flv'), 'v')).map(({ md5 }) => md5);
    const source = (await framemd5(file, 'v')).map(({ md5 }) => md5);
    expect(pictures.length).toBeGreaterThan(140);
    // The recording may end between a picture and those that are decoded after it and shown before it.
    const whole = pictures.slice(0, -3);
    expect(whole).toEqual(source.slice(0, whole.length));
  });
});
