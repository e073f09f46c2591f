import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { SystemStats } from '../stats/index.ts';
import * as schemas from './schemas.ts';
import * as system from './system-schemas.ts';
import type { SystemView } from './system-view.ts';
import { apiKit } from './test-kit.ts';

const FIELDS = Object.fromEntries(system.processFieldNames.map((name, index) => [name, index]));

const KNOWN: SystemView = {
  sampledAtMs: 61_000,
  process: { cpuShare: 0.123_456, rssKbytes: 2_000, memoryShare: 0.25, uptimeSeconds: 60 },
  processStat: { pid: 1, comm: 'node', state: 'R', fields: FIELDS },
  cpu: {
    share: 0.5,
    times: { user: 1, nice: 2, sys: 3, idle: 4, iowait: 5, irq: 6, softirq: 7, steal: 8, guest: 9 },
  },
  memory: {
    total: 1_000,
    free: 400,
    buffers: 100,
    cached: 200,
    swapTotal: 10,
    swapFree: 5,
    inUse: 300,
    share: 0.3,
    swapShare: 0.5,
  },
  disk: { readKBps: 11, writeKBps: 12, busyShare: 0.75 },
  network: { received: 1, sent: 2, receivedInternal: 3, sentInternal: 4 },
  sockets: { tcp: 10, established: 5, timeWait: 2, udp: 1 },
  load: [0.1, 0.2, 0.3],
  uptime: { seconds: 99.5, idleSeconds: 50 },
  cpus: { present: 4, online: 2 },
};

async function get<Shape>(url: string, schema: z.ZodType<Shape>, view?: SystemView): Promise<Shape> {
  const kit = view === undefined ? {} : { system: view };
  const response = await apiKit(kit).app.inject({ url });
  expect(response.statusCode).toBe(200);
  return schema.parse(response.json());
}

describe('what the server tells of itself', () => {
  it.each(['/api/v1/summaries', '/api/v1/summaries/'])('A004 %s', async (url) => {
    const { data } = await get(url, system.summariesAnswerSchema, KNOWN);
    expect(data).toMatchObject({ ok: true, now_ms: 61_000 });
    expect(data.self).toMatchObject({
      version: '1.2.3-rc.1',
      pid: process.pid,
      ppid: process.ppid,
      cwd: process.cwd(),
      mem_kbyte: 2_000,
      mem_percent: 0.25,
      cpu_percent: 0.1235,
      srs_uptime: 60,
    });
    expect(data.system).toEqual({
      cpu_percent: 0.5,
      disk_read_KBps: 11,
      disk_write_KBps: 12,
      disk_busy_percent: 0.75,
      mem_ram_kbyte: 1_000,
      mem_ram_percent: 0.3,
      mem_swap_kbyte: 10,
      mem_swap_percent: 0.5,
      cpus: 4,
      cpus_online: 2,
      uptime: 99.5,
      ilde_time: 50,
      load_1m: 0.1,
      load_5m: 0.2,
      load_15m: 0.3,
      net_sample_time: 61_000,
      net_recv_bytes: 1,
      net_send_bytes: 2,
      net_recvi_bytes: 3,
      net_sendi_bytes: 4,
      srs_sample_time: 61_000,
      srs_recv_bytes: 100,
      srs_send_bytes: 200,
      conn_sys: 10,
      conn_sys_et: 5,
      conn_sys_tw: 2,
      conn_sys_udp: 1,
      conn_srs: 7,
    });
  });

  it('A004 what the system does not tell is null', async () => {
    const { data } = await get('/api/v1/summaries', system.summariesAnswerSchema);
    expect(data.ok).toBe(false);
    expect(data.self.mem_percent).toBeNull();
    const known = Object.entries(data.system).filter(([, value]) => value !== null);
    expect(known.map(([name]) => name)).toEqual([
      ...['net_sample_time', 'srs_sample_time', 'srs_recv_bytes', 'srs_send_bytes', 'conn_srs'],
    ]);
    for (const [url, schema] of [
      ['self_proc_stats', system.selfProcStatsAnswerSchema],
      ['system_proc_stats', system.systemProcStatsAnswerSchema],
      ['meminfos', system.meminfosAnswerSchema],
    ] as const) {
      expect((await get(`/api/v1/${url}`, schema as z.ZodType<{ data: { ok: boolean } }>)).data.ok).toBe(
        false,
      );
    }
  });

  it('A004 holds on this very machine', async () => {
    const { data } = await get('/api/v1/summaries', system.summariesAnswerSchema, new SystemStats().read());
    if (process.platform === 'linux') expect(data.ok).toBe(true);
  });

  it('A002 rusages', async () => {
    const { data } = await get('/api/v1/rusages', system.rusagesAnswerSchema);
    expect(data).toMatchObject({ ok: true, sample_time: 61_000 });
    expect(data.ru_maxrss).toBeGreaterThan(1_000);
  });

  it('A002 self_proc_stats', async () => {
    const { data } = await get('/api/v1/self_proc_stats', system.selfProcStatsAnswerSchema, KNOWN);
    expect(data).toMatchObject({
      ok: true,
      percent: 0.1235,
      comm: 'node',
      state: 'R',
      ppid: 0,
      cguest_time: 40,
    });
    expect(Object.keys(data)).toHaveLength(6 + 41);
  });

  it('A002 system_proc_stats', async () => {
    const { data } = await get('/api/v1/system_proc_stats', system.systemProcStatsAnswerSchema, KNOWN);
    expect(data).toMatchObject({ ok: true, percent: 0.5, user: 1, sys: 3, guest: 9 });
  });

  it('A002 meminfos', async () => {
    const { data } = await get('/api/v1/meminfos', system.meminfosAnswerSchema, KNOWN);
    expect(data).toMatchObject({ percent_ram: 0.3, MemActive: 600, RealInUse: 300, NotInUse: 700 });
  });

  it('A002 authors and features', async () => {
    const authors = await get('/api/v1/authors', system.authorsAnswerSchema);
    expect(authors.data.license).toBe('MIT');
    const { data } = await get('/api/v1/features', system.featuresAnswerSchema);
    expect(data.features).toMatchObject({ hls: true, transcode: false });
    expect(data).toMatchObject(data.features);
  });

  it.each(['GET', 'PUT', 'POST', 'DELETE'] as const)('A003 requests echoes a %s', async (method) => {
    const response = await apiKit().app.inject({
      method,
      url: '/api/v1/requests?a=1',
      headers: {
        host: 'localhost:1985',
        authorization: 'Basic c2VjcmV0',
        cookie: 'secret=1',
        'content-type': 'application/json',
        'x-said': 'hello',
      },
      ...(method === 'PUT' || method === 'POST' ? { payload: 'body' } : {}),
    });
    const { data } = system.requestsAnswerSchema.parse(response.json());
    expect(data).toMatchObject({
      uri: 'http://localhost:1985/api/v1/requests?a=1',
      path: '/api/v1/requests',
      METHOD: method,
      headers: { 'x-said': 'hello', authorization: '***', cookie: '***' },
      server: { name: 'Sluice', version: '1.2.3-rc.1', time: 61_000 },
    });
    expect(response.body).not.toContain('secret');
  });

  it('A002 tests', async () => {
    const { app } = apiKit();
    const errors = await app.inject({ url: '/api/v1/tests/errors' });
    expect(schemas.testErrorSchema.parse(errors.json()).code).toBe(100);
    const redirect = await app.inject({ url: '/api/v1/tests/redirects' });
    expect(redirect.statusCode).toBe(302);
    expect(redirect.headers.location).toBe('/api/v1/tests/errors');
    const requests = await app.inject({ url: '/api/v1/tests/requests' });
    system.requestsAnswerSchema.parse(requests.json());
  });
});
