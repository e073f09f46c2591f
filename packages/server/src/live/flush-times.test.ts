import { describe, expect, it } from 'vitest';

import { FLUSH_BOUNDS_MS, FlushTimes } from './flush-times.ts';

describe('FlushTimes', () => {
  it('A004 counts by bucket, a bound within its own', () => {
    const times = new FlushTimes();
    for (const ms of [0, 0.1, 0.2, 3, 4, 5000]) times.record(ms);
    const counts = [2, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1];
    expect(counts).toHaveLength(FLUSH_BOUNDS_MS.length + 1);
    expect(times.counts).toEqual(counts);
    expect([times.count, times.sumMs]).toEqual([6, 5007.3]);
  });

  it('A004 tells percentiles within their bucket, and of what is above all bounds the highest bound', () => {
    const times = new FlushTimes();
    expect(times.quantile(0.5)).toBeUndefined();
    for (let nth = 0; nth < 98; nth += 1) times.record(1.5);
    times.record(4);
    times.record(4);
    expect(times.quantile(0.5)).toBeCloseTo(1 + 50 / 98);
    expect(times.quantile(0.99)).toBe(4);
    expect(times.quantile(1)).toBe(5);
    const slow = new FlushTimes();
    slow.record(2000);
    expect(slow.quantile(0.5)).toBe(1000);
  });

  it('A004 forgets what came before the last roll but one, for percentiles only', () => {
    const times = new FlushTimes();
    times.record(40);
    times.roll();
    times.record(0.05);
    expect(times.quantile(1)).toBe(50);
    times.roll();
    expect(times.quantile(1)).toBe(0.1);
    times.roll();
    expect(times.quantile(1)).toBeUndefined();
    expect([times.count, times.sumMs]).toEqual([2, 40.05]);
  });
});
