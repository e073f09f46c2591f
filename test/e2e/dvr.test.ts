import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parseFlvMetadata } from '@sluice/media/flv';
import { describe, expect, it, type TestContext } from 'vitest';

import {
  ffmpeg,
  FIXTURE_SECONDS,
  fixture,
  framemd5,
  haveFfmpeg,
  packets,
  probe,
  publish,
  readTags,
  type SluiceUnderTest,
  startSluice,
  waitFor,
} from '../harness/index.ts';

async function start(
  onTestFinished: TestContext['onTestFinished'],
  dvr: string,
  rest = '',
): Promise<SluiceUnderTest> {
  const sluice = await startSluice({ vhost: `dvr { enabled on; ${dvr} } ${rest}` });
  onTestFinished(() => sluice.stop());
  return sluice;
}

async function filesIn(sluice: SluiceUnderTest, folder: string): Promise<string[]> {
  const names = await readdir(join(sluice.folder, folder)).catch(() => [] as string[]);
  return names.sort();
}

/** Waits until a folder has this many finished files and none that is being written. */
async function finished(sluice: SluiceUnderTest, folder: string, count: number): Promise<string[]> {
  return waitFor(async () => {
    const names = await filesIn(sluice, folder);
    return names.length >= count && !names.some((name) => name.endsWith('.tmp')) ? names : undefined;
  }, `${folder} has ${count} finished files`);
}

function md5s(frames: readonly { readonly md5: string }[]): string[] {
  return frames.map(({ md5 }) => md5);
}

async function duration(file: string): Promise<number> {
  return Number((await probe(file)).format.duration);
}

/** The nodes that `/api/v1/dvrs` answers with. */
interface Recordings {
  readonly code: number;
  readonly dvrs: readonly {
    readonly id: string;
    readonly stream: string;
    readonly state: string;
    readonly fault: unknown;
  }[];
}

describe.runIf(haveFfmpeg).concurrent('DVR', () => {
  it.for(['h264-aac', 'h264-bframes-aac', 'h264-mp3', 'aac-only', 'h264-only'] as const)(
    'V001 V002 V004 a session of %s is one FLV with every frame, its duration, size and keyframe index',
    async (name, { onTestFinished }) => {
      const sluice = await start(onTestFinished, 'dvr_path ./rec/[app]/[stream].[timestamp].flv;');
      const source = await fixture(name);
      await publish({ file: source, url: sluice.rtmpUrl('x') }).finished();
      const [file = ''] = await finished(sluice, 'rec/live', 1);
      expect(file).toMatch(/^x\.\d{13}\.flv$/);
      const path = join(sluice.folder, 'rec/live', file);
      for (const kind of ['v', 'a'] as const) {
        if (kind === 'v' ? name === 'aac-only' : name === 'h264-only') continue;
        expect(md5s(await framemd5(path, kind))).toEqual(md5s(await framemd5(source, kind)));
      }
      expect(await duration(path)).toBeCloseTo(FIXTURE_SECONDS, 0);
      const bytes = await readFile(path);
      const head = (await readTags(path)).find(({ type }) => type === 18);
      const metadata = parseFlvMetadata(head?.body ?? new Uint8Array(0));
      expect(metadata?.duration).toBeCloseTo(FIXTURE_SECONDS, 0);
      expect(metadata?.fileSize).toBe(bytes.length);
    },
  );

  it('V001 V004 V005 segments begin with headers and a keyframe, and no frame is lost between them', async ({
    onTestFinished,
  }) => {
    const sluice = await start(
      onTestFinished,
      'dvr_path ./rec/[stream].[timestamp].flv; dvr_plan segment; dvr_duration 2;',
    );
    const source = await fixture('h264-aac');
    await publish({ file: source, url: sluice.rtmpUrl('x') }).finished();
    const names = await finished(sluice, 'rec', 4);
    const hashes: string[] = [];
    for (const name of names) {
      const file = join(sluice.folder, 'rec', name);
      const all = await packets(file);
      expect(all.find(({ kind }) => kind === 'video')?.keyframe).toBe(true);
      expect(Math.min(...all.map(({ dts }) => dts))).toBeLessThan(0.1);
      hashes.push(...md5s(await framemd5(file, 'v')));
    }
    expect(hashes).toEqual(md5s(await framemd5(source, 'v')));
  });

  it('V001 append goes on in one file, its time growing over a republish', async ({ onTestFinished }) => {
    const sluice = await start(onTestFinished, 'dvr_path ./rec/[stream].flv; dvr_plan append;');
    const source = await fixture('h264-aac');
    await publish({ file: source, url: sluice.rtmpUrl('x') }).finished();
    await sluice.logged(/unpublish live\/x/);
    await publish({ file: source, url: sluice.rtmpUrl('x') }).finished();
    const path = await waitFor(async () => {
      // By its name alone: it has another one while it is written.
      const names = await filesIn(sluice, 'rec');
      if (names.join() !== 'x.flv') return undefined;
      const file = join(sluice.folder, 'rec/x.flv');
      const count = (await packets(file)).filter(({ kind }) => kind === 'video').length;
      return count === FIXTURE_SECONDS * 25 * 2 ? file : undefined;
    }, 'both sessions are in the file');
    const times = (await packets(path)).filter(({ kind }) => kind === 'video').map(({ dts }) => dts);
    for (const [index, time] of times.entries()) {
      if (index > 0) expect(time).toBeGreaterThan(times[index - 1] ?? Number.POSITIVE_INFINITY);
    }
    const source1 = md5s(await framemd5(source, 'v'));
    expect(md5s(await framemd5(path, 'v'))).toEqual([...source1, ...source1]);
  });

  it.for(['h264-aac', 'h264-bframes-aac', 'aac-only'] as const)(
    'V002 an .mp4 path gives a seekable MP4 of %s',
    async (name, { onTestFinished }) => {
      const sluice = await start(onTestFinished, 'dvr_path ./rec/[stream].[timestamp].mp4;');
      const source = await fixture(name);
      await publish({ file: source, url: sluice.rtmpUrl('x') }).finished();
      const [file = ''] = await finished(sluice, 'rec', 1);
      const path = join(sluice.folder, 'rec', file);
      expect((await probe(path)).format.format_name).toContain('mp4');
      expect(await duration(path)).toBeCloseTo(FIXTURE_SECONDS, 0);
      if (name === 'aac-only') return;
      expect(md5s(await framemd5(path, 'v'))).toEqual(md5s(await framemd5(source, 'v')));
      const piece = join(sluice.folder, 'piece.mkv');
      await ffmpeg(['-ss', '5', '-i', path, '-c', 'copy', '-y', piece]);
      const frames = await framemd5(piece, 'v');
      expect(frames.length).toBeGreaterThanOrEqual(75);
      expect(frames.length).toBeLessThanOrEqual(101);
    },
  );

  it.for(['flv', 'mp4'])(
    'V003 killed while it records, the .%s plays, and is mended at the next start',
    async (extension, { onTestFinished }) => {
      const dvr = `dvr { enabled on; dvr_path ./rec/[stream].[timestamp].${extension}; }`;
      const sluice = await startSluice({ vhost: dvr });
      const publisher = publish({ file: await fixture('h264-aac'), url: sluice.rtmpUrl('x'), loop: true });
      onTestFinished(async () => {
        await publisher.kill();
        await rm(sluice.folder, { recursive: true, force: true });
      });
      await waitFor(async () => {
        const [name] = await filesIn(sluice, 'rec');
        if (name === undefined) return undefined;
        return (await readFile(join(sluice.folder, 'rec', name))).length > 200_000 ? true : undefined;
      }, 'some seconds are on the disk');
      sluice.process.kill('SIGKILL');
      await sluice.process.exited();
      const [left = ''] = await filesIn(sluice, 'rec');
      expect(left).toMatch(/\.tmp$/);
      const crashed = join(sluice.folder, 'rec', left);
      const copy = join(sluice.folder, `crashed.${extension}`);
      await writeFile(copy, await readFile(crashed));
      const before = (await packets(copy)).filter(({ kind }) => kind === 'video').length;
      expect(before).toBeGreaterThan(75);

      const next = await startSluice({ vhost: dvr });
      onTestFinished(() => next.stop());
      await mkdir(join(next.folder, 'rec'), { recursive: true });
      await rename(crashed, join(next.folder, 'rec', left));
      // The new folder has the file only now: a third start finds it.
      next.process.kill('SIGTERM');
      await next.process.exited();
      const third = await startSluice({
        config: (ports) => `listen ${ports.rtmp}; srs_log_tank console;
vhost __defaultVhost__ { dvr { enabled on; dvr_path ${next.folder}/rec/[stream].[timestamp].${extension}; } }`,
      });
      onTestFinished(() => third.stop());
      const name = await waitFor(async () => {
        const names = await filesIn(next, 'rec');
        return names.length === 1 && names[0]?.endsWith(`.${extension}`) === true ? names[0] : undefined;
      }, 'the file has its name');
      const file = join(next.folder, 'rec', name);
      expect((await packets(file)).filter(({ kind }) => kind === 'video').length).toBeGreaterThanOrEqual(
        before - 1,
      );
      expect(await duration(file)).toBeGreaterThan(3);
      await framemd5(file, 'v');
    },
  );

  it('dvr_apply records the streams that it names, and no others', async ({ onTestFinished }) => {
    const sluice = await start(onTestFinished, 'dvr_apply live/yes; dvr_path ./rec/[stream].flv;');
    const source = await fixture('aac-only');
    await Promise.all(
      ['yes', 'no'].map((name) =>
        publish({ file: source, url: sluice.rtmpUrl(name), realtime: false }).finished(),
      ),
    );
    expect(await finished(sluice, 'rec', 1)).toEqual(['yes.flv']);
  });

  it('V008 the API starts and stops a recording', async ({ onTestFinished }) => {
    const sluice = await startSluice({
      vhost: 'dvr { enabled off; dvr_path ./rec/[stream].[timestamp].flv; }',
    });
    const publisher = publish({ file: await fixture('h264-aac'), url: sluice.rtmpUrl('x'), loop: true });
    onTestFinished(async () => {
      await publisher.kill();
      await sluice.stop();
    });
    await sluice.published('x');
    const url = `http://127.0.0.1:${sluice.ports.api}/api/v1/dvrs`;
    const headers = { 'content-type': 'application/json' };
    const made = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ app: 'live', stream: 'x' }),
    });
    expect(made.status).toBe(201);
    const recording = await waitFor(async () => {
      const { dvrs } = (await sluice.api('/api/v1/dvrs')) as Recordings;
      return dvrs.find(({ stream, state }) => stream === 'x' && state === 'recording');
    }, 'it records');
    await waitFor(async () => {
      const [name = ''] = await filesIn(sluice, 'rec');
      const { size } = await stat(join(sluice.folder, 'rec', name));
      return name.endsWith('.tmp') && size > 50_000 ? true : undefined;
    }, 'a second and more is in the file');
    const stopped = await fetch(`${url}/${recording.id}`, { method: 'DELETE' });
    expect(stopped.status).toBe(200);
    const [file = ''] = await finished(sluice, 'rec', 1);
    await framemd5(join(sluice.folder, 'rec', file), 'v');
    await sluice.published('x');
    for (const [body, status] of [
      ['{', 400],
      ['{"app":"live"}', 400],
      ['{"app":"live","stream":"../x"}', 400],
      ['{"app":"live","stream":"x","path":"/etc/x.flv"}', 400],
    ] as const) {
      expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(status);
    }
    expect((await fetch(`${url}/nothing`, { method: 'DELETE' })).status).toBe(404);
  });
});
