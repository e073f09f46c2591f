import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, type TestContext } from 'vitest';

import {
  fetchPlaylist,
  fixture,
  haveFfmpeg,
  publish,
  type Publisher,
  type SluicePorts,
  type SluiceUnderTest,
  startSluice,
  waitFor,
} from '../harness/index.ts';

function configOf(data: string) {
  return ({ rtmp, http }: SluicePorts) => `listen ${rtmp};
srs_log_tank console;
http_server { enabled on; listen ${http}; dir ${data}; }
vhost __defaultVhost__ {
  hls { enabled on; hls_path ${data}; hls_fragment 1; hls_window 3; hls_dispose 3; hls_keys on;
    hls_fragments_per_key 2; hls_key_file_path ${data}; }
}
`;
}

async function namesIn(data: string): Promise<string[]> {
  return (await readdir(join(data, 'live')).catch(() => [])).sort();
}

/** A server that was killed while somebody published, and what it left. */
async function crashed(onTestFinished: TestContext['onTestFinished']) {
  const data = await mkdtemp(join(tmpdir(), 'sluice-left-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const sluice = await startSluice({ config: configOf(data) });
  onTestFinished(() => rm(sluice.folder, { recursive: true, force: true }));
  const publisher = await publishTo(sluice);
  await waitFor(
    async () => ((await namesIn(data)).includes('s1-4.ts') ? true : undefined),
    'the playlist has lost segments',
  );
  sluice.process.kill('SIGKILL');
  await sluice.process.exited();
  await publisher.kill();
  return { data, left: await namesIn(data) };
}

async function publishTo(sluice: SluiceUnderTest): Promise<Publisher> {
  return publish({ file: await fixture('h264-aac'), url: sluice.rtmpUrl('s1'), loop: true });
}

async function restart(
  onTestFinished: TestContext['onTestFinished'],
  data: string,
): Promise<SluiceUnderTest> {
  const sluice = await startSluice({ config: configOf(data) });
  onTestFinished(() => sluice.stop());
  return sluice;
}

describe.runIf(haveFfmpeg).concurrent('what a crash leaves of HLS', () => {
  it('L022 is gone hls_dispose after the next start, and files of others stay', async ({
    onTestFinished,
  }) => {
    const { data, left } = await crashed(onTestFinished);
    expect(left.filter((name) => /\.(m3u8|ts|key)$/.test(name)).length).toBeGreaterThan(5);
    await writeFile(join(data, 'live/page.html'), 'page');
    await mkdir(join(data, 'vod'));
    const vod =
      '#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\nfilm-0.ts\n#EXT-X-ENDLIST\n';
    await writeFile(join(data, 'vod/film.m3u8'), vod);
    await writeFile(join(data, 'vod/film-0.ts'), 'film');
    const sluice = await restart(onTestFinished, data);
    await waitFor(
      async () => ((await namesIn(data)).every((name) => name === 'page.html') ? true : undefined),
      'nothing of the stream is left',
    );
    expect(
      (await fetch(sluice.httpUrl('/live/s1.m3u8'), { signal: AbortSignal.timeout(20_000) })).status,
    ).toBe(404);
    expect(await (await fetch(sluice.httpUrl('/vod/film-0.ts'))).text()).toBe('film');
    expect(await (await fetch(sluice.httpUrl('/vod/film.m3u8'))).text()).toBe(vod);
  });

  it('L014 L022 is gone on with by a publisher that comes back first', async ({ onTestFinished }) => {
    const { data, left } = await crashed(onTestFinished);
    const sluice = await restart(onTestFinished, data);
    const publisher = await publishTo(sluice);
    onTestFinished(() => publisher.kill());
    const last = Math.max(...left.map((name) => Number(/^s1-(\d+)\.ts$/.exec(name)?.[1] ?? 0)));
    await waitFor(
      async () => ((await namesIn(data)).includes(`s1-${last + 6}.ts`) ? true : undefined),
      'the numbers go on',
    );
    const old = left.filter((name) => /\.(ts|key)$/.test(name));
    await waitFor(
      async () => ((await namesIn(data)).some((name) => old.includes(name)) ? undefined : true),
      'old segments and keys have gone',
    );
    const playlist = await fetchPlaylist(sluice.httpUrl('/live/s1.m3u8'));
    expect(playlist?.segments.length).toBeGreaterThan(1);
  });
});
