import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Admission, SAMPLE_INTERVAL_MS, type Session, Sessions } from './index.ts';
import { Rate } from './rate.ts';

/** A session whose counters the test sets. */
function session(
  id: string,
  publish: boolean,
  stream = 's',
): Session & { bytesIn: number; bytesOut: number } {
  return {
    id,
    publish,
    stream,
    ip: '127.0.0.1',
    type: publish ? 'fmle-publish' : 'rtmp-play',
    vhost: 'v',
    app: 'a',
    tcUrl: '',
    pageUrl: '',
    swfUrl: '',
    startedAt: Date.now(),
    bytesIn: 0,
    bytesOut: 0,
    droppedFrames: 0,
  };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('Admission', () => {
  it('R002 takes as many as there are places, and gives back', () => {
    let limit = 2;
    const admission = new Admission(() => limit);
    const admit = () => admission.admit('192.0.2.1');
    expect([admit(), admit(), admit()]).toEqual([undefined, undefined, 'too-many-connections']);
    expect(admission.open).toBe(2);
    admission.release('192.0.2.1');
    expect(admit()).toBeUndefined();
    limit = 1;
    admission.release('192.0.2.1');
    expect(admit()).toBe('too-many-connections');
  });

  it('S002 asks for each address, and counts none that is refused', () => {
    const released: string[] = [];
    const admission = new Admission(() => 10, {
      admit: (ip) => ip !== '192.0.2.9',
      release: (ip) => released.push(ip),
    });
    expect(admission.admit('192.0.2.9')).toBe('too-many-from-address');
    expect(admission.open).toBe(0);
    expect(admission.admit('192.0.2.1')).toBeUndefined();
    admission.release('192.0.2.1');
    expect(released).toEqual(['192.0.2.1']);
  });
});

describe('Rate', () => {
  it('counts from the start, then from the oldest of the last 30 s', () => {
    const start = Date.now();
    const rate = new Rate();
    vi.setSystemTime(start + 1000);
    expect(rate.kbps(start, 125_000, 250_000)).toEqual({ received30s: 1000, sent30s: 2000 });
    for (let at = 1; at <= 10; at += 1) rate.sample(start + at * SAMPLE_INTERVAL_MS, at * 1_250_000, 0);
    vi.setSystemTime(start + 10 * SAMPLE_INTERVAL_MS + 5000);
    // From the sample 25 s ago: 2 x 10 s at 1,000 kbps and 5 s of silence.
    expect(rate.kbps(start, 12_500_000, 0)).toEqual({ received30s: 800, sent30s: 0 });
  });

  it('does not divide by nothing', () => {
    expect(new Rate().kbps(Date.now(), 0, 0)).toEqual({ received30s: 0, sent30s: 0 });
  });
});

describe('Sessions', () => {
  it('knows who is there, and what went over a stream, those who left included', () => {
    const sessions = new Sessions();
    const publisher = session('p', true);
    const first = session('1', false);
    const second = session('2', false);
    const other = session('o', false, 'other');
    for (const one of [publisher, first, second, other]) sessions.add(one);
    publisher.bytesIn = 100;
    publisher.bytesOut = 7;
    first.bytesOut = 1000;
    first.bytesIn = 5;
    second.bytesOut = 2000;
    expect([...sessions.all()].map((entry) => entry.session.id)).toEqual(['p', '1', '2', 'o']);
    expect(sessions.get('1')?.session).toBe(first);
    expect(sessions.get('nobody')).toBeUndefined();
    expect(sessions.traffic('v/a/s')).toMatchObject({ bytesIn: 100, bytesOut: 3000 });
    const { publishers, players, bytesIn, bytesOut } = sessions.totals();
    expect([publishers, players, bytesIn, bytesOut]).toEqual([1, 3, 100, 3000]);
    sessions.remove(first);
    sessions.remove(first);
    first.bytesOut = 99_999;
    expect(sessions.size).toBe(3);
    expect(sessions.traffic('v/a/s')).toMatchObject({ bytesIn: 100, bytesOut: 3000 });
    sessions.remove(other);
    expect(sessions.traffic('v/a/other')).toBeUndefined();
    sessions.remove(second);
    sessions.remove(publisher);
    expect(sessions.traffic('v/a/s')).toBeUndefined();
    expect(sessions.size).toBe(0);
  });

  it('A004 the sums of the server never get less: not when sessions end, nor when they begin again', () => {
    const sessions = new Sessions();
    const publisher = session('p', true);
    const player = { ...session('1', false), droppedFrames: 0 };
    // The handshake is nobody's media.
    publisher.bytesIn = 3000;
    sessions.add(publisher);
    sessions.add(player);
    publisher.bytesIn += 100;
    player.bytesOut = 70;
    player.droppedFrames = 4;
    const sums = { begun: 2, bytesIn: 100, bytesOut: 70, droppedFrames: 4 };
    expect(sessions.totals()).toEqual({ publishers: 1, players: 1, ...sums });
    sessions.remove(publisher);
    sessions.remove(player);
    expect(sessions.totals()).toEqual({ publishers: 0, players: 0, ...sums });
    // The same connection publishes again.
    publisher.bytesIn += 50;
    sessions.add(publisher);
    expect(sessions.totals()).toMatchObject({ begun: 3, bytesIn: 100 });
    publisher.bytesIn += 1;
    expect(sessions.totals()).toMatchObject({ begun: 3, bytesIn: 101 });
  });

  it('samples the rates of sessions and streams', () => {
    const sessions = new Sessions();
    const publisher = session('p', true);
    sessions.add(publisher);
    const start = Date.now();
    publisher.bytesIn = 1_250_000;
    vi.setSystemTime(start + 10_000);
    sessions.sample();
    publisher.bytesIn = 3_750_000;
    vi.setSystemTime(start + 20_000);
    const entry = sessions.get('p');
    expect(entry?.rate.kbps(start, publisher.bytesIn, 0).received30s).toBe(2000);
    const traffic = sessions.traffic('v/a/s');
    expect(traffic?.rate.kbps(start, traffic.bytesIn, 0).received30s).toBe(2000);
  });
});
