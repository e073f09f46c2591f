import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { apiRoutes } from './routes.ts';
import * as schemas from './schemas.ts';
import { versionShape } from './shapes.ts';
import type { ApiSource, ClientView, StreamView } from './source.ts';

const STREAM: StreamView = {
  id: 'vid-stream',
  name: 'livestream',
  app: 'live',
  vhostId: 'vid-vhost',
  tcUrl: 'rtmp://localhost/live',
  url: '/live/livestream',
  publisherId: 'c1',
  startedAtMs: 1_000,
  clients: 2,
  frames: 50,
  bytesSent: 20,
  bytesReceived: 10,
  kbps: { received30s: 250.4, sent30s: 500.6 },
  video: { codec: 'H264', profile: 'High', level: '3.1', width: 1280, height: 720 },
  audio: { codec: 'AAC', sampleRate: 44_100, channels: 2, profile: 'LC' },
  faults: [{ sink: 'hls', code: 'full', message: '/a: the disk is full', sinceMs: 5, count: 2 }],
};

const IDLE: StreamView = {
  ...STREAM,
  id: 'vid-idle',
  publisherId: undefined,
  video: undefined,
  audio: undefined,
};

function client(index: number): ClientView {
  return {
    id: `c${index}`,
    vhostId: 'vid-vhost',
    streamId: 'vid-stream',
    ip: '192.0.2.1',
    pageUrl: '',
    swfUrl: '',
    tcUrl: 'rtmp://localhost/live',
    url: '/live/livestream',
    name: 'livestream',
    type: index === 0 ? 'fmle-publish' : 'rtmp-play',
    publish: index === 0,
    aliveSeconds: 1.23456,
    bytesSent: 1,
    bytesReceived: 2,
    kbps: { received30s: 0, sent30s: 0 },
  };
}

function setUp(scope: 'all' | 'public' = 'all') {
  const built = { clients: 0 };
  const source: ApiSource = {
    version: '1.2.3-rc.1',
    serverId: 'vid-server',
    serviceId: 'service',
    pid: 42,
    streams: () => [STREAM, IDLE],
    stream: (id) => [STREAM, IDLE].find((view) => view.id === id),
    *clients() {
      for (let index = 0; index < 4_000; index += 1) {
        built.clients += 1;
        yield client(index);
      }
    },
    client: (id) => (id === 'c0' ? client(0) : undefined),
  };
  const app = fastify();
  app.register(apiRoutes({ source, scope, now: () => 61_000 }));
  async function get<Shape>(url: string, schema: z.ZodType<Shape>): Promise<Shape> {
    const response = await app.inject({ url });
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    return schema.parse(response.json());
  }
  return { app, get, built };
}

describe('the HTTP API', () => {
  it('A002 tells the version', async () => {
    expect(await setUp().get('/api/v1/versions', schemas.versionsSchema)).toEqual({
      code: 0,
      server: 'vid-server',
      service: 'service',
      pid: '42',
      data: { major: 1, minor: 2, revision: 3, version: '1.2.3-rc.1' },
    });
  });

  it.each(['/api', '/api/', '/api/v1', '/api/v1/'])('A002 lists what there is at %s', async (url) => {
    const { urls } = await setUp().get(url, schemas.indexSchema);
    expect(Object.keys(urls)).toEqual(
      url.includes('v1') ? ['versions', 'streams', 'clients', 'dvrs'] : ['v1'],
    );
  });

  it.each(['/api/v1/streams', '/api/v1/streams/'])('A005 lists the streams at %s', async (url) => {
    const { streams } = await setUp().get(url, schemas.streamsAnswerSchema);
    expect(streams).toEqual([
      {
        id: 'vid-stream',
        name: 'livestream',
        vhost: 'vid-vhost',
        app: 'live',
        tcUrl: 'rtmp://localhost/live',
        url: '/live/livestream',
        live_ms: 60_000,
        clients: 2,
        frames: 50,
        send_bytes: 20,
        recv_bytes: 10,
        kbps: { recv_30s: 250, send_30s: 501 },
        publish: { active: true, cid: 'c1' },
        video: { codec: 'H264', profile: 'High', level: '3.1', width: 1280, height: 720 },
        audio: { codec: 'AAC', sample_rate: 44_100, channel: 2, profile: 'LC' },
        faults: [{ sink: 'hls', code: 'full', message: '/a: the disk is full', since_ms: 5, count: 2 }],
      },
      expect.objectContaining({ id: 'vid-idle', publish: { active: false }, video: null, audio: null }),
    ]);
  });

  it('A005 shows one stream', async () => {
    const { stream } = await setUp().get('/api/v1/streams/vid-idle', schemas.streamAnswerSchema);
    expect(stream.id).toBe('vid-idle');
  });

  it('shows one client', async () => {
    const answer = await setUp().get('/api/v1/clients/c0', schemas.clientAnswerSchema);
    expect(answer.client).toMatchObject({ id: 'c0', type: 'fmle-publish', publish: true, alive: 1.235 });
  });

  it.each([
    ['/api/v1/streams/nobody', 2048],
    ['/api/v1/clients/nobody', 2049],
    [`/api/v1/clients/${'x'.repeat(500)}`, 2049],
  ])('answers code for %s, which is not there', async (url, code) => {
    const { app } = setUp();
    const response = await app.inject({ url });
    expect(response.statusCode).toBe(200);
    expect(schemas.errorSchema.parse(response.json())).toEqual({ code });
  });

  it('pages, and builds no more than the page', async () => {
    const { get, built } = setUp();
    const { clients } = await get('/api/v1/clients?start=5&count=100', schemas.clientsAnswerSchema);
    expect(clients.map((entry) => entry.id)).toEqual(
      Array.from({ length: 100 }, (_, index) => `c${index + 5}`),
    );
    expect(built.clients).toBe(105);
  });

  it.each([
    ['', 0, 10],
    ['?start=-1&count=0', 0, 10],
    ['?start=x&count=y', 0, 10],
    ['?count=1', 0, 1],
    ['?count=99999999', 0, 4_000],
    ['?start=3999', 3_999, 1],
    ['?start=5000', 5_000, 0],
    ['?count=1&count=2', 0, 10],
  ])('takes the paging %j', async (query, start, count) => {
    const { clients } = await setUp().get(`/api/v1/clients${query}`, schemas.clientsAnswerSchema);
    expect(clients).toHaveLength(count);
    expect(clients[0]?.id).toBe(count === 0 ? undefined : `c${start}`);
  });

  it.each(['POST', 'PUT', 'DELETE'] as const)('A001 answers 405 to %s', async (method) => {
    const { app } = setUp();
    const response = await app.inject({ method, url: '/api/v1/clients/c0' });
    expect(response.statusCode).toBe(405);
    expect(response.headers.allow).toBe('GET, HEAD');
    expect(schemas.errorSchema.parse(response.json())).toEqual({ code: 405 });
  });

  it('answers 404 in JSON to paths it does not know', async () => {
    const { app } = setUp();
    const response = await app.inject({ url: '/api/v1/nothing' });
    expect(response.statusCode).toBe(404);
    expect(schemas.errorSchema.parse(response.json())).toEqual({ code: 404 });
  });

  it('H015 gives versions and streams, but no clients, to the public', async () => {
    const { app, get } = setUp('public');
    await get('/api/v1/versions', schemas.versionsSchema);
    const { stream } = await get('/api/v1/streams/vid-stream', schemas.streamAnswerSchema);
    // Their messages name paths of the machine.
    expect(stream.faults).toBeUndefined();
    expect((await app.inject({ url: '/api/v1/clients' })).statusCode).toBe(404);
  });
});

describe('versionShape', () => {
  it.each([
    ['2.0.166', 2, 0, 166],
    ['1.2.3-rc.1', 1, 2, 3],
    ['1', 1, 0, 0],
  ])('%s', (version, major, minor, revision) => {
    expect(versionShape(version)).toEqual({ major, minor, revision, version });
  });
});
