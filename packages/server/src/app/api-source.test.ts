import { FlvTagType } from '@sluice/media/flv';
import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../config/index.ts';
import { LiveHub } from '../live/index.ts';
import { audio, liveStream, settings, video } from '../remux/test-kit.ts';
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
    since: 0,
    get bytesIn() {
      return probe.moved && index === 0 ? 1_000 : 0;
    },
    get bytesOut() {
      return probe.moved && index > 0 ? 10 : 0;
    },
    videoFrames: 0,
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
    hlsReady: () => false,
    config: () => config,
    connections: () => 4_005,
    internalFaults: () => 0,
    descriptorRefusals: () => 0,
    system: new SystemStats(),
  });
  return { source, sessions, reads, hub };
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

  it('A005 the URLs of clients are told without their secrets', () => {
    const { source, sessions, reads, hub } = setUp();
    const plain = session(9_000, reads);
    const token = {
      tcUrl: 'rtmp://a.test/live?token=hidden&vhost=a.test',
      pageUrl: 'http://a.test/?key=hidden',
    };
    sessions.add({ ...plain, ...token, id: 'token', publish: true, type: 'fmle-publish' });
    liveStream(settings(), hub, { vhost: 'a.test', app: 'live', stream: 'secret' }).publish({
      id: 'token',
      onEnd: () => undefined,
      onWarning: () => undefined,
    });
    const view = source.client('token');
    expect(view?.tcUrl).toBe('rtmp://a.test/live?token=***&vhost=a.test');
    expect(view?.pageUrl).toBe('http://a.test/?key=***');
    expect([...source.streams()].map(({ tcUrl }) => tcUrl)).toEqual(['rtmp://a.test/live?vhost=a.test']);
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
    const totals = source.totals();
    expect(totals).toMatchObject({ bytesReceived: 1_000, bytesSent: 39_990, connections: 4_005 });
    expect(totals.traffic).toMatchObject({ publishers: 1, players: 3_999, streams: 0, videoFrames: 0 });
    expect(totals.traffic.flushes).toEqual({ count: 0, p50Ms: undefined, p99Ms: undefined });
    expect(source.system().process.rssKbytes).toBeGreaterThan(0);
  });

  it('A005 a stream, its vhost and the server tell what is counted of it', () => {
    const { source, hub } = setUp();
    const id = { vhost: 'a.test', app: 'live', stream: 'livestream' };
    const publication = liveStream(settings(), hub, id).publish({
      id: 'c0',
      onEnd: () => undefined,
      onWarning: () => undefined,
    });
    for (const [number, time] of [0, 40, 80, 36_000_080].entries()) {
      publication.write(FlvTagType.video, time, video(number, { key: number % 2 === 0 }));
      publication.write(FlvTagType.audio, time, audio(number));
    }
    const [stream] = source.streams();
    const jitter = { corrections: 2, correctedMs: 71_999_920 };
    expect(stream).toMatchObject({
      ...{ publisherId: 'c0', clients: 3_000, players: 2_999, frames: 4, audioFrames: 4 },
      gop: { frames: 2, ms: 80 },
      jitter,
      flushes: undefined,
    });
    expect(stream?.heldBytes).toBeGreaterThan(0);
    expect([...source.vhosts()][0]).toMatchObject({ streams: 1, clients: 3_000, players: 2_999, jitter });
    expect(source.totals().traffic).toMatchObject({ streams: 1, videoFrames: 4, audioFrames: 4, jitter });
  });
});
