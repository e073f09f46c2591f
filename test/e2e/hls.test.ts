import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { Parser } from 'm3u8-parser';
import { describe, expect, it, type TestContext } from 'vitest';

import {
  awaitPlaylist,
  downloadSegments,
  ffmpeg,
  FIXTURE_SECONDS,
  fixture,
  framemd5,
  haveFfmpeg,
  type HlsPlaylist,
  packets,
  probe,
  publish,
  RunningProcess,
  runSluice,
  sluiceMain,
  startSluice,
  type SluiceUnderTest,
  waitFor,
} from '../harness/index.ts';

async function start(
  onTestFinished: TestContext['onTestFinished'],
  hls = '',
  vhost = '',
): Promise<SluiceUnderTest> {
  const sluice = await startSluice({
    vhost: `hls { enabled on; hls_path ./; hls_fragment 2; hls_window 60; ${hls} } ${vhost}`,
  });
  onTestFinished(() => sluice.stop());
  return sluice;
}

/** Publishes a clip to its end; answers the playlist that has all of it. */
async function published(
  sluice: SluiceUnderTest,
  file: string,
  name: string,
  seconds = FIXTURE_SECONDS,
): Promise<HlsPlaylist> {
  const publisher = publish({ file, url: sluice.rtmpUrl(name) });
  await publisher.finished();
  return awaitPlaylist(
    sluice.httpUrl(`/live/${name}.m3u8`),
    ({ segments }) => total(segments) > seconds - 0.6,
    `the playlist of ${name} has ${seconds} s`,
  );
}

function total(segments: HlsPlaylist['segments']): number {
  return segments.reduce((sum, { duration }) => sum + duration, 0);
}

function md5s(frames: readonly { readonly md5: string }[]): string[] {
  return frames.map(({ md5 }) => md5);
}

/** Times of each kind grow, over the borders of segments, too. */
async function expectGrowingTimes(file: string): Promise<void> {
  const all = await packets(file);
  for (const kind of ['video', 'audio'] as const) {
    const times = all.filter((packet) => packet.kind === kind).map(({ dts }) => dts);
    for (const [index, time] of times.entries()) {
      if (index > 0) expect(time).toBeGreaterThan(times[index - 1] ?? Number.POSITIVE_INFINITY);
    }
  }
}

describe.runIf(haveFfmpeg).concurrent('HLS', () => {
  it.for([
    ['h264-aac', ['h264', 'aac']],
    ['h264-bframes-aac', ['h264', 'aac']],
    ['h264-mp3', ['h264', 'mp3']],
    ['aac-only', ['aac']],
    ['mp3-only', ['mp3']],
    ['h264-only', ['h264']],
  ] as const)(
    'L001 L011 L019 the segments of %s hold every frame of the source',
    async ([name, codecs], { onTestFinished }) => {
      const sluice = await start(onTestFinished);
      const source = await fixture(name);
      const playlist = await published(sluice, source, name);
      const file = await downloadSegments(playlist, join(sluice.folder, `${name}.ts`));
      const { streams } = await probe(file);
      expect(streams.map(({ codec_name }) => codec_name).sort()).toEqual([...codecs].sort());
      for (const kind of ['v', 'a'] as const) {
        if (kind === 'v' && !name.startsWith('h264')) continue;
        if (kind === 'a' && name === 'h264-only') continue;
        expect(md5s(await framemd5(file, kind))).toEqual(md5s(await framemd5(source, kind)));
      }
      await expectGrowingTimes(file);
      expect(playlist.segments.length).toBeGreaterThanOrEqual(
        codecs.length === 1 && name !== 'h264-only' ? 2 : 4,
      );
      for (const { duration } of playlist.segments) {
        // RFC 8216, 4.3.3.1: rounded to the nearest integer.
        expect(Math.round(duration)).toBeLessThanOrEqual(playlist.targetDuration);
      }
    },
  );

  it('X007 L011 HEVC, pushed by `sluice publish`, is in the segments frame by frame', async ({
    onTestFinished,
  }) => {
    const sluice = await start(onTestFinished, 'hls_vcodec h265;');
    const source = await fixture('hevc-aac');
    const push = await runSluice(['publish', source, sluice.rtmpUrl('hevc')]);
    expect(push.exit).toMatchObject({ code: 0 });
    const playlist = await awaitPlaylist(
      sluice.httpUrl('/live/hevc.m3u8'),
      ({ segments }) => total(segments) > FIXTURE_SECONDS - 0.6,
      'the playlist has all of it',
    );
    const file = await downloadSegments(playlist, join(sluice.folder, 'hevc.ts'));
    const { streams } = await probe(file);
    expect(streams.map(({ codec_name }) => codec_name).sort()).toEqual(['aac', 'hevc']);
    expect(md5s(await framemd5(file, 'v'))).toEqual(md5s(await framemd5(source, 'v')));
    await expectGrowingTimes(file);
  });

  it('L012 L013 L021 what is on the disk is what SRS writes, and the same as what is served', async ({
    onTestFinished,
  }) => {
    const sluice = await start(onTestFinished, 'hls_ctx off;');
    const playlist = await published(sluice, await fixture('h264-aac'), 'disk');
    // The disk follows the memory: a playlist is served before its file is in place.
    const text = await waitFor(async () => {
      const stored = await readFile(join(sluice.folder, 'live/disk.m3u8'), 'utf8');
      return stored === playlist.text ? stored : undefined;
    }, 'the playlist on the disk is the one that is served');
    const left = await waitFor(async () => {
      const names = await readdir(join(sluice.folder, 'live'));
      return names.some((name) => name.endsWith('.tmp')) ? undefined : names;
    }, 'no file is being written');
    expect(left.sort()).toEqual(
      ['disk.m3u8', ...playlist.segments.map(({ url }) => basename(new URL(url).pathname))].sort(),
    );
    expect(text).toMatch(
      /^#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-ALLOW-CACHE:YES\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-TARGETDURATION:2\n(#EXT-X-DISCONTINUITY\n)?#EXTINF:2\.\d{3}, no desc\ndisk-0\.ts\n/,
    );
    for (const { url } of playlist.segments) {
      const served = Buffer.from(await (await fetch(url)).arrayBuffer());
      const stored = await readFile(join(sluice.folder, new URL(url).pathname));
      expect(served.equals(stored)).toBe(true);
    }
    const parser = new Parser();
    parser.push(text);
    parser.end();
    expect(parser.manifest.segments).toHaveLength(playlist.segments.length);
  });

  it('version 6 and EXT-X-PROGRAM-DATE-TIME on request', async ({ onTestFinished }) => {
    const sluice = await start(onTestFinished, 'hls_version 6; hls_program_date_time on;');
    const before = Date.now();
    const playlist = await published(sluice, await fixture('h264-aac'), 'six');
    expect(playlist.text).toContain('#EXT-X-VERSION:6\n');
    expect(playlist.text).not.toContain('ALLOW-CACHE');
    const times = [...playlist.text.matchAll(/#EXT-X-PROGRAM-DATE-TIME:(.+)/g)].map((match) =>
      Date.parse(match[1] ?? ''),
    );
    expect(times).toHaveLength(playlist.segments.length);
    expect(times[0]).toBeGreaterThan(before - 2_000);
    expect(times[0]).toBeLessThan(Date.now());
    const parser = new Parser();
    parser.push(playlist.text);
    parser.end();
    expect(parser.manifest.version).toBe(6);
  });

  it('L014 L015 the sequence goes on over a republish and over a restart of the server', async ({
    onTestFinished,
  }) => {
    const source = await fixture('h264-aac');
    const first = await start(onTestFinished);
    const one = await published(first, source, 'again');
    const two = await published(first, source, 'again', FIXTURE_SECONDS * 2);
    expect(two.segments.length).toBeGreaterThan(one.segments.length);
    expect(two.text).toContain('#EXT-X-DISCONTINUITY\n');
    expect(two.sequence).toBe(0);
    expect(new Set(two.segments.map(({ url }) => new URL(url).pathname)).size).toBe(two.segments.length);
  });

  it('L004 L005 L024 a stream whose keyframes are far apart is still cut, by hls_aof_ratio', async ({
    onTestFinished,
  }) => {
    const sluice = await start(onTestFinished, 'hls_aof_ratio 1.5;');
    const file = join(sluice.folder, 'long-gop.flv');
    await ffmpeg([
      ...['-i', await fixture('h264-aac'), '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '1000'],
      ...['-keyint_min', '1000', '-sc_threshold', '0', '-c:a', 'copy', '-y', file],
    ]);
    const playlist = await published(sluice, file, 'long');
    expect(playlist.segments.length).toBeGreaterThanOrEqual(2);
    const whole = await downloadSegments(playlist, join(sluice.folder, 'long.ts'));
    expect(md5s(await framemd5(whole, 'v'))).toEqual(md5s(await framemd5(file, 'v')));
  });

  it('L010 hls_vcodec vn makes sound alone of it', async ({ onTestFinished }) => {
    const sluice = await start(onTestFinished, 'hls_vcodec vn;');
    const playlist = await published(sluice, await fixture('h264-aac'), 'sound', 6);
    const file = await downloadSegments(playlist, join(sluice.folder, 'sound.ts'));
    expect((await probe(file)).streams.map(({ codec_name }) => codec_name)).toEqual(['aac']);
  });

  it('L002 L022 segments leave playlist and disk, and everything goes some time after the publisher', async ({
    onTestFinished,
  }) => {
    const sluice = await startSluice({
      vhost: 'hls { enabled on; hls_path ./; hls_fragment 1; hls_window 3; hls_dispose 2; }',
    });
    onTestFinished(() => sluice.stop());
    const publisher = publish({ file: await fixture('h264-aac'), url: sluice.rtmpUrl('gone'), loop: true });
    const playlist = await awaitPlaylist(
      sluice.httpUrl('/live/gone.m3u8'),
      ({ sequence }) => sequence >= 6,
      'the window has moved',
    );
    expect(total(playlist.segments)).toBeLessThanOrEqual(4.1);
    const directory = join(sluice.folder, 'live');
    // A little longer than it is in the playlist: somebody may still be fetching it.
    await waitFor(
      async () => ((await readdir(directory)).includes('gone-0.ts') ? undefined : true),
      'the first segment has left the disk',
    );
    await publisher.stop();
    await waitFor(async () => ((await readdir(directory)).length === 0 ? true : undefined), 'all is removed');
    expect((await fetch(sluice.httpUrl('/live/gone.m3u8'))).status).toBe(404);
  });

  it('L020 hls_storage ram serves from memory and leaves the disk alone', async ({ onTestFinished }) => {
    const sluice = await start(onTestFinished, 'hls_storage ram;');
    const playlist = await published(sluice, await fixture('h264-aac'), 'ram');
    const file = await downloadSegments(playlist, join(sluice.folder, 'ram.ts'));
    expect(md5s(await framemd5(file, 'v'))).toEqual(md5s(await framemd5(await fixture('h264-aac'), 'v')));
    expect(existsSync(join(sluice.folder, 'live'))).toBe(false);
  });

  it('AES-128 with key rotation: ffmpeg decrypts every frame', async ({ onTestFinished }) => {
    const sluice = await start(onTestFinished, 'hls_keys on; hls_fragments_per_key 2; hls_key_file_path ./;');
    const source = await fixture('h264-aac');
    const playlist = await published(sluice, source, 'secret');
    const keys = [...playlist.text.matchAll(/#EXT-X-KEY:METHOD=AES-128,URI="([^"]+)"/g)].map(
      (match) => match[1],
    );
    expect(new Set(keys).size).toBeGreaterThanOrEqual(2);
    const first = playlist.segments[0]?.url ?? '';
    const head = new Uint8Array(await (await fetch(first)).arrayBuffer());
    expect(head.length % 16).toBe(0);
    const ended = join(sluice.folder, 'secret-ended.m3u8');
    const absolute = playlist.text
      .split('\n')
      .map((line) => (line === '' || line.startsWith('#') ? line : new URL(line, playlist.url).href))
      .join('\n')
      .replaceAll(/URI="([^"]+)"/g, (_, uri: string) => `URI="${new URL(uri, playlist.url).href}"`);
    const { writeFile } = await import('node:fs/promises');
    await writeFile(ended, `${absolute}#EXT-X-ENDLIST\n`);
    const out = join(sluice.folder, 'secret.mkv');
    await ffmpeg([
      ...['-protocol_whitelist', 'file,http,tcp,crypto', '-allowed_extensions', 'ALL'],
      ...['-i', ended, '-c', 'copy', '-y', out],
    ]);
    expect(md5s(await framemd5(out, 'v'))).toEqual(md5s(await framemd5(source, 'v')));
  });

  it('a player is one session, however many requests it makes', async ({ onTestFinished }) => {
    const sluice = await start(onTestFinished);
    const publisher = publish({
      file: await fixture('h264-aac'),
      url: sluice.rtmpUrl('viewers'),
      loop: true,
    });
    onTestFinished(() => publisher.kill());
    const url = sluice.httpUrl('/live/viewers.m3u8');
    const playlist = await awaitPlaylist(url, ({ segments }) => segments.length >= 2, 'there are segments');
    for (const { url: segment } of playlist.segments) await (await fetch(segment)).arrayBuffer();
    await (await fetch(playlist.url)).text();
    const clients = await waitFor(async () => {
      const answer = (await sluice.api('/api/v1/clients?count=100')) as {
        readonly clients: readonly { readonly type: string; readonly send_bytes: number }[];
      };
      const viewers = answer.clients.filter(({ type }) => type === 'hls-play');
      return viewers.some(({ send_bytes }) => send_bytes > 10_000) ? viewers : undefined;
    }, 'the viewer is a client');
    // awaitPlaylist asked for the master playlist a few times, each of which may have begun a session.
    const mine = clients.filter(({ send_bytes }) => send_bytes > 10_000);
    expect(mine).toHaveLength(1);
  });

  it('names with spaces, quotes and CJK play by their URL', async ({ onTestFinished }) => {
    const sluice = await start(onTestFinished);
    const name = `摄像头 "1" it's`;
    const push = new RunningProcess(process.execPath, [
      ...[sluiceMain, 'publish', await fixture('h264-aac')],
      ...[`rtmp://127.0.0.1:${sluice.ports.rtmp}/直播/${name}`, '--loop'],
    ]);
    onTestFinished(async () => {
      push.kill('SIGTERM');
      await push.exited();
    });
    const url = sluice.httpUrl(`/${encodeURIComponent('直播')}/${encodeURIComponent(name)}.m3u8`);
    const playlist = await awaitPlaylist(url, ({ segments }) => segments.length >= 2, 'there are segments');
    const file = await downloadSegments(playlist, join(sluice.folder, 'cjk.ts'));
    expect((await probe(file)).streams).toHaveLength(2);
    expect(await readdir(join(sluice.folder, '直播'))).toContain(`${name}.m3u8`);
  });
});
