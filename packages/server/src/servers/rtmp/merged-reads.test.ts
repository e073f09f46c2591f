import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { defaultVhost, type PublishConfig } from '../../config/index.ts';
import { MergedReads } from './merged-reads.ts';

/** Merged reads of a socket that only counts. */
function make(mergedRead: PublishConfig['mergedRead'], minLatency = false) {
  const calls = { pauses: 0, resumes: 0 };
  const socket = {
    pause: () => (calls.pauses += 1),
    resume: () => (calls.resumes += 1),
  };
  const config = { ...defaultVhost().publish, mergedRead };
  return { calls, reads: new MergedReads(socket, config, minLatency) };
}

describe('MergedReads', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
    vi.advanceTimersByTime(10_000);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('P019 a read is followed by a rest of mr latency', () => {
    const { calls, reads } = make({ enabled: true, latencyMs: 350 });
    reads.afterRead(1000);
    expect(calls).toMatchObject({ pauses: 1, resumes: 0 });
    vi.advanceTimersByTime(349);
    expect(calls.resumes).toBe(0);
    vi.advanceTimersByTime(1);
    expect(calls.resumes).toBe(1);
    reads.afterRead(1000);
    expect(calls).toMatchObject({ pauses: 2 });
  });

  it('P019 no rest without mr, nor under min_latency', () => {
    for (const { calls, reads } of [
      make({ enabled: false, latencyMs: 350 }),
      make({ enabled: true, latencyMs: 350 }, true),
      make({ enabled: true, latencyMs: 0 }),
    ]) {
      reads.afterRead(1000);
      expect(calls).toMatchObject({ pauses: 0 });
    }
  });

  it('P019 a full read is followed by another at once, and a fast publisher rests for less', () => {
    const { calls, reads } = make({ enabled: true, latencyMs: 350 });
    reads.afterRead(65_536);
    expect(calls).toMatchObject({ pauses: 0 });
    reads.afterRead(1000);
    vi.advanceTimersByTime(350);
    expect(calls).toMatchObject({ pauses: 1, resumes: 1 });
    // 40 KB in 350 ms: 32 KB take 287 ms.
    reads.afterRead(40_000);
    vi.advanceTimersByTime(285);
    expect(calls.resumes).toBe(1);
    vi.advanceTimersByTime(3);
    expect(calls.resumes).toBe(2);
  });

  it('P019 the end of the publish ends the rest', () => {
    const { calls, reads } = make({ enabled: true, latencyMs: 350 });
    reads.afterRead(1000);
    reads.end();
    expect(calls).toMatchObject({ resumes: 1 });
    vi.advanceTimersByTime(1000);
    expect(calls.resumes).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
