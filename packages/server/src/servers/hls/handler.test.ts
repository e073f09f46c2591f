import { mkdtempSync, realpathSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parsePlaylist } from '@sluice/media/m3u8';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { allowAll, type Authorizer, type ClientRegistry } from '../../clients/index.ts';
import { testClients } from '../../clients/test-kit.ts';
import {
  defaultVhost,
  findVhost,
  type LimitsConfig,
  resolveConfig,
  type VhostOptions,
} from '../../config/index.ts';
import { createHttpServer, type HttpServer, type VirtualRequest } from '../http/index.ts';
import type { HlsItem, HlsPlaylist, HlsSegment } from './context.ts';
import { HlsHandler } from './handler.ts';

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-hls-')));
const running: HttpServer[] = [];
const opened: ClientRegistry[] = [];
const stream = { vhost: '__defaultVhost__', app: 'live', stream: 'cam' };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
});

afterEach(async () => {
  for (const clients of opened.splice(0)) clients.endAll('server-shutdown');
  vi.useRealTimers();
  await Promise.all(running.splice(0).map((server) => server.close({ graceMs: 0 })));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

function playlist(rest: Partial<HlsPlaylist> = {}): HlsPlaylist {
  return {
    kind: 'playlist',
    stream,
    sessions: true,
    segmentSessions: true,
    relativeMaster: false,
    version: 'p1',
    targetDurationMs: 5_000,
    variant: {
      bandwidth: 800_000.5,
      averageBandwidth: 700_000,
      codecs: 'avc1.64001f,mp4a.40.2',
      width: 640,
      height: 360,
    },
    text: (query) =>
      `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-TARGETDURATION:5\n#EXTINF:4.000, no desc\ncam-7.ts${query}\n`,
    ...rest,
  };
}

function segment(rest: Partial<HlsSegment> = {}): HlsSegment {
  const bytes = Buffer.from('0123456789');
  return { kind: 'segment', stream, bytes, contentType: 'video/MP2T', version: 's7', ...rest };
}

interface StartOptions {
  readonly files?: Readonly<Record<string, HlsItem>>;
  readonly urls?: Readonly<Record<string, HlsItem>>;
  readonly vhost?: VhostOptions;
  readonly limits?: Partial<LimitsConfig>;
  readonly authorizer?: Authorizer;
}

async function start(options: StartOptions = {}) {
  const config = resolveConfig({
    limits: options.limits,
    vhosts: { __defaultVhost__: options.vhost ?? {}, 'v.test': {} },
  });
  const files = new Map(
    Object.entries(options.files ?? { 'live/cam.m3u8': playlist(), 'live/cam-7.ts': segment() }).map(
      ([path, item]) => [join(directory, path), item],
    ),
  );
  const {
    clients,
    context,
    hub,
    lines: all,
    sessions,
  } = testClients(() => config, {
    authorizer: options.authorizer ?? allowAll,
  });
  const lines = (): string[] => all.map(({ msg }) => msg);
  hub
    .open(stream, context.settings(defaultVhost()))
    .publish({ id: 'pub1', onEnd: () => undefined, onWarning: () => undefined });
  const handler = new HlsHandler({
    log: context.log,
    clients,
    config: () => config,
    findVhost: (host) => findVhost(config, host),
    source: {
      findFile: (path) => files.get(path),
      findUrl: (vhost, path) => options.urls?.[vhost + path],
      ownerOf: () => undefined,
      absenceAt: () => undefined,
    },
  });
  opened.push(clients);
  const server = await createHttpServer({ version: '1.2.3', root: directory, virtualFiles: handler });
  running.push(server);
  await server.listen([{ host: '127.0.0.1', port: 0 }]);
  const base = `http://127.0.0.1:${server.addresses[0]?.port ?? 0}`;
  const ask = (path: string, init?: RequestInit) => fetch(base + path, init);
  return { base, ask, handler, clients, sessions, lines, files };
}

/** A viewer's request for the playlist, from an address of the documentation. */
function requestOf(address: number, id: string): VirtualRequest {
  return {
    method: 'GET',
    host: '',
    path: '/live/cam.m3u8',
    file: join(directory, 'live/cam.m3u8'),
    rawPath: '/live/cam.m3u8',
    headers: {},
    remoteAddress: `::ffff:192.0.2.${address}`,
    search: `?hls_ctx=${id}`,
  };
}

function variantOf(text: string): string {
  const parsed = parsePlaylist(text);
  return 'variants' in parsed ? (parsed.variants[0]?.uri ?? '') : '';
}

function idOf(uri: string): string {
  return new URLSearchParams(uri.slice(uri.indexOf('?'))).get('hls_ctx') ?? '';
}

describe('HlsHandler playlists', () => {
  it('L001 gives the playlist as it is without hls_ctx', async () => {
    const { ask, handler } = await start({
      files: { 'live/cam.m3u8': playlist({ sessions: false }) },
    });
    const response = await ask('/live/cam.m3u8');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/vnd.apple.mpegurl',
      'cache-control': 'public, max-age=1',
      'access-control-allow-origin': '*',
      etag: 'W/"p1"',
    });
    expect(await response.text()).toBe(playlist().text(''));
    expect((await ask('/live/cam.m3u8', { headers: { 'if-none-match': 'W/"p1"' } })).status).toBe(304);
    expect(handler.viewers).toBe(0);
    expect(await (await ask('/live/cam.m3u8?vhost=__defaultVhost__&x=1')).text()).toContain(
      'cam-7.ts?vhost=__defaultVhost__\n',
    );
  });

  it('L001 sends a new viewer on with an id of its own', async () => {
    const { ask, handler } = await start();
    const response = await ask('/live/cam.m3u8?token=a%20b&hls_ctx=bad&k');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('etag')).toBeNull();
    const text = await response.text();
    expect(text).toMatch(
      /^#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800001,AVERAGE-BANDWIDTH=700000,.*CODECS="avc1.64001f,mp4a.40.2"/,
    );
    expect(text).toContain('RESOLUTION=640x360');
    expect(variantOf(text)).toMatch(/^\/live\/cam\.m3u8\?token=a%20b&k&hls_ctx=[0-9a-z]{8}$/);
    const other = variantOf(await (await ask('/live/cam.m3u8')).text());
    expect(idOf(other)).not.toBe(idOf(variantOf(text)));
    expect(handler.viewers).toBe(0);
  });

  it('L001 names the variant by a relative path where it is asked to, whatever the name', async () => {
    const odd = playlist({ relativeMaster: true, variant: { bandwidth: 0, averageBandwidth: Number.NaN } });
    const { ask } = await start({ files: { 'live/cam.m3u8': odd, 'live/a: "直#".m3u8': odd } });
    const text = await (await ask('/live/cam.m3u8')).text();
    expect(text).toContain('BANDWIDTH=1,AVERAGE-BANDWIDTH=1\ncam.m3u8?hls_ctx=');
    const name = encodeURIComponent('a: "直#".m3u8').replace('%3A', ':');
    expect(variantOf(await (await ask(`/live/${name}`)).text())).toMatch(
      /^\.\/a:%20%22%E7%9B%B4%23%22\.m3u8\?hls_ctx=/,
    );
  });

  it('a viewer is one session from its first playlist on, with its bytes', async () => {
    const { ask, base, sessions, lines } = await start();
    const headers = { referer: 'http://page.test/a' };
    const url = variantOf(await (await ask('/live/cam.m3u8', { headers })).text());
    const id = idOf(url);
    for (let round = 0; round < 3; round += 1) {
      const response = await ask(url, { headers });
      expect(response.headers.get('cache-control')).toBe('no-cache');
      expect(await response.text()).toBe(playlist().text(`?hls_ctx=${id}`));
    }
    expect(await (await ask(`/live/cam-7.ts?hls_ctx=${id}`, { headers })).text()).toBe('0123456789');
    expect(sessions.size).toBe(1);
    expect(sessions.get(id)?.session).toMatchObject({
      id,
      type: 'hls-play',
      publish: false,
      ip: '127.0.0.1',
      ...stream,
      tcUrl: `${base}/live`,
      pageUrl: 'http://page.test/a',
      bytesOut: 3 * playlist().text(`?hls_ctx=${id}`).length + 10,
    });
    expect(sessions.totals()).toMatchObject({ players: 1, publishers: 0 });
    expect(lines()).toEqual([
      expect.stringContaining('hls-play __defaultVhost__/live/cam from 127.0.0.1, source pub1'),
    ]);
  });

  it('the id is not put to segments without hls_ts_ctx', async () => {
    const { ask, handler } = await start({
      files: { 'live/cam.m3u8': playlist({ segmentSessions: false }) },
    });
    expect(await (await ask('/live/cam.m3u8?hls_ctx=abcdefgh')).text()).toBe(playlist().text(''));
    expect(handler.viewers).toBe(1);
  });

  it('304 and HEAD: the first keeps a viewer, the second makes none', async () => {
    const { ask, handler, sessions } = await start();
    const head = await ask('/live/cam.m3u8?hls_ctx=abcdefgh', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(handler.viewers).toBe(0);
    expect((await ask('/live/cam.m3u8', { method: 'HEAD' })).status).toBe(200);
    await ask('/live/cam.m3u8?hls_ctx=abcdefgh');
    const before = sessions.get('abcdefgh')?.session.bytesOut;
    vi.advanceTimersByTime(29_000);
    const headers = { 'if-none-match': 'W/"p1"' };
    expect((await ask('/live/cam.m3u8?hls_ctx=abcdefgh', { headers })).status).toBe(304);
    vi.advanceTimersByTime(29_000);
    expect(handler.viewers).toBe(1);
    expect(sessions.get('abcdefgh')?.session.bytesOut).toBe(before);
  });

  it.each(['short', 'with-dash', 'a'.repeat(65), '', '%00%00%00%00%00%00%00%00', '"><script>'])(
    'makes no session for the ill-formed id %j',
    async (id) => {
      const { ask, handler } = await start();
      const text = await (await ask(`/live/cam.m3u8?hls_ctx=${id}`)).text();
      expect(idOf(variantOf(text))).toMatch(/^[0-9a-z]{8}$/);
      expect(text).not.toContain('script');
      expect(handler.viewers).toBe(0);
    },
  );

  it('an id counts for the stream that it was first used for', async () => {
    const other = playlist({ stream: { ...stream, stream: 'other' } });
    const { ask, handler, sessions } = await start({
      files: { 'a.m3u8': playlist(), 'b.m3u8': other },
    });
    await ask('/a.m3u8?hls_ctx=abcdefgh');
    expect((await ask('/b.m3u8?hls_ctx=abcdefgh')).status).toBe(200);
    expect(handler.viewers).toBe(1);
    expect(sessions.get('abcdefgh')?.session.stream).toBe('cam');
  });

  it('counts no more viewers than its limit, and serves them all', async () => {
    const { ask, handler, lines } = await start({ limits: { maxHlsViewers: 2 } });
    for (let number = 0; number < 5; number += 1) {
      expect((await ask(`/live/cam.m3u8?hls_ctx=viewer0${number}`)).status).toBe(200);
    }
    expect(handler.viewers).toBe(2);
    expect(lines().filter((line) => line.includes('further ones are not'))).toHaveLength(1);
    vi.advanceTimersByTime(40_000);
    expect(handler.viewers).toBe(0);
    await ask('/live/cam.m3u8?hls_ctx=viewer09');
    expect(handler.viewers).toBe(1);
  });

  it('counts no more viewers of one address than its limit, and serves them all', async () => {
    const { handler, lines } = await start({ limits: { maxHlsViewersPerAddress: 2 } });
    const ask = (address: number, viewer: number) =>
      handler.find(requestOf(address, `viewer${address}${viewer}`));
    for (const address of [1, 2, 3]) {
      for (const viewer of [1, 2, 3, 4]) expect(ask(address, viewer)).not.toHaveProperty('refused');
    }
    expect(handler.viewers).toBe(6);
    // Told once of each address.
    const told = () => lines().filter((line) => line.includes('further ones are not'));
    expect(told().map((line) => line.split(' ')[4])).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
    // Their places are free when they are gone.
    vi.advanceTimersByTime(40_000);
    expect(handler.viewers).toBe(0);
    for (const viewer of [5, 6]) ask(1, viewer);
    expect(handler.viewers).toBe(2);
    ask(1, 7);
    expect(told()).toHaveLength(4);
  });

  it('0 is no limit', async () => {
    const { handler } = await start({ limits: { maxHlsViewers: 0, maxHlsViewersPerAddress: 0 } });
    for (const viewer of [1, 2, 3]) handler.find(requestOf(1, `viewer0${viewer}`));
    expect(handler.viewers).toBe(3);
  });

  it.each(['maxHlsViewers', 'maxHlsViewersPerAddress'] as const)(
    'beyond %s a playlist whose segments are for known viewers is refused with 503',
    async (limit) => {
      const { ask } = await start({
        limits: { [limit]: 1 },
        vhost: { token: { enabled: true, play: true, secrets: ['0123456789abcdef'] } },
      });
      expect((await ask('/live/cam.m3u8?hls_ctx=viewer01')).status).toBe(200);
      expect((await ask('/live/cam-7.ts?hls_ctx=viewer01')).status).toBe(200);
      expect((await ask('/live/cam.m3u8?hls_ctx=viewer02')).status).toBe(503);
      expect((await ask('/live/cam.m3u8?hls_ctx=viewer01')).status).toBe(200);
    },
  );

  it('refer: who may not play gets 403, for the playlist and the segment', async () => {
    const { ask, handler, lines } = await start({
      vhost: { refer: { enabled: true, play: ['good.test'] } },
    });
    for (const path of ['/live/cam.m3u8', '/live/cam.m3u8?hls_ctx=abcdefgh', '/live/cam-7.ts']) {
      expect((await ask(path)).status).toBe(403);
      expect((await ask(path, { headers: { referer: 'http://evilgood.test/' } })).status).toBe(403);
      expect((await ask(path, { headers: { referer: 'http://www.good.test/' } })).status).toBe(200);
    }
    expect(handler.viewers).toBe(1);
    expect(lines().filter((line) => line.startsWith('refused: refer-denied'))).toHaveLength(4);
  });

  it('L020 finds by the mount what is in memory only', async () => {
    const inMemory = playlist({ stream: { ...stream, vhost: 'v.test' } });
    const { ask } = await start({
      files: {},
      urls: { 'v.test/live/ram.m3u8': inMemory, 'v.test/live/ram-7.ts': segment() },
    });
    expect((await ask('/live/ram.m3u8')).status).toBe(404);
    const url = variantOf(await (await ask('/live/ram.m3u8?vhost=v.test')).text());
    const text = await (await ask(url)).text();
    expect(text).toBe(playlist().text(`?vhost=v.test&hls_ctx=${idOf(url)}`));
    expect((await ask(`/live/ram-7.ts?vhost=v.test&hls_ctx=${idOf(url)}`)).status).toBe(200);
  });

  it('falls back to the files on disk, and counts them for the viewer', async () => {
    await mkdir(join(directory, 'live'), { recursive: true });
    await writeFile(join(directory, 'live/cam-1.ts'), 'on disk');
    await writeFile(join(directory, 'live/old.m3u8'), '#EXTM3U\n');
    const { ask, sessions } = await start();
    expect(await (await ask('/live/old.m3u8')).text()).toBe('#EXTM3U\n');
    await (await ask('/live/cam.m3u8?hls_ctx=abcdefgh')).text();
    const before = sessions.get('abcdefgh')?.session.bytesOut ?? 0;
    expect(await (await ask('/live/cam-1.ts?hls_ctx=abcdefgh')).text()).toBe('on disk');
    await vi.waitFor(() => {
      expect(sessions.get('abcdefgh')?.session.bytesOut).toBe(before + 7);
    });
    expect(await (await ask('/live/cam-1.ts?hls_ctx=unknown0')).text()).toBe('on disk');
    expect(sessions.size).toBe(1);
  });
});

describe('HlsHandler segments and keys', () => {
  it('L001 are sent with the window as their time in caches', async () => {
    const { ask } = await start({ vhost: { hls: { enabled: true, windowMs: 20_500 } } });
    const response = await ask('/live/cam-7.ts');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'video/MP2T',
      'cache-control': 'public, max-age=21, immutable',
      'accept-ranges': 'bytes',
      'content-length': '10',
      etag: '"s7"',
    });
    const part = await ask('/live/cam-7.ts', { headers: { range: 'bytes=3-5', 'if-range': '"s7"' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
      206,
      'bytes 3-5/10',
      '345',
    ]);
  });

  it('keys are kept by nobody', async () => {
    const key = segment({ kind: 'key', contentType: 'application/octet-stream' });
    const { ask } = await start({ files: { 'live/cam-7.key': key } });
    expect((await ask('/live/cam-7.key')).headers.get('cache-control')).toBe('no-store');
  });

  it('a segment of an unknown viewer makes no session', async () => {
    const { ask, handler } = await start();
    expect((await ask('/live/cam-7.ts?hls_ctx=abcdefgh')).status).toBe(200);
    expect(handler.viewers).toBe(0);
  });
});

describe('HlsHandler viewers end', () => {
  it('when they asked for nothing for 30 s, or three target durations', async () => {
    const { ask, handler, sessions, lines, files } = await start();
    await (await ask('/live/cam.m3u8?hls_ctx=abcdefgh')).text();
    vi.advanceTimersByTime(25_000);
    await (await ask('/live/cam-7.ts?hls_ctx=abcdefgh')).text();
    vi.advanceTimersByTime(30_000);
    expect(handler.viewers).toBe(1);
    vi.advanceTimersByTime(5_001);
    expect(handler.viewers).toBe(0);
    expect(sessions.size).toBe(0);
    expect(lines().at(-1)).toMatch(
      /^closed: idle-timeout \(nothing was asked for in 30 s\), hls-play live\/cam, 60\.\d s,/,
    );

    files.set(join(directory, 'live/cam.m3u8'), playlist({ targetDurationMs: 20_000 }));
    await ask('/live/cam.m3u8?hls_ctx=abcdefgh');
    vi.advanceTimersByTime(59_000);
    expect(handler.viewers).toBe(1);
    vi.advanceTimersByTime(6_001);
    expect(handler.viewers).toBe(0);
  });

  it('when the server stops, and none comes after', async () => {
    const { ask, handler, clients, sessions, lines } = await start();
    await ask('/live/cam.m3u8?hls_ctx=abcdefgh');
    await ask('/live/cam.m3u8?hls_ctx=abcdefgi');
    clients.endAll('server-shutdown');
    expect(lines().filter((line) => line.startsWith('closed: server-shutdown'))).toHaveLength(2);
    expect((await ask('/live/cam.m3u8?hls_ctx=abcdefgh')).status).toBe(200);
    expect([handler.viewers, sessions.size]).toEqual([0, 0]);
  });

  it('thousands come and go without a trace', async () => {
    const { handler, sessions, base } = await start();
    expect(base).not.toBe('');
    for (let number = 0; number < 5_000; number += 1) {
      handler.find(requestOf(1, `v${String(number).padStart(7, '0')}`));
    }
    expect(handler.viewers).toBe(5_000);
    expect(sessions.get('v0000000')?.session.ip).toBe('192.0.2.1');
    vi.advanceTimersByTime(40_000);
    expect([handler.viewers, sessions.size, vi.getTimerCount()]).toEqual([0, 0, 0]);
  });

  it('K003 S002 a viewer is asked for once, refused with 403, and its end is told', async () => {
    const told: string[] = [];
    const authorizer: Authorizer = {
      check: async (action, { param }) => {
        told.push(action);
        return param.includes('good') ? undefined : { reason: 'token-denied', detail: 'no' };
      },
      began: () => told.push('entered'),
      ended: (_action, _client, reason) => told.push(`left ${String(reason)}`),
      closed: () => undefined,
    };
    const files = { 'live/cam.m3u8': playlist(), 'live/cam-7.ts': segment() };
    const vhost = { token: { enabled: true, play: true, secrets: ['0123456789abcdef'] } };
    const { ask, clients, sessions, lines } = await start({ files, authorizer, vhost });
    // The master playlist has nothing to guard.
    expect((await ask('/live/cam.m3u8')).status).toBe(200);
    expect((await ask('/live/cam-7.ts')).status).toBe(403);
    expect((await ask('/live/cam.m3u8?hls_ctx=abcdefgh&token=bad')).status).toBe(403);
    expect(lines().some((line) => line.includes('refused: token-denied (no)'))).toBe(true);
    for (let round = 0; round < 3; round += 1) {
      expect((await ask('/live/cam.m3u8?hls_ctx=abcdefgh&token=good')).status).toBe(200);
    }
    expect((await ask('/live/cam-7.ts?hls_ctx=abcdefgh')).status).toBe(200);
    expect(sessions.size).toBe(1);
    expect(clients.kick('abcdefgh')).toBe(true);
    expect(clients.kick('abcdefgh')).toBe(false);
    expect(told).toEqual(['play', 'play', 'entered', 'left kicked']);
  });

  it('an id that is the session of another client makes no viewer', async () => {
    const { ask, handler, clients, sessions } = await start();
    const transport = { bytesIn: 0, bytesOut: 0, close: () => undefined };
    const other = clients.open({ id: 'abcdefgh', ip: '192.0.2.1', transport });
    expect((await ask('/live/cam.m3u8?hls_ctx=abcdefgh')).status).toBe(200);
    expect([handler.viewers, sessions.size]).toEqual([0, 0]);
    expect(clients.get('abcdefgh')).toBe(other);
    other.closed();
    expect((await ask('/live/cam.m3u8?hls_ctx=abcdefgh')).status).toBe(200);
    expect(sessions.get('abcdefgh')?.session.type).toBe('hls-play');
  });

  it('K003 a request that joins a question is a viewer of its own where that one made none', async () => {
    const reported: string[] = [];
    const answers: (() => void)[] = [];
    const authorizer: Authorizer = {
      ...allowAll,
      check: () =>
        new Promise((resolve) => {
          answers.push(() => {
            resolve(undefined);
          });
        }),
      began: () => reported.push('began'),
      ended: () => reported.push('ended'),
    };
    const { ask, handler } = await start({ authorizer });
    const both = [
      ask('/live/cam.m3u8?hls_ctx=abcdefgh', { method: 'HEAD' }),
      ask('/live/cam.m3u8?hls_ctx=abcdefgh'),
    ];
    for (const done of [false, true]) {
      await vi.waitFor(() => {
        expect(answers.length + handler.viewers).toBeGreaterThan(0);
      });
      for (const answer of answers.splice(0)) answer();
      if (done) break;
    }
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 200]);
    expect(handler.viewers).toBe(1);
    expect(reported.filter((event) => event === 'began')).toHaveLength(1);
  });

  it('S002 the files of a vhost that is gone are not found', async () => {
    const files = { 'live/cam.m3u8': playlist({ stream: { ...stream, vhost: 'off.test' } }) };
    const { ask } = await start({ files, vhost: { enabled: false } });
    expect((await ask('/live/cam.m3u8?hls_ctx=abcdefgh')).status).toBe(404);
  });

  it('S002 the id of one stream opens no other one, neither its playlist nor its segments', async () => {
    const authorizer: Authorizer = {
      ...allowAll,
      check: (_action, { stream: name }) =>
        name === 'cam' ? undefined : { reason: 'token-denied', detail: 'no' },
    };
    const secret = { ...stream, stream: 'secret' };
    const files = {
      'live/cam.m3u8': playlist(),
      'live/secret.m3u8': playlist({ stream: secret }),
      'live/secret-7.ts': segment({ stream: secret }),
      'live/secret-7.key': segment({ kind: 'key', stream: secret }),
    };
    const vhost = { token: { enabled: true, play: true, secrets: ['0123456789abcdef'] } };
    const { ask } = await start({ files, authorizer, vhost });
    expect((await ask('/live/cam.m3u8?hls_ctx=abcdefgh')).status).toBe(200);
    for (const name of ['secret.m3u8', 'secret-7.ts', 'secret-7.key']) {
      expect((await ask(`/live/${name}?hls_ctx=abcdefgh`)).status).toBe(403);
    }
  });

  it('K003 each yes of a callback server is followed by one end, whoever asked and however often', async () => {
    const told: string[] = [];
    const answers: (() => void)[] = [];
    const authorizer: Authorizer = {
      check: (_action, { id }) =>
        new Promise((resolve) => {
          told.push(`asked ${id}`);
          answers.push(() => {
            resolve(undefined);
          });
        }),
      began: (_action, { id }) => told.push(`entered ${id}`),
      ended: (_action, { id }) => told.push(`left ${id}`),
      closed: () => undefined,
    };
    const { ask, clients } = await start({ authorizer, limits: { maxHlsViewers: 1 } });
    const answerAll = async (count: number): Promise<void> => {
      await vi.waitFor(() => {
        expect(answers).toHaveLength(count);
      });
      for (const answer of answers.splice(0)) answer();
    };
    const heads = [ask('/live/cam.m3u8?hls_ctx=headhead', { method: 'HEAD' })];
    await answerAll(1);
    await Promise.all(heads);
    // Asked twice at once by one player: one question.
    const twice = [1, 2].map(() => ask('/live/cam.m3u8?hls_ctx=aaaaaaaa'));
    await answerAll(1);
    expect((await Promise.all(twice)).map(({ status }) => status)).toEqual([200, 200]);
    // One more than are counted.
    const third = ask('/live/cam.m3u8?hls_ctx=bbbbbbbb');
    await answerAll(1);
    expect((await third).status).toBe(200);
    clients.endAll('server-shutdown');
    expect(told).toEqual([
      ...['asked headhead', 'left headhead'],
      ...['asked aaaaaaaa', 'entered aaaaaaaa'],
      ...['asked bbbbbbbb', 'left bbbbbbbb', 'left aaaaaaaa'],
    ]);
  });
});
