import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';

import { FlvReader } from '@sluice/media/flv';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';

import { allowAll, type Authorizer, type ClientRegistry } from '../../clients/index.ts';
import { testClients } from '../../clients/test-kit.ts';
import { type Config, findVhost, resolveConfig, type VhostOptions } from '../../config/index.ts';
import type { LiveHub } from '../../live/index.ts';
import {
  aacHeader,
  audio,
  avcHeader,
  brief,
  numberIn,
  publishTo,
  readFlv,
  settings,
  streamId,
  type TestPublisher,
  video,
} from '../../remux/test-kit.ts';
import { avcBody, briefTs, readTs } from '../../remux/ts-test-kit.ts';
import type { Sessions } from '../../stats/index.ts';
import { createHttpServer, type HttpServer } from '../http/index.ts';
import { HttpLiveHandler } from './handler.ts';

interface TestServer {
  readonly port: number;
  readonly hub: LiveHub;
  readonly handler: HttpLiveHandler;
  readonly clients: ClientRegistry;
  readonly sessions: Sessions;
  readonly publisher: () => TestPublisher;
  readonly closings: () => string[];
}

const running: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close({ graceMs: 0 })));
});

async function start(
  vhost: VhostOptions | (() => VhostOptions) = {},
  authorizer: Authorizer = allowAll,
): Promise<TestServer> {
  const resolve = (options: VhostOptions): Config =>
    resolveConfig({
      vhosts: { __defaultVhost__: { httpRemux: { enabled: true, hstrs: false }, ...options } },
    });
  const fixed = typeof vhost === 'function' ? undefined : resolve(vhost);
  const config = (): Config => fixed ?? resolve(typeof vhost === 'function' ? vhost() : vhost);
  const { clients, hub, lines, sessions } = testClients(config, { authorizer, settings: () => settings() });
  const handler = new HttpLiveHandler({ hub, clients, findVhost: (host) => findVhost(config(), host) });
  const closings = (): string[] => lines.map(({ msg }) => msg).filter((msg) => msg.startsWith('closed:'));
  const server = await createHttpServer({ version: '1.2.3', live: handler });
  running.push(server);
  await server.listen([{ host: '127.0.0.1', port: 0 }]);
  const publisher = (): TestPublisher => publishTo(hub.open(streamId, settings()));
  return { port: server.addresses[0]?.port ?? 0, handler, hub, clients, sessions, publisher, closings };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const giveUp = Date.now() + 30_000;
  while (!holds()) {
    if (Date.now() > giveUp) throw new Error(`not so in time: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function send(publisher: TestPublisher, from: number, to: number): void {
  for (let number = from; number < to; number += 1) {
    publisher.write(9, number * 40, video(number, { key: number % 10 === 0 }));
    publisher.flush();
  }
}

/** A GET whose body is read as it comes. */
async function request(port: number, path: string, headers: Record<string, string> = {}) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, headers, agent: false }, resolve).on('error', reject);
  });
  const chunks: Buffer[] = [];
  let over: 'ended' | 'aborted' | undefined;
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.on('end', () => (over ??= 'ended'));
  response.on('error', () => (over ??= 'aborted'));
  return {
    response,
    bytes: () => Buffer.concat(chunks),
    over: () => over,
    numbers: () => new FlvReader().write(Buffer.concat(chunks)).map(({ type, body }) => numberIn(type, body)),
  };
}

describe('HttpLiveHandler', () => {
  it('H009 plays a live stream as FLV, and the response ends with the publisher', async () => {
    const { port, publisher, closings, hub, sessions, clients } = await start();
    const live = publisher();
    live.write(9, 0, avcHeader());
    send(live, 0, 15);
    const viewer = await request(port, '/live/test.flv');
    expect(viewer.response.statusCode).toBe(200);
    expect(viewer.response.headers).toMatchObject({
      'content-type': 'video/x-flv',
      'transfer-encoding': 'chunked',
      connection: 'close',
      server: expect.stringContaining('/1.2.3') as string,
    });
    send(live, 15, 20);
    await until('all came', () => viewer.numbers().length === 11);
    const [session] = sessions.all();
    expect(session?.session).toMatchObject({
      type: 'flv-play',
      publish: false,
      ip: '127.0.0.1',
      ...streamId,
    });
    live.end();
    await until('it ended', () => viewer.over() !== undefined);
    expect(viewer.over()).toBe('ended');
    expect(brief(readFlv(viewer.bytes()).tags)).toEqual([
      'vh@0',
      ...Array.from({ length: 10 }, (_, at) => `v@${at * 40}#${at + 10}`),
    ]);
    await until('it is logged', () => closings().length === 1);
    expect(closings()[0]).toMatch(/^closed: publisher-gone .* flv-play live\/test/);
    expect(hub.size).toBe(0);
    expect(sessions.size).toBe(0);
    expect(clients.size).toBe(0);
  });

  it('H009 HTTP/1.0 gets a plain body, HEAD the head alone', async () => {
    const { port, publisher, closings } = await start();
    const live = publisher();
    send(live, 0, 3);
    const talk = async (bytes: string): Promise<string> => {
      const socket = connect(port, '127.0.0.1');
      let text = '';
      socket.setEncoding('latin1');
      socket.on('data', (data: string) => {
        text += data;
      });
      socket.on('error', () => undefined);
      socket.write(bytes);
      await until(
        'it is answered',
        () => text.includes('\r\n\r\n') && (text.includes('FLV') || socket.closed),
      );
      socket.destroy();
      return text;
    };
    const plain = await talk('GET /live/test.flv HTTP/1.0\r\nHost: x\r\n\r\n');
    expect(plain).not.toContain('Transfer-Encoding');
    expect(plain.slice(plain.indexOf('\r\n\r\n') + 4, plain.indexOf('\r\n\r\n') + 7)).toBe('FLV');
    const head = await talk('HEAD /live/test.flv HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(head.endsWith('\r\n\r\n')).toBe(true);
    await until('both are logged', () => closings().length === 2);
  });

  it('H009 by WebSocket at the same URL, closed in order at the end', async () => {
    const { port, publisher } = await start();
    const live = publisher();
    send(live, 0, 5);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/live/test.flv`);
    const messages: Buffer[] = [];
    let code = 0;
    socket.on('message', (data: Buffer, binary) => {
      expect(binary).toBe(true);
      messages.push(data);
    });
    socket.on('close', (closeCode) => {
      code = closeCode;
    });
    const tags = () => readFlv(Buffer.concat(messages)).tags;
    await until('the GOP came', () => tags().length === 5);
    send(live, 5, 8);
    await until('the rest came', () => tags().length === 8);
    live.end();
    await until('it is closed', () => code !== 0);
    expect(code).toBe(1000);
    expect(brief(tags())).toEqual(Array.from({ length: 8 }, (_, at) => `v@${at * 40}#${at}`));
  });

  it('H012 hstrs off: 404 for a stream that nobody publishes', async () => {
    const { port, hub } = await start();
    const viewer = await request(port, '/live/test.flv');
    expect(viewer.response.statusCode).toBe(404);
    expect(hub.size).toBe(0);
  });

  it('H009 H012 hstrs on: waits for the publisher, and ends when it goes', async () => {
    const { port, handler, hub, publisher, closings, clients } = await start({
      httpRemux: { enabled: true, hstrs: true },
    });
    const waits = (): boolean | undefined =>
      handler.match({ host: 'x', path: '/live/test.flv', query: new URLSearchParams() })?.waits;
    const viewer = await request(port, '/live/test.flv');
    expect(viewer.response.statusCode).toBe(200);
    expect(hub.find(streamId)?.players).toBe(1);
    expect(waits()).toBe(true);
    // A publisher that sends nothing leaves those who wait as they are.
    publisher().end();
    expect(hub.find(streamId)?.players).toBe(1);
    const first = publisher();
    send(first, 0, 3);
    await until('it came', () => viewer.numbers().length === 3);
    expect(waits()).toBe(false);
    first.end();
    await until('it ended', () => viewer.over() !== undefined);
    expect(viewer.over()).toBe('ended');
    await until('it is gone', () => clients.size === 0);
    expect(closings()[0]).toContain('publisher-gone');
    expect(hub.size).toBe(0);
  });

  it('H012 a viewer that goes before the publisher comes leaves nothing', async () => {
    const { port, hub, sessions } = await start({ httpRemux: { enabled: true, hstrs: true } });
    const viewer = await request(port, '/live/test.flv');
    viewer.response.destroy();
    await until('it is gone', () => hub.size === 0);
    expect(sessions.size).toBe(0);
  });

  it('R035 refer: who may not play gets 403', async () => {
    const { port, publisher, closings } = await start({ refer: { enabled: true, play: ['good.test'] } });
    send(publisher(), 0, 3);
    for (const referer of ['http://evilgood.test/', '']) {
      const viewer = await request(port, '/live/test.flv', referer === '' ? {} : { referer });
      expect(viewer.response.statusCode).toBe(403);
    }
    const viewer = await request(port, '/live/test.flv', { referer: 'http://www.good.test/' });
    expect(viewer.response.statusCode).toBe(200);
    await until('it plays', () => viewer.numbers().length === 3);
    expect(closings().map((line) => line.split(' ')[1])).toEqual(['refer-denied', 'refer-denied']);
  });

  it('K003 S002 the authorizer is asked with the query, refuses with 403, and is told of the end', async () => {
    const told: string[] = [];
    const authorizer: Authorizer = {
      check: async (action, { app, stream, param }) => {
        told.push(`${action} ${app}/${stream}${param}`);
        return param.includes('good') ? undefined : { reason: 'token-denied', detail: 'the secret is xyz' };
      },
      began: (action) => told.push(`entered ${action}`),
      ended: (action) => told.push(`left ${action}`),
      closed: () => undefined,
    };
    const { port, publisher, closings } = await start({}, authorizer);
    send(publisher(), 0, 3);
    const refused = await fetch(`http://127.0.0.1:${port}/live/test.flv?token=bad`);
    expect(refused.status).toBe(403);
    expect(await refused.text()).toBe('the token is missing, wrong or expired');
    await until('it is logged', () => closings().length === 1);
    expect(closings()[0]).toContain('token-denied (the secret is xyz)');
    const abort = new AbortController();
    const allowed = await fetch(`http://127.0.0.1:${port}/live/test.flv?token=good`, {
      signal: abort.signal,
    });
    expect(allowed.status).toBe(200);
    abort.abort();
    await until('it has left', () => told.includes('left play'));
    expect(told).toEqual([
      'play live/test?token=bad',
      'play live/test?token=good',
      'entered play',
      'left play',
    ]);
  });

  it('K003 who is let in after it has gone has left, too', async () => {
    const told: string[] = [];
    const answers: (() => void)[] = [];
    const authorizer: Authorizer = {
      check: () =>
        new Promise((resolve) => {
          answers.push(() => {
            resolve(undefined);
          });
        }),
      began: () => told.push('entered'),
      ended: () => told.push('left'),
      closed: () => undefined,
    };
    const { port, publisher, closings } = await start({}, authorizer);
    send(publisher(), 0, 3);
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /live/test.flv HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('it is asked for', () => answers.length === 1);
    socket.destroy();
    await until('it is gone', () => closings().length === 1);
    expect(told).toEqual([]);
    answers[0]?.();
    await until('it has left', () => told.length === 1);
    expect(told).toEqual(['left']);
  });

  it('a stop ends every response in order', async () => {
    const { port, publisher, clients, closings } = await start();
    const live = publisher();
    send(live, 0, 3);
    const viewer = await request(port, '/live/test.flv');
    await until('it plays', () => viewer.numbers().length === 3);
    clients.endAll('server-shutdown');
    await until('it ended', () => viewer.over() !== undefined);
    expect(viewer.over()).toBe('ended');
    await until('it is logged', () => closings().length === 1);
    expect(closings()[0]).toContain('server-shutdown');
    expect(clients.size).toBe(0);
  });

  it('G004 at a stop a viewer ends with the server, also where its publisher goes first', async () => {
    const { port, publisher, closings, clients } = await start();
    const live = publisher();
    live.write(9, 0, avcHeader());
    send(live, 0, 5);
    const viewer = await request(port, '/live/test.flv');
    await until('it plays', () => viewer.numbers().length > 0);
    clients.endAll('server-shutdown');
    live.end();
    await until('the viewer is gone', () => closings().length === 1);
    expect(viewer.over()).toBe('ended');
    expect(closings()[0]).toMatch(/^closed: server-shutdown .* flv-play live\/test/);
  });

  it('many viewers, each with its own closing line', async () => {
    const { port, publisher, closings } = await start();
    const live = publisher();
    send(live, 0, 5);
    const viewers = await Promise.all(Array.from({ length: 30 }, () => request(port, '/live/test.flv')));
    send(live, 5, 10);
    live.end();
    await until('all ended', () => viewers.every(({ over }) => over() === 'ended'));
    for (const { numbers } of viewers) expect(numbers()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await until('all are logged', () => closings().length === 30);
  });

  it('H008 H010 every form of one stream at once, each with its type and its bytes', async () => {
    const { port, publisher, sessions } = await start();
    const live = publisher();
    live.write(9, 0, avcHeader());
    live.write(8, 0, aacHeader());
    for (let time = 0; time < 200; time += 40) {
      live.write(9, time, avcBody(time, { key: time === 0 }));
      live.write(8, time, audio(time));
    }
    live.flush();
    const [flv, ts, aac] = await Promise.all(
      ['flv', 'ts', 'aac'].map((form) => request(port, `/live/test.${form}`)),
    );
    if (flv === undefined || ts === undefined || aac === undefined) throw new Error('no viewers');
    live.write(8, 200, audio(200));
    live.flush();
    await until('the TS came', () => ts.bytes().length > 0 && briefTs(ts.bytes()).includes('a200'));
    await until('the AAC came', () => aac.bytes().length > 0);
    await until('the FLV came', () => flv.numbers().includes(200));
    expect([flv, ts, aac].map(({ response }) => response.headers['content-type'])).toEqual([
      'video/x-flv',
      'video/MP2T',
      'audio/x-aac',
    ]);
    expect(readTs(ts.bytes()).order.slice(0, 2)).toEqual(['pat', 'pmt']);
    expect(aac.bytes().readUInt16BE(0)).toBe(0xfff1);
    expect([...sessions.all()].map(({ session }) => session.type).sort()).toEqual([
      'aac-play',
      'flv-play',
      'ts-play',
    ]);
    live.end();
    await until('all ended', () => [flv, ts, aac].every(({ over }) => over() === 'ended'));
  });

  it('H010 MP3 begins with an ID3 header; its AAC is not there, and says why', async () => {
    const { port, publisher, closings } = await start();
    const live = publisher();
    live.write(8, 0, audio(0, { codec: 'mp3' }));
    live.flush();
    const mp3 = await request(port, '/live/test.mp3');
    live.write(8, 20, audio(1, { codec: 'mp3' }));
    live.flush();
    await until('it came', () => mp3.bytes().length > 20);
    expect(mp3.response.headers['content-type']).toBe('audio/mpeg');
    expect(mp3.bytes().toString('latin1', 0, 3)).toBe('ID3');
    const aac = await request(port, '/live/test.aac');
    expect(aac.response.statusCode).toBe(404);
    await until('it ended', () => aac.over() !== undefined);
    expect(aac.bytes().toString()).toBe('the audio is mp3, not aac');
    await until('it is logged', () => closings().length === 1);
    expect(closings()[0]).toMatch(/^closed: form-unavailable /);
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}/live/test.aac`);
    const ended = await new Promise((resolve) => {
      webSocket.on('close', (code, reason) => {
        resolve([code, reason.toString()]);
      });
    });
    expect(ended).toEqual([1008, 'the audio is mp3, not aac']);
  });

  it('H008 H012 hstrs on waits at the configured mount; a sibling is there while the stream is published', async () => {
    const { port, publisher, clients, hub } = await start({
      httpRemux: { enabled: true, hstrs: true, mounts: ['[vhost]/[app]/[stream].flv'] },
    });
    const segment = await request(port, '/live/test.ts');
    expect(segment.response.statusCode).toBe(404);
    const live = publisher();
    live.write(9, 0, avcHeader());
    live.write(9, 0, avcBody(0, { key: true }));
    live.flush();
    const flv = await request(port, '/live/test.flv');
    const ts = await request(port, '/live/test.ts');
    expect(ts.response.statusCode).toBe(200);
    await until('both came', () => ts.bytes().length > 0 && flv.bytes().length > 0);
    live.end();
    await until('both ended', () => ts.over() === 'ended' && flv.over() === 'ended');
    await until('nothing is left', () => clients.size === 0);
    expect(hub.size).toBe(0);
  });

  it('H012 a listener that waited for a stream without its codec is told by the end', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    try {
      const { port, publisher, closings } = await start({
        httpRemux: { enabled: true, hstrs: true, mounts: ['[vhost]/[app]/[stream].aac'] },
      });
      const aac = await request(port, '/live/test.aac');
      expect(aac.response.statusCode).toBe(200);
      const live = publisher();
      live.write(9, 0, avcHeader());
      live.write(9, 0, avcBody(0, { key: true }));
      live.flush();
      vi.advanceTimersByTime(5000);
      await until('it ended', () => aac.over() === 'ended');
      expect(aac.bytes()).toHaveLength(0);
      await until('it is logged', () => closings().length === 1);
      expect(closings()[0]).toMatch(/^closed: form-unavailable .* aac-play live\/test/);
    } finally {
      vi.useRealTimers();
    }
  });

  it('H014 a reload mounts and unmounts: the vhost is asked anew for each request', async () => {
    let vhost: VhostOptions = { httpRemux: { enabled: false } };
    const { port, publisher } = await start(() => vhost);
    const live = publisher();
    send(live, 0, 3);
    expect((await request(port, '/live/test.flv')).response.statusCode).toBe(404);
    vhost = { httpRemux: { enabled: true, hstrs: false, mounts: ['[vhost]/x/[stream].ts'] } };
    expect((await request(port, '/live/test.flv')).response.statusCode).toBe(404);
    expect((await request(port, '/x/test.ts')).response.statusCode).toBe(200);
    vhost = { httpRemux: { enabled: true, hstrs: false } };
    expect((await request(port, '/live/test.flv')).response.statusCode).toBe(200);
  });
});
