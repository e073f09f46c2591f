import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { play, publish, type RtmpClientPublisher } from '@sluice/rtmp/node';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { resolveConfig, type ServerOptions } from '../config/index.ts';
import { aacHeader, avcHeader, numberIn, video } from '../remux/test-kit.ts';
import { checkDescriptors, effectiveConnections } from './descriptors.ts';
import { packageVersion, SluiceServer, StartError } from './index.ts';

const loopback = { host: '127.0.0.1', port: 0 } as const;
const servers: SluiceServer[] = [];
const others: Server[] = [];
const directories: string[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  for (const other of others.splice(0)) other.close();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function make(options: ServerOptions = {}): { server: SluiceServer; lines: string[] } {
  const lines: string[] = [];
  const log = pino(
    { level: 'info' },
    { write: (json: string) => lines.push((JSON.parse(json) as { msg: string }).msg) },
  );
  const server = new SluiceServer(
    resolveConfig({
      listen: [loopback],
      maxConnections: 100,
      vhosts: { __defaultVhost__: { minLatency: true, httpRemux: { enabled: true, hstrs: false } } },
      ...options,
    }),
    log,
  );
  servers.push(server);
  return { server, lines };
}

function portOf(addresses: readonly { readonly port: number }[]): number {
  const port = addresses[0]?.port ?? 0;
  expect(port).toBeGreaterThan(0);
  return port;
}

/** A port that another program has. */
async function busyPort(): Promise<number> {
  const other = createTcpServer();
  others.push(other);
  return new Promise((resolve) => {
    other.listen(0, '127.0.0.1', () => {
      const address = other.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

async function publishSome(server: SluiceServer, stream = 'test'): Promise<RtmpClientPublisher> {
  const publisher = await publish(`rtmp://127.0.0.1:${portOf(server.addresses.rtmp)}/live/${stream}`);
  publisher.sendVideo(0, avcHeader());
  publisher.sendAudio(0, aacHeader());
  for (let at = 0; at < 10; at += 1) publisher.sendVideo(at * 40, video(at, { key: at === 0 }));
  await vi.waitFor(() => {
    expect(server.streams.find({ vhost: '__defaultVhost__', app: 'live', stream })?.videoFrames).toBe(11);
  });
  return publisher;
}

async function json(url: string): Promise<unknown> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return response.json();
}

describe('SluiceServer', () => {
  it('R001 listens on every address, with the ports that the system chose', async () => {
    const { server } = make({
      listen: [loopback, loopback],
      httpServer: { listen: [loopback] },
      httpApi: { listen: [loopback] },
    });
    await server.start();
    const { rtmp, http, api } = server.addresses;
    expect(rtmp).toHaveLength(2);
    // Port 0 is any free one: the HTTP server and the API each get their own.
    expect(new Set([...rtmp, ...http, ...api].map(({ port }) => port)).size).toBe(4);
    // A client of any port gets the same streams.
    await publishSome(server);
    const numbers: number[] = [];
    const player = await play(`rtmp://127.0.0.1:${rtmp[1]?.port ?? 0}/live/test`, {
      onMedia: ({ flvTagType, payload }) => numbers.push(numberIn(flvTagType, payload)),
    });
    await vi.waitFor(() => {
      expect(numbers.filter((number) => number >= 0)).toHaveLength(10);
    });
    await player.close();
  });

  it('shows streams and clients in the API', async () => {
    const { server } = make({ httpApi: { listen: [loopback] } });
    await server.start();
    const api = `http://127.0.0.1:${portOf(server.addresses.api)}/api/v1`;
    const publisher = await publishSome(server);
    const { streams } = (await json(`${api}/streams`)) as { streams: { id: string }[] };
    expect(streams).toHaveLength(1);
    expect(streams[0]).toMatchObject({
      name: 'test',
      app: 'live',
      url: '/live/test',
      clients: 1,
      frames: 11,
      publish: { active: true },
      video: { codec: 'H264', profile: 'High', level: '3.1', width: 1280, height: 720 },
      audio: { codec: 'AAC', sample_rate: 44100, channel: 2, profile: 'LC' },
    });
    const { stream } = (await json(`${api}/streams/${streams[0]?.id ?? ''}`)) as {
      stream: { recv_bytes: number };
    };
    expect(stream.recv_bytes).toBeGreaterThan(300);
    const { clients } = (await json(`${api}/clients`)) as { clients: { id: string; stream: string }[] };
    expect(clients).toHaveLength(1);
    expect(clients[0]).toMatchObject({
      type: 'fmle-publish',
      publish: true,
      ip: '127.0.0.1',
      stream: streams[0]?.id,
    });
    expect(await json(`${api}/clients/${clients[0]?.id ?? ''}`)).toMatchObject({ client: { name: 'test' } });
    expect(await json(`${api}/versions`)).toMatchObject({ data: { version: packageVersion() } });
    await publisher.close();
    await vi.waitFor(async () => {
      expect(await json(`${api}/streams`)).toMatchObject({ streams: [] });
    });
  });

  it('API and HTTP server share a port when both name it; H015 versions on the HTTP port', async () => {
    const port = await busyPort();
    others[0]?.close();
    const listen = [{ host: '127.0.0.1', port }];
    const { server } = make({ httpApi: { listen }, httpServer: { listen } });
    await server.start();
    expect(server.addresses).toMatchObject({ http: listen, api: listen });
    await json(`http://127.0.0.1:${port}/api/v1/streams`);
    const { server: apart } = make({ httpServer: { listen: [loopback] } });
    await apart.start();
    const http = `http://127.0.0.1:${portOf(apart.addresses.http)}/api/v1`;
    await json(`${http}/versions`);
    expect((await fetch(`${http}/clients`)).status).toBe(404);
  });

  it('H001 H008 serves files and live streams on one port', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sluice-app-'));
    directories.push(dir);
    writeFileSync(join(dir, 'hello.txt'), 'hello');
    const { server } = make({ httpServer: { listen: [loopback], dir } });
    await server.start();
    const http = `http://127.0.0.1:${portOf(server.addresses.http)}`;
    expect(await (await fetch(`${http}/hello.txt`)).text()).toBe('hello');
    const publisher = await publishSome(server);
    const response = await fetch(`${http}/live/test.flv`);
    expect(response.headers.get('content-type')).toBe('video/x-flv');
    await publisher.close();
    const body = Buffer.from(await response.arrayBuffer());
    expect(body.toString('latin1', 0, 3)).toBe('FLV');
    expect(body.length).toBeGreaterThan(500);
  });

  it('a stop ends publishers, RTMP players and HTTP players, and can be asked for twice', async () => {
    const { server, lines } = make({ httpServer: { listen: [loopback] } });
    await server.start();
    const publisher = await publishSome(server);
    const player = await play(`rtmp://127.0.0.1:${portOf(server.addresses.rtmp)}/live/test`, {
      onMedia: () => undefined,
    });
    const response = await fetch(`http://127.0.0.1:${portOf(server.addresses.http)}/live/test.flv`);
    const body = response.arrayBuffer();
    await Promise.all([server.close(), server.close()]);
    await Promise.all([publisher.connection.closed, player.connection.closed, body]);
    expect(lines.filter((line) => line.startsWith('closed:'))).toHaveLength(3);
    expect(server.streams.size).toBe(0);
  });

  it.each([
    [
      'RTMP',
      (port: number): ServerOptions => ({ listen: [loopback, { host: '127.0.0.1', port }] }),
      '`listen`',
    ],
    [
      'HTTP',
      (port: number): ServerOptions => ({ httpServer: { listen: [{ host: '127.0.0.1', port }] } }),
      '`http_server.listen`',
    ],
    [
      'HTTP',
      (port: number): ServerOptions => ({
        httpServer: { listen: [loopback] },
        httpApi: { listen: [{ host: '127.0.0.1', port }] },
      }),
      '`http_api.listen`',
    ],
  ])(
    'a port in use (%s): a StartError that names the directive, and nothing listens',
    async (what, options, directive) => {
      const port = await busyPort();
      const { server } = make(options(port));
      const error: unknown = await server.start().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StartError);
      expect(error).toMatchObject({ code: 'listen-failed' });
      const message = error instanceof Error ? error.message : '';
      expect(message).toContain(`${what} port 127.0.0.1:${port} is in use`);
      expect(message).toContain(directive);
      expect(message).not.toContain('\n');
    },
  );

  it('says at the start which directives do nothing yet', async () => {
    const config = resolveConfig({ listen: [loopback], maxConnections: 10 });
    const lines: string[] = [];
    const log = pino({}, { write: (text: string) => lines.push((JSON.parse(text) as { msg: string }).msg) });
    const inactive = [
      { path: 'vhost.hls', file: 'a.conf', line: 3 },
      { path: 'vhost.dvr', file: 'a.conf', line: 9 },
    ];
    const server = new SluiceServer({ ...config, inactive }, log);
    servers.push(server);
    await server.start();
    expect(lines.filter((line) => line.includes('vhost.hls'))).toHaveLength(1);
    expect(lines[0]).toContain('vhost.dvr');
  });

  it('the versions are the package’s', () => {
    expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/);
    expect(make().server.version).toBe(packageVersion());
  });
});

describe('checkDescriptors', () => {
  it('R002 counts two descriptors for each client', () => {
    expect(checkDescriptors(1000, 2080)).toBeUndefined();
    expect(checkDescriptors(1000, Number.POSITIVE_INFINITY)).toBeUndefined();
    expect(checkDescriptors(1000, 2079)).toMatch(
      /may need 2080 open files .* allows 2079: .*"ulimit -n 2080"/,
    );
  });

  it('R002 starts with fewer connections where nearly all fit, and says how many', () => {
    expect(checkDescriptors(1000, 1024)).toMatch(/"ulimit -n 2080".*; until then 944 connections are taken/);
    expect(effectiveConnections(1000, 1024)).toBe(944);
    expect(effectiveConnections(1000, 65_536)).toBe(1000);
  });

  it('R002 names the need, the limit and the remedy where the connections cannot fit', () => {
    expect(() => checkDescriptors(100_000_000, 1024)).toThrow(
      /may need 200000080 open files .* allows 1024: .*"ulimit -n 200000080".*or set max_connections 944/,
    );
    expect(() => checkDescriptors(1000, 64)).toThrow(/allows 64: raise it with "ulimit -n 2080"/);
    expect(() => checkDescriptors(10, 64)).toThrow(/allows 64: raise it with "ulimit -n 100"/);
  });
});
