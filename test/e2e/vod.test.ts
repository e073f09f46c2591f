import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it, type TestContext } from 'vitest';

import {
  awaitPlaylist,
  downloadSegments,
  ffmpeg,
  FIXTURE_SECONDS,
  fixture,
  framemd5,
  haveFfmpeg,
  packets,
  probe,
  type SluiceUnderTest,
  startSluice,
} from '../harness/index.ts';

async function start(onTestFinished: TestContext['onTestFinished']): Promise<SluiceUnderTest> {
  const sluice = await startSluice();
  onTestFinished(() => sluice.stop());
  await mkdir(join(sluice.folder, 'vod'));
  return sluice;
}

function md5s(frames: readonly { readonly md5: string }[]): string[] {
  return frames.map(({ md5 }) => md5);
}

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

describe.runIf(haveFfmpeg).concurrent('files', () => {
  it('H004 an FLV plays from ?start=, with its headers and the right length', async ({ onTestFinished }) => {
    const sluice = await start(onTestFinished);
    const source = await fixture('h264-aac');
    await copyFile(source, join(sluice.folder, 'vod/x.flv'));
    const size = (await readFile(source)).length;
    // The keyframes' places, as a player that seeks knows them from the metadata.
    const whole = await packets(source);
    const half = Math.floor(size / 2);
    const response = await fetch(sluice.httpUrl(`/vod/x.flv?start=${half}`));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('video/x-flv');
    const body = await bytesOf(response);
    expect(Number(response.headers.get('content-length'))).toBe(body.length);
    expect(body.subarray(0, 3).toString()).toBe('FLV');
    const file = join(sluice.folder, 'half.flv');
    await writeFile(file, body);
    const rest = await packets(file);
    expect(rest.length).toBeGreaterThan(whole.length / 3);
    expect(rest.length).toBeLessThan(whole.length);
    expect((await probe(file)).streams.map(({ codec_name }) => codec_name).sort()).toEqual(['aac', 'h264']);
    expect((await fetch(sluice.httpUrl(`/vod/x.flv?start=${size + 1}`))).status).toBeGreaterThanOrEqual(400);
    for (const absurd of ['-1', 'NaN', '1e99', '', '9'.repeat(400)]) {
      const answer = await fetch(sluice.httpUrl(`/vod/x.flv?start=${absurd}`));
      expect(answer.status).toBeLessThan(500);
      await answer.arrayBuffer();
    }
  });

  it('H005 an MP4 answers ?range=, ?bytes= and the Range header alike', async ({ onTestFinished }) => {
    const sluice = await start(onTestFinished);
    const file = join(sluice.folder, 'vod/x.mp4');
    await ffmpeg(['-i', await fixture('h264-aac'), '-c', 'copy', '-y', file]);
    const all = await readFile(file);
    const url = sluice.httpUrl('/vod/x.mp4');
    const answers = [
      await fetch(`${url}?range=100-199`),
      await fetch(`${url}?bytes=100-199`),
      await fetch(url, { headers: { range: 'bytes=100-199' } }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(206);
      expect(answer.headers.get('content-range')).toBe(`bytes 100-199/${all.length}`);
      expect((await bytesOf(answer)).equals(all.subarray(100, 200))).toBe(true);
    }
    const open = await fetch(`${url}?range=100-`);
    expect(open.headers.get('content-range')).toBe(`bytes 100-${all.length - 1}/${all.length}`);
    expect((await bytesOf(open)).equals(all.subarray(100))).toBe(true);
    const many = Array.from({ length: 1_000 }, (_, index) => `${index}-${index}`).join(',');
    const huge = await fetch(url, { headers: { range: `bytes=${many}` } });
    expect(huge.status).toBeLessThan(500);
    await huge.arrayBuffer();
  });

  it.for([
    ['x.flv', 'h264-aac'],
    ['b.flv', 'h264-bframes-aac'],
    ['mp3.flv', 'h264-mp3'],
    ['sound.flv', 'aac-only'],
    ['b.mp4', 'h264-bframes-aac'],
    ['hevc.mp4', 'hevc-aac'],
  ] as const)(
    'a recorded %s of %s plays as HLS on the fly, frame by frame',
    async ([name, clip], { onTestFinished }) => {
      const sluice = await start(onTestFinished);
      const source = await fixture(clip);
      const file = join(sluice.folder, 'vod', name);
      // 24 s, so that there are several segments.
      await ffmpeg(['-stream_loop', '2', '-i', source, '-map', '0', '-c', 'copy', '-y', file]);
      const playlist = await awaitPlaylist(
        sluice.httpUrl(`/vod/${name}/index.m3u8`),
        ({ text }) => text.includes('#EXT-X-ENDLIST'),
        'the playlist is whole',
      );
      expect(playlist.text).toContain('#EXT-X-PLAYLIST-TYPE:VOD');
      expect(playlist.segments.length).toBeGreaterThanOrEqual(2);
      const sum = playlist.segments.reduce((total, { duration }) => total + duration, 0);
      expect(Math.abs(sum - FIXTURE_SECONDS * 3)).toBeLessThan(0.5);
      for (const { duration } of playlist.segments) {
        expect(Math.round(duration)).toBeLessThanOrEqual(playlist.targetDuration);
      }
      const whole = await downloadSegments(playlist, join(sluice.folder, 'whole.ts'));
      if (clip !== 'aac-only') {
        expect(md5s(await framemd5(whole, 'v'))).toEqual(md5s(await framemd5(file, 'v')));
      }
      expect((await packets(whole)).filter(({ kind }) => kind === 'audio').length).toBe(
        (await packets(file)).filter(({ kind }) => kind === 'audio').length,
      );
      // A player's own way through the playlist.
      const decoded = await framemd5(sluice.httpUrl(`/vod/${name}/index.m3u8`), 'a');
      expect(decoded.length).toBeGreaterThan(FIXTURE_SECONDS * 3 * 35);
      const last = playlist.segments.at(-1)?.url ?? '';
      const again = await bytesOf(await fetch(last));
      const hash = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');
      expect(hash(await bytesOf(await fetch(last)))).toBe(hash(again));
    },
  );

  it('paths that lead out are not found, whatever their spelling', async ({ onTestFinished }) => {
    const sluice = await start(onTestFinished);
    await writeFile(join(sluice.folder, '.hidden.flv'), 'x');
    await symlink('/etc', join(sluice.folder, 'vod/out'));
    await symlink('/etc/hostname', join(sluice.folder, 'vod/link.flv'));
    for (const path of [
      '/vod/out/hostname',
      '/vod/link.flv',
      '/vod/link.flv/index.m3u8',
      '/.hidden.flv',
      '/vod/%2e%2e/%2e%2e/%2e%2e/etc/hostname',
      '/vod/..%2f..%2f..%2fetc%2fhostname',
      '/vod/x.flv/index.m3u8',
      '/vod/out/hostname/index.m3u8',
      '/vod/x%00.flv',
    ]) {
      const answer = await fetch(sluice.httpUrl(path));
      expect([400, 404], path).toContain(answer.status);
      expect((await answer.text()).length).toBeLessThan(64);
    }
  });
});
