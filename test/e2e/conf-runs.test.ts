import { copyFile, mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it, type TestContext } from 'vitest';

import {
  awaitPlaylist,
  fixture,
  haveFfmpeg,
  probe,
  publish,
  record,
  type SluicePorts,
  type SluiceUnderTest,
  startSluice,
  waitFor,
} from '../harness/index.ts';

const folder = fileURLToPath(new URL('../../conf/', import.meta.url));

/** A configuration file of SRS 2.0's kind, with its own directories. */
const srs2 = {
  hls: `hls { enabled on; hls_fragment 10; hls_window 60; hls_path ./objs/nginx/html;
    hls_m3u8_file [app]/[stream].m3u8; hls_ts_file [app]/[stream]-[seq].ts; }`,
  hds: 'hds { enabled on; hds_fragment 10; hds_window 60; hds_path ./objs/nginx/html; }',
  dvr: `dvr { enabled on; dvr_path ./objs/nginx/html/[app]/[stream].[timestamp].flv; dvr_plan segment;
    dvr_duration 30; dvr_wait_keyframe on; }`,
};

/** The text of a file of conf/ with the ports of this test. */
function withPorts(text: string, ports: SluicePorts): string {
  return text
    .replace(/^listen\s+1935;/m, `listen ${ports.rtmp};`)
    .replace(/listen\s+8080;/, `listen ${ports.http};`)
    .replace(/listen\s+127\.0\.0\.1:1985;/, `listen 127.0.0.1:${ports.api};`);
}

async function run(
  onTestFinished: TestContext['onTestFinished'],
  text: string,
  publishes: 'for 24 s' | 'endless' | 'not at all' = 'for 24 s',
): Promise<SluiceUnderTest> {
  const sluice = await startSluice({ config: (ports) => withPorts(text, ports) });
  onTestFinished(() => sluice.stop());
  if (publishes === 'not at all') return sluice;
  const publisher = publish({
    file: await fixture('h264-aac'),
    url: sluice.rtmpUrl('livestream'),
    loop: true,
    ...(publishes === 'endless' ? {} : { seconds: 24 }),
  });
  onTestFinished(() => publisher.kill());
  return sluice;
}

async function conf(name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8');
}

/** Waits for a file whose name matches, anywhere under the server's folder. */
async function fileLike(sluice: SluiceUnderTest, pattern: RegExp): Promise<string> {
  return waitFor(
    async () => {
      const names = await readdir(sluice.folder, { recursive: true });
      const found = names.find((name) => pattern.test(name));
      return found === undefined ? undefined : join(sluice.folder, found);
    },
    `a file like ${String(pattern)}`,
  );
}

async function codecs(source: string): Promise<string[]> {
  return (await probe(source)).streams.map(({ codec_name }) => codec_name).sort();
}

describe.runIf(haveFfmpeg).concurrent('the files of conf/ run', () => {
  it.for(['sluice.conf', 'hls.conf', 'hls-encrypted.conf'])(
    'L001 W004 %s',
    async (name, { onTestFinished }) => {
      const sluice = await run(onTestFinished, await conf(name));
      const url = sluice.httpUrl('/live/livestream.m3u8');
      await awaitPlaylist(url, ({ segments }) => segments.length >= 2, 'there are segments');
      expect(await codecs(url)).toEqual(['aac', 'h264']);
      // The disk follows the memory.
      if (name !== 'sluice.conf') await fileLike(sluice, /\.ts$/);
      else expect((await readdir(sluice.folder, { recursive: true })).join()).not.toMatch(/\.ts\b/);
    },
  );

  it.for(['http-live.conf', 'http-flv.conf'])('H008 W004 %s', async (name, { onTestFinished }) => {
    const sluice = await run(onTestFinished, await conf(name), 'endless');
    await sluice.logged(/fmle-publish/);
    for (const [form, wanted] of [
      ['flv', ['aac', 'h264']],
      ['ts', ['aac', 'h264']],
      ['aac', ['aac']],
    ] as const) {
      const url = sluice.httpUrl(`/live/livestream.${form}`);
      expect(await codecs(await record(url, join(sluice.folder, `${form}.mkv`), 2))).toEqual(wanted);
    }
  });

  it.for(['dvr.conf', 'dvr-segment.conf'])('V001 W004 %s', async (name, { onTestFinished }) => {
    const sluice = await run(onTestFinished, await conf(name));
    const file = await fileLike(sluice, /livestream\..*(flv|mp4)$/);
    expect(await codecs(file)).toEqual(['aac', 'h264']);
    expect(Number((await probe(file)).format.duration)).toBeGreaterThan(22);
  });

  it('D001 W004 hds.conf', async ({ onTestFinished }) => {
    const sluice = await run(onTestFinished, await conf('hds.conf'));
    await fileLike(sluice, /livestreamSeg1-Frag1$/);
    // The manifest comes last, when what it leads to is there.
    await fileLike(sluice, /livestream\.f4m$/);
    expect((await fetch(sluice.httpUrl('/live/livestream.f4m'))).status).toBe(200);
    expect((await fetch(sluice.httpUrl('/live/livestreamSeg1-Frag1'))).status).toBe(200);
  });

  it('I005 W004 ingest-loop.conf', async ({ onTestFinished }) => {
    const text = await conf('ingest-loop.conf');
    const sluice = await run(onTestFinished, text, 'not at all');
    // The ingest is tried again until its file is there.
    await sluice.logged(/loop\.flv/);
    await mkdir(join(sluice.folder, 'objs'), { recursive: true });
    // The whole file at once: half of one would be played, too.
    const draft = join(sluice.folder, 'objs/draft');
    await copyFile(await fixture('h264-aac'), draft);
    await rename(draft, join(sluice.folder, 'objs/loop.flv'));
    const file = await record(sluice.httpUrl('/live/livestream.flv'), join(sluice.folder, 'loop.mkv'), 12);
    expect(await codecs(file)).toEqual(['aac', 'h264']);
    expect(Number((await probe(file)).format.duration)).toBeGreaterThan(11);
  });

  it('L001 D001 V001 W004 blocks as SRS 2 has them, with their own directories', async ({
    onTestFinished,
  }) => {
    const sluice = await run(
      onTestFinished,
      `listen 1935; max_connections 1000; daemon off; srs_log_tank console;
http_server { enabled on; listen 8080; dir ./objs/nginx/html; }
vhost __defaultVhost__ { ${srs2.hls} ${srs2.hds} ${srs2.dvr} }`,
    );
    await fileLike(sluice, /objs\/nginx\/html\/live\/livestream-1\.ts$/);
    await fileLike(sluice, /objs\/nginx\/html\/live\/livestreamSeg1-Frag1$/);
    expect(await codecs(await fileLike(sluice, /objs\/nginx\/html\/live\/livestream\.\d+\.flv$/))).toEqual([
      'aac',
      'h264',
    ]);
    expect(await codecs(sluice.httpUrl('/live/livestream.m3u8'))).toEqual(['aac', 'h264']);
  });
});
