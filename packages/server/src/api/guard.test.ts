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
    // `Buffer.from` decodes them to the right bytes.
    `${basic('admin:pass wörd')}A`,
    `${basic('admin:pass wörd').slice(0, -1)}-`,
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

describe('changes, by whom', () => {
  const RELOAD = { rawApi: { enabled: true, allowReload: true } };

  it.each<[who: string, headers: Record<string, string>, status: number]>([
    ['a program', {}, 200],
    ['a program of the network, by a name of the network', { host: 'srs.lan:1985' }, 403],
    ['curl -d', { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '2' }, 415],
    ['a foreign page', { origin: 'http://evil.example' }, 403],
    ['a foreign page, through its sandbox', { origin: 'null' }, 403],
    ['a page of another port', { origin: 'http://localhost:8080', 'sec-fetch-site': 'same-site' }, 403],
    ['a page of another port, which hides it', { 'sec-fetch-site': 'same-site' }, 403],
    ['a foreign page without an origin', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a page of this server', { origin: 'http://localhost:1985', 'sec-fetch-site': 'same-origin' }, 200],
    ['a person', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, 200],
    ['DNS rebinding', { host: 'evil.example:1985', origin: 'http://evil.example:1985' }, 403],
    ['fetch of Node.js', { 'sec-fetch-mode': 'cors', 'accept-language': '*' }, 200],
  ])('A006 %s is answered as it should be: DELETE', async (_, headers, status) => {
    const { app, kicked } = apiKit();
    const response = await app.inject({
      method: 'DELETE',
      url: '/api/v1/clients/c0',
      headers: { host: 'localhost:1985', ...headers },
      ...(headers['content-length'] === undefined ? {} : { payload: '{}' }),
    });
    expect(response.statusCode).toBe(status);
    expect(kicked).toEqual(status === 200 ? ['c0'] : []);
  });

  it.each<[who: string, headers: Record<string, string>, status: number]>([
    ['a program', { 'user-agent': 'curl/8.1' }, 200],
    ['PowerShell', { 'user-agent': 'Mozilla/5.0 (Windows NT) WindowsPowerShell/5.1' }, 200],
    ['an image of a foreign page', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 403],
    ['an image of a page, over plain HTTP', { 'accept-language': 'en', 'user-agent': 'curl/8.1' }, 403],
    ['a link of a page, over plain HTTP', { referer: 'http://evil.example/' }, 403],
    ['DNS rebinding', { host: 'evil.example', 'accept-language': 'en' }, 403],
    ['a person', { 'sec-fetch-site': 'none', 'accept-language': 'en' }, 200],
    ['a page of this server', { 'sec-fetch-site': 'same-origin', 'accept-language': 'en' }, 200],
  ])('A006 %s is answered as it should be: GET', async (_, headers, status) => {
    for (const url of ['/api/v1/clients/c0?method=DELETE', '/api/v1/raw?rpc=reload']) {
      const { app } = apiKit({ httpApi: RELOAD });
      const response = await app.inject({ url, headers: { host: '127.0.0.1:1985', ...headers } });
      expect(response.statusCode).toBe(status);
    }
  });

  it.each([
    ['192.0.2.7:1985', 200],
    ['[2001:db8::1]:1985', 200],
    ['LOCALHOST:1985', 200],
    ['api.localhost', 200],
    ['media.example.com:1985', 200],
    ['console.example.com.:1985', 200],
    ['evil.example:1985', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['user@localhost', 403],
  ])('A006 the host %s', async (host, status) => {
    const { app } = apiKit({
      httpApi: { allowedHosts: ['Console.example.com'] },
      ownNames: ['media.example.com'],
    });
    const response = await app.inject({ method: 'DELETE', url: '/api/v1/clients/c0', headers: { host } });
    expect(response.statusCode).toBe(status);
  });

  it('A006 a program of another machine may use any name of the network, a page may not', async () => {
    const { app } = apiKit();
    const request = { method: 'DELETE', url: '/api/v1/clients/c0', remoteAddress: '192.0.2.7' } as const;
    const host = 'srs.lan:1985';
    expect((await app.inject({ ...request, headers: { host } })).statusCode).toBe(200);
    const page = { host, origin: `http://${host}` };
    expect((await app.inject({ ...request, headers: page })).statusCode).toBe(403);
  });

  it('A006 a page of an allowed origin may change things', async () => {
    const origin = 'https://console.example.com';
    const { app, kicked } = apiKit({ httpApi: { allowedOrigins: [origin] } });
    const headers = { host: 'localhost:1985', origin, 'sec-fetch-site': 'cross-site' };
    const response = await app.inject({ method: 'DELETE', url: '/api/v1/clients/c0', headers });
    expect(response.statusCode).toBe(200);
    expect(response.headers['access-control-allow-origin']).toBe(origin);
    expect(kicked).toEqual(['c0']);
    const evil = { ...headers, origin: `${origin}.evil.example` };
    expect(
      (await app.inject({ method: 'DELETE', url: '/api/v1/clients/c0', headers: evil })).statusCode,
    ).toBe(403);
  });

  it('A006 DNS rebinding does not read the API of the same machine, either', async () => {
    const { app } = apiKit({ atRoot: true });
    const headers = { host: 'evil.example:1985', 'accept-language': 'en' };
    expect((await app.inject({ url: '/api/v1/streams', headers })).statusCode).toBe(403);
    expect((await app.inject({ url: '/api/v1/versions', headers })).statusCode).toBe(200);
    const program = { host: 'evil.example:1985' };
    expect((await app.inject({ url: '/api/v1/streams', headers: program })).statusCode).toBe(200);
  });
});

describe('CORS', () => {
  const ORIGIN = 'https://other.example';

  it.each([
    [undefined, '/api/v1/versions', '*'],
    [undefined, '/api/v1/streams', undefined],
    [undefined, '/api/v1/clients', undefined],
    [undefined, '/api/v1/nothing', undefined],
    [true, '/api/v1/streams', '*'],
    [false, '/api/v1/versions', undefined],
  ])('A001 crossdomain %s: pages of other origins may read %s: %s', async (crossdomain, url, allowed) => {
    for (const scope of ['all', 'public'] as const) {
      const { app } = apiKit({ scope, httpApi: { crossdomain } });
      const response = await app.inject({ url, headers: { origin: ORIGIN } });
      expect(response.headers['access-control-allow-origin']).toBe(
        response.statusCode === 404 && scope === 'public' ? undefined : allowed,
      );
      const jsonp = await app.inject({
        url: `${url}?callback=f`,
        headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
      });
      if (response.statusCode === 200) expect(jsonp.statusCode).toBe(allowed === undefined ? 403 : 200);
    }
  });

  it('A001 a preflight needs no password, and allows reading only', async () => {
    const { app } = apiKit({ httpApi: { ...AUTH, crossdomain: true } });
    const response = await app.inject({
      method: 'OPTIONS',
      url: '/api/v1/clients/c0',
      headers: { origin: ORIGIN, 'access-control-request-headers': 'authorization' },
    });
    expect(response.statusCode).toBe(200);
    expect(response.body).toBe('');
    expect(response.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
      'access-control-allow-headers': 'authorization',
    });
  });

  it('A001 an allowed origin may ask for every method', async () => {
    const { app } = apiKit({ httpApi: { allowedOrigins: [ORIGIN] } });
    const headers = { origin: ORIGIN, 'access-control-request-method': 'DELETE' };
    const response = await app.inject({ method: 'OPTIONS', url: '/api/v1/clients/c0', headers });
    expect(response.headers['access-control-allow-methods']).toContain('DELETE');
    expect(response.headers.vary).toBe('Origin');
  });
});
