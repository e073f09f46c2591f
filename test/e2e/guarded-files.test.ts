import { createHmac } from 'node:crypto';
import { access, link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, type TestContext } from 'vitest';

import {
  fixture,
  haveFfmpeg,
  publish,
  type SluicePorts,
  type SluiceUnderTest,
  startSluice,
  waitFor,
} from '../harness/index.ts';

const SECRET = 'YWJvdXQtNDAtcmFuZG9tLWNoYXJhY3RlcnM';
const TOKEN = `token { enabled on; publish off; play on; secret ${SECRET}; }`;

interface Answer {
  readonly status: number;
  readonly body: string;
}

type Ask = (path: string, headers?: Readonly<Record<string, string>>, method?: string) => Promise<Answer>;

/** Asks for a path just as it is written. */
function asker(sluice: SluiceUnderTest): Ask {
  return (path, headers = {}, method = 'GET') =>
    new Promise((resolve, reject) => {
      const options = { port: sluice.ports.http, host: '127.0.0.1', path, headers, method, agent: false };
      request(options, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('latin1') });
        });
      })
        .on('error', (error) => reject(new Error(`${method} ${path}: ${error.message}`)))
        .end();
    });
}

function signed(stream: string, { vhost = '__defaultVhost__', app = 'live' } = {}): string {
  const expires = Math.floor(Date.now() / 1000) + 3600;
  const text = ['play', vhost, app, stream, String(expires)].join('\n');
  return `expires=${expires}&sign=${createHmac('sha256', SECRET).update(text).digest('hex')}`;
}

/** A folder of its own that outlives the servers. */
async function dataFolder(onTestFinished: TestContext['onTestFinished']): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-guard-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function configOf(data: string, { dir = 'www', guard = TOKEN, hls = '', more = '' } = {}) {
  return ({ rtmp, http, api }: SluicePorts) => `listen ${rtmp};
srs_log_tank console;
pid ${data}/www/sluice.pid;
http_api { enabled on; listen ${api}; }
http_server { enabled on; listen ${http}; dir ${data}/${dir}; }
vhost __defaultVhost__ {
  http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }
  hls { enabled on; hls_path ${data}/www; hls_fragment 1; hls_window 3; hls_keys on; hls_fragments_per_key 2;
    hls_key_file_path ${data}/www; ${hls} }
  hds { enabled on; hds_path ${data}/www; hds_fragment 1; hds_window 3; }
  dvr { enabled on; dvr_path ${data}/www/rec/[app]/[stream].[timestamp].flv; dvr_plan segment; dvr_duration 3;
    dvr_wait_keyframe on; }
  ${guard}
}
vhost open.test { }
${more}
`;
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length))
    .sort();
}

/** Publishes until files of every kind have left the memory; answers their paths below `www`. */
async function fill(sluice: SluiceUnderTest, data: string): Promise<string[]> {
  await fillOnce(sluice, data);
  return waitFor(async () => {
    const names = await filesUnder(join(data, 'www'));
    return names.some((name) => name.endsWith('.tmp')) ? undefined : names;
  }, 'everything has its name');
}

async function fillOnce(sluice: SluiceUnderTest, data: string): Promise<string[]> {
  const publisher = publish({ file: await fixture('h264-aac'), url: sluice.rtmpUrl('s1'), loop: true });
  try {
    return await waitFor(async () => {
      const names = await filesUnder(join(data, 'www')).catch(() => []);
      const has = (pattern: RegExp): boolean => names.some((name) => pattern.test(name));
      return names.filter((name) => /s1-\d+\.ts$/.test(name)).length >= 5 &&
        has(/\.key$/) &&
        has(/Frag\d+$/) &&
        has(/\.flv$/) &&
        has(/\.flv\.tmp$/)
        ? names
        : undefined;
    }, 'files of every kind are on the disk');
  } finally {
    await publisher.kill();
  }
}

describe.runIf(haveFfmpeg).concurrent('guarded files', () => {
  it('S001 nothing that a guarded stream has left on disk is served without a token, also after a crash', async ({
    onTestFinished,
  }) => {
    const data = await dataFolder(onTestFinished);
    await mkdir(join(data, 'www'));
    await symlink('www', join(data, 'link'));
    const first = await startSluice({ config: configOf(data) });
    onTestFinished(() => rm(first.folder, { recursive: true, force: true }));
    const ask = asker(first);
    const live = (await fill(first, data)).filter(
      (path) => path.startsWith('/live/') || path.startsWith('/rec/'),
    );
    const statuses = await Promise.all(live.map(async (path) => [path, (await ask(path)).status] as const));
    // The playlist in memory answers with a master playlist, which is nobody's secret.
    for (const [path, status] of statuses) {
      if (!path.endsWith('.m3u8')) expect([path, status]).toEqual([path, expect.toBeOneOf([403, 404])]);
    }
    first.process.kill('SIGKILL');
    await first.process.exited();

    for (const dir of ['www', 'link']) {
      const next = await startSluice({ config: configOf(data, { dir }) });
      try {
        await expectGuarded(asker(next), data);
      } finally {
        await next.stop();
      }
    }
  });

  it('S001 a token opens what it is for: playlists with their segments and keys, HDS, recordings', async ({
    onTestFinished,
  }) => {
    const data = await dataFolder(onTestFinished);
    await mkdir(join(data, 'www'));
    const first = await startSluice({ config: configOf(data) });
    onTestFinished(() => rm(first.folder, { recursive: true, force: true }));
    await fill(first, data);
    first.process.kill('SIGKILL');
    await first.process.exited();
    const next = await startSluice({ config: configOf(data) });
    onTestFinished(() => next.stop());
    const ask = asker(next);
    const paths = await filesUnder(join(data, 'www'));
    const token = signed('s1');
    const other = signed('s2');

    const master = await ask(`/live/s1.m3u8?${token}`);
    expect(master.status).toBe(200);
    const uri = master.body.split('\n').find((line) => line.startsWith('s1.m3u8')) ?? '';
    const variant = `/live/${uri}`;
    const id = /hls_ctx=\w+/.exec(variant)?.[0] ?? '';
    expect((await ask(`/live/s1.m3u8?${id}`)).status).toBe(403);
    expect((await ask(`/live/s1.m3u8?${other}&${id}`)).status).toBe(403);
    const list = await ask(variant);
    expect(list.status).toBe(200);
    const uris = list.body.split('\n').flatMap((line) => {
      const uri = line.startsWith('#') ? /URI="([^"]+)"/.exec(line)?.[1] : line;
      return uri === undefined || uri === '' ? [] : [uri];
    });
    expect(uris.length).toBeGreaterThan(3);
    for (const uri of uris) {
      expect(uri).toContain(id);
      expect([uri, (await ask(`/live/${uri}`)).status]).toEqual([uri, 200]);
      expect((await ask(`/live/${uri.replace(/\?.*/, '')}`)).status).toBe(403);
    }
    // The viewer of one stream is none of another.
    await mkdir(join(data, 'www/live'), { recursive: true });
    await writeFile(join(data, 'www/live/s2-1.ts'), 'secret');
    expect((await ask(`/live/s2-1.ts?${id}`)).status).toBe(403);

    const alone = paths.filter((path) => /\.(f4m|abst|flv)$|Frag\d+$/.test(path));
    expect(alone.length).toBeGreaterThan(4);
    for (const path of alone) {
      const content = await readFile(join(data, 'www', path), 'latin1');
      expect(await ask(`${path}?${token}`)).toEqual({ status: 200, body: content });
      expect((await ask(`${path}?${other}`)).status).toBe(403);
      expect((await ask(path)).status).toBe(403);
    }
    const recording = alone.find((path) => path.endsWith('.flv')) ?? '';
    const vod = await ask(`${recording}/index.m3u8?${token}`);
    expect(vod.body).toContain(`0.ts?${token}`);
    expect((await ask(`${recording}/0.ts?${token}`)).status).toBe(200);
    expect((await ask(`${recording}/0.ts`)).status).toBe(403);
  });

  it('S001 the own files of the server are never served, whoever asks', async ({ onTestFinished }) => {
    const sluice = await startSluice({ root: 'pid ./sluice.pid;' });
    onTestFinished(() => sluice.stop());
    const ask = asker(sluice);
    await mkdir(join(sluice.folder, 'sub'));
    await symlink('../sluice.conf', join(sluice.folder, 'sub/linked.txt'));
    await link(join(sluice.folder, 'sluice.conf'), join(sluice.folder, 'sub/hard.txt'));
    await symlink('../.hidden', join(sluice.folder, 'sub/seen.txt'));
    for (const name of [
      'sluice.conf~',
      'sluice.conf.bak',
      'sluice.conf.overlay.json',
      'objs/sluice-callbacks.dead',
      'objs/sluice-callbacks.dead.1',
      '.hidden',
      'a.flv.tmp',
      'A.FLV.TMP',
      'page.html',
    ]) {
      await mkdir(join(sluice.folder, 'objs'), { recursive: true });
      await writeFile(join(sluice.folder, name), name);
    }
    await symlink('../a.flv.tmp', join(sluice.folder, 'sub/whole.bin'));
    expect((await ask('/page.html')).body).toBe('page.html');
    for (const path of [
      '/sluice.conf',
      '/SLUICE.CONF',
      '/%73luice.conf',
      '/sluice.conf~',
      '/sluice.conf.bak',
      '/sluice.conf.overlay.json',
      '/sluice.pid',
      '/objs/sluice-callbacks.dead',
      '/objs/sluice-callbacks.dead.1',
      '/sub/linked.txt',
      '/sub/hard.txt',
      '/sub/seen.txt',
      '/sub/whole.bin',
      '/.hidden',
      '/a.flv.tmp',
      '/a.flv.tmp/index.m3u8',
      '/A.FLV.TMP',
      '/A.FLV.TMP?start=10',
    ]) {
      expect([path, (await ask(path)).status]).toEqual([path, 404]);
      expect([path, (await ask(path, {}, 'HEAD')).status]).toEqual([path, 404]);
    }
  });

  it('R035 refer goes for every form that is a file: HLS, HDS, recordings', async ({ onTestFinished }) => {
    const data = await dataFolder(onTestFinished);
    await mkdir(join(data, 'www'));
    const guard = 'refer { enabled on; play good.test; }';
    const sluice = await startSluice({ config: configOf(data, { guard }) });
    onTestFinished(() => sluice.stop());
    await fill(sluice, data);
    const paths = (await filesUnder(join(data, 'www'))).filter((path) => /^\/(live|rec)\/.*[^p]$/.test(path));
    expect(paths.length).toBeGreaterThan(8);
    const ask = asker(sluice);
    let served = 0;
    for (const path of paths) {
      const { status } = await ask(path, { referer: 'http://good.test/page' });
      // The last segment of a stream may push the oldest one out after the list was made.
      const stillThere = await access(join(data, 'www', path)).then(
        () => true,
        () => false,
      );
      if (status === 404 && !stillThere) continue;
      served++;
      expect([path, status]).toEqual([path, 200]);
      for (const referer of ['http://evil.test/', 'http://good.test.evil.test/', 'good.test', '']) {
        expect([path, referer, (await ask(path, { referer })).status]).toEqual([path, referer, 403]);
      }
    }
    expect(served).toBeGreaterThan(5);
  });
});

/** Tries every way that a stranger could think of. */
async function expectGuarded(ask: Ask, data: string): Promise<void> {
  const paths = (await filesUnder(join(data, 'www'))).filter((path) => /^\/(live|rec)\//.test(path));
  for (const path of paths) {
    const last = path.slice(path.lastIndexOf('/') + 1);
    const variants = [
      path,
      `${path}?vhost=open.test`,
      `${path}?vhost=nobody.test`,
      `${path}?hls_ctx=abcdefgh`,
      `${path}?start=100`,
      `${path}?range=0-99`,
      `${path}?token=x`,
      `${path}/`,
      `${path}/index.m3u8`,
      `${path}/0.ts`,
      `/${path}`,
      path.replace('/', '/./'),
      path.replace('/', '/x/../'),
      path.replace('/', '/%2e/'),
      path.replace('/', '/x/%2e%2e/'),
      `/${path.slice(1).replaceAll('/', '%2f')}`,
      `/${path.slice(1).replaceAll('/', '%5c')}`,
      `${path}%00`,
      `${path}%00.html`,
      `${path}.`,
      `${path}%20`,
      `${path};.html`,
      `${path}.gz`,
      path.toUpperCase(),
      path.replace(
        last,
        last.replaceAll(/./g, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
      ),
    ];
    for (const variant of variants) {
      // Methods and headers choose no other way to the file: one address each is enough.
      const forms =
        variant === path
          ? ([
              [{}, 'GET'],
              [{}, 'HEAD'],
              [{ host: 'open.test' }, 'GET'],
              [{ range: 'bytes=0-99' }, 'GET'],
              [{ 'accept-encoding': 'gzip, br' }, 'GET'],
              [{ 'if-modified-since': new Date().toUTCString(), 'if-none-match': '*' }, 'GET'],
            ] as const)
          : ([[{}, 'GET']] as const);
      for (const [headers, method] of forms) {
        const { status, body } = await ask(variant, headers, method);
        const isMaster =
          /^\/live\/s1\.m3u8(\?|$)/.test(decodeURIComponent(variant)) && body.includes('hls_ctx=');
        if (isMaster && !body.includes('.ts')) continue;
        if (method === 'HEAD' && /^\/live\/s1\.m3u8(\?|$)/.test(decodeURIComponent(variant))) continue;
        expect([method, variant, headers, status]).toEqual([
          method,
          variant,
          headers,
          expect.toBeOneOf([301, 400, 403, 404]),
        ]);
      }
    }
  }
}
