import { describe, expect, it } from 'vitest';
import * as schemas from './schemas.ts';
import { type ApiKit, apiKit } from './test-kit.ts';

const OPEN: ApiKit = { httpApi: { rawApi: { enabled: true, allowUpdate: true } } };
const PASSWORD = { enabled: true, username: 'admin', password: 'secret' };
const AUTHORIZATION = `Basic ${Buffer.from('admin:secret').toString('base64')}`;

function patch(url: string, payload: string, headers: Record<string, string> = {}) {
  return {
    method: 'PATCH',
    url,
    payload,
    headers: { 'content-type': 'application/json', ...headers },
  } as const;
}

describe('PATCH of settings', () => {
  it.each([
    ['/api/v1/vhosts/vid-off', 'off.example.com'],
    ['/api/v1/vhosts/off.example.com', 'off.example.com'],
    ['/api/v1/vhosts/gone.example.com', 'gone.example.com'],
    ['/api/v1/config', undefined],
    ['/api/v1/config/', undefined],
  ])('C005 %s changes %s', async (url, vhost) => {
    const { app, asked } = apiKit(OPEN);
    const response = await app.inject(
      patch(url, '{"hls.hls_fragment":5,"refer.play":["a","b"],"enabled":null}'),
    );
    expect(response.statusCode).toBe(200);
    expect(response.headers['cache-control']).toBe('no-store');
    const { result } = schemas.changeAnswerSchema.parse(response.json());
    expect(result).toMatchObject({
      dry_run: false,
      change: {
        id: '7',
        by: { user: 'admin', address: '192.0.2.1' },
        applied: true,
        settings: [
          { directive: 'hls.hls_fragment', value: '5', before: '10', overridden_by: null },
          { directive: 'http_hooks.on_play', value: ['http://a/', 'http://b/'], overridden_by: '8' },
        ],
      },
      lines: [{ kind: 'vhost-changed', directive: 'hls.hls_fragment', after: '5000 ms', effect: 'live' }],
      notes: ['a note'],
    });
    const settings = { 'hls.hls_fragment': 5, 'refer.play': ['a', 'b'], enabled: null };
    expect(asked).toEqual([{ vhost, settings, by: { address: '127.0.0.1' }, at: 61_000, dryRun: false }]);
  });

  it.each([
    ['?dry_run=true', true],
    ['?dry_run=1', true],
    ['?dry_run', true],
    ['?dry_run=false', false],
  ])('C005 %s', async (query, dryRun) => {
    const { app, asked } = apiKit(OPEN);
    const response = await app.inject(patch(`/api/v1/config${query}`, '{"max_connections":5}'));
    const { result } = schemas.changeAnswerSchema.parse(response.json());
    expect(result).toMatchObject({ dry_run: dryRun, change: dryRun ? null : { id: '7' } });
    expect(asked).toMatchObject([{ dryRun }]);
  });

  it('C005 names who asks, where a password says who it is', async () => {
    const { app, asked } = apiKit({ httpApi: { ...OPEN.httpApi, auth: PASSWORD } });
    const url = '/api/v1/config';
    expect((await app.inject(patch(url, '{"a":1}'))).statusCode).toBe(401);
    const response = await app.inject(patch(url, '{"a":1}', { authorization: AUTHORIZATION }));
    expect(response.statusCode).toBe(200);
    expect(asked).toMatchObject([{ by: { user: 'admin', address: '127.0.0.1' } }]);
    const open = apiKit(OPEN);
    await open.app.inject(patch(url, '{"a":1}', { authorization: AUTHORIZATION }));
    expect(open.asked).toMatchObject([{ by: { address: '127.0.0.1' } }]);
    expect(JSON.stringify(open.asked)).not.toContain('admin');
  });

  it.each([
    ['', 'empty'],
    ['{', 'no JSON'],
    ['[]', 'wanted an object'],
    ['5', 'wanted an object'],
    ['{"a":{"b":1}}', 'wanted an object'],
    ['{"":1}', 'wanted an object'],
    ['{"a":[[1]]}', 'wanted an object'],
  ])('C005 the body %j is refused', async (payload, words) => {
    const { app, asked } = apiKit(OPEN);
    const response = await app.inject(patch('/api/v1/config', payload));
    expect(response.statusCode).toBe(400);
    const refusal = schemas.refusalSchema.parse(response.json());
    expect(refusal.error).toBe('bad-request');
    expect(refusal.message).toContain(words);
    expect(asked).toEqual([]);
  });

  it('C005 a trial that is spelt wrong is no change', async () => {
    const { app, asked } = apiKit(OPEN);
    const response = await app.inject(patch('/api/v1/config?dry_run=yes', '{"max_connections":5}'));
    expect(response.statusCode).toBe(400);
    expect(asked).toEqual([]);
  });

  it.each([
    ['unknown-setting', 400],
    ['setting-not-live', 400],
    ['bad-value', 400],
    ['no-such-block', 404],
    ['changed-by-hand', 409],
    ['listen-failed', 409],
    ['no-configuration-file', 409],
    ['changes-not-saved', 500],
    ['internal-error', 500],
  ])('C005 answers %s with %d', async (code, status) => {
    const { app } = apiKit({ ...OPEN, changes: { ok: false, code, message: 'why not' } });
    const response = await app.inject(patch('/api/v1/vhosts/vid-off', '{"a":1}'));
    expect(response.statusCode).toBe(status);
    expect(schemas.refusalSchema.parse(response.json())).toEqual({
      code: status,
      error: code,
      message: 'why not',
    });
  });

  it.each([{}, { enabled: true }, { allowUpdate: true }, { enabled: true, allowQuery: true }])(
    'C005 with raw_api %j nothing may be changed',
    async (rawApi) => {
      const { app, asked } = apiKit({ httpApi: { rawApi } });
      const requests = [
        patch('/api/v1/config', '{"max_connections":5}'),
        patch('/api/v1/vhosts/vid-off', '{"enabled":false}'),
        { method: 'DELETE', url: '/api/v1/config/changes/7' },
        { method: 'DELETE', url: '/api/v1/config/changes?all=true' },
      ] as const;
      for (const request of requests) {
        const response = await app.inject(request);
        expect(response.statusCode).toBe(403);
        expect(schemas.refusalSchema.parse(response.json())).toMatchObject({ error: 'not-allowed' });
      }
      expect(asked).toEqual([]);
    },
  );

  it.each([{ 'sec-fetch-site': 'cross-site' }, { origin: 'http://evil.example' }])(
    'C005 pages of other sites change nothing while there is no password: %j',
    async (headers) => {
      const { app, asked } = apiKit(OPEN);
      const rollback = { method: 'DELETE', url: '/api/v1/config/changes/7', headers } as const;
      expect((await app.inject(rollback)).statusCode).toBe(403);
      expect((await app.inject(patch('/api/v1/config', '{"a":1}', headers))).statusCode).toBe(403);
      expect(asked).toEqual([]);
      const own = patch('/api/v1/config', '{"a":1}', {
        host: 'localhost:1985',
        origin: 'http://localhost:1985',
      });
      expect((await app.inject(own)).statusCode).toBe(200);
    },
  );

  it('C005 nothing is changed by a GET', async () => {
    const { app, asked } = apiKit(OPEN);
    const url = '/api/v1/config/changes/7?method=DELETE';
    expect((await app.inject({ url })).statusCode).toBe(403);
    expect(asked).toEqual([]);
  });

  it('C005 a server without a file takes none', async () => {
    const { app } = apiKit({ ...OPEN, changes: false });
    const response = await app.inject(patch('/api/v1/config', '{"a":1}'));
    expect(schemas.refusalSchema.parse(response.json())).toMatchObject({ error: 'no-configuration-file' });
    const list = await app.inject({ url: '/api/v1/config/changes' });
    expect(schemas.changesAnswerSchema.parse(list.json()).changes).toEqual([]);
  });
});

describe('/api/v1/config/changes', () => {
  it.each(['/api/v1/config/changes', '/api/v1/config/changes/'])('C005 lists at %s', async (url) => {
    const { app } = apiKit(OPEN);
    const { changes } = schemas.changesAnswerSchema.parse((await app.inject({ url })).json());
    expect(
      changes.map(({ id, applied, problem, vhost, by }) => [id, applied, problem, vhost, by.user]),
    ).toEqual([
      ['7', true, null, 'off.example.com', 'admin'],
      ['6', false, 'gone', null, null],
    ]);
    const page = await app.inject({ url: `${url}?start=1&count=1` });
    expect(schemas.changesAnswerSchema.parse(page.json()).changes.map(({ id }) => id)).toEqual(['6']);
  });

  it('C005 the list is open to who may query or update, and to nobody else', async () => {
    const url = '/api/v1/config/changes';
    for (const rawApi of [
      { enabled: true, allowQuery: true },
      { enabled: true, allowUpdate: true },
    ]) {
      expect((await apiKit({ httpApi: { rawApi } }).app.inject({ url })).statusCode).toBe(200);
    }
    for (const rawApi of [{}, { enabled: true }, { allowQuery: true }]) {
      expect((await apiKit({ httpApi: { rawApi } }).app.inject({ url })).statusCode).toBe(403);
    }
    const everyone = apiKit({ ...OPEN, scope: 'public' });
    expect((await everyone.app.inject({ url })).statusCode).toBe(404);
  });

  it.each([
    ['/api/v1/config/changes/7', { id: '7' }],
    ['/api/v1/config/changes?after=6', { after: '6' }],
    ['/api/v1/config/changes?all=true', { all: true }],
  ])('C005 DELETE of %s', async (url, which) => {
    const { app, asked } = apiKit(OPEN);
    const response = await app.inject({ method: 'DELETE', url });
    schemas.changeAnswerSchema.parse(response.json());
    expect(asked).toEqual([{ which, by: { address: '127.0.0.1' }, dryRun: false }]);
    await app.inject({ method: 'DELETE', url: `${url}${url.includes('?') ? '&' : '?'}dry_run=true` });
    expect(asked[1]).toMatchObject({ dryRun: true });
  });

  it.each(['', '/', '?after=', '?all=false', '?all=true&after=5&after=6', '?after=5&after=6'])(
    'C005 DELETE of changes%s says how far',
    async (rest) => {
      const { app, asked } = apiKit(OPEN);
      const response = await app.inject({ method: 'DELETE', url: `/api/v1/config/changes${rest}` });
      expect(response.statusCode).toBe(400);
      expect(asked).toEqual([]);
    },
  );

  it.each([
    ['POST', '/api/v1/config', 'PATCH'],
    ['GET', '/api/v1/config', 'PATCH'],
    ['PATCH', '/api/v1/config/changes', 'GET, HEAD, DELETE'],
    ['PUT', '/api/v1/config/changes/7', 'DELETE'],
    ['PATCH', '/api/v1/streams/vid-stream', 'GET, HEAD'],
    ['POST', '/api/v1/vhosts/vid-off', 'GET, HEAD, PATCH'],
  ] as const)('A002 %s of %s is not there', async (method, url, allow) => {
    const response = await apiKit(OPEN).app.inject({ method, url });
    expect(response.statusCode).toBe(405);
    expect(response.headers.allow).toBe(allow);
  });
});
