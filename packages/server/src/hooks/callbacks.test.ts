import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { HttpCallbacks } from './callbacks.ts';
import type { HookEvent, HlsEvent } from './events.ts';
import type { HookLimits } from './limits.ts';
import { type Answer, answers, clientOf, hookedVhost, keptLog, TestServer } from './test-kit.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(answer: Answer = answers(200, '0')): Promise<TestServer> {
  const server = new TestServer(answer);
  await server.up();
  cleanups.push(() => server.down());
  return server;
}

/** A port that nobody listens on. */
async function deadUrl(): Promise<string> {
  const server = await start();
  await server.down();
  return server.url('/hook');
}

/** A server that knows no HTTP: it does with each connection what the test says. */
async function startRaw(
  onConnection: (socket: Socket) => void,
): Promise<{ url: string; connections: () => number }> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/hook`, connections: () => connections };
}

async function makeHooks(limits: Partial<HookLimits> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-hooks-'));
  const file = join(directory, 'deep', 'dead.log');
  const log = keptLog();
  const hooks = new HttpCallbacks({
    log,
    serverId: 'vid-1',
    serviceId: 'abcd',
    streamId: (vhost, app, stream) => `id:${vhost}/${app}/${stream}`,
    deadLetterFile: file,
    limits: { firstRetryMs: 1, maxRetryMs: 5, ...limits },
  });
  cleanups.push(
    () => rm(directory, { recursive: true, force: true }),
    () => hooks.close(0),
  );
  async function letters(): Promise<{ url: string; problem: string; event: Record<string, unknown> }[]> {
    const text = await readFile(file, 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { url: string; problem: string; event: Record<string, unknown> });
  }
  return { hooks, log, letters, file };
}

/** Resolves when nothing waits any more. */
async function drained(hooks: HttpCallbacks): Promise<void> {
  while (hooks.figures.queued > 0) await new Promise((resolve) => setImmediate(resolve));
}

const identity = { server_id: 'vid-1', service_id: 'abcd' };
const streamFields = {
  app: 'live',
  stream: 'livestream',
  stream_url: '/live/livestream',
  stream_id: 'id:__defaultVhost__/live/livestream',
};

describe('HttpCallbacks.check: who may go on', () => {
  it('K001 asks nobody, and makes no promise, where callbacks are off or have no URL', async () => {
    const { hooks } = await makeHooks();
    const url = ['http://127.0.0.1:1/hook'];
    expect(hooks.check('connect', clientOf(hookedVhost({})))).toBeUndefined();
    expect(hooks.check('play', clientOf(hookedVhost({ onConnect: url, onPublish: url })))).toBeUndefined();
    expect(hooks.check('play', clientOf(hookedVhost({ enabled: false, onPlay: url })))).toBeUndefined();
  });

  it.each([
    [
      'connect',
      'onConnect',
      {
        action: 'on_connect',
        vhost: '__defaultVhost__',
        app: 'live',
        stream: 'livestream',
        param: '?token=abc',
        tcUrl: 'rtmp://example.com/live',
        pageUrl: 'http://example.com/player.html',
      },
    ],
    [
      'publish',
      'onPublish',
      {
        action: 'on_publish',
        vhost: '__defaultVhost__',
        ...streamFields,
        tcUrl: 'rtmp://example.com/live',
        param: '?token=abc',
      },
    ],
    [
      'play',
      'onPlay',
      {
        action: 'on_play',
        vhost: '__defaultVhost__',
        ...streamFields,
        tcUrl: 'rtmp://example.com/live',
        pageUrl: 'http://example.com/player.html',
        param: '?token=abc',
      },
    ],
  ] as const)('K002 K004 on_%s is posted as JSON with all its fields', async (action, key, fields) => {
    const server = await start();
    const { hooks } = await makeHooks();
    const vhost = hookedVhost({ [key]: [server.url('/api/v1/x?y=1')] });
    expect(await hooks.check(action, clientOf(vhost))).toBeUndefined();
    expect(server.received).toMatchObject([
      { method: 'POST', url: '/api/v1/x?y=1', headers: { 'content-type': 'application/json' } },
    ]);
    expect(server.received[0]?.body).toEqual({
      ...identity,
      client_id: 'client01',
      ip: '192.0.2.7',
      ...fields,
    });
  });

  it('K001 a vhost of a name is in stream_url', async () => {
    const server = await start();
    const { hooks } = await makeHooks();
    await hooks.check('play', clientOf(hookedVhost({ onPlay: [server.url('/')] }, 'v.example.com')));
    expect(server.field('stream_url')).toEqual(['v.example.com/live/livestream']);
  });

  it.each(['0', '0\n', '{"code":0}', '{"code":0,"msg":"OK"}'])('K002 %j lets in', async (body) => {
    const server = await start(answers(200, body));
    const { hooks } = await makeHooks();
    expect(await hooks.check('play', clientOf(hookedVhost({ onPlay: [server.url('/')] })))).toBeUndefined();
    expect(hooks.figures).toMatchObject({ asked: 1, denied: 0, waiting: 0 });
  });

  it.each([
    [200, '', 'answered nothing'],
    [200, '1', 'answered 1'],
    [200, '{"code":403}', 'answered code 403'],
    [200, '<html></html>', 'neither 0 nor JSON'],
    [204, '', 'status 204'],
    [404, '0', 'status 404'],
    [500, '0', 'status 500'],
  ])('K003 status %d and body %j keep out', async (status, body, detail) => {
    const server = await start(answers(status, body));
    const { hooks } = await makeHooks();
    const verdict = await hooks.check('play', clientOf(hookedVhost({ onPlay: [server.url('/p?secret=1')] })));
    expect(verdict?.reason).toBe('hook-denied');
    expect(verdict?.detail).toContain(detail);
    expect(verdict?.detail).toContain('on_play: http://127.0.0.1:');
    expect(verdict?.detail).not.toContain('secret');
    expect(hooks.figures).toMatchObject({ asked: 1, denied: 1 });
  });

  it('K001 several URLs are asked in order, and none after the first no', async () => {
    const server = await start((response, { url }) => response.end(url === '/no' ? '1' : '0'));
    const { hooks } = await makeHooks();
    const urls = ['/a', '/b', '/no', '/c'].map((path) => server.url(path));
    const verdict = await hooks.check('publish', clientOf(hookedVhost({ onPublish: urls })));
    expect(verdict?.detail).toContain('/no answered 1');
    expect(server.received.map(({ url }) => url)).toEqual(['/a', '/b', '/no']);
  });

  it('K003 a server that is down keeps out, and is complained of once', async () => {
    const { hooks, log } = await makeHooks();
    const vhost = hookedVhost({ onConnect: [await deadUrl()] });
    for (let round = 0; round < 3; round += 1) {
      const verdict = await hooks.check('connect', clientOf(vhost));
      expect(verdict?.reason).toBe('hook-denied');
      expect(verdict?.detail).toMatch(/did not answer: .*ECONNREFUSED/);
    }
    expect(log.lines).toEqual([expect.stringMatching(/^warn callbacks: http:.*ECONNREFUSED/)]);
  });

  it('K003 a server that hangs keeps out when the time is over', async () => {
    const server = await start(() => undefined);
    const { hooks } = await makeHooks();
    const vhost = hookedVhost({ onConnect: [server.url('/')], timeoutMs: 100 });
    const verdict = await hooks.check('connect', clientOf(vhost));
    expect(verdict?.detail).toContain('no whole answer within 0.1 s');
    expect(hooks.figures.waiting).toBe(0);
  });

  it('K003 a server that takes its time within the limit lets in, one that sends its answer too slowly does not', async () => {
    const slow = await start((response) => setTimeout(() => response.end('0'), 20));
    const { hooks } = await makeHooks();
    const patient = hookedVhost({ onConnect: [slow.url('/')] });
    expect(await hooks.check('connect', clientOf(patient))).toBeUndefined();

    const drip = await start((response) => {
      response.writeHead(200, { 'Content-Length': 1000 });
      const timer = setInterval(() => response.write(' '), 10);
      response.on('close', () => clearInterval(timer));
    });
    const vhost = hookedVhost({ onConnect: [drip.url('/')], timeoutMs: 100 });
    expect((await hooks.check('connect', clientOf(vhost)))?.detail).toContain('no whole answer');
  });

  it('K003 a redirect is a no, and is not followed', async () => {
    const server = await start((response) => {
      response.writeHead(302, { Location: '/yes' });
      response.end();
    });
    const { hooks } = await makeHooks();
    const verdict = await hooks.check('play', clientOf(hookedVhost({ onPlay: [server.url('/')] })));
    expect(verdict?.detail).toContain('status 302');
    expect(server.received).toHaveLength(1);
  });

  it.each([
    ['with its length', (size: number): Answer => answers(200, '0'.repeat(size))],
    [
      'without an end',
      (size: number): Answer =>
        (response) => {
          response.on('error', () => undefined);
          const more = (): void => {
            while (!response.destroyed && response.write(' '.repeat(size)));
          };
          response.on('drain', more);
          more();
        },
    ],
  ])('K003 a huge answer %s is a no, and is not read', async (_, make) => {
    const server = await start(make(2000));
    const { hooks } = await makeHooks({ maxAnswerBytes: 1000 });
    const verdict = await hooks.check('play', clientOf(hookedVhost({ onPlay: [server.url('/')] })));
    expect(verdict?.detail).toMatch(/an answer of \d+ bytes and more; 1000 are read/);
    while (hooks.figures.waiting > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it.each([
    [
      'closes each connection',
      (socket: Socket) => socket.once('data', () => socket.destroy()),
      'connection broke',
    ],
    ['speaks no HTTP', (socket: Socket) => socket.write('220 smtp.example.com\r\n'), /did not answer/],
    [
      'answers half and closes',
      (socket: Socket) =>
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n0')),
      'connection broke',
    ],
    [
      'sends headers without an end',
      (socket: Socket) => socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`),
      /did not answer/,
    ],
  ])('K003 a server that %s is a no', async (_, onConnection, detail) => {
    const { url } = await startRaw(onConnection);
    const { hooks } = await makeHooks();
    const verdict = await hooks.check('play', clientOf(hookedVhost({ onPlay: [url], timeoutMs: 5_000 })));
    expect(verdict?.detail).toEqual(
      typeof detail === 'string' ? expect.stringContaining(detail) : expect.stringMatching(detail),
    );
  });

  it('K003 a connection that the server closed while it was idle is not held against the client', async () => {
    let answered = 0;
    const { url, connections } = await startRaw((socket) => {
      socket.once('data', () => {
        answered += 1;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nKeep-Alive: timeout=60\r\n\r\n0');
        // The next request on this connection meets its end.
        socket.once('data', () => socket.destroy());
      });
    });
    const { hooks } = await makeHooks();
    const vhost = hookedVhost({ onPlay: [url] });
    expect(await hooks.check('play', clientOf(vhost))).toBeUndefined();
    expect(await hooks.check('play', clientOf(vhost))).toBeUndefined();
    expect({ answered, connections: connections() }).toEqual({ answered: 2, connections: 2 });
  });

  it('K003 more than so many open questions are refused at once', async () => {
    const server = await start(() => undefined);
    const { hooks } = await makeHooks({ maxOpenGates: 2 });
    const client = clientOf(hookedVhost({ onPlay: [server.url('/')], timeoutMs: 60_000 }));
    void hooks.check('play', client);
    void hooks.check('play', client);
    expect((await hooks.check('play', client))?.detail).toContain('2 calls wait already');
  });

  it('K002 connections are kept: hundreds of questions go over a few of them', async () => {
    const server = await start();
    const { hooks } = await makeHooks({ gateConnections: 8 });
    const client = clientOf(hookedVhost({ onConnect: [server.url('/')], onPlay: [server.url('/')] }));
    const verdicts = await Promise.all(
      Array.from({ length: 400 }, async () => hooks.check('connect', client)),
    );
    await Promise.all(Array.from({ length: 400 }, async () => hooks.check('play', client)));
    expect(verdicts.every((verdict) => verdict === undefined)).toBe(true);
    expect(server.received).toHaveLength(800);
    expect(server.connections).toBeLessThanOrEqual(8);
  });

  it('K001 a user and a password in the URL are sent as Basic authorization, and not said', async () => {
    const server = await start(answers(403, ''));
    const { hooks } = await makeHooks();
    const url = server.url('/').replace('http://', 'http://me:p%40ss@');
    const verdict = await hooks.check('play', clientOf(hookedVhost({ onPlay: [url] })));
    const basic = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
    expect(server.received[0]?.headers.authorization).toBe(basic);
    expect(verdict?.detail).not.toContain('p%40ss');
  });

  it.each(['http://127.0.0.1:99999/', 'http://%zz@127.0.0.1/', 'http://[::1/'])(
    'K003 a URL that is none (%s) keeps out',
    async (url) => {
      const { hooks } = await makeHooks();
      const verdict = await hooks.check('play', clientOf(hookedVhost({ onPlay: [url] })));
      expect(verdict?.reason).toBe('hook-denied');
      expect(verdict?.detail).toContain('is no URL');
      expect(hooks.figures.waiting).toBe(0);
    },
  );

  it('K003 a question that is open when callbacks end is a no', async () => {
    const server = await start(() => undefined);
    const { hooks } = await makeHooks();
    const asked = hooks.check('play', clientOf(hookedVhost({ onPlay: [server.url('/')] })));
    await server.calls(1);
    await hooks.close(0);
    expect((await asked)?.reason).toBe('hook-denied');
    const client = clientOf(hookedVhost({ onPlay: [server.url('/')] }));
    expect((await hooks.check('play', client))?.detail).toContain('callbacks are closed');
  });
});

const segment: HlsEvent['segment'] = {
  file: join(process.cwd(), 'objs/html/live/livestream-7.ts'),
  url: 'live/livestream-7.ts',
  uri: 'a-7.ts',
  durationMs: 9_360,
  sequence: 7,
  playlist: join(process.cwd(), 'objs/html/live/livestream.m3u8'),
  playlistUrl: 'live/livestream.m3u8',
};

describe('HttpCallbacks.tell: what has happened', () => {
  it('K005 on_close carries bytes and the reason', async () => {
    const server = await start();
    const { hooks } = await makeHooks();
    hooks.tell({
      action: 'on_close',
      client: clientOf(hookedVhost({ onClose: [server.url('/')] })),
      reason: 'play-stalled',
      sentBytes: 1000,
      receivedBytes: 200,
    });
    const [call] = await server.calls(1);
    expect(call?.body).toEqual({
      ...identity,
      action: 'on_close',
      client_id: 'client01',
      ip: '192.0.2.7',
      vhost: '__defaultVhost__',
      send_bytes: 1000,
      recv_bytes: 200,
      app: 'live',
      stream: 'livestream',
      param: '?token=abc',
      tcUrl: 'rtmp://example.com/live',
      reason: 'play-stalled',
    });
  });

  it.each([
    ['on_unpublish', 'onUnpublish'],
    ['on_stop', 'onStop'],
  ] as const)('K001 K004 %s has all its fields, and no page', async (action, key) => {
    const server = await start();
    const { hooks } = await makeHooks();
    const client = clientOf(hookedVhost({ [key]: [server.url('/')] }));
    hooks.tell({ action, client });
    hooks.tell({ action, client, reason: 'kicked' });
    await server.calls(2);
    const body = {
      ...identity,
      action,
      client_id: 'client01',
      ip: '192.0.2.7',
      vhost: '__defaultVhost__',
      ...streamFields,
      tcUrl: 'rtmp://example.com/live',
      param: '?token=abc',
    };
    expect(server.received.map(({ body: sent }) => sent)).toEqual([body, { ...body, reason: 'kicked' }]);
  });

  it('K008 V006 on_dvr tells the file with the publisher of the stream, also when it has gone', async () => {
    const server = await start();
    const { hooks } = await makeHooks();
    const vhost = hookedVhost({ onDvr: [server.url('/')] });
    const client = clientOf(vhost);
    hooks.published(client);
    hooks.tell({ action: 'on_unpublish', client });
    hooks.tell({
      action: 'on_dvr',
      vhost,
      app: 'live',
      stream: 'livestream',
      recording: { cwd: '/srv', file: './rec/a.flv', durationMs: 1500, bytes: 99 },
    });
    const [call] = await server.calls(1);
    expect(call?.body).toEqual({
      ...identity,
      action: 'on_dvr',
      client_id: 'client01',
      ip: '192.0.2.7',
      vhost: '__defaultVhost__',
      ...streamFields,
      tcUrl: 'rtmp://example.com/live',
      param: '?token=abc',
      cwd: '/srv',
      file: './rec/a.flv',
      duration: 1.5,
      filesize: 99,
    });
  });

  it('K008 L021 on_hls tells the segment as the configuration has its path; a stream of an earlier run has no client', async () => {
    const server = await start();
    const { hooks } = await makeHooks();
    const hooked = hookedVhost({ onHls: [server.url('/')] });
    const names = { app: 'live', stream: 'livestream' };
    const relative = { ...hooked, hls: { ...hooked.hls, path: './objs/html' } };
    hooks.tell({ action: 'on_hls', vhost: relative, ...names, segment });
    const [call] = await server.calls(1);
    expect(call?.body).toEqual({
      ...identity,
      action: 'on_hls',
      client_id: '',
      ip: '',
      vhost: '__defaultVhost__',
      ...streamFields,
      tcUrl: '',
      param: '',
      duration: 9.36,
      cwd: process.cwd(),
      file: './objs/html/live/livestream-7.ts',
      url: 'live/livestream-7.ts',
      m3u8: './objs/html/live/livestream.m3u8',
      m3u8_url: 'live/livestream.m3u8',
      seq_no: 7,
    });
    const absolute = { ...hooked, hls: { ...hooked.hls, path: process.cwd() } };
    hooks.tell({ action: 'on_hls', vhost: absolute, ...names, segment });
    await server.calls(2);
    expect(server.received[1]?.body).toMatchObject({ file: segment.file, m3u8: segment.playlist });
  });

  it('K001 is off where callbacks are', async () => {
    const server = await start();
    const { hooks } = await makeHooks();
    hooks.tell({
      action: 'on_stop',
      client: clientOf(hookedVhost({ enabled: false, onStop: [server.url('/')] })),
    });
    hooks.tell({ action: 'on_stop', client: clientOf(hookedVhost({})) });
    await hooks.close(100);
    expect(server.received).toEqual([]);
  });

  function stops(url: string, count: number, ids = ['client01']): HookEvent[] {
    const vhost = hookedVhost({ onStop: [url] });
    return Array.from({ length: count }, (_, index) => ({
      action: 'on_stop',
      client: clientOf(vhost, { id: ids[index % ids.length] ?? '', param: `?n=${index}` }),
    }));
  }

  it('K008 the events of one client go in order, one after the other', async () => {
    let open = 0;
    let most = 0;
    const server = await start((response) => {
      open += 1;
      most = Math.max(most, open);
      setImmediate(() => {
        open -= 1;
        response.end('0');
      });
    });
    const { hooks } = await makeHooks();
    for (const event of stops(server.url('/'), 20)) hooks.tell(event);
    await drained(hooks);
    expect(server.field('param')).toEqual(Array.from({ length: 20 }, (_, index) => `?n=${index}`));
    expect(most).toBe(1);
  });

  it('K008 a stream keeps its order over its publishers: files, unpublish, close', async () => {
    const server = await start();
    const { hooks } = await makeHooks();
    const url = [server.url('/')];
    const vhost = hookedVhost({ onHls: url, onUnpublish: url, onClose: url });
    const names = { vhost, app: 'live', stream: 'livestream' };
    const expected: unknown[] = [];
    for (const id of ['first', 'second']) {
      const client = clientOf(vhost, { id });
      hooks.published(client);
      hooks.tell({ action: 'on_hls', ...names, segment });
      hooks.tell({ action: 'on_unpublish', client });
      hooks.tell({ action: 'on_hls', ...names, segment });
      hooks.tell({ action: 'on_close', client, reason: 'closed-by-peer', sentBytes: 1, receivedBytes: 2 });
      for (const action of ['on_hls', 'on_unpublish', 'on_hls', 'on_close']) expected.push([action, id]);
    }
    await drained(hooks);
    expect(server.received.map(({ body }) => [body['action'], body['client_id']])).toEqual(expected);
  });

  it('K008 clients do not wait for one another, up to the connections of a server', async () => {
    const held: (() => void)[] = [];
    const server = await start((response) => held.push(() => response.end('0')));
    const { hooks } = await makeHooks({ eventConnections: 4 });
    for (const event of stops(server.url('/'), 6, ['a', 'b', 'c', 'd', 'e', 'f'])) hooks.tell(event);
    await server.calls(4);
    expect(server.field('client_id').sort()).toEqual(['a', 'b', 'c', 'd']);
    server.answer = answers(200, '0');
    for (const answer of held) answer();
    await drained(hooks);
    expect(server.received).toHaveLength(6);
    expect(server.connections).toBeLessThanOrEqual(4);
  });

  it('K003 K008 a server that is down for a while loses nothing, and nothing changes its order', async () => {
    const server = await start();
    const url = server.url('/');
    await server.down();
    const { hooks, log, letters } = await makeHooks();
    const events = stops(url, 300, ['a', 'b', 'c', 'd', 'e']);
    for (const event of events) hooks.tell(event);
    while (hooks.figures.retried < 10) await new Promise((resolve) => setImmediate(resolve));
    await server.up();
    await drained(hooks);
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      const sent = server.received.filter(({ body }) => body['client_id'] === id);
      const told = events.filter((event) => 'client' in event && event.client.id === id);
      expect(sent.map(({ body }) => body['param'])).toEqual(
        told.map((event) => ('client' in event ? event.client.param : '')),
      );
    }
    expect(hooks.figures).toMatchObject({ delivered: 300, dead: 0, queued: 0 });
    expect(await letters()).toEqual([]);
    // A few lines, not one for each event or try.
    expect(log.lines.length).toBeLessThan(6);
    expect(log.lines.at(-1)).toMatch(/^info callback http:.* works again after/);
  });

  it('K008 while a server is down, one event at a time asks for it', async () => {
    const server = await start((response) => response.destroy());
    const { hooks } = await makeHooks({ eventConnections: 8, maxRetryMs: 2 });
    const ids = Array.from({ length: 50 }, (_, index) => `c${index}`);
    for (const event of stops(server.url('/'), 50, ids)) hooks.tell(event);
    while (hooks.figures.retried < 30) await new Promise((resolve) => setImmediate(resolve));
    let open = 0;
    let most = 0;
    server.answer = (response) => {
      open += 1;
      most = Math.max(most, open);
      setImmediate(() => {
        open -= 1;
        response.destroy();
      });
    };
    const before = hooks.figures.retried;
    while (hooks.figures.retried < before + 10) await new Promise((resolve) => setImmediate(resolve));
    expect(most).toBe(1);
  });

  it.each([
    ['500', answers(500, '')],
    ['503', answers(503, '0')],
    ['429', answers(429, '')],
    ['a broken connection', ((response) => response.destroy()) satisfies Answer],
  ])('K008 %s is tried again until it works', async (_, failing) => {
    let tries = 0;
    const server = await start((response, received) => {
      tries += 1;
      (tries <= 4 ? failing : answers(200, '0'))(response, received);
    });
    const { hooks } = await makeHooks();
    for (const event of stops(server.url('/'), 1)) hooks.tell(event);
    await drained(hooks);
    expect(tries).toBe(5);
    expect(hooks.figures).toMatchObject({ delivered: 1, dead: 0 });
  });

  it('K008 a server that hangs is tried again when the time is over', async () => {
    const server = await start(() => undefined);
    const { hooks } = await makeHooks();
    const vhost = hookedVhost({ onStop: [server.url('/')], timeoutMs: 100 });
    hooks.tell({ action: 'on_stop', client: clientOf(vhost) });
    await server.calls(1);
    server.answer = answers(200, '0');
    await drained(hooks);
    expect(hooks.figures).toMatchObject({ delivered: 1, retried: 1 });
  });

  it.each([
    ['a wrong body', answers(200, '<html>')],
    ['a code', answers(200, '{"code":1}')],
    ['a huge body', answers(200, '0'.repeat(100_000))],
  ])('K003 %s is logged once, and not tried again: the event was received', async (_, answer) => {
    const server = await start(answer);
    const { hooks, log, letters } = await makeHooks();
    for (const event of stops(server.url('/'), 5)) hooks.tell(event);
    await drained(hooks);
    expect(server.received).toHaveLength(5);
    expect(hooks.figures).toMatchObject({ refused: 5, retried: 0, dead: 0 });
    expect(log.lines).toEqual([expect.stringMatching(/^warn callback http:.*: on_stop: an(swered)? /)]);
    expect(await letters()).toEqual([]);
  });

  it.each([
    ['a redirect', 302],
    ['404', 404],
    ['401', 401],
  ])('K008 %s goes to the dead letters at once, with the whole event', async (_, status) => {
    const server = await start((response) => {
      response.writeHead(status, { Location: '/elsewhere' });
      response.end();
    });
    const { hooks, letters, file } = await makeHooks();
    for (const event of stops(server.url('/?key=1'), 2)) hooks.tell(event);
    await drained(hooks);
    await hooks.close();
    expect(await letters()).toMatchObject([
      { url: server.url('/?key=1'), problem: `answered with status ${status}`, event: { param: '?n=0' } },
      { event: { action: 'on_stop', client_id: 'client01', param: '?n=1' } },
    ]);
    expect(server.received).toHaveLength(2);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('K008 what is tried in vain for too long goes to the dead letters', async () => {
    const { hooks, letters } = await makeHooks({ giveUpMs: 20 });
    for (const event of stops(await deadUrl(), 2)) hooks.tell(event);
    await drained(hooks);
    await hooks.close();
    expect(hooks.figures).toMatchObject({ dead: 2, lost: 0 });
    expect((await letters()).map(({ problem }) => problem)).toEqual([
      expect.stringContaining('ECONNREFUSED'),
      expect.stringContaining('ECONNREFUSED'),
    ]);
  });

  it('K008 no more than so many events wait; the others go to the dead letters', async () => {
    const { hooks, letters } = await makeHooks({ maxQueuedEvents: 3 });
    for (const event of stops(await deadUrl(), 5)) hooks.tell(event);
    expect(hooks.figures).toMatchObject({ queued: 3, dead: 2 });
    await hooks.close(0);
    const found = await letters();
    expect(found.map(({ event }) => event['param']).sort()).toEqual(['?n=0', '?n=1', '?n=2', '?n=3', '?n=4']);
    // The others say that the server is stopping, or how they were tried in vain before.
    const tooMany = found.filter(({ problem }) => /^3 events of \d+ bytes wait already$/.test(problem));
    expect(tooMany.map(({ event }) => event['param']).sort()).toEqual(['?n=3', '?n=4']);
    expect(hooks.figures.queued).toBe(0);
  });

  it('K008 what waits when the server stops is kept with what went wrong so far, and the log says where', async () => {
    const { hooks, letters, log, file } = await makeHooks();
    for (const event of stops(await deadUrl(), 1)) hooks.tell(event);
    while (hooks.figures.retried === 0) await new Promise((resolve) => setImmediate(resolve));
    await hooks.close(0);
    const problem = expect.stringMatching(/^the server is stopping; the last try: .*ECONNREFUSED/) as unknown;
    expect(await letters()).toMatchObject([{ problem }]);
    expect(log.lines.join('\n')).toContain(`warn dead letters ${file}: events kept here`);
  });

  it('K008 what waits is delivered before the server stops, when that is quick', async () => {
    const server = await start();
    const { hooks, letters } = await makeHooks();
    for (const event of stops(server.url('/'), 50)) hooks.tell(event);
    await hooks.close(10_000);
    expect(server.received).toHaveLength(50);
    for (const event of stops(server.url('/'), 1)) hooks.tell(event);
    await hooks.close();
    expect(await letters()).toMatchObject([{ problem: 'the server is stopping' }]);
  });

  it('K001 each URL is told; one that is down does not hold up the others', async () => {
    const server = await start();
    const { hooks } = await makeHooks();
    const vhost = hookedVhost({ onStop: [await deadUrl(), server.url('/a'), server.url('/b')] });
    for (let index = 0; index < 3; index += 1) hooks.tell({ action: 'on_stop', client: clientOf(vhost) });
    const calls = await server.calls(6);
    expect(calls.map(({ url }) => url).sort()).toEqual(['/a', '/a', '/a', '/b', '/b', '/b']);
    while (hooks.figures.delivered < 6) await new Promise((resolve) => setImmediate(resolve));
    expect(hooks.figures).toMatchObject({ queued: 3, dead: 0 });
  });

  it('K008 one event that is never taken does not hold up those of others', async () => {
    const server = await start((response, { body }) => {
      response.writeHead(body['client_id'] === 'bad' ? 500 : 200);
      response.end('0');
    });
    const { hooks } = await makeHooks();
    const events = stops(server.url('/'), 100, ['bad', 'a', 'b', 'c']);
    for (const event of events) hooks.tell(event);
    while (hooks.figures.delivered < 75) await new Promise((resolve) => setImmediate(resolve));
    expect(hooks.figures).toMatchObject({ queued: 25, dead: 0 });
  });

  it('K008 a callback server that waits does not keep clients waiting', async () => {
    const server = await start((response, { body }) => {
      if (body['action'] === 'on_play') response.end('0');
    });
    const { hooks } = await makeHooks({ eventConnections: 2, gateConnections: 2 });
    for (const event of stops(server.url('/'), 10, ['a', 'b', 'c', 'd'])) hooks.tell(event);
    await server.calls(2);
    expect(await hooks.check('play', clientOf(hookedVhost({ onPlay: [server.url('/')] })))).toBeUndefined();
  });
});
