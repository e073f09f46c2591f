import { mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { concatBytes } from '@sluice/media/bytes';
import { type FlvTag, FlvTagType } from '@sluice/media/flv';
import { isMasterPlaylist, type MediaPlaylist, parsePlaylist } from '@sluice/media/m3u8';
import { TsDemuxer, type TsEvent } from '@sluice/media/mpegts';
import { afterEach, describe, expect, it } from 'vitest';

import {
  aacHeaderTag,
  clipTags,
  flvBytes,
  metadataTag,
  temporaryDirectory,
  videoTag,
} from '../../files/test-kit.ts';
import { createHttpServer, type HttpServer } from '../http/index.ts';
import { VodHls } from './hls-door.ts';
import { VodHlsError } from './hls-errors.ts';
import { HlsGate } from './hls-gate.ts';
import type { VodHlsLimits } from './hls-limits.ts';
import { segmentNumberOf } from './hls-playlist.ts';
import { SegmentCache } from './hls-segment-cache.ts';

const servers: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(
  files: Readonly<Record<string, Uint8Array>>,
  limits: Partial<VodHlsLimits> = {},
): Promise<{ base: string; directory: string; errors: Error[] }> {
  const directory = await temporaryDirectory();
  await mkdir(join(directory, 'vod'));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(directory, 'vod', name), bytes);
  const errors: Error[] = [];
  const server = await createHttpServer({
    version: '1',
    root: directory,
    fileDoor: new VodHls({ limits }),
    onError: (error) => errors.push(error),
  });
  servers.push(server);
  await server.listen([{ host: '127.0.0.1', port: 0 }]);
  return { base: `http://127.0.0.1:${server.addresses[0]?.port ?? 0}/vod`, directory, errors };
}

async function playlistAt(url: string): Promise<MediaPlaylist> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  const playlist = parsePlaylist(await response.text());
  if (isMasterPlaylist(playlist)) throw new Error('a master playlist');
  return playlist;
}

async function bytesAt(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return response.bytes();
}

/** DTS of pictures or PTS of audio frames, ms, as a demuxer sees them. */
function times(events: readonly TsEvent[], kind: 'audio' | 'video'): number[] {
  return events.flatMap((event) => {
    if (event.kind === 'video' && kind === 'video') return [event.dts / 90];
    return event.kind === 'audio' && kind === 'audio' ? [event.pts / 90] : [];
  });
}

/** Packets whose continuity counter does not go on, and does not say so (ISO/IEC 13818-1 2.4.3.3). */
function gapsIn(stream: Uint8Array): number {
  const counters = new Map<number, number>();
  let gaps = 0;
  for (let at = 0; at < stream.length; at += 188) {
    const [sync = 0, high = 0, low = 0, control = 0, length = 0, flags = 0] = stream.subarray(at, at + 6);
    expect(sync).toBe(0x47);
    const pid = ((high & 0x1f) << 8) | low;
    const last = counters.get(pid);
    const counter = control & 0x0f;
    const hasPayload = (control & 0x10) !== 0;
    const says = (control & 0x20) !== 0 && length > 0 && (flags & 0x80) !== 0;
    const next = last === undefined ? counter : (last + (hasPayload ? 1 : 0)) & 0x0f;
    if (counter !== next && !says) gaps += 1;
    counters.set(pid, counter);
  }
  return gaps;
}

const tenMinutes = clipTags(600_000, 2_000);

describe('VodHls', () => {
  it('H001 plays a recording as HLS: every frame once, and no gap between segments', async () => {
    const { base } = await serve({ 'x.flv': flvBytes(clipTags(45_000, 2_000)) });
    const playlist = await playlistAt(`${base}/x.flv/index.m3u8`);
    expect(playlist).toMatchObject({
      playlistType: 'VOD',
      endList: true,
      targetDuration: 10,
      mediaSequence: 0,
    });
    expect(playlist.segments.map(({ uri, duration }) => [uri, duration])).toEqual([
      ['0.ts', 10],
      ['1.ts', 10],
      ['2.ts', 10],
      ['3.ts', 10],
      ['4.ts', 5],
    ]);
    const demuxer = new TsDemuxer();
    const events: TsEvent[] = [];
    const segments: Uint8Array[] = [];
    for (const { uri } of playlist.segments) {
      const segment = await bytesAt(`${base}/x.flv/${uri}`);
      // Each segment can be played alone.
      const alone = new TsDemuxer();
      const own = [...alone.write(segment), ...alone.end()];
      expect(own.find(({ kind }) => kind === 'video')).toMatchObject({ keyframe: true });
      events.push(...demuxer.write(segment));
      segments.push(segment);
    }
    events.push(...demuxer.end());
    expect(times(events, 'video')).toEqual(Array.from({ length: 1_125 }, (_, index) => index * 40));
    // Frames inside a PES are timed by the sample rate: the number is what counts.
    expect(times(events, 'audio').length).toBe(2_250);
    expect(demuxer.counters).toMatchObject({ damagedPes: 0, badSections: 0 });
    expect(gapsIn(concatBytes(segments))).toBe(0);
    expect(events.filter(({ kind }) => kind === 'program').length).toBe(1);
  });

  it('answers with what caches need, HEAD and conditions included', async () => {
    const { base } = await serve({ 'x.flv': flvBytes(tenMinutes) });
    const playlist = await fetch(`${base}/x.flv/index.m3u8`);
    expect(playlist.headers.get('content-type')).toBe('application/vnd.apple.mpegurl');
    expect(playlist.headers.get('cache-control')).toBe('no-cache');
    const segment = await fetch(`${base}/x.flv/7.ts`);
    const bytes = await segment.bytes();
    expect(segment.headers.get('content-type')).toBe('video/MP2T');
    expect(segment.headers.get('cache-control')).toBe('public, max-age=300');
    expect(segment.headers.get('content-length')).toBe(String(bytes.length));
    const head = await fetch(`${base}/x.flv/7.ts`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(bytes.length));
    for (const [url, etag] of [
      [`${base}/x.flv/7.ts`, segment.headers.get('etag')],
      [`${base}/x.flv/index.m3u8`, playlist.headers.get('etag')],
    ] as const) {
      const again = await fetch(url, { headers: { 'if-none-match': etag ?? '' } });
      expect(again.status).toBe(304);
    }
    const part = await fetch(`${base}/x.flv/7.ts`, { headers: { range: 'bytes=188-375' } });
    expect(part.status).toBe(206);
    expect(await part.bytes()).toEqual(bytes.slice(188, 376));
  });

  it('hands the query on to the segments, up to its limit', async () => {
    const { base } = await serve({ 'x.flv': flvBytes(clipTags(2_000)) }, { maxQueryBytes: 20 });
    const playlist = await playlistAt(`${base}/x.flv/index.m3u8?vhost=a.test`);
    expect(playlist.segments[0]?.uri).toBe('0.ts?vhost=a.test');
    expect((await fetch(`${base}/x.flv/index.m3u8?vhost=${'a'.repeat(20)}`)).status).toBe(400);
  });

  it('a recording that grows has more segments, and one that is replaced has its own', async () => {
    const whole = flvBytes(tenMinutes);
    const { base, directory } = await serve({ 'x.flv': whole.subarray(0, whole.length / 2) });
    const path = join(directory, 'vod', 'x.flv');
    const half = await playlistAt(`${base}/x.flv/index.m3u8`);
    await writeFile(path, whole);
    const full = await playlistAt(`${base}/x.flv/index.m3u8`);
    expect(half.segments.length).toBeLessThan(32);
    expect(full.segments.length).toBe(60);
    expect(full.segments.slice(0, half.segments.length - 1)).toEqual(half.segments.slice(0, -1));
    await bytesAt(`${base}/x.flv/59.ts`);
    await writeFile(path, flvBytes(clipTags(3_000)));
    await utimes(path, 1, 1);
    expect((await fetch(`${base}/x.flv/59.ts`)).status).toBe(404);
    expect((await playlistAt(`${base}/x.flv/index.m3u8`)).segments.length).toBe(1);
  });

  it('names what cannot be played, and tells no path', async () => {
    const opus: FlvTag = {
      type: FlvTagType.audio,
      timestamp: 0,
      body: Uint8Array.from([0x91, ...Buffer.from('Opus'), 1]),
    };
    const { base, directory, errors } = await serve({
      'x.flv': flvBytes(clipTags(2_000)),
      'text.flv': new TextEncoder().encode('no media at all'),
      'empty.flv': flvBytes([metadataTag()]),
      'bad.flv': new Uint8Array(99).fill(0x46),
      'opus.flv': flvBytes([opus]),
    });
    const cases: [string, number, string][] = [
      ['none.flv/index.m3u8', 404, ''],
      ['text.flv/index.m3u8', 404, 'neither FLV nor MP4'],
      ['empty.flv/index.m3u8', 404, 'no audio and no video'],
      ['bad.flv/index.m3u8', 404, ''],
      ['opus.flv/index.m3u8', 404, "MPEG-TS can't carry opus"],
      ['x.flv/1.ts', 404, 'no segment 1'],
      ['x.flv/999999999.ts', 404, 'no segment'],
      ['x.flv/01.ts', 404, ''],
      ['x.flv/-1.ts', 404, ''],
      ['x.flv/1e3.ts', 404, ''],
      ['x.flv/other.m3u8', 404, ''],
      ['x.flv/0.ts/index.m3u8', 404, ''],
    ];
    for (const [path, status, words] of cases) {
      const response = await fetch(`${base}/${path}`);
      const text = await response.text();
      expect([path, response.status]).toEqual([path, status]);
      expect(text).toContain(words);
      expect(text).not.toContain(directory);
    }
    expect((await fetch(`${base}/x.flv`)).status).toBe(200);
    expect(errors).toEqual([]);
  });

  it('leads to no file outside the directory', async () => {
    const outside = await temporaryDirectory();
    await writeFile(join(outside, 'secret.flv'), flvBytes(clipTags(2_000)));
    const { base, directory } = await serve({ '.hidden.flv': flvBytes(clipTags(2_000)) });
    await symlink(join(outside, 'secret.flv'), join(directory, 'vod', 'link.flv'));
    for (const path of [
      'link.flv/index.m3u8',
      '.hidden.flv/index.m3u8',
      '..%2f..%2fsecret.flv/index.m3u8',
      `%2e%2e/%2e%2e${outside}/secret.flv/0.ts`,
    ]) {
      expect((await fetch(`${base}/${path}`)).status).toBeGreaterThanOrEqual(400);
    }
  });

  it('a segment over the limit is not made', async () => {
    const tags = [...clipTags(2_000), aacHeaderTag(), videoTag(2_000, true, 500_000)];
    const { base } = await serve({ 'x.flv': flvBytes(tags) }, { maxSegmentBytes: 400_000 });
    const response = await fetch(`${base}/x.flv/0.ts`);
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('over 400000 bytes');
  });

  it('many viewers at once share the work', async () => {
    const { base } = await serve({ 'x.flv': flvBytes(tenMinutes) }, { maxPacks: 1, maxWaiting: 3 });
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => fetch(`${base}/x.flv/9.ts`).then((response) => response.status)),
    );
    expect(new Set(answers)).toEqual(new Set([200]));
  });
});

describe('the limits of recordings as HLS', () => {
  it('a gate runs so many, lets so many wait, and refuses more', async () => {
    const gate = new HlsGate(1, 1);
    const order: string[] = [];
    let finish = (): void => undefined;
    const first = gate.run(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    const second = gate.run(async () => {
      order.push('second');
    });
    await expect(gate.run(async () => undefined)).rejects.toBeInstanceOf(VodHlsError);
    order.push('finish');
    finish();
    await Promise.all([first, second]);
    await expect(gate.run(() => Promise.reject(new Error('x')))).rejects.toThrow('x');
    await gate.run(async () => {
      order.push('last');
    });
    expect(order).toEqual(['finish', 'second', 'last']);
  });

  it('segments are kept up to so many bytes, the newest ones', async () => {
    const cache = new SegmentCache(100);
    let made = 0;
    const make = (size: number) => async (): Promise<Uint8Array> => {
      made += 1;
      return new Uint8Array(size);
    };
    await cache.get('a', make(40));
    await cache.get('b', make(40));
    await cache.get('a', make(40));
    await cache.get('c', make(40));
    expect([made, cache.bytes]).toEqual([3, 80]);
    await cache.get('a', make(40));
    expect(made).toBe(3);
    await cache.get('b', make(101));
    expect([made, cache.bytes]).toEqual([4, 80]);
    await expect(cache.get('d', () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect((await cache.get('d', make(1))).length).toBe(1);
  });

  it('knows the names of segments', () => {
    expect(['0.ts', '12.ts', '007.ts', '1234567890.ts', 'x.ts', '1.TS', ''].map(segmentNumberOf)).toEqual([
      0,
      12,
      ...Array.from({ length: 5 }, () => undefined),
    ]);
  });
});
