import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from './histogram.ts';

function histogramOf(samples: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const sample of samples) histogram.add(sample);
  return histogram;
}

describe('Histogram', () => {
  it('has no percentiles without samples', () => {
    expect(new Histogram().percentiles()).toBeUndefined();
    expect(new Histogram().percentile(0.5)).toBe(0);
  });

  it('gives a single sample as every percentile', () => {
    expect(histogramOf([7]).percentiles()).toEqual({
      count: 1,
      min: 7,
      p50: 7,
      p90: 7,
      p99: 7,
      max: 7,
      mean: 7,
    });
  });

  it('finds the nearest-rank percentiles of 1 to 1000 within 1.1 %', () => {
    const histogram = histogramOf(Array.from({ length: 1000 }, (_, index) => index + 1));
    for (const [share, exact] of [
      [0.01, 10],
      [0.5, 500],
      [0.9, 900],
      [0.99, 990],
      [1, 1000],
    ] as const) {
      expect(Math.abs(histogram.percentile(share) - exact) / exact).toBeLessThan(0.011);
    }
  });

  it('counts negative samples and zero as 0, and takes samples beyond its range', () => {
    const histogram = histogramOf([-5, 0, 1e15]);
    expect(histogram.percentiles()).toMatchObject({ min: 0, max: 1e15, p50: 0 });
    expect(histogram.percentile(1)).toBe(1e15);
  });

  it('agrees with sorting, for any samples', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.001, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (samples, share) => {
          const sorted = [...samples].sort((one, other) => one - other);
          const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
          expect(Math.abs(histogramOf(samples).percentile(share) - exact) / exact).toBeLessThan(0.011);
        },
      ),
    );
  });

  it('merges like one histogram of all samples, through JSON', () => {
    const one = histogramOf([1, 2, 3]);
    const other = histogramOf([40, 0.5]);
    one.merge(JSON.parse(JSON.stringify(other)) as ReturnType<Histogram['toJSON']>);
    expect(one.toJSON()).toEqual(histogramOf([1, 2, 3, 40, 0.5]).toJSON());
    one.merge(new Histogram().toJSON());
    expect(one.count).toBe(5);
  });
});
