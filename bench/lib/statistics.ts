import { Histogram, type HistogramData } from '@sluice/bench';

/** The middle value; the mean of the middle two for an even count; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? NaN;
  return ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** The value at or below which a share (0 to 1) of these lies; NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/**
 * The median of the ratios of paired runs: the n-th of one against the n-th of the other, which ran next to
 * it. NaN when either has no runs.
 */
export function pairedRatio(ones: readonly number[], others: readonly number[]): number {
  const pairs = Math.min(ones.length, others.length);
  return median(ones.slice(0, pairs).map((one, index) => one / (others[index] ?? NaN)));
}

/** The value below or at which a share (0 to 1) of a histogram's samples lies; NaN when there are none. */
export function percentileOf(data: HistogramData, share: number): number {
  if (data.count === 0) return NaN;
  const histogram = new Histogram();
  histogram.merge(data);
  return histogram.percentile(share);
}
