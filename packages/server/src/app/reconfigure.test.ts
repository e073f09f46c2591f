import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { type RtmpClientPublisher, play, publish } from '@sluice/rtmp/node';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { resolveConfig, type ServerOptions, type VhostOptions } from '../config/index.ts';
import { aacHeader, avcHeader, numberIn, readFlv, video } from '../remux/test-kit.ts';
import { SluiceServer } from './index.ts';

const loopback = { host: '127.0.0.1', port: 0 } as const;
const http = { listen: [loopback] };
const cleanUps: (() => unknown)[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-reload-'));
  folders.push(folder);
  return folder;
}

const live: VhostOptions = { minLatency: true, httpRemux: { enabled: true, hstrs: false } };

/** Waits as long as a busy machine may need. */
function eventually(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 30_000 });
}

/** A server whose next configuration is always the first one, but for what is given. */
async function start(options: ServerOptions = {}) {
  const lines: string[] = [];
  const log = pino(
    { level: 'info' },
    { write: (json: string) => lines.push((JSON.parse(json) as { msg: string }).msg) },
  );
  const base: ServerOptions = {
    listen: [loopback],
    maxConnections: 100,
    vhosts: { __defaultVhost__: live },
    ...options,
  };
  let next = base;
  const server = new SluiceServer(resolveConfig(base), log, { load: () => resolveConfig(next) });
  cleanUps.push(() => server.close());
  await server.start();
  const reload = (changed: ServerOptions) => {
    next = { ...base, ...changed };
    return server.reload('test');
  };
  return { server, lines, reload };
}

function url(server: SluiceServer, stream = 'test', vhost = '', at = 0): string {
  const port = server.addresses.rtmp[at]?.port ?? 0;
  return `rtmp://127.0.0.1:${port}/live/${stream}${vhost === '' ? '' : `?vhost=${vhost}`}`;
}

function httpUrl(server: SluiceServer, path: string): string {
  return `http://127.0.0.1:${server.addresses.http[0]?.port ?? 0}${path}`;
}

/** A publisher that sends numbered frames, a keyframe each ten. */
class Source {
  readonly publisher: RtmpClientPublisher;
  #next = 0;

  constructor(publisher: RtmpClientPublisher) {
    this.publisher = publisher;
    publisher.sendVideo(0, avcHeader());
    publisher.sendAudio(0, aacHeader());
  }

  static async open(to: string): Promise<Source> {
    const source = new Source(await publish(to));
    cleanUps.push(() => source.publisher.close());
    return source;
  }

  /** @returns how many were sent so far */
  send(count: number): number {
    for (const last = this.#next + count; this.#next < last; this.#next += 1) {
      this.publisher.sendVideo(this.#next * 40, video(this.#next, { key: this.#next % 10 === 0 }));
    }
    return this.#next;
  }
}

/** An RTMP player and the numbers of the frames that it got. */
async function watch(from: string) {
  const numbers: number[] = [];
  const player = await play(from, {
    onMedia: ({ flvTagType, payload }) => {
      const number = numberIn(flvTagType, payload);
      if (number >= 0) numbers.push(number);
    },
  });
  cleanUps.push(() => player.close());
  return {
    numbers,
    closed: player.connection.closed,
    close: () => player.close(),
    untilLast: (last: number) => eventually(() => expect(numbers.at(-1)).toBe(last)),
  };
}

/** Consecutive numbers, so that none is missing. */
function isWhole(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number === (numbers[index - 1] ?? 0) + 1);
}

async function busyPort(): Promise<number> {
  const other: Server = createTcpServer();
  cleanUps.push(() => other.close());
  return new Promise((resolve) => {
    other.listen(0, '127.0.0.1', () => {
      const address = other.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

async function freePort(): Promise<number> {
  const port = await busyPort();
  await cleanUps.pop()?.();
  return port;
}

/** A callback server that answers at once, but to `/play`, which it is told to answer. */
async function callbacks() {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const hooks = createHttpServer((request, response) => {
    asked.push(request.url ?? '');
    answers.push(() => response.end('0'));
    if (request.url !== '/play') answers.pop()?.();
  });
  cleanUps.push(() => {
    hooks.closeAllConnections();
    hooks.close();
  });
  await new Promise<void>((resolve) => hooks.listen(0, '127.0.0.1', resolve));
  const address = hooks.address();
  const base = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  return { asked, answers, base };
}

const streamId = { vhost: '__defaultVhost__', app: 'live', stream: 'test' };

/** An H.264 frame of one small NAL unit. */
function picture(key: boolean): Uint8Array {
  return Uint8Array.of(key ? 0x17 : 0x27, 1, 0, 0, 0, 0, 0, 0, 4, key ? 0x65 : 0x41, 1, 2, 3);
}

describe('a reload under way', () => {
  it('C004 a port in use changes nothing: no address, no setting, no session', async () => {
    const { server, lines, reload } = await start({ httpServer: http });
    const source = await Source.open(url(server));
    source.send(5);
    const player = await watch(url(server));
    const before = server.addresses;
    const port = await busyPort();
    const result = await reload({
      listen: [loopback, loopback],
      httpServer: { listen: [loopback, { host: '127.0.0.1', port }] },
      vhosts: { __defaultVhost__: { ...live, httpRemux: { enabled: false } }, other: {} },
    });
    expect(result).toMatchObject({ ok: false, code: 'listen-failed' });
    expect(lines.at(-1)).toBe(
      `test: not reloaded: HTTP port 127.0.0.1:${port} is in use: stop the other program or change \`http_server.listen\``,
    );
    expect(server.addresses).toEqual(before);
    expect([...server.config.vhosts.keys()]).toEqual(['__defaultVhost__']);
    expect((await fetch(httpUrl(server, '/live/test.flv'), { method: 'HEAD' })).status).toBe(200);
    await player.untilLast(source.send(5) - 1);
  });

  it('C005 listen: new addresses open, old ones close, and who came in by them stays', async () => {
    const { server, reload } = await start({ listen: [loopback, loopback] });
    const [first, second] = server.addresses.rtmp;
    const source = await Source.open(url(server));
    source.send(5);
    const player = await watch(url(server));
    const old = url(server);
    // The first address goes; the second one stays, and one comes.
    const fresh = { host: '127.0.0.1', port: await freePort() };
    const result = await reload({ listen: [{ host: '127.0.0.1', port: second?.port ?? 0 }, fresh] });
    expect(result).toMatchObject({ ok: true });
    expect(server.addresses.rtmp).toEqual([second, fresh]);
    expect(first).toBeDefined();
    await expect(play(old, { onMedia: () => undefined })).rejects.toMatchObject({
      code: 'connection-failed',
    });
    const late = await watch(url(server, 'test', '', 1));
    const last = source.send(20) - 1;
    await player.untilLast(last);
    await late.untilLast(last);
    expect(isWhole(player.numbers)).toBe(true);
  });

  it('C005 http_server and http_api go on and off, and serve another directory', async () => {
    const folder = makeFolder();
    const { server, reload } = await start();
    for (const name of ['a', 'b']) writeFileSync(join(folder, `${name}.txt`), name);
    expect(server.addresses.http).toEqual([]);
    expect(await reload({ httpServer: { ...http, dir: folder }, httpApi: http })).toMatchObject({ ok: true });
    const before = server.addresses;
    expect(await (await fetch(httpUrl(server, '/a.txt'))).text()).toBe('a');
    expect(await reload({ httpServer: { ...http, dir: join(folder, 'none') }, httpApi: http })).toMatchObject(
      {
        ok: true,
      },
    );
    expect(server.addresses).toEqual(before);
    expect((await fetch(httpUrl(server, '/a.txt'))).status).toBe(404);
    const api = `http://127.0.0.1:${before.api[0]?.port ?? 0}/api/v1/versions`;
    expect((await fetch(api)).status).toBe(200);
    await reload({});
    expect(server.addresses).toMatchObject({ http: [], api: [] });
    await expect(fetch(api)).rejects.toThrow();
    await reload({ httpApi: http });
    expect(
      (await fetch(`http://127.0.0.1:${server.addresses.api[0]?.port ?? 0}/api/v1/versions`)).status,
    ).toBe(200);
  });

  it('C005 http_static of a vhost comes and goes; mounts that clash are refused', async () => {
    const folder = makeFolder();
    const { server, reload } = await start({ httpServer: http });
    writeFileSync(join(folder, 'a.txt'), 'a');
    const httpStatic = { enabled: true, mount: '[vhost]/files', dir: folder };
    await reload({ httpServer: http, vhosts: { __defaultVhost__: { ...live, httpStatic } } });
    expect((await fetch(httpUrl(server, '/files/a.txt'))).status).toBe(200);
    const clash = { enabled: true, mount: '__defaultVhost__/files', dir: folder };
    const result = await reload({
      httpServer: http,
      vhosts: { __defaultVhost__: { ...live, httpStatic }, b: { httpStatic: clash } },
    });
    expect(result).toMatchObject({ ok: false, code: 'mounts-unusable' });
    expect((await fetch(httpUrl(server, '/files/a.txt'))).status).toBe(200);
    await reload({ httpServer: http });
    expect((await fetch(httpUrl(server, '/files/a.txt'))).status).toBe(404);
  });

  it('C006 a vhost that goes takes its clients along; the others lose no frame; one that comes works at once', async () => {
    const { server, lines, reload } = await start({
      httpServer: http,
      vhosts: { __defaultVhost__: live, gone: live, off: live },
    });
    const kept = await Source.open(url(server));
    const player = await watch(url(server));
    const leaving = await Promise.all(
      ['gone', 'off'].map((vhost) => Source.open(url(server, 'test', vhost))),
    );
    const viewers = await Promise.all(['gone', 'off'].map((vhost) => watch(url(server, 'test', vhost))));
    for (const source of leaving) source.send(2);
    for (const viewer of viewers) await viewer.untilLast(1);
    const body = await fetch(httpUrl(server, '/live/test.flv?vhost=gone'));
    kept.send(5);
    await reload({
      httpServer: http,
      vhosts: { __defaultVhost__: live, off: { ...live, enabled: false }, fresh: live },
    });
    await Promise.all([
      ...viewers.map(({ closed }) => closed),
      ...leaving.map(({ publisher }) => publisher.connection.closed),
    ]);
    readFlv(Buffer.from(await body.arrayBuffer()));
    await eventually(() =>
      expect(lines.filter((line) => line.startsWith('closed: vhost-not-found'))).toHaveLength(5),
    );
    const fresh = await Source.open(url(server, 'test', 'fresh'));
    fresh.send(1);
    await (await watch(url(server, 'test', 'fresh'))).untilLast(0);
    await player.untilLast(kept.send(20) - 1);
    expect(player.numbers[0]).toBe(0);
    expect(isWhole(player.numbers)).toBe(true);
    expect(server.streams.size).toBe(2);
  });

  it('C006 2023: an origin does not become an edge', async () => {
    const { server, reload } = await start();
    const edge = { ...live, cluster: { mode: 'remote' as const, origins: ['10.0.0.1'] } };
    expect(await reload({ maxConnections: 50, vhosts: { __defaultVhost__: edge } })).toMatchObject({
      ok: false,
      code: 'vhost-mode-changed',
    });
    expect(server.config.maxConnections).toBe(100);
  });

  it('C005 max_connections, mr and timeouts are those of the new file', async () => {
    const { server, reload } = await start();
    const source = await Source.open(url(server));
    const publishing = { firstPacketTimeoutMs: 1, normalTimeoutMs: 1 };
    await reload({ maxConnections: 1, vhosts: { __defaultVhost__: { ...live, publish: publishing } } });
    await expect(play(url(server), { onMedia: () => undefined })).rejects.toThrow();
    expect(await source.publisher.connection.closed.then(() => server.streams.size)).toBe(0);
  });

  it('H014 http_remux off ends its players and unmounts, on mounts again', async () => {
    const { server, lines, reload } = await start({ httpServer: http });
    const source = await Source.open(url(server));
    source.send(5);
    const player = await watch(url(server));
    const first = await fetch(httpUrl(server, '/live/test.flv'));
    await reload({ httpServer: http, vhosts: { __defaultVhost__: { minLatency: true } } });
    expect(readFlv(Buffer.from(await first.arrayBuffer())).tags.length).toBeGreaterThan(5);
    await eventually(() => expect(lines.some((line) => line.startsWith('closed: unmounted'))).toBe(true));
    expect((await fetch(httpUrl(server, '/live/test.flv'))).status).toBe(404);
    await reload({ httpServer: http });
    const again = await fetch(httpUrl(server, '/live/test.flv'));
    expect(again.status).toBe(200);
    await again.body?.cancel();
    await player.untilLast(source.send(20) - 1);
    expect(isWhole(player.numbers)).toBe(true);
  });

  it('L023 HLS that is switched on under a stream begins with its headers; another setting re-opens it', async () => {
    const { server, reload } = await start({ httpServer: http });
    const publisher = await publish(url(server));
    cleanUps.push(() => publisher.close());
    publisher.sendVideo(0, avcHeader());
    let at = 0;
    const send = (count: number): void => {
      for (const last = at + count; at < last; at += 1) publisher.sendVideo(at * 40, picture(at % 10 === 0));
    };
    const untilFrames = (count: number) =>
      eventually(() => expect(server.streams.find(streamId)?.videoFrames).toBe(count + 1));
    send(15);
    await untilFrames(15);
    const segments: { readonly durationMs: number; readonly sequence: number }[] = [];
    server.onSegment((segment) => segments.push(segment));
    const withHls = (fragmentMs: number) => ({
      httpServer: http,
      vhosts: { __defaultVhost__: { ...live, hls: { enabled: true, storage: 'ram' as const, fragmentMs } } },
    });
    await reload(withHls(400));
    send(35);
    await eventually(() => expect(segments).toHaveLength(2));
    // The stream's header was there before HLS was: pictures have it in front.
    const media = await (await fetch(httpUrl(server, '/live/test.m3u8?hls_ctx=abcdefgh'))).text();
    const [name] = /[^\n]+\.ts[^\n]*/.exec(media) ?? [''];
    const segment = Buffer.from(
      await (await fetch(httpUrl(server, `/live/${name.split('/').at(-1) ?? ''}`))).arrayBuffer(),
    );
    expect(segment.includes(Buffer.from('00000001' + '6764001facd9405005bb', 'hex'))).toBe(true);
    // The open segment ends with its settings.
    await reload(withHls(800));
    send(50);
    await eventually(() => expect(segments.map(({ durationMs }) => durationMs)).toContain(800));
    const sequences = segments.map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.map((_, index) => (sequences[0] ?? 0) + index));
    await reload({ httpServer: http });
    const count = segments.length;
    send(50);
    await untilFrames(150);
    expect(segments).toHaveLength(count);
  });

  it('V007 recordings begin, change and end under a stream', async () => {
    const folder = makeFolder();
    const { server, reload } = await start();
    const source = await Source.open(url(server));
    const player = await watch(url(server));
    source.send(15);
    await player.untilLast(14);
    const files: string[] = [];
    server.onRecording(({ file }) => files.push(file));
    const recording = (name: string) => ({
      vhosts: { __defaultVhost__: { ...live, dvr: { enabled: true, path: join(folder, `${name}.flv`) } } },
    });
    await reload(recording('one'));
    await player.untilLast(source.send(20) - 1);
    await reload(recording('two'));
    await eventually(() => expect(files).toHaveLength(1));
    await player.untilLast(source.send(20) - 1);
    await reload({});
    await eventually(() => expect(files).toHaveLength(2));
    await player.untilLast(source.send(20) - 1);
    expect(readdirSync(folder).sort()).toEqual(['one.flv', 'two.flv']);
    for (const name of ['one.flv', 'two.flv']) {
      const { tags } = readFlv(readFileSync(join(folder, name)));
      // Headers first, and then from a keyframe on.
      const [, audioHeader, videoHeader, first] = tags.filter(({ timestamp }) => timestamp >= 0);
      expect([audioHeader?.number, videoHeader?.number]).toEqual([-1, -1]);
      expect((first?.number ?? 1) % 10).toBe(0);
    }
    expect(isWhole(player.numbers)).toBe(true);
  });

  it('C005 utc_time counts in names of files from the next one on', async () => {
    vi.stubEnv('TZ', 'Asia/Tokyo');
    cleanUps.push(() => vi.unstubAllEnvs());
    const folder = makeFolder();
    const dvr = { enabled: true, plan: 'session', path: join(folder, '[stream].[15].flv') } as const;
    const vhosts = { __defaultVhost__: { ...live, dvr } };
    const { server, reload } = await start({ vhosts });
    const names: string[] = [];
    server.onRecording(({ file }) => names.push(basename(file)));
    async function record(name: string): Promise<void> {
      const before = names.length;
      const source = await Source.open(url(server, name));
      const player = await watch(url(server, name));
      await player.untilLast(source.send(12) - 1);
      await source.publisher.close();
      await eventually(() => expect(names).toHaveLength(before + 1));
    }
    const hours = (utc: boolean): string => {
      const now = new Date();
      return String(utc ? now.getUTCHours() : now.getHours()).padStart(2, '0');
    };
    const [localBefore, utcBefore] = [hours(false), hours(true)];
    await record('one');
    await reload({ vhosts, log: { utc: true } });
    await record('two');
    // An hour may have ended meanwhile.
    expect([`one.${localBefore}.flv`, `one.${hours(false)}.flv`]).toContain(names[0]);
    expect([`two.${utcBefore}.flv`, `two.${hours(true)}.flv`]).toContain(names[1]);
  });

  it('a stream whose name leads out of directories is not written when that is switched on', async () => {
    const folder = makeFolder();
    const { server, lines, reload } = await start();
    const source = await Source.open(url(server, '..'));
    source.send(5);
    await reload({
      vhosts: { __defaultVhost__: { ...live, dvr: { enabled: true, path: join(folder, 'x/[stream].flv') } } },
    });
    expect(readdirSync(folder)).toEqual([]);
    expect(lines.some((line) => line.includes('is not written to files'))).toBe(true);
  });

  it('C004 C005 two hundred reloads at once, while players watch', async () => {
    const { server, reload } = await start();
    const source = await Source.open(url(server));
    const player = await watch(url(server));
    const results = [];
    for (let at = 0; at < 200; at += 1) {
      source.send(1);
      const play = { gopCache: at % 2 === 0, queueLengthMs: 1000 + at };
      results.push(reload({ vhosts: { __defaultVhost__: { ...live, play } } }));
      if (at % 10 === 0) await results.at(-1);
    }
    expect((await Promise.all(results)).every(({ ok }) => ok)).toBe(true);
    expect([...server.config.vhosts.values()][0]?.play.queueLengthMs).toBe(1199);
    await player.untilLast(source.send(1) - 1);
    expect(player.numbers[0]).toBe(0);
    expect(isWhole(player.numbers)).toBe(true);
  });

  it('C005 who waits for a callback while a reload comes goes on by the new configuration', async () => {
    const { asked, answers, base } = await callbacks();
    const httpHooks = { enabled: true, onPlay: [`${base}/play`], onStop: [`${base}/old`] };
    const { server, reload } = await start({ vhosts: { __defaultVhost__: { ...live, httpHooks } } });
    const watching = watch(url(server));
    await eventually(() => expect(asked).toEqual(['/play']));
    await reload({
      vhosts: {
        __defaultVhost__: {
          ...live,
          httpHooks: { ...httpHooks, onStop: [`${base}/new`] },
          play: { gopCache: false },
        },
      },
    });
    answers.pop()?.();
    const player = await watching;
    const source = await Source.open(url(server));
    source.send(15);
    await player.untilLast(14);
    expect(server.streams.find(streamId)?.heldBytes).toBe(0);
    await player.close();
    await eventually(() => expect(asked).toContain('/new'));
    expect(asked).not.toContain('/old');
  });

  it('H014 who waits for a callback when its mount goes is told that it is gone', async () => {
    const { asked, base } = await callbacks();
    const httpHooks = { enabled: true, onPlay: [`${base}/play`] };
    const { server, lines, reload } = await start({
      httpServer: http,
      vhosts: { __defaultVhost__: { ...live, httpRemux: { enabled: true, hstrs: true }, httpHooks } },
    });
    const answer = fetch(httpUrl(server, '/live/test.flv')).then(
      ({ status }) => status,
      () => 'no answer',
    );
    await eventually(() => expect(asked).toEqual(['/play']));
    await reload({ httpServer: http, vhosts: { __defaultVhost__: { httpHooks } } });
    expect(await answer).toBe(404);
    await eventually(() => expect(lines.some((line) => line.startsWith('closed: unmounted'))).toBe(true));
  });

  it('a server without a file, or one that stops, says so', async () => {
    const server = new SluiceServer(
      resolveConfig({ listen: [loopback], maxConnections: 10 }),
      pino({ level: 'silent' }),
    );
    await server.start();
    expect(await server.reload('test')).toMatchObject({ ok: false, code: 'no-configuration-file' });
    await server.close();
    await expect(server.apply(resolveConfig({}))).rejects.toMatchObject({ code: 'not-running' });
  });
});
