import { timingSafeEqual } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { basicAuthMatches } from './basic-auth.ts';
import { MAX_CALLBACK_LENGTH } from './guard.ts';
import * as schemas from './schemas.ts';
import { apiKit } from './test-kit.ts';

vi.mock('node:crypto', async (importOriginal) => {
  const actual = await importOriginal<{ readonly timingSafeEqual: typeof timingSafeEqual }>();
  return { ...actual, timingSafeEqual: vi.fn(actual.timingSafeEqual) };
});

const AUTH = { auth: { enabled: true, username: 'admin', password: 'pass wörd' } };

function basic(text: string): string {
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

describe('http_api.auth', () => {
  beforeEach(() => {
    vi.mocked(timingSafeEqual).mockClear();
  });

  it.each(['/api/v1/versions', '/api/v1/clients/c0', '/api/v1/nothing', '/api', '/api/docs'])(
    'A002 asks for a password at %s',
    async (url) => {
      const { app, denials } = apiKit({ httpApi: AUTH });
      const response = await app.inject({ url });
      expect(response.statusCode).toBe(401);
      expect(response.headers['www-authenticate']).toBe('Basic realm="Sluice", charset="UTF-8"');
      expect(schemas.errorSchema.parse(response.json())).toEqual({ code: 401 });
      expect(denials).toEqual([{ ip: '127.0.0.1', reason: 'no-password' }]);
    },
  );

  it('A002 lets in who knows the password', async () => {
    const { app, denials } = apiKit({ httpApi: AUTH });
    const headers = { authorization: basic('admin:pass wörd') };
    const response = await app.inject({ url: '/api/v1/versions', headers });
    expect(response.statusCode).toBe(200);
    schemas.versionsSchema.parse(response.json());
    expect(denials).toEqual([]);
  });

  it.each([
    basic('admin:pass wörd '),
    basic('admin:pass'),
    basic('admin:'),
    basic('Admin:pass wörd'),
    basic(':pass wörd'),
    basic('admin:pass wörd:x'),
    basic(''),
    basic('x'.repeat(10_000)),
    'Basic',
    'Basic  ',
    'Basic !!!!',
    `Bearer ${Buffer.from('admin:pass wörd').toString('base64')}`,
    'admin:pass wörd',
  ])('A002 a wrong password is compared in constant time: %s', async (authorization) => {
    const { app, denials, kicked } = apiKit({ httpApi: AUTH });
    const headers = { authorization: Buffer.from(authorization).toString('latin1') };
    const response = await app.inject({ method: 'DELETE', url: '/api/v1/clients/c0', headers });
    expect(response.statusCode).toBe(401);
    expect(kicked).toEqual([]);
    expect(denials).toEqual([{ ip: '127.0.0.1', reason: 'wrong-password' }]);
    // Whatever was given, two digests of one length are compared, once.
    expect(
      vi.mocked(timingSafeEqual).mock.calls.map((sides) => sides.map(({ byteLength }) => byteLength)),
    ).toEqual([[32, 32]]);
  });

  it('A002 an empty password lets nobody in', () => {
    expect(basicAuthMatches(basic('admin:'), 'admin', '')).toBe(false);
    expect(basicAuthMatches(undefined, '', '')).toBe(false);
  });

  it('A002 matches what was encoded, and nothing else', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), fc.string(), (name, password, other) => {
        expect(basicAuthMatches(basic(`${name}:${password}`), name, password)).toBe(true);
        expect(basicAuthMatches(other, name, password)).toBe(false);
      }),
    );
  });

  it.each([
    ['a script of JSONP', 'no-cors', '/api/v1/clients?callback=f', 403],
    ['an image that kicks', 'no-cors', '/api/v1/clients/c0?method=DELETE', 403],
    ['a link that kicks', 'navigate', '/api/v1/clients/c0?method=DELETE', 403],
    ['a link that reloads', 'navigate', '/api/v1/raw?rpc=reload', 403],
    ['a fetch that kicks', 'cors', '/api/v1/clients/c0?method=DELETE', 403],
    ['a link that reads', 'navigate', '/api/v1/clients', 200],
    ['a fetch that reads', 'cors', '/api/v1/clients', 200],
  ])('A006 %s of another site rides on no password', async (_, mode, url, status) => {
    const { app, kicked, denials } = apiKit({ httpApi: AUTH });
    const headers = {
      authorization: basic('admin:pass wörd'),
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': mode,
    };
    const response = await app.inject({ url, headers });
    expect(response.statusCode).toBe(status);
    expect(kicked).toEqual([]);
    expect(denials).toEqual(status === 403 ? [{ ip: '127.0.0.1', reason: 'cross-site' }] : []);
  });

  it.each([
    ['a form', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, 403],
    ['a fetch without a preflight', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }, 403],
    ['a form over plain HTTP', { origin: 'http://evil.example.com' }, 403],
    ['a form that hides its origin', { origin: 'null' }, 403],
    ['a page of the API itself', { origin: 'http://localhost:1985' }, 200],
    ['a page of the API itself over HTTPS', { 'sec-fetch-site': 'same-origin' }, 200],
    ['a script of the operator', {}, 200],
  ])('A006 a POST by %s rides on no password', async (_, headers, status) => {
    const httpApi = { ...AUTH, rawApi: { enabled: true, allowReload: true } };
    const response = await apiKit({ httpApi }).app.inject({
      method: 'POST',
      url: '/api/v1/raw?rpc=reload',
      headers: { host: 'localhost:1985', authorization: basic('admin:pass wörd'), ...headers },
    });
    expect(response.statusCode).toBe(status);
  });

  it.each([
    ['/api/v1/clients?callback=f', 'Mozilla/5.0 (X11)', 403],
    ['/api/v1/clients/c0?method=DELETE', 'Mozilla/5.0 (X11)', 403],
    ['/api/v1/raw?rpc=reload', 'Mozilla/5.0 (X11)', 403],
    ['/api/v1/clients', 'Mozilla/5.0 (X11)', 200],
    ['/api/v1/clients?callback=f', 'curl/8.1', 200],
    ['/api/v1/clients/c0?method=DELETE', 'curl/8.1', 200],
  ])(
    'A006 over plain HTTP, where browsers do not tell whose page asks: %s by %s',
    async (url, agent, status) => {
      const headers = { authorization: basic('admin:pass wörd'), 'user-agent': agent };
      const response = await apiKit({ httpApi: AUTH }).app.inject({ url, headers });
      expect(response.statusCode).toBe(status);
    },
  );
});

describe('JSONP', () => {
  it.each(['f', '$', '_x9', 'jQuery1720_15', 'app.on.answer', 'a'.repeat(MAX_CALLBACK_LENGTH)])(
    'A006 calls %s',
    async (name) => {
      const response = await apiKit().app.inject({ url: `/api/v1/versions?callback=${name}` });
      expect(response.statusCode).toBe(200);
      expect(response.headers['content-type']).toBe('text/javascript; charset=utf-8');
      expect(response.headers['x-content-type-options']).toBe('nosniff');
      const json = response.body.slice(name.length + 1, -1);
      expect(response.body).toBe(`${name}(${json})`);
      schemas.versionsSchema.parse(JSON.parse(json));
    },
  );

  it.each([
    '',
    'alert(1)//',
    'a b',
    'a-b',
    'a;b',
    '<script>alert(1)</script>',
    'f(',
    'a..b',
    '.a',
    'a.',
    '9a',
    'a[0]',
    "a'",
    'ä',
    'a\n',
    'a\u2028',
    'a'.repeat(MAX_CALLBACK_LENGTH + 1),
  ])('A006 refuses the callback %j (CVE-2024-29882)', async (name) => {
    const { app, kicked } = apiKit();
    const url = `/api/v1/clients/c0?method=DELETE&callback=${encodeURIComponent(name)}`;
    const response = await app.inject({ url });
    expect(response.statusCode).toBe(400);
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(schemas.refusalSchema.parse(response.json())).toMatchObject({ code: 400, error: 'bad-callback' });
    expect(kicked).toEqual([]);
  });

  it('A006 refuses a callback given twice', async () => {
    const response = await apiKit().app.inject({ url: '/api/v1/versions?callback=a&callback=b' });
    expect(response.statusCode).toBe(400);
  });

  it('A006 what comes back is never anything but the call of the name that was asked for', async () => {
    const { app } = apiKit();
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (name) => {
        const url = `/api/v1/clients/nobody?callback=${encodeURIComponent(name)}`;
        const { body, statusCode } = await app.inject({ url });
        if (statusCode === 200) {
          expect(name).toMatch(/^[\w$.]+$/);
          expect(body).toBe(`${name}({"code":2049})`);
        } else {
          expect(JSON.parse(body)).toMatchObject({ code: 400 });
        }
      }),
      { numRuns: 200 },
    );
  });

  it('A006 what a peer said can not end the script', async () => {
    const response = await apiKit().app.inject({
      url: '/api/v1/requests?callback=f',
      headers: { 'x-said': '</script><script>alert(1)' },
    });
    expect(response.body).not.toContain('<');
    expect(JSON.parse(response.body.slice(2, -1))).toMatchObject({
      data: { headers: { 'x-said': '</script><script>alert(1)' } },
    });
  });

  it('A006 wraps errors, too, and leaves the docs page alone', async () => {
    const { app } = apiKit();
    expect((await app.inject({ url: '/api/v1/nothing?callback=f' })).body).toBe('f({"code":404})');
    expect((await app.inject({ url: '/api/docs?callback=f' })).body).toMatch(/^<!doctype html>/);
  });
});

describe('?method=', () => {
  it('A006 a GET can stand for DELETE', async () => {
    const { app, kicked } = apiKit();
    const response = await app.inject({ url: '/api/v1/clients/c0?callback=f&method=DELETE' });
    expect(response.body).toMatch(/^f\({"code":0,/);
    expect(kicked).toEqual(['c0']);
  });

  it.each([
    ['GET', 'delete'],
    ['GET', 'TRACE'],
    ['GET', 'DELETE&method=DELETE'],
    ['HEAD', 'DELETE'],
  ] as const)('A006 %s with method=%s changes nothing', async (method, verb) => {
    const { app, kicked } = apiKit();
    const response = await app.inject({ method, url: `/api/v1/clients/c0?method=${verb}` });
    expect(response.statusCode).toBe(200);
    expect(kicked).toEqual([]);
  });

  it('A006 is a verb as every other: 405 where it is not taken', async () => {
    const response = await apiKit().app.inject({ url: '/api/v1/versions?method=DELETE' });
    expect(response.statusCode).toBe(405);
  });
});
