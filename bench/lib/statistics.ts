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

/** The middle of a value's buckets: see {@link percentileOf}. */
const BUCKETS_PER_DOUBLING = 64;
const SMALLEST_EXPONENT = -11;

/** A histogram as the load processes of `sluice bench --control` print it. */
export interface HistogramData {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly buckets: readonly number[];
}

/** The value below or at which a share (0 to 1) of a histogram's samples lies; NaN when there are none. */
export function percentileOf(histogram: HistogramData, share: number): number {
  if (histogram.count === 0) return NaN;
  const rank = Math.max(1, Math.ceil(share * histogram.count));
  let seen = 0;
  for (let at = 0; at + 1 < histogram.buckets.length; at += 2) {
    seen += histogram.buckets[at + 1] ?? 0;
    if (seen < rank) continue;
    const index = histogram.buckets[at] ?? 0;
    const value = index === 0 ? 0 : 2 ** (SMALLEST_EXPONENT + (index - 0.5) / BUCKETS_PER_DOUBLING);
    return Math.min(histogram.max, Math.max(histogram.min, value));
  }
  return histogram.max;
}
