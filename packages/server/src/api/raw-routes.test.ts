import { describe, expect, it, vi } from 'vitest';
import * as schemas from './schemas.ts';
import { type ApiKit, apiKit } from './test-kit.ts';

const OPEN: ApiKit = { httpApi: { rawApi: { enabled: true, allowReload: true } } };

describe('/api/v1/raw', () => {
  it.each([
    ['/api/v1/raw?rpc=raw', {}, 1061],
    ['/api/v1/raw?rpc=reload', {}, 1061],
    ['/api/v1/raw?rpc=reload', { httpApi: { rawApi: { enabled: true } } }, 1061],
    ['/api/v1/raw?rpc=reload', { ...OPEN, control: false } as const, 1061],
    ['/api/v1/raw', OPEN, 1060],
    ['/api/v1/raw?rpc=', OPEN, 1060],
    ['/api/v1/raw?rpc=update', OPEN, 1060],
    ['/api/v1/raw?rpc=reload&rpc=reload', OPEN, 1060],
    ['/api/v1/raw?rpc[]=reload', OPEN, 1060],
  ] as const)('C004 refuses %s with %j by %d', async (url, kit: ApiKit, code) => {
    let reloads = 0;
    const { app } = apiKit({
      ...kit,
      reload: () => {
        reloads += 1;
        return Promise.resolve({ ok: true });
      },
    });
    const response = await app.inject({ url });
    expect(response.statusCode).toBe(200);
    expect(schemas.refusalSchema.parse(response.json()).code).toBe(code);
    expect(reloads).toBe(0);
  });

  it('A002 rpc=raw tells how the API is set', async () => {
    const response = await apiKit(OPEN).app.inject({ url: '/api/v1/raw?rpc=raw' });
    expect(schemas.rawSettingsAnswerSchema.parse(response.json()).http_api).toEqual({
      enabled: true,
      listen: '1985 [::1]:1985',
      crossdomain: false,
      raw_api: { enabled: true, allow_reload: true, allow_query: false, allow_update: false },
    });
  });

  it.each(['GET', 'POST', 'PUT'] as const)('C004 %s of rpc=reload reloads', async (method) => {
    const { app } = apiKit(OPEN);
    const before = await app.inject({ url: '/api/v1/raw?rpc=reload-fetch' });
    expect(schemas.reloadFetchAnswerSchema.parse(before.json()).data).toEqual({
      err: 0,
      msg: '',
      state: 0,
      rid: '',
    });
    const response = await app.inject({ method, url: '/api/v1/raw?rpc=reload' });
    expect(response.statusCode).toBe(200);
    expect(schemas.doneSchema.parse(response.json()).code).toBe(0);
    const after = await app.inject({ url: '/api/v1/raw/?rpc=reload-fetch' });
    const { data } = schemas.reloadFetchAnswerSchema.parse(after.json());
    expect(data).toMatchObject({ err: 0, msg: '', state: 90 });
    expect(data.rid).toMatch(/^[0-9a-f]{8}$/);
  });

  it('C004 tells what is wrong with the configuration', async () => {
    const message = 'srs.conf:3:1: unknown directive `lisen`';
    const { app } = apiKit({ ...OPEN, reload: () => Promise.resolve({ ok: false, message }) });
    const response = await app.inject({ method: 'PUT', url: '/api/v1/raw?rpc=reload' });
    expect(response.statusCode).toBe(200);
    expect(schemas.refusalSchema.parse(response.json())).toEqual({
      code: 1023,
      error: 'reload-failed',
      message,
    });
    const after = await app.inject({ url: '/api/v1/raw?rpc=reload-fetch' });
    expect(schemas.reloadFetchAnswerSchema.parse(after.json()).data).toMatchObject({
      err: 1023,
      msg: message,
      state: 90,
    });
  });

  it('C004 shows a reload that is under way', async () => {
    const finish: (() => void)[] = [];
    const { app } = apiKit({
      ...OPEN,
      reload: () =>
        new Promise((resolve) => {
          finish.push(() => {
            resolve({ ok: true });
          });
        }),
    });
    const reloading = Promise.resolve(app.inject({ method: 'PUT', url: '/api/v1/raw?rpc=reload' }));
    await vi.waitUntil(() => finish.length > 0);
    const fetched = await app.inject({ url: '/api/v1/raw?rpc=reload-fetch' });
    expect(schemas.reloadFetchAnswerSchema.parse(fetched.json()).data.state).toBe(30);
    finish[0]?.();
    expect((await reloading).statusCode).toBe(200);
  });

  it('C004 HEAD reloads nothing', async () => {
    const response = await apiKit(OPEN).app.inject({ method: 'HEAD', url: '/api/v1/raw?rpc=reload' });
    expect(response.statusCode).toBe(405);
  });
});
