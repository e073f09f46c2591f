import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { apiKit } from '../api/test-kit.ts';
import { ApiError, SluiceApi, type SluiceApiOptions } from './index.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A real API over a server that isn't there. */
async function apiOf(
  kit: Parameters<typeof apiKit>[0] = {},
  options: Partial<SluiceApiOptions> = {},
): Promise<{ api: SluiceApi; kicked: string[] }> {
  const { app, kicked } = apiKit(kit);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  cleanups.push(() => app.close());
  return { api: new SluiceApi({ url, ...options }), kicked };
}

/** Something else that answers HTTP. */
async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  cleanups.push(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('SluiceApi', () => {
  it('A002 reads what there is', async () => {
    const { api } = await apiOf();
    expect((await api.versions()).version).toBe('1.2.3-rc.1');
    expect((await api.features()).features.hls).toBe(true);
    expect((await api.summaries()).system.conn_srs).toBe(7);
    expect((await api.rusages()).ok).toBe(true);
    expect((await api.selfProcStats()).comm).toBeNull();
    expect((await api.systemProcStats()).user).toBeNull();
    expect((await api.meminfos()).MemTotal).toBeNull();
    expect((await api.vhosts()).map(({ id }) => id)).toEqual(['vid-vhost', 'vid-off']);
    expect((await api.vhost('vid-off')).enabled).toBe(false);
    expect((await api.streams()).map(({ id }) => id)).toEqual(['vid-stream', 'vid-idle']);
    expect((await api.stream('vid-idle')).video).toBeNull();
    expect(await api.clients()).toHaveLength(10);
    expect((await api.clients({ start: 3_999, count: 50 })).map(({ id }) => id)).toEqual(['c3999']);
    expect((await api.client('c0')).publish).toBe(true);
    expect((await api.ended({ count: 1 })).map(({ reason }) => reason)).toEqual(['kicked']);
  });

  it('A002 kicks, and C004 reloads', async () => {
    const { api, kicked } = await apiOf({ httpApi: { rawApi: { enabled: true, allowReload: true } } });
    await api.kick('c0');
    await api.reload();
    expect(kicked).toEqual(['c0']);
    expect(await failure(api.kick('c9'))).toMatchObject({ code: 'not-found', apiCode: 2049, status: 200 });
  });

  it('C004 tells why a reload is refused', async () => {
    const off = await apiOf();
    expect(await failure(off.api.reload())).toMatchObject({ code: 'refused', apiCode: 1061 });
    const { api } = await apiOf({
      httpApi: { rawApi: { enabled: true, allowReload: true } },
      reload: () => Promise.resolve({ ok: false, message: 'srs.conf:3: no' }),
    });
    expect(await failure(api.reload())).toMatchObject({ message: 'srs.conf:3: no', apiCode: 1023 });
  });

  it('A002 gives a password', async () => {
    const auth = { enabled: true, username: 'admin', password: 'pässword' };
    const { username, password } = auth;
    const right = await apiOf({ httpApi: { auth } }, { credentials: { username, password } });
    expect((await right.api.versions()).version).toBe('1.2.3-rc.1');
    const none = await apiOf({ httpApi: { auth } });
    expect(await failure(none.api.versions())).toMatchObject({ code: 'denied', status: 401 });
    const wrong = await apiOf({ httpApi: { auth } }, { credentials: { username, password: 'x' } });
    expect(await failure(wrong.api.kick('c0'))).toMatchObject({ code: 'denied', status: 401 });
    expect(wrong.kicked).toEqual([]);
  });

  it.each(['..', '.', '', '../vhosts/vid-vhost', 'a/b', '?method=DELETE', '%2e%2e', '\n', '\ud800x'])(
    'A002 the id %j leads nowhere else',
    async (id) => {
      const { api, kicked } = await apiOf();
      const error = await failure(Promise.resolve().then(() => api.client(id))).catch(
        (other: unknown) => other,
      );
      // A half surrogate can't be part of any URL.
      if (!(error instanceof URIError)) expect(error).toMatchObject({ code: 'not-found' });
      expect(kicked).toEqual([]);
    },
  );

  it.each([
    ['no JSON', '<html>', 'bad-answer'],
    ['no object', '5', 'bad-answer'],
    ['null', 'null', 'bad-answer'],
    ['no code', '{}', 'bad-answer'],
    ['a code that is no number', '{"code":"0"}', 'bad-answer'],
    ['nothing', '', 'bad-answer'],
    ['no member', '{"code":0}', 'bad-answer'],
    ['a code of SRS', '{"code":1234}', 'refused'],
    ['a wrong verb', '{"code":405}', 'refused'],
  ])('A002 another server that answers %s', async (_, body, code) => {
    const url = await serve((_request, response) => {
      response.end(body);
    });
    expect(await failure(new SluiceApi({ url }).versions())).toMatchObject({ code });
  });

  it('A002 follows no redirect: it would take the password along', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:1/' });
      response.end();
    });
    expect(await failure(new SluiceApi({ url }).versions())).toMatchObject({ code: 'unreachable' });
  });

  it('A002 nobody there', async () => {
    const url = await serve(() => undefined);
    for (const cleanup of cleanups.splice(0)) await cleanup();
    const error = await failure(new SluiceApi({ url }).versions());
    expect(error.code).toBe('unreachable');
    expect(error.message).toMatch(new RegExp(`^${url}/api/v1/versions can't be reached: .*ECONNREFUSED`));
  });

  it('A002 an answer that does not come, or does not end', async () => {
    const silent = await serve(() => undefined);
    const endless = await serve((_request, response) => {
      response.write('{');
    });
    for (const url of [silent, endless]) {
      const error = await failure(new SluiceApi({ url, timeoutMs: 50 }).versions());
      expect(error).toMatchObject({ code: 'timeout' });
    }
  });

  it('A002 takes a path before the API’s own, as behind a proxy', async () => {
    const url = await serve((request, response) => {
      response.end(JSON.stringify({ code: 0, data: { version: request.url } }));
    });
    const api = new SluiceApi({ url: `${url}/edge-1/` });
    expect((await api.versions()).version).toBe('/edge-1/api/v1/versions');
  });
});
