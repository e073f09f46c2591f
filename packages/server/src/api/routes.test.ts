import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import * as schemas from './schemas.ts';
import { versionShape } from './shapes.ts';
import { type ApiKit, apiKit } from './test-kit.ts';

function setUp(kit: ApiKit = {}) {
  const made = apiKit(kit);
  async function get<Shape>(url: string, schema: z.ZodType<Shape>): Promise<Shape> {
    const response = await made.app.inject({ url });
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(response.headers['cache-control']).toBe('no-store');
    return schema.parse(response.json());
  }
  return { ...made, get };
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

  it.each(['/api', '/api/'])('A002 lists what there is at %s', async (url) => {
    const { urls } = await setUp().get(url, schemas.indexSchema);
    expect(Object.keys(urls)).toEqual(['v1']);
  });

  it.each(['/api/v1', '/api/v1/'])('A002 lists what there is at %s', async (url) => {
    const { urls } = await setUp().get(url, schemas.indexSchema);
    expect(Object.keys(urls)).toEqual([
      ...['versions', 'summaries', 'rusages', 'self_proc_stats', 'system_proc_stats', 'meminfos'],
      ...['authors', 'features', 'requests', 'vhosts', 'config', 'streams', 'clients', 'ended'],
      ...['dvrs', 'raw', 'openapi.json', 'tests'],
    ]);
  });

  it('A002 tells at / where the API is, where nothing else is there', async () => {
    const { urls } = await setUp({ atRoot: true }).get('/', schemas.indexSchema);
    expect(urls).toEqual({ api: 'the api root' });
    expect((await setUp().app.inject({ url: '/' })).statusCode).toBe(404);
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
        kbps: { recv_30s: 250, send_30s: 501, recv_5m: 240, send_5m: 480 },
        players: 1,
        fps: 29.97,
        audio_frames: 80,
        dropped_frames: 4,
        gop: { frames: 25, ms: 1000 },
        jitter: { corrections: 2, ms: 5000 },
        held_bytes: 9000,
        flush: { count: 30, p50_ms: 0.123, p99_ms: 2.5 },
        publish: { active: true, cid: 'c1' },
        video: { codec: 'H264', profile: 'High', level: '3.1', width: 1280, height: 720 },
        hls_ready: true,
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

  it.each(['/api/v1/vhosts', '/api/v1/vhosts/'])('A005 lists the vhosts at %s', async (url) => {
    const { vhosts } = await setUp().get(url, schemas.vhostsAnswerSchema);
    expect(vhosts).toEqual([
      {
        id: 'vid-vhost',
        name: '__defaultVhost__',
        enabled: true,
        clients: 3,
        streams: 1,
        send_bytes: 20,
        recv_bytes: 10,
        kbps: { recv_30s: 1, send_30s: 3, recv_5m: 0, send_5m: 1 },
        players: 2,
        fps: 25,
        dropped_frames: 4,
        jitter: { corrections: 2, ms: 5000 },
        hls: { enabled: true, fragment: 10 },
      },
      expect.objectContaining({ id: 'vid-off', enabled: false, hls: { enabled: false } }),
    ]);
  });

  it('A005 shows one vhost', async () => {
    const { vhost } = await setUp().get('/api/v1/vhosts/vid-off', schemas.vhostAnswerSchema);
    expect(vhost.name).toBe('off.example.com');
  });

  it('A002 shows one client', async () => {
    const answer = await setUp().get('/api/v1/clients/c0', schemas.clientAnswerSchema);
    expect(answer.client).toMatchObject({ id: 'c0', type: 'fmle-publish', publish: true, alive: 1.235 });
  });

  it('A002 tells who has gone, and why', async () => {
    const { ended } = await setUp().get('/api/v1/ended?count=1', schemas.endedAnswerSchema);
    expect(ended).toEqual([
      {
        id: 'e1',
        ip: '192.0.2.1',
        type: 'rtmp-play',
        publish: false,
        vhost: '__defaultVhost__',
        app: 'live',
        stream: 'livestream',
        start_ms: 1_000,
        end_ms: 2_001,
        reason: 'kicked',
        detail: 'by the API',
        send_bytes: 2,
        recv_bytes: 1,
        dropped_frames: 3,
      },
    ]);
    const rest = await setUp().get('/api/v1/ended/?start=1', schemas.endedAnswerSchema);
    expect(rest.ended.map(({ id, detail }) => [id, detail])).toEqual([['e2', '']]);
  });

  it('A002 DELETE disconnects a client', async () => {
    const { app, kicked } = setUp();
    const response = await app.inject({ method: 'DELETE', url: '/api/v1/clients/c0' });
    expect(response.statusCode).toBe(200);
    expect(schemas.doneSchema.parse(response.json()).code).toBe(0);
    const unknown = await app.inject({ method: 'DELETE', url: '/api/v1/clients/c9' });
    expect(unknown.statusCode).toBe(200);
    expect(schemas.errorSchema.parse(unknown.json())).toEqual({ code: 2049 });
    expect(kicked).toEqual(['c0', 'c9']);
  });

  it.each([
    ['/api/v1/streams/nobody', 2048],
    ['/api/v1/clients/nobody', 2049],
    ['/api/v1/vhosts/nobody', 2014],
    ['/api/v1/clients/__proto__', 2049],
    ['/api/v1/clients/%00%0a', 2049],
    ['/api/v1/streams/..%2f..%2fetc%2fpasswd', 2048],
    [`/api/v1/clients/${'x'.repeat(500)}`, 2049],
  ])('A002 answers a code for %s, which is not there', async (url, code) => {
    const { app } = setUp();
    const response = await app.inject({ url });
    expect(response.statusCode).toBe(200);
    expect(schemas.errorSchema.parse(response.json())).toEqual({ code });
  });

  it('A002 pages, and builds no more than the page', async () => {
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
    ['?count=1e9', 0, 4_000],
    ['?count=Infinity', 0, 10],
    ['?count=1.5', 0, 10],
    ['?start[]=1&count[x]=2', 0, 10],
    [`?start=${'9'.repeat(400)}`, 0, 10],
  ])('A002 takes the paging %j', async (query, start, count) => {
    const { clients } = await setUp().get(`/api/v1/clients${query}`, schemas.clientsAnswerSchema);
    expect(clients).toHaveLength(count);
    expect(clients[0]?.id).toBe(count === 0 ? undefined : `c${start}`);
  });

  it.each([
    ['POST', '/api/v1/clients/c0', 'GET, HEAD, DELETE'],
    ['PUT', '/api/v1/clients/c0', 'GET, HEAD, DELETE'],
    ['DELETE', '/api/v1/clients', 'GET, HEAD'],
    ['DELETE', '/api/v1/clients/', 'GET, HEAD'],
    ['DELETE', '/api/v1/streams/vid-stream', 'GET, HEAD'],
    ['POST', '/api/v1/vhosts', 'GET, HEAD'],
    ['OPTIONS', '/api/v1/streams', 'GET, HEAD'],
    ['PATCH', '/api/v1/summaries', 'GET, HEAD'],
    ['POST', '/api', 'GET, HEAD'],
    ['DELETE', '/api/v1/raw', 'GET, POST, PUT'],
  ] as const)('A001 answers 405 to %s %s', async (method, url, allow) => {
    const { app, kicked } = setUp();
    const response = await app.inject({ method, url });
    expect(response.statusCode).toBe(405);
    expect(response.headers.allow).toBe(allow);
    expect(schemas.errorSchema.parse(response.json())).toEqual({ code: 405 });
    expect(kicked).toEqual([]);
  });

  it('A001 answers 405 to DELETE where nothing can be controlled', async () => {
    const { app } = setUp({ control: false });
    const response = await app.inject({ method: 'DELETE', url: '/api/v1/clients/c0' });
    expect(response.statusCode).toBe(405);
    expect(response.headers.allow).toBe('GET, HEAD');
  });

  it('answers 404 in JSON to paths it does not know', async () => {
    const { app } = setUp();
    const response = await app.inject({ url: '/api/v1/nothing' });
    expect(response.statusCode).toBe(404);
    expect(schemas.errorSchema.parse(response.json())).toEqual({ code: 404 });
  });

  it('H015 gives versions and streams, but no clients, to the public', async () => {
    const { app, get } = setUp({ scope: 'public' });
    await get('/api/v1/versions', schemas.versionsSchema);
    const publicAnswer = schemas.streamAnswerSchema.extend({
      stream: schemas.streamSchema.omit({ tcUrl: true }),
    });
    const { stream } = await get('/api/v1/streams/vid-stream', publicAnswer);
    // It may name a host of the inside.
    expect(stream).not.toHaveProperty('tcUrl');
    // Their messages name paths of the machine.
    expect(stream.faults).toEqual([]);
    for (const name of [
      'clients',
      'ended',
      'vhosts',
      'summaries',
      'raw?rpc=reload',
      'requests',
      'openapi.json',
      'dvrs',
    ]) {
      expect((await app.inject({ url: `/api/v1/${name}` })).statusCode).toBe(404);
    }
  });

  it('H015 list_streams off hides the streams from the public', async () => {
    const { app, get } = setUp({ scope: 'public', listStreams: false });
    await get('/api/v1/versions', schemas.versionsSchema);
    for (const url of ['/api/v1/streams', '/api/v1/streams/', '/api/v1/streams/vid-stream']) {
      expect((await app.inject({ url })).statusCode).toBe(404);
    }
    const own = setUp({ listStreams: false });
    await own.get('/api/v1/streams', schemas.streamsAnswerSchema);
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
