import fastify from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { FLUSH_BOUNDS_MS } from '../live/index.ts';
import { endReasons, type Session, Sessions } from '../stats/index.ts';
import { EventLoopDelay, LOOK_EVERY_MS } from './event-loop-delay.ts';
import { GarbageCollection } from './garbage-collection.ts';
import { metricsRoutes, type MetricsSource, ServerMetrics } from './index.ts';
import { parseMetrics } from './test-kit.ts';

/** A session that has moved something. */
function session(id: string, type: Session['type'], publish: boolean): Session & { bytesIn: number } {
  return {
    id,
    type,
    publish,
    ip: '192.0.2.1',
    vhost: 'v',
    app: 'a',
    stream: 's',
    tcUrl: '',
    pageUrl: '',
    swfUrl: '',
    startedAt: 0,
    since: 0,
    bytesIn: 0,
    bytesOut: 0,
    videoFrames: 0,
    droppedFrames: 0,
  };
}

function setUp(changes: Partial<MetricsSource> = {}) {
  const sessions = new Sessions();
  const source: MetricsSource = {
    version: '1.2.3',
    serverId: 'vid-1',
    serviceId: 'abcd',
    sessions,
    hub: {
      totals: {
        videoFrames: 50,
        audioFrames: 86,
        corrections: 3,
        correctedMs: 2500,
        flushes: {
          counts: [5, 0, 2, ...new Array<number>(FLUSH_BOUNDS_MS.length - 3).fill(0), 1],
          count: 8,
          sumMs: 1502,
        },
      },
      streams: () => [
        { key: 'v/a/s', publisherId: 'p', heldBytes: 1000 },
        { key: 'v/a/t', publisherId: undefined, heldBytes: 24 },
      ],
    },
    connections: () => 7,
    internalFaults: () => 0,
    descriptorRefusals: () => 0,
    maxConnections: () => 1000,
    faults: (key) => (key === 'v/a/s' ? [{ sink: 'hls', code: 'full' }] : []),
    system: { read: () => ({ process: { cpuShare: 0.5, rssKbytes: 2048 } }) },
    exporter: () => ({ label: '', tag: '' }),
    ...changes,
  };
  const metrics = new ServerMetrics(source);
  async function valueOf(name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
    const families = parseMetrics(await metrics.text());
    const samples = [...families.values()].flatMap((family) => family.samples);
    const wanted = Object.entries(labels);
    return samples.find(
      (one) => one.name === name && wanted.every(([key, value]) => one.labels[key] === value),
    )?.value;
  }
  return { metrics, sessions, valueOf };
}

describe('ServerMetrics', () => {
  it("A004 has the names of SRS's exporter, in a text that Prometheus reads", async () => {
    const { metrics } = setUp();
    const families = parseMetrics(await metrics.text());
    const srs = [...families].filter(([name]) => name.startsWith('srs_'));
    expect(srs.map(([name, { type }]) => [name, type])).toEqual([
      ['srs_build_info', 'gauge'],
      ['srs_node_uname_info', 'gauge'],
      ['srs_cpu_percent', 'gauge'],
      ['srs_memory', 'gauge'],
      ['srs_send_bytes_total', 'counter'],
      ['srs_receive_bytes_total', 'counter'],
      ['srs_streams', 'gauge'],
      ['srs_clients', 'gauge'],
      ['srs_clients_total', 'counter'],
      ['srs_clients_errs_total', 'counter'],
    ]);
    for (const [, { samples }] of srs) expect(samples).toHaveLength(1);
    expect(metrics.contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  });

  it('A004 says what the server is, with the label and the tag that are set', async () => {
    let exporter = { label: '', tag: '' };
    const { metrics } = setUp({ exporter: () => exporter });
    async function labels() {
      return parseMetrics(await metrics.text()).get('srs_build_info')?.samples[0]?.labels;
    }
    const facts = { server: 'vid-1', service: 'abcd', major: '1', version: '1.2.3', code: 'Sluice' };
    expect(await labels()).toEqual({ ...facts, pid: String(process.pid) });
    exporter = { label: 'cn-"beijing"\n', tag: 'edge' };
    expect(await labels()).toMatchObject({ ...facts, label: String.raw`cn-\"beijing\"\n`, tag: 'edge' });
  });

  it('A004 tells what sessions move and how they end, and no counter gets less', async () => {
    const { sessions, valueOf } = setUp();
    const publisher = session('p', 'fmle-publish', true);
    sessions.add(publisher);
    sessions.add(session('1', 'rtmp-play', false));
    sessions.add(session('2', 'rtmp-play', false));
    publisher.bytesIn = 500;
    expect(await valueOf('srs_receive_bytes_total')).toBe(500);
    expect(await valueOf('srs_clients')).toBe(3);
    expect(await valueOf('sluice_sessions', { type: 'rtmp-play' })).toBe(2);
    sessions.remove(publisher);
    sessions.ended.record(publisher, 'publish-timeout');
    sessions.ended.record(publisher, 'closed-by-peer');
    expect(await valueOf('srs_receive_bytes_total')).toBe(500);
    expect(await valueOf('srs_clients')).toBe(2);
    expect(await valueOf('srs_clients_total')).toBe(3);
    expect(await valueOf('srs_clients_errs_total')).toBe(1);
    expect(await valueOf('sluice_sessions', { type: 'fmle-publish' })).toBeUndefined();
    expect(await valueOf('sluice_sessions_ended_total', { reason: 'publish-timeout' })).toBe(1);
    for (const reason of Object.keys(endReasons))
      expect(await valueOf('sluice_sessions_ended_total', { reason })).toBeGreaterThanOrEqual(0);
  });

  it('A004 tells of streams, what they hold and suffer from, and of the process', async () => {
    const { valueOf } = setUp();
    expect(await valueOf('srs_streams')).toBe(2);
    expect(await valueOf('sluice_published_streams')).toBe(1);
    expect(await valueOf('sluice_queue_bytes')).toBe(1024);
    expect(await valueOf('sluice_queue_bytes_max')).toBe(1000);
    expect(await valueOf('sluice_faults', { sink: 'hls', code: 'full' })).toBe(1);
    expect(await valueOf('sluice_connections')).toBe(7);
    expect(await valueOf('srs_cpu_percent')).toBe(50);
    expect(await valueOf('srs_memory')).toBe(2048);
    expect(await valueOf('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(await valueOf('process_cpu_seconds_total')).toBeGreaterThan(0);
    const own = setUp({ system: undefined });
    expect(await own.valueOf('srs_cpu_percent')).toBeGreaterThanOrEqual(0);
    expect(await own.valueOf('srs_memory')).toBeGreaterThan(1000);
  });

  it('A004 a segment of HLS is counted by how soon it was there', async () => {
    const { metrics, valueOf } = setUp();
    metrics.segmentReady(3);
    metrics.segmentReady(700);
    expect(await valueOf('sluice_hls_segment_ready_seconds_bucket', { le: '0.005' })).toBe(1);
    expect(await valueOf('sluice_hls_segment_ready_seconds_count')).toBe(2);
    expect(await valueOf('sluice_hls_segment_ready_seconds_sum')).toBeCloseTo(0.703);
  });

  it('A004 tells what has come in, and how times had to be corrected', async () => {
    const { valueOf } = setUp();
    expect(await valueOf('sluice_frames_received_total', { kind: 'video' })).toBe(50);
    expect(await valueOf('sluice_frames_received_total', { kind: 'audio' })).toBe(86);
    expect(await valueOf('sluice_timestamp_corrections_total')).toBe(3);
    expect(await valueOf('sluice_timestamp_corrected_seconds_total')).toBe(2.5);
  });

  it('A004 tells how long flushes took, in a histogram that is counted elsewhere', async () => {
    const { valueOf } = setUp();
    const name = 'sluice_flush_duration_seconds';
    expect(await valueOf(`${name}_bucket`, { le: '0.0001' })).toBe(5);
    expect(await valueOf(`${name}_bucket`, { le: '0.00025' })).toBe(5);
    expect(await valueOf(`${name}_bucket`, { le: '0.0005' })).toBe(7);
    expect(await valueOf(`${name}_bucket`, { le: '1' })).toBe(7);
    expect(await valueOf(`${name}_bucket`, { le: '+Inf' })).toBe(8);
    expect(await valueOf(`${name}_count`)).toBe(8);
    expect(await valueOf(`${name}_sum`)).toBe(1.502);
  });

  it('A004 tells what the machine is', async () => {
    const families = parseMetrics(await setUp().metrics.text());
    const labels = families.get('srs_node_uname_info')?.samples[0]?.labels ?? {};
    expect(Object.keys(labels).sort()).toEqual(['machine', 'nodename', 'release', 'sysname', 'version']);
    for (const text of Object.values(labels)) expect(text).not.toBe('');
  });

  it('two servers in one process share nothing, and those who ask together get one text', async () => {
    const one = setUp();
    const other = setUp();
    one.metrics.segmentReady(1);
    expect(await other.valueOf('sluice_hls_segment_ready_seconds_count')).toBe(0);
    expect(one.metrics.text()).toBe(one.metrics.text());
  });

  it('A004 tells the pauses of the collector by their kind', async () => {
    const kinds: string[] = [];
    const watch = new GarbageCollection((kind, durationMs) => {
      expect(durationMs).toBeGreaterThanOrEqual(0);
      kinds.push(kind);
    });
    watch.start();
    await vi.waitFor(() => {
      // Young objects, until a collection comes.
      Array.from({ length: 100_000 }, (_, nth) => ({ nth }));
      expect(kinds).toContain('minor');
    });
    watch.stop();
    expect(kinds).not.toContain('other');
  });

  it('watches the event loop and the collector between start and stop', async () => {
    const { metrics, valueOf } = setUp();
    metrics.start();
    metrics.start();
    await vi.waitFor(async () => {
      expect(await valueOf('sluice_event_loop_delay_seconds_count')).toBeGreaterThan(0);
    });
    metrics.stop();
  });
});

describe('EventLoopDelay', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('tells by how much the loop was late, and never less than nothing', () => {
    const delays: number[] = [];
    const watch = new EventLoopDelay((delay) => delays.push(delay));
    watch.start();
    vi.advanceTimersByTime(3 * LOOK_EVERY_MS);
    expect(delays).toEqual([0, 0, 0]);
    watch.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('metricsRoutes', () => {
  it('A004 serves /metrics, and asks the guard first', async () => {
    const { metrics } = setUp();
    const app = fastify();
    await app.register(metricsRoutes({ metrics }));
    const answer = await app.inject({ url: '/metrics' });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(parseMetrics(answer.body).has('srs_streams')).toBe(true);
    expect((await app.inject({ method: 'HEAD', url: '/metrics' })).statusCode).toBe(200);
    const guarded = fastify();
    await guarded.register(
      metricsRoutes({
        metrics,
        guard: (inner) => {
          inner.addHook('onRequest', (_request, reply) => {
            void reply.code(401).send();
          });
        },
      }),
    );
    expect((await guarded.inject({ url: '/metrics' })).statusCode).toBe(401);
    await Promise.all([app.close(), guarded.close()]);
  });
});

describe('the reader of the tests', () => {
  it.each([
    ['a 1', 'does not end'],
    ['a 1\n', 'before any HELP'],
    ['# HELP a x\n# TYPE a gauge\na{b="c} 1\n', 'not labels'],
    ['# HELP a x\n# TYPE a gauge\na 1\na 1\n', 'twice'],
    ['# HELP a x\n# TYPE a gauge\na one\n', 'not a sample'],
    ['# HELP a x\n# TYPE a counter\na 1\n', 'by its name'],
    ['# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 1\na_count 1\n', 'no last bucket'],
    [
      '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_count 1\n',
      'not cumulative',
    ],
  ])('refuses %j', (text, problem) => {
    expect(() => parseMetrics(text)).toThrow(problem);
  });
});
