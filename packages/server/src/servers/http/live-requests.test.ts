import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { TrustedProxies } from '../../security/index.ts';
import type { HttpConnectionEnd } from './connections.ts';
import type { LiveRequest, LiveViewer } from './live-door.ts';
import { createHttpServer } from './server.ts';
import type { HttpServer, HttpServerOptions } from './server.ts';

const running: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close({ graceMs: 0 })));
});

async function start(serve: (viewer: LiveViewer) => void, options: Partial<HttpServerOptions> = {}) {
  const asked: LiveRequest[] = [];
  const server = await createHttpServer({
    version: '1.2.3',
    live: {
      match: (request) => {
        asked.push(request);
        return request.path.endsWith('.flv') ? { waits: request.path.includes('/waits'), serve } : undefined;
      },
    },
    ...options,
  });
  running.push(server);
  await server.listen([{ host: '127.0.0.1', port: 0 }]);
  return { port: server.addresses[0]?.port ?? 0, asked };
}

function open(port: number, bytes: string): { socket: Socket; text: () => string } {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (data: string) => {
    text += data;
  });
  socket.on('error', () => undefined);
  socket.write(bytes);
  return { socket, text: () => text };
}

describe('live streams by HTTP', () => {
  it('S002 has the address and the host of the client from a trusted proxy, and from nobody else', async () => {
    const request =
      'GET /live/a.flv HTTP/1.1\r\nHost: inner\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Host: live.example:81\r\n\r\n';
    for (const [ranges, address, host] of [
      [[], '127.0.0.1', 'inner'],
      [['127.0.0.0/8'], '203.0.113.9', 'live.example'],
    ] as const) {
      const viewers: LiveViewer[] = [];
      const { port, asked } = await start(
        (viewer) => {
          viewers.push(viewer);
          viewer.socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n');
        },
        { trustedPeers: new TrustedProxies(ranges) },
      );
      await once(open(port, request).socket, 'close');
      expect(viewers).toMatchObject([{ remoteAddress: address }]);
      expect(asked.at(-1)?.host).toBe(host);
    }
  });

  it('hands the socket over', async () => {
    const viewers: LiveViewer[] = [];
    const ends: HttpConnectionEnd[] = [];
    const { port } = await start(
      (viewer) => {
        viewers.push(viewer);
        viewer.socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody');
      },
      { onConnectionEnd: (end) => ends.push(end) },
    );
    const { socket, text } = open(
      port,
      'GET /live/a.flv?vhost=v.example&t=1 HTTP/1.1\r\nHost: h:1\r\nReferer: r\r\n\r\n',
    );
    await once(socket, 'close');
    expect(text()).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody');
    expect(viewers).toEqual([
      expect.objectContaining({
        kind: 'http',
        method: 'GET',
        httpVersion: '1.1',
        search: '?vhost=v.example&t=1',
        remoteAddress: '127.0.0.1',
        serverName: 'Sluice/1.2.3',
      }),
    ]);
    expect(viewers[0]?.request).toMatchObject({ host: 'v.example', path: '/live/a.flv' });
    expect(viewers[0]?.headers.referer).toBe('r');
    await expect.poll(() => ends.map((end) => end.reason)).toEqual(['live']);
  });

  it('a file goes before a stream that nobody publishes, and after one that is live', async () => {
    const root = await mkdtemp(join(tmpdir(), 'sluice-live-'));
    await mkdir(join(root, 'waits.flv'));
    await Promise.all(['a.flv', 'waits-file.flv'].map((name) => writeFile(join(root, name), 'the file')));
    await symlink('/etc/hostname', join(root, 'waits-barred.flv'));
    const { port } = await start((viewer) => viewer.socket.end('the stream'), { root });
    const ask = async (path: string) => {
      const { socket, text } = open(port, `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
      await once(socket, 'close');
      return text();
    };
    expect(await ask('/a.flv')).toBe('the stream');
    expect(await ask('/waits-file.flv')).toMatch(/^HTTP\/1\.1 200 [^]*the file$/);
    expect(await ask('/waits-none.flv')).toBe('the stream');
    expect(await ask('/waits.flv')).toBe('the stream');
    expect(await ask('/waits-barred.flv')).toMatch(/^HTTP\/1\.1 404 /);
    await rm(root, { recursive: true });
  });

  it.each(['', 'Upgrade: h2c\r\nConnection: Upgrade\r\n'])(
    'a player that has closed its side before it is served does not stay (%j)',
    async (headers) => {
      const ends: HttpConnectionEnd[] = [];
      const root = await mkdtemp(join(tmpdir(), 'sluice-live-'));
      const { port } = await start((viewer) => viewer.socket.write('HTTP/1.1 200 OK\r\n\r\n'), {
        root,
        onConnectionEnd: (end) => ends.push(end),
      });
      for (let round = 0; round < 20; round += 1) {
        const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
        socket.on('error', () => undefined).resume();
        socket.end(`GET /waits-none.flv HTTP/1.1\r\nHost: h\r\n${headers}\r\n`);
        socket.on('end', () => socket.destroy());
      }
      await expect.poll(() => ends.length, { timeout: 10_000 }).toBe(20);
      await rm(root, { recursive: true });
    },
  );

  it('tells HEAD and HTTP/1.0', async () => {
    const viewers: LiveViewer[] = [];
    const { port } = await start((viewer) => {
      viewers.push(viewer);
      viewer.socket.end();
    });
    await once(open(port, 'HEAD /live/a.flv HTTP/1.0\r\n\r\n').socket, 'close');
    expect(viewers[0]).toMatchObject({ method: 'HEAD', httpVersion: '1.0' });
  });

  it('leaves other paths and methods alone', async () => {
    const { port, asked } = await start(() => {
      throw new Error('not to be served');
    });
    expect((await fetch(`http://127.0.0.1:${port}/live/a.mp4`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${port}/live/a.flv`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`http://127.0.0.1:${port}/live/a.flv`, { method: 'OPTIONS' })).status).toBe(200);
    expect(asked).toHaveLength(1);
  });

  it('closes the socket at once when the player closes its side', async () => {
    const ends: HttpConnectionEnd[] = [];
    const { port } = await start(
      (viewer) => {
        viewer.socket.write('HTTP/1.1 200 OK\r\n\r\n');
      },
      { onConnectionEnd: (end) => ends.push(end) },
    );
    const { socket } = open(port, 'GET /live/a.flv HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    socket.end();
    await expect.poll(() => ends.map((end) => end.reason)).toEqual(['live']);
  });

  it('survives writes after the player is gone', async () => {
    const { port } = await start((viewer) => {
      viewer.socket.once('close', () => {
        viewer.socket.write('more');
      });
      viewer.socket.write('x');
    });
    const { socket } = open(port, 'GET /live/a.flv HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    socket.resetAndDestroy();
    expect((await fetch(`http://127.0.0.1:${port}/x`)).status).toBe(404);
  });

  it('H006 waits for its turn behind a pipelined request', async () => {
    const { port } = await start((viewer) => {
      viewer.socket.end('LIVE');
    });
    const { socket, text } = open(
      port,
      'GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /live/a.flv HTTP/1.1\r\nHost: a\r\n\r\n',
    );
    await once(socket, 'close');
    expect(text()).toMatch(/^HTTP\/1\.1 404 [^]*Not FoundLIVE$/);
  });

  it.each(['GET /x HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /live/b.flv HTTP/1.1\r\nHost: a\r\n\r\n'])(
    'ends the connection of a player that asks for more: %j',
    async (second) => {
      const ends: HttpConnectionEnd[] = [];
      const { port } = await start(
        (viewer) => {
          viewer.socket.write('LIVE');
        },
        { onConnectionEnd: (end) => ends.push(end) },
      );
      const { socket, text } = open(port, 'GET /live/a.flv HTTP/1.1\r\nHost: a\r\n\r\n');
      await once(socket, 'data');
      socket.write(second);
      await once(socket, 'close');
      expect(text()).toBe('LIVE');
      await expect.poll(() => ends.map((end) => end.reason)).toEqual(['request-after-live']);
    },
  );

  it('ends the connection of a player that sends garbage, without a word in the stream', async () => {
    const { port } = await start((viewer) => {
      viewer.socket.write('LIVE');
    });
    const { socket, text } = open(port, 'GET /live/a.flv HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    socket.write('\0\0garbage\r\n\r\n');
    await once(socket, 'close');
    expect(text()).toBe('LIVE');
  });
});

describe('live streams by WebSocket', () => {
  it('does the handshake and hands the socket over', async () => {
    const viewers: LiveViewer[] = [];
    const { port } = await start((viewer) => {
      viewers.push(viewer);
      // An unmasked binary frame of three bytes (RFC 6455 §5.2).
      viewer.socket.write(Uint8Array.of(0x82, 3, 0x46, 0x4c, 0x56));
    });
    const player = new WebSocket(`ws://127.0.0.1:${port}/live/a.flv?x=1`);
    const [data] = (await once(player, 'message')) as [Buffer];
    expect(data.toString()).toBe('FLV');
    expect(player.extensions).toBe('');
    expect(viewers[0]).toMatchObject({ kind: 'websocket', search: '?x=1', remoteAddress: '127.0.0.1' });
    const pong = once(player, 'pong');
    player.ping('hello');
    expect(String((await pong)[0])).toBe('hello');
    player.close();
    await once(player, 'close');
  });

  it.each([
    ['/live/a.mp4', 404],
    ['/live/%2e%2e/a.flv', 400],
    [`/${'x'.repeat(9_000)}.flv`, 414],
  ])('refuses %s', async (path, status) => {
    const { port } = await start(() => undefined);
    const { socket, text } = open(
      port,
      `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await once(socket, 'close');
    expect(text()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it('refuses a handshake without a key', async () => {
    const { port } = await start(() => undefined);
    const { socket, text } = open(
      port,
      'GET /live/a.flv HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    await once(socket, 'close');
    expect(text()).toMatch(/^HTTP\/1\.1 4/);
  });

  it('closes on messages beyond their limit and on frames that are none', async () => {
    const ends: HttpConnectionEnd[] = [];
    const { port } = await start(() => undefined, { onConnectionEnd: (end) => ends.push(end) });
    const loud = new WebSocket(`ws://127.0.0.1:${port}/live/a.flv`);
    await once(loud, 'open');
    loud.send('small talk is dropped');
    loud.send('x'.repeat(5_000));
    expect((await once(loud, 'close'))[0]).toBe(1009);
    const { socket } = open(
      port,
      'GET /live/a.flv HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await once(socket, 'data');
    socket.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
    await once(socket, 'end');
    socket.destroy();
    await expect.poll(() => ends.map((end) => end.reason)).toEqual(['live', 'live']);
  });

  it('answers no pings of a player that does not read', async () => {
    const sizes: number[] = [];
    const { port } = await start((viewer) => {
      if (viewer.kind === 'websocket') {
        // The header of a frame of 2 GiB, of which the player never reads on.
        viewer.socket.write(Uint8Array.of(0x82, 127, 0, 0, 0, 0, 0x80, 0, 0, 0));
        viewer.socket.write(Buffer.alloc(32_000_000));
        viewer.webSocket.on('ping', () => sizes.push(viewer.socket.writableLength));
      }
    });
    const player = new WebSocket(`ws://127.0.0.1:${port}/live/a.flv`, { maxPayload: 0 });
    player.on('error', () => undefined);
    await once(player, 'open');
    player.pause();
    for (let round = 0; round < 1_000; round += 1) {
      player.ping('x'.repeat(100));
    }
    await expect.poll(() => sizes.length).toBe(1_000);
    expect(sizes.at(-1)).toBeLessThanOrEqual(sizes[0] ?? 0);
    expect(sizes[0]).toBeGreaterThan(65_536);
    player.terminate();
  });
});
