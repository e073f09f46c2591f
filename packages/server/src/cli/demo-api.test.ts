import { afterEach, describe, expect, it } from 'vitest';

import { DemoApi, type DemoApiOptions } from './demo-api-server.ts';
import { runDemoApi } from './demo-api.ts';

const open: DemoApi[] = [];

afterEach(async () => {
  for (const api of open.splice(0)) await api.close();
});

async function start(options: Partial<DemoApiOptions> = {}) {
  const lines: string[] = [];
  const api = new DemoApi({ write: (line) => lines.push(line), ...options });
  open.push(api);
  const port = await api.listen(0, '127.0.0.1');
  const base = `http://127.0.0.1:${port}`;
  async function post(path: string, body: unknown) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(base + path, { method: 'POST', body: text });
    return { status: response.status, text: await response.text() };
  }
  async function get(path: string) {
    const response = await fetch(base + path);
    return { status: response.status, text: await response.text() };
  }
  return { lines, post, get, base };
}

describe('sluice demo-api', () => {
  it.each([
    ['/api/v1/clients', 'on_connect'],
    ['/api/v1/clients', 'on_close'],
    ['/api/v1/streams', 'on_publish'],
    ['/api/v1/streams', 'on_unpublish'],
    ['/api/v1/sessions', 'on_play'],
    ['/api/v1/sessions', 'on_stop'],
    ['/api/v1/dvrs', 'on_dvr'],
    ['/api/v1/hls', 'on_hls'],
  ])('W003 %s takes %s, answers 0, prints and lists it', async (path, action) => {
    const { post, get, lines } = await start();
    const event = { action, client_id: 'abc', stream: 'livestream' };
    expect(await post(path, event)).toEqual({ status: 200, text: '0' });
    expect(lines).toEqual([`${action} ${JSON.stringify(event)}`]);
    expect(JSON.parse((await get(path)).text)).toEqual({ code: 0, data: [event] });
  });

  it('W003 K007 takes heartbeats, and lists the servers', async () => {
    const { post, get } = await start();
    const beat = { device_id: 'one', ip: '192.0.2.1' };
    expect((await post('/api/v1/servers', beat)).text).toBe('0');
    expect(JSON.parse((await get('/api/v1/servers')).text)).toEqual({ code: 0, data: [beat] });
  });

  it('W003 K006 takes what is fetched for each segment', async () => {
    const { get, lines } = await start();
    expect((await get('/api/v1/hls/live/livestream/live/livestream-1.ts?token=x')).text).toBe('0');
    expect(lines).toEqual(['on_hls_notify /api/v1/hls/live/livestream/live/livestream-1.ts?token=x']);
  });

  it('W003 K002 answers in the other form, refuses, and waits', async () => {
    const { post } = await start({ json: true, refuse: ['on_publish'], delayMs: 1 });
    expect((await post('/api/v1/sessions', { action: 'on_play' })).text).toBe('{"code":0}');
    expect((await post('/api/v1/streams', { action: 'on_publish' })).text).toBe('{"code":403}');
  });

  it('W003 says what it does not understand', async () => {
    const { post, get, base } = await start();
    expect((await post('/api/v1/clients', 'nonsense')).text).toBe('{"code":100}');
    expect((await post('/api/v1/clients', '[1]')).text).toBe('{"code":100}');
    expect((await post('/api/v1/clients', { action: 'on_play' })).text).toBe('{"code":200}');
    expect((await post('/api/v1/nowhere', {})).status).toBe(404);
    expect((await get('/nowhere')).status).toBe(404);
    expect((await fetch(`${base}/api/v1/clients`, { method: 'DELETE' })).status).toBe(405);
    expect(JSON.parse((await get('/api/v1')).text)).toMatchObject({ code: 0 });
  });

  it('W003 refuses an event of more than 1 MB, and lists the newest hundred', async () => {
    const { post, get } = await start();
    const large = await post('/api/v1/dvrs', 'x'.repeat(1024 * 1024 + 1)).catch(() => ({ status: 413 }));
    expect(large.status).toBe(413);
    for (let index = 0; index < 101; index += 1) await post('/api/v1/dvrs', { action: 'on_dvr', index });
    const { data } = JSON.parse((await get('/api/v1/dvrs')).text) as { data: { index: number }[] };
    expect(data.map(({ index }) => index)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  it('W003 runs until the user stops it, and says when it can not listen', async () => {
    const lines: string[] = [];
    const problems: string[] = [];
    let stop = (): void => undefined;
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const terminal = {
      write: (line: string) => {
        lines.push(line);
        stop();
      },
      complain: (line: string) => problems.push(line),
      stopped,
    };
    expect(await runDemoApi({ port: 0, host: '127.0.0.1', delay: 0 }, terminal)).toBe(0);
    expect(lines).toEqual([expect.stringMatching(/^callbacks go to http:\/\/127\.0\.0\.1:\d+\/api\/v1\//)]);

    const { base } = await start();
    const port = Number(new URL(base).port);
    expect(await runDemoApi({ port, host: '127.0.0.1', delay: 0 }, terminal)).toBe(1);
    expect(problems).toEqual([expect.stringMatching(/^sluice demo-api: .*EADDRINUSE/)]);
  });
});
