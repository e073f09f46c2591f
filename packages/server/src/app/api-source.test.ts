import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../config/index.ts';
import { LiveHub } from '../live/index.ts';
import { type Session, Sessions, SystemStats } from '../stats/index.ts';
import { createApiSource } from './api-source.ts';

/** What the test looks at, and whether the sessions have moved anything yet. */
interface Probe {
  count: number;
  moved: boolean;
}

function session(index: number, probe: Probe): Session {
  return {
    id: `c${index}`,
    get ip() {
      probe.count += 1;
      return '192.0.2.1';
    },
    type: index === 0 ? 'fmle-publish' : 'rtmp-play',
    publish: index === 0,
    vhost: index < 3_000 ? 'a.test' : '__defaultVhost__',
    app: 'live',
    stream: 'livestream',
    tcUrl: 'rtmp://a.test/live',
    pageUrl: '',
    swfUrl: '',
    startedAt: 0,
    get bytesIn() {
      return probe.moved && index === 0 ? 1_000 : 0;
    },
    get bytesOut() {
      return probe.moved && index > 0 ? 10 : 0;
    },
    droppedFrames: 0,
  };
}

function setUp() {
  const sessions = new Sessions();
  const reads: Probe = { count: 0, moved: false };
  for (let index = 0; index < 4_000; index += 1) sessions.add(session(index, reads));
  reads.moved = true;
  const hub = new LiveHub();
  const config = resolveConfig({
    vhosts: { 'a.test': { hls: { enabled: true } }, 'off.test': { enabled: false }, __defaultVhost__: {} },
  });
  const source = createApiSource({
    version: '1.2.3',
    serverId: 'vid-server',
    serviceId: 'service',
    hub,
    sessions,
    faults: () => [],
    config: () => config,
    connections: () => 4_005,
    system: new SystemStats(),
  });
  return { source, sessions, reads };
}

describe('createApiSource', () => {
  it('A002 a client that is passed over costs nothing but to be counted', () => {
    const { source, reads } = setUp();
    const ids = [];
    let index = 0;
    for (const view of source.clients()) {
      if (index >= 3_900) ids.push(view.ip);
      index += 1;
    }
    expect(ids).toHaveLength(100);
    expect(reads.count).toBe(100);
  });

  it('A002 a client', () => {
    const { source } = setUp();
    expect(source.client('nobody')).toBeUndefined();
    const view = source.client('c3999');
    expect(view).toBeDefined();
    expect(view?.url).toBe('/live/livestream');
    expect(view?.name).toBe('livestream');
    expect(view?.streamId).toMatch(/^vid-[0-9a-f]{7}$/);
    expect(source.client('c1')?.url).toBe('a.test/live/livestream');
    expect(source.client('c1')?.vhostId).toBe([...source.vhosts()][0]?.id);
  });

  it('A002 who has gone, the newest first', () => {
    const { source, sessions, reads } = setUp();
    sessions.ended.record(session(5, reads), 'kicked', 'by the API');
    sessions.ended.record(session(6, reads), 'closed-by-peer');
    expect([...source.ended()].map(({ id, reason }) => [id, reason])).toEqual([
      ['c6', 'closed-by-peer'],
      ['c5', 'kicked'],
    ]);
  });

  it('A005 the vhosts', () => {
    const { source } = setUp();
    const vhosts = [...source.vhosts()];
    expect(vhosts.map(({ name, enabled, hls }) => [name, enabled, hls.enabled])).toEqual([
      ['a.test', true, true],
      ['off.test', false, false],
      ['__defaultVhost__', true, false],
    ]);
    expect(source.vhost(vhosts[1]?.id ?? '')?.name).toBe('off.test');
    expect(source.vhost('vid-0000000')).toBeUndefined();
  });

  it('A004 the totals', () => {
    const { source } = setUp();
    expect(source.totals()).toEqual({ bytesReceived: 1_000, bytesSent: 39_990, connections: 4_005 });
    expect(source.system().process.rssKbytes).toBeGreaterThan(0);
  });
});
