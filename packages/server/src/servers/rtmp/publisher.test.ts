import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { defaultVhost, type PublishConfig } from '../../config/index.ts';
import { LiveTotals, type Publication, StreamMeter } from '../../live/index.ts';
import { RtmpPublisher } from './publisher.ts';

/** A publisher with a socket and a publication that only count. */
function make(mergedRead: PublishConfig['mergedRead'], minLatency = false) {
  const calls = { pauses: 0, resumes: 0, flushes: 0, writes: 0, ends: 0 };
  const socket = {
    pause: () => (calls.pauses += 1),
    resume: () => (calls.resumes += 1),
  };
  const publication: Publication = {
    id: 'p',
    meter: new StreamMeter(new LiveTotals()),
    write: () => {
      calls.writes += 1;
    },
    flush: () => {
      calls.flushes += 1;
    },
    end: () => {
      calls.ends += 1;
    },
  };
  const config = {
    ...defaultVhost().publish,
    firstPacketTimeoutMs: 20_000,
    normalTimeoutMs: 5000,
    mergedRead,
  };
  return { calls, publisher: new RtmpPublisher(publication, config, minLatency, socket, performance.now()) };
}

describe('RtmpPublisher', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
    vi.advanceTimersByTime(10_000);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('P019 a read is followed by a rest of mr latency', () => {
    const { calls, publisher } = make({ enabled: true, latencyMs: 350 });
    publisher.afterRead(1000);
    expect(calls).toMatchObject({ pauses: 1, resumes: 0, flushes: 1 });
    vi.advanceTimersByTime(349);
    expect(calls.resumes).toBe(0);
    vi.advanceTimersByTime(1);
    expect(calls.resumes).toBe(1);
    publisher.afterRead(1000);
    expect(calls).toMatchObject({ pauses: 2, flushes: 2 });
  });

  it('P019 no rest without mr, nor under min_latency', () => {
    for (const { calls, publisher } of [
      make({ enabled: false, latencyMs: 350 }),
      make({ enabled: true, latencyMs: 350 }, true),
      make({ enabled: true, latencyMs: 0 }),
    ]) {
      publisher.afterRead(1000);
      expect(calls).toMatchObject({ pauses: 0, flushes: 1 });
    }
  });

  it('P019 a full read is followed by another at once, and a fast publisher rests for less', () => {
    const { calls, publisher } = make({ enabled: true, latencyMs: 350 });
    publisher.afterRead(65_536);
    expect(calls).toMatchObject({ pauses: 0, flushes: 1 });
    publisher.afterRead(1000);
    vi.advanceTimersByTime(350);
    expect(calls).toMatchObject({ pauses: 1, resumes: 1 });
    // 40 KB in 350 ms: 32 KB take 287 ms.
    publisher.afterRead(40_000);
    vi.advanceTimersByTime(285);
    expect(calls.resumes).toBe(1);
    vi.advanceTimersByTime(3);
    expect(calls.resumes).toBe(2);
  });

  it('P019 the end of the publish ends the rest', () => {
    const { calls, publisher } = make({ enabled: true, latencyMs: 350 });
    publisher.afterRead(1000);
    publisher.end();
    expect(calls).toMatchObject({ ends: 1, resumes: 1 });
    vi.advanceTimersByTime(1000);
    expect(calls.resumes).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('P007 tells the first wait from the later one', () => {
    const { publisher } = make({ enabled: false, latencyMs: 0 });
    const start = performance.now();
    expect(publisher.overdue(start + 20_000)).toBeUndefined();
    expect(publisher.overdue(start + 20_001)).toBe('publish-first-packet-timeout');
    publisher.write(9, 0, new Uint8Array(1));
    expect(publisher.overdue(start + 21_000)).toBeUndefined();
    expect(publisher.overdue(start + 26_000)).toBeUndefined();
    expect(publisher.overdue(start + 26_001)).toBe('publish-timeout');
    publisher.write(8, 0, new Uint8Array(1));
    expect(publisher.overdue(start + 30_000)).toBeUndefined();
    expect(publisher.overdue(start + 35_000)).toBeUndefined();
  });
});
