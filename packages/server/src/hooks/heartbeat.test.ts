import { afterEach, describe, expect, it } from 'vitest';

import { defaultConfig } from '../config/index.ts';
import { Heartbeat } from './heartbeat.ts';
import { type Answer, answers, keptLog, TestServer } from './test-kit.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function setUp(answer: Answer = answers(200, '0')) {
  const server = new TestServer(answer);
  await server.up();
  const log = keptLog();
  const source = {
    serverId: 'vid-1',
    serviceId: 'abcd',
    ip: () => '192.0.2.1',
    summaries: (): unknown => ({ code: 0, data: { ok: true } }),
    ports: () => ({ rtmp: ['1935'], http: ['8080'], api: ['1985', '127.0.0.1:1986'] }),
  };
  const heartbeat = new Heartbeat({ log, source, timeoutMs: 1_000 });
  cleanups.push(
    () => server.down(),
    () => heartbeat.close(),
  );
  const config = {
    ...defaultConfig().heartbeat,
    enabled: true,
    intervalMs: 3_600_000,
    url: server.url('/api/v1/servers'),
    deviceId: 'my-server',
  };
  return { server, log, source, heartbeat, config };
}

const plain = {
  device_id: 'my-server',
  ip: '192.0.2.1',
  server: 'vid-1',
  service: 'abcd',
  pid: String(process.pid),
};

describe('Heartbeat', () => {
  it('K007 posts who it is at once and then in its interval', async () => {
    const { server, heartbeat, config } = await setUp();
    heartbeat.apply({ ...config, intervalMs: 5 });
    const calls = await server.calls(3);
    expect(calls[0]).toMatchObject({
      method: 'POST',
      url: '/api/v1/servers',
      headers: { 'content-type': 'application/json' },
    });
    for (const { body } of calls) expect(body).toEqual(plain);
    expect(server.connections).toBe(1);
  });

  it('K007 adds summaries and ports when it is asked to', async () => {
    const { server, heartbeat, config } = await setUp();
    heartbeat.apply({ ...config, summaries: true, ports: true });
    const [call] = await server.calls(1);
    expect(call?.body).toEqual({
      ...plain,
      summaries: { code: 0, data: { ok: true } },
      rtmp: ['1935'],
      http: ['8080'],
      api: ['1985', '127.0.0.1:1986'],
    });
  });

  it('K007 takes another configuration at once, and stops when it is off', async () => {
    const { server, heartbeat, config } = await setUp();
    heartbeat.apply({ ...config, enabled: false });
    expect(server.received).toEqual([]);
    heartbeat.apply({ ...config, intervalMs: 5 });
    await server.calls(2);
    heartbeat.apply({ ...config, enabled: false });
    await heartbeat.close();
    const { length } = server.received;
    await new Promise((resolve) => setImmediate(resolve));
    expect(server.received).toHaveLength(length);
  });

  it.each([
    ['500', answers(500, 'no')],
    ['nonsense', answers(200, 'nonsense')],
    ['a redirect', answers(302, '')],
  ])('K007 %s is an answer like any other', async (_, answer) => {
    const { server, log, heartbeat, config } = await setUp(answer);
    heartbeat.apply({ ...config, intervalMs: 5 });
    await server.calls(3);
    expect(log.lines).toEqual([]);
  });

  it('K007 a server that is down is said once, and that it is back', async () => {
    const { server, log, heartbeat, config } = await setUp();
    await server.down();
    heartbeat.apply({ ...config, intervalMs: 5 });
    while (log.lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await server.up();
    await server.calls(2);
    while (log.lines.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(log.lines).toEqual([
      expect.stringMatching(/^warn heartbeat to http:.*\/api\/v1\/servers: .*ECONNREFUSED/),
      expect.stringMatching(/^info heartbeat to .* works again/),
    ]);
  });

  it('K007 a report that can not be made is a warning, not the end', async () => {
    const { log, source, heartbeat, config } = await setUp();
    source.summaries = () => {
      throw new Error('no figures');
    };
    heartbeat.apply({ ...config, summaries: true });
    while (log.lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(log.lines).toEqual([expect.stringMatching(/^warn heartbeat to .*: no figures$/)]);
  });
});
