import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, type TestContext } from 'vitest';

import {
  awaitPlaylist,
  downloadSegments,
  fixture,
  FlvViewer,
  framemd5,
  haveFfmpeg,
  publish,
  type SluiceUnderTest,
  startSluice,
  waitFor,
} from '../harness/index.ts';

const SINKS = `
hls { enabled on; hls_path ./disk; hls_fragment 1; hls_window 30; }
hds { enabled on; hds_path ./disk/hds; hds_fragment 1; hds_window 30; }
dvr { enabled on; dvr_path ./disk/rec/[stream].[timestamp].flv; }`;

interface Faults {
  readonly streams: readonly {
    readonly name: string;
    readonly faults: readonly { readonly sink: string; readonly code: string; readonly message: string }[];
  }[];
}

async function faultsOf(sluice: SluiceUnderTest): Promise<Faults['streams'][number]['faults']> {
  const { streams } = (await sluice.api('/api/v1/streams')) as Faults;
  return streams.find(({ name }) => name === 'x')?.faults ?? [];
}

/** @param prepare what is done to the disk before anything is published */
async function live(
  onTestFinished: TestContext['onTestFinished'],
  prepare: (disk: string) => void | Promise<void> = () => undefined,
): Promise<SluiceUnderTest> {
  const sluice = await startSluice({ vhost: SINKS });
  onTestFinished(() => sluice.stop());
  await prepare(join(sluice.folder, 'disk'));
  const publisher = publish({ file: await fixture('h264-aac'), url: sluice.rtmpUrl('x'), loop: true });
  onTestFinished(() => publisher.kill());
  return sluice;
}

/** Live viewers feel nothing: a player and the HLS of the memory go on while the disk fails. */
async function viewersGoOn(sluice: SluiceUnderTest): Promise<void> {
  const url = sluice.httpUrl('/disk/live/x.m3u8');
  const before = await awaitPlaylist(url, ({ segments }) => segments.length > 0, 'HLS is served');
  const newest = before.sequence + before.segments.length;
  const later = await awaitPlaylist(
    url,
    ({ sequence, segments }) => sequence + segments.length >= newest + 3,
    'HLS goes on',
  );
  const file = await downloadSegments(
    { ...later, segments: later.segments.slice(-3) },
    join(sluice.folder, 'x.ts'),
  );
  expect((await framemd5(file, 'v')).length).toBeGreaterThanOrEqual(70);
  const viewer = await FlvViewer.open(sluice.httpUrl('/live/x.flv'));
  await viewer.untilMedia(60);
  viewer.close();
}

async function recovered(sluice: SluiceUnderTest): Promise<void> {
  await waitFor(async () => ((await faultsOf(sluice)).length === 0 ? true : undefined), 'no fault is left');
  const directory = join(sluice.folder, 'disk/live');
  await waitFor(async () => {
    const names = await readdir(directory).catch(() => [] as string[]);
    return names.filter((name) => name.endsWith('.ts')).length >= 2 ? true : undefined;
  }, 'segments are written again');
  await waitFor(async () => {
    const names = await readdir(join(sluice.folder, 'disk/rec')).catch(() => [] as string[]);
    return names.length > 0 ? true : undefined;
  }, 'it records again');
}

describe.runIf(haveFfmpeg).concurrent('faults of the disk', () => {
  it('L009 V006 a path that is no directory: named in log and API, mended by itself', async ({
    onTestFinished,
  }) => {
    const sluice = await live(onTestFinished, (disk) => writeFile(disk, 'a file'));
    const faults = await waitFor(async () => {
      const found = await faultsOf(sluice);
      return found.length === 3 ? found : undefined;
    }, 'HLS, HDS and DVR name their fault');
    expect(faults.map(({ sink }) => sink).sort()).toEqual(['dvr', 'hds', 'hls']);
    for (const { code, message } of faults) {
      expect(code).toBe('missing');
      expect(message).toContain('disk');
    }
    await sluice.logged(/hls.*(the directory cannot be made|a part of the path is missing)/);
    await viewersGoOn(sluice);
    await rm(join(sluice.folder, 'disk'));
    await recovered(sluice);
    await sluice.logged(/works again after/);
  });

  it('a directory that is removed while it is written to is made again', async ({ onTestFinished }) => {
    const sluice = await live(onTestFinished);
    await awaitPlaylist(
      sluice.httpUrl('/disk/live/x.m3u8'),
      ({ segments }) => segments.length >= 2,
      'HLS is there',
    );
    // In one step: a tree that is removed piece by piece is written to meanwhile.
    await rename(join(sluice.folder, 'disk'), join(sluice.folder, 'removed'));
    await rm(join(sluice.folder, 'removed'), { recursive: true, force: true });
    await viewersGoOn(sluice);
    await recovered(sluice);
  });

  it.runIf(canMount())(
    'a full disk: viewers feel nothing, and room on it ends the fault',
    async ({ onTestFinished }) => {
      const sluice = await live(onTestFinished, async (disk) => {
        await mkdir(disk);
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', disk]);
        onTestFinished(() => {
          execFileSync('umount', ['-l', disk]);
        });
      });
      const disk = join(sluice.folder, 'disk');
      await waitFor(
        async () =>
          (await faultsOf(sluice)).some(({ sink, code }) => sink === 'hls' && code === 'full')
            ? true
            : undefined,
        'HLS names the full disk',
      );
      await viewersGoOn(sluice);
      execFileSync('mount', ['-o', 'remount,size=512m', disk]);
      await recovered(sluice);
    },
  );
});

/** Whether this machine lets the test make a disk that is small. */
function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = mkdtempSync(join(tmpdir(), 'sluice-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(folder);
  }
}
