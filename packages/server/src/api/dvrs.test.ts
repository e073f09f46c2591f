import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import type { DvrControl, DvrStart, DvrView } from './dvrs.ts';
import { apiRoutes } from './routes.ts';
import * as schemas from './schemas.ts';
import type { ApiSource } from './source.ts';

const VIEW: DvrView = {
  id: 'd1',
  origin: 'api',
  vhost: '__defaultVhost__',
  app: 'live',
  stream: 'cam',
  plan: 'segment',
  path: './rec/[stream].flv',
  segmentMs: 30_000,
  state: 'recording',
  file: './rec/cam.flv',
  bytes: 1_000,
  durationMs: 1_234.5,
  sinceMs: 5_000,
  fault: undefined,
};

const FAULT: DvrView = {
  ...VIEW,
  id: 'd2',
  state: 'fault',
  file: undefined,
  fault: { code: 'full', message: 'no room', since: 6_000, count: 3 },
};

/** Recordings ask nothing of it but who answers. */
const source = {
  version: '1.2.3',
  serverId: 'vid-server',
  serviceId: 'service',
  pid: 42,
} as Partial<ApiSource> as ApiSource;

function setUp(answer?: ReturnType<DvrControl['request']>, scope: 'all' | 'public' = 'all') {
  const started: DvrStart[] = [];
  const stopped: string[] = [];
  const dvrs: DvrControl = {
    list: () => [VIEW, FAULT],
    find: (id) => [VIEW, FAULT].find((view) => view.id === id),
    request: (start) => {
      started.push(start);
      return answer ?? { ok: true, view: VIEW };
    },
    stop: async (id) => {
      stopped.push(id);
      return id === 'd1' ? { ...VIEW, state: 'waiting' } : undefined;
    },
  };
  const app = fastify();
  // As the HTTP server does: bodies come as bytes, whatever they say they are.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  app.register(apiRoutes({ source, scope, dvrs }));
  return { app, started, stopped };
}

describe('/api/v1/dvrs', () => {
  it.each(['/api/v1/dvrs', '/api/v1/dvrs/'])('V008 lists the recordings at %s', async (url) => {
    const response = await setUp().app.inject({ url });
    expect(response.headers['cache-control']).toBe('no-store');
    const { dvrs } = schemas.dvrsAnswerSchema.parse(response.json());
    expect(dvrs).toEqual([
      {
        id: 'd1',
        origin: 'api',
        vhost: '__defaultVhost__',
        app: 'live',
        stream: 'cam',
        plan: 'segment',
        path: './rec/[stream].flv',
        duration: 30,
        state: 'recording',
        file: './rec/cam.flv',
        bytes: 1_000,
        recorded_ms: 1_235,
        since_ms: 5_000,
        fault: null,
      },
      expect.objectContaining({
        id: 'd2',
        file: null,
        fault: { code: 'full', message: 'no room', since_ms: 6_000, count: 3 },
      }),
    ]);
  });

  it('V008 pages, and shows one', async () => {
    const { app } = setUp();
    const page = await app.inject({ url: '/api/v1/dvrs?start=1&count=1' });
    expect(schemas.dvrsAnswerSchema.parse(page.json()).dvrs.map(({ id }) => id)).toEqual(['d2']);
    const one = await app.inject({ url: '/api/v1/dvrs/d2' });
    expect(schemas.dvrAnswerSchema.parse(one.json()).dvr.id).toBe('d2');
    const none = await app.inject({ url: '/api/v1/dvrs/d3' });
    expect(none.statusCode).toBe(404);
    expect(schemas.refusalSchema.parse(none.json())).toMatchObject({ code: 404, error: 'unknown-recording' });
  });

  it.each(['application/json', 'Application/JSON; charset=utf-8'])(
    'V008 POST of %s starts a recording',
    async (type) => {
      const { app, started } = setUp();
      const response = await app.inject({
        method: 'POST',
        url: '/api/v1/dvrs',
        headers: { 'content-type': type },
        payload: JSON.stringify({
          app: 'live',
          stream: 'カメラ',
          plan: 'segment',
          path: 'x/[stream].flv',
          duration: 10,
        }),
      });
      expect(response.statusCode).toBe(201);
      expect(response.headers.location).toBe('/api/v1/dvrs/d1');
      expect(schemas.dvrAnswerSchema.parse(response.json()).dvr.id).toBe('d1');
      expect(started).toEqual([
        { app: 'live', stream: 'カメラ', plan: 'segment', path: 'x/[stream].flv', segmentMs: 10_000 },
      ]);
    },
  );

  it.each([
    ['', 'empty'],
    ['{', 'no JSON'],
    ['[]', 'object'],
    ['{"app":"live"}', 'stream'],
    ['{"app":"live","stream":""}', 'stream'],
    ['{"app":"live","stream":5}', 'stream'],
    ['{"app":"live","stream":"s","plan":"always"}', 'plan'],
    ['{"app":"live","stream":"s","extra":1}', 'extra'],
    ['{"app":"live","stream":"s","duration":10}', 'segment'],
    ['{"app":"live","stream":"s","plan":"segment","duration":0}', 'duration'],
    [`{"app":"live","stream":"${'x'.repeat(2_000)}"}`, 'stream'],
    [Buffer.from([0x22, 0xff, 0x22]), 'no JSON'],
  ])('V008 POST of %s is answered 400, and says why', async (payload, word) => {
    const { app, started } = setUp();
    const headers = { 'content-type': 'application/json' };
    const response = await app.inject({ method: 'POST', url: '/api/v1/dvrs', headers, payload });
    expect(response.statusCode).toBe(400);
    const refusal = schemas.refusalSchema.parse(response.json());
    expect(refusal).toMatchObject({ code: 400, error: 'bad-request' });
    expect(refusal.message).toContain(word);
    expect(started).toEqual([]);
  });

  it.each([
    ['unknown-vhost', 404],
    ['bad-name', 400],
    ['bad-path', 400],
    ['already-recorded', 409],
    ['too-many-recordings', 429],
  ] as const)('V008 tells %s by %d', async (code, status) => {
    const { app } = setUp({ ok: false, code, message: 'because' });
    const payload = '{"app":"live","stream":"s"}';
    const headers = { 'content-type': 'application/json' };
    const response = await app.inject({ method: 'POST', url: '/api/v1/dvrs', headers, payload });
    expect(response.statusCode).toBe(status);
    expect(schemas.refusalSchema.parse(response.json())).toEqual({
      code: status,
      error: code,
      message: 'because',
    });
  });

  it('V008 DELETE stops a recording', async () => {
    const { app, stopped } = setUp();
    const response = await app.inject({ method: 'DELETE', url: '/api/v1/dvrs/d1' });
    expect(response.statusCode).toBe(200);
    expect(schemas.dvrAnswerSchema.parse(response.json()).dvr.state).toBe('waiting');
    expect((await app.inject({ method: 'DELETE', url: '/api/v1/dvrs/d9' })).statusCode).toBe(404);
    expect(stopped).toEqual(['d1', 'd9']);
  });

  it.each([
    ['PUT', '/api/v1/dvrs', 'GET, HEAD, POST'],
    ['DELETE', '/api/v1/dvrs', 'GET, HEAD, POST'],
    ['POST', '/api/v1/dvrs/d1', 'GET, HEAD, DELETE'],
  ] as const)('answers 405 to %s %s', async (method, url, allow) => {
    const response = await setUp().app.inject({ method, url });
    expect(response.statusCode).toBe(405);
    expect(response.headers.allow).toBe(allow);
  });

  it('is not on the public port, nor where nothing records', async () => {
    const { app } = setUp(undefined, 'public');
    expect((await app.inject({ url: '/api/v1/dvrs' })).statusCode).toBe(404);
    const bare = fastify();
    bare.register(apiRoutes({ source }));
    expect((await bare.inject({ url: '/api/v1/dvrs' })).statusCode).toBe(404);
  });
});
