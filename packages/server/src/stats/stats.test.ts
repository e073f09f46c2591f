import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Admission, SAMPLE_INTERVAL_MS, type Session, Sessions } from './index.ts';
import { addRates, NO_RATES, Rate, SAMPLES_PER_LONG_SAMPLE } from './rate.ts';

/** A session whose counters the test sets. */
function session(
  id: string,
  publish: boolean,
  stream = 's',
): Session & { bytesIn: number; bytesOut: number; videoFrames: number } {
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
    since: performance.now(),
    bytesIn: 0,
    bytesOut: 0,
    videoFrames: 0,
    droppedFrames: 0,
  };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
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
  const counts = (bytesIn: number, bytesOut = 0, videoFrames = 0) => ({ bytesIn, bytesOut, videoFrames });

  it('A005 counts from the beginning, and then from the oldest of the last 30 s', () => {
    const rate = new Rate(counts(5_000, 7_000, 100));
    vi.advanceTimersByTime(1_000);
    expect(rate.read(counts(130_000, 257_000, 125))).toEqual({
      ...{ received30s: 1_000, sent30s: 2_000, received5m: 1_000, sent5m: 2_000 },
      fps: 25,
    });
    for (let nth = 1; nth <= 5; nth += 1) {
      vi.advanceTimersByTime(nth === 1 ? SAMPLE_INTERVAL_MS - 1_000 : SAMPLE_INTERVAL_MS);
      rate.sample(counts(5_000 + nth * 1_250_000, 7_000, 100 + nth * 250), false);
    }
    vi.advanceTimersByTime(5_000);
    // From the sample 25 s ago: 20 s of 1,000 kbps and 25 fps, and 5 s of silence.
    expect(rate.read(counts(6_255_000, 7_000, 1_350))).toMatchObject({
      received30s: 800,
      sent30s: 0,
      fps: 20,
    });
  });

  it('A005 a sample that is a moment old is not all that there is', () => {
    const rate = new Rate(counts(0));
    vi.advanceTimersByTime(10_000);
    rate.sample(counts(1_250_000), true);
    vi.advanceTimersByTime(1);
    expect(rate.read(counts(1_250_000))).toMatchObject({ received30s: 1_000, received5m: 1_000 });
  });

  it('A005 looks back 5 minutes over each tenth sample', () => {
    const rate = new Rate(counts(0));
    // 1,000 kbps for 300 s, and then nothing.
    for (let nth = 1; nth <= 50; nth += 1) {
      vi.advanceTimersByTime(SAMPLE_INTERVAL_MS);
      rate.sample(counts(Math.min(30, nth) * 1_250_000), nth % SAMPLES_PER_LONG_SAMPLE === 0);
    }
    // From the sample of 300 s on.
    expect(rate.read(counts(37_500_000))).toMatchObject({ received30s: 0, received5m: 0 });
    const busy = new Rate(counts(0));
    for (let nth = 1; nth <= 45; nth += 1) {
      vi.advanceTimersByTime(SAMPLE_INTERVAL_MS);
      busy.sample(counts(nth * 1_250_000), nth % SAMPLES_PER_LONG_SAMPLE === 0);
    }
    expect(busy.read(counts(45 * 1_250_000))).toMatchObject({ received30s: 1_000, received5m: 1_000 });
  });

  it('G007 does not divide by nothing, and a jump of the system clock is nothing to it', () => {
    const rate = new Rate(counts(100));
    expect(rate.read(counts(100))).toEqual(NO_RATES);
    vi.setSystemTime(Date.now() - 3_600_000);
    vi.advanceTimersByTime(1_000);
    expect(rate.read(counts(125_100)).received30s).toBe(1_000);
  });

  it('adds up', () => {
    const one = { received30s: 1, sent30s: 2, received5m: 3, sent5m: 4, fps: 5.5 };
    expect(addRates(one, addRates(one, NO_RATES))).toEqual({
      ...{ received30s: 2, sent30s: 4, received5m: 6, sent5m: 8 },
      fps: 11,
    });
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
    expect(sessions.traffic('v/a/s')?.totals()).toMatchObject({ bytesIn: 100, bytesOut: 3000 });
    expect(sessions.traffic('v/a/s')).toMatchObject({ clients: 3, players: 2 });
    const { publishers, players, bytesIn, bytesOut } = sessions.totals();
    expect([publishers, players, bytesIn, bytesOut]).toEqual([1, 3, 100, 3000]);
    sessions.remove(first);
    sessions.remove(first);
    first.bytesOut = 99_999;
    expect(sessions.size).toBe(3);
    expect(sessions.traffic('v/a/s')?.totals()).toMatchObject({ bytesIn: 100, bytesOut: 3000 });
    expect(sessions.traffic('v/a/s')).toMatchObject({ clients: 2, players: 1 });
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
    // What a player is sent has come in already.
    player.videoFrames = 25;
    publisher.videoFrames = 50;
    const sums = { begun: 2, bytesIn: 100, bytesOut: 70, videoFrames: 50, droppedFrames: 4 };
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
    publisher.bytesIn = 1_250_000;
    vi.advanceTimersByTime(10_000);
    sessions.sample();
    publisher.bytesIn = 3_750_000;
    vi.advanceTimersByTime(10_000);
    expect(sessions.get('p')?.rates().received30s).toBe(1500);
    const traffic = sessions.traffic('v/a/s');
    expect(traffic?.rates(traffic.totals()).received30s).toBe(1500);
    expect(sessions.rates()).toMatchObject({ received30s: 1500, received5m: 1500 });
  });

  it('A004 tells each tenth sample apart', () => {
    const sessions = new Sessions();
    const long = Array.from({ length: 20 }, () => sessions.sample());
    expect(long.flatMap((is, nth) => (is ? [nth] : []))).toEqual([9, 19]);
  });
});
