import { describe, expect, it } from 'vitest';
import { median, pairedRatio, percentileOf, quantile } from './statistics.ts';

describe('median', () => {
  it('is the middle value, or the mean of the middle two', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });
});

describe('quantile', () => {
  it('is the value that a share lies at or below', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([0, 0.5, 0.99, 1].map((share) => quantile(values, share))).toEqual([1, 50, 99, 100]);
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe('pairedRatio', () => {
  it('compares runs that were next to each other', () => {
    expect(pairedRatio([1, 10, 3], [2, 10, 6])).toBe(0.5);
    expect(pairedRatio([1, 9], [2])).toBe(0.5);
    expect(pairedRatio([1], [])).toBeNaN();
  });
});

describe('percentileOf', () => {
  it('reads the histograms of the load processes', () => {
    // Buckets of 1 ms (704) and 2 ms (768).
    const histogram = { count: 4, sum: 5, min: 1, max: 2, buckets: [704, 3, 768, 1] };
    expect(percentileOf(histogram, 0.5)).toBeCloseTo(1, 1);
    expect(percentileOf(histogram, 1)).toBeCloseTo(2, 1);
    expect(percentileOf({ ...histogram, count: 0, buckets: [] }, 0.5)).toBeNaN();
  });
});
