/** Buckets per doubling of the value: a value is known to within 1/64 of itself. */
const BUCKETS_PER_DOUBLING = 64;
/** log2 of the smallest value that is told apart from 0; times are in ms, so this is below a microsecond. */
const SMALLEST_EXPONENT = -11;
/** log2 of the largest value with a bucket of its own (2^40: bytes of a day at 100 Mbps, or 34 years in ms). */
const LARGEST_EXPONENT = 40;
const BUCKET_COUNT = (LARGEST_EXPONENT - SMALLEST_EXPONENT) * BUCKETS_PER_DOUBLING + 1;

/** A histogram as plain JSON: what load processes send to their parent. */
export interface HistogramData {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** Pairs of bucket index and count, flattened. */
  readonly buckets: readonly number[];
}

/** The percentiles that reports show, in the unit of the samples. */
export interface Percentiles {
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  readonly mean: number;
}

/**
 * A histogram of non-negative samples with logarithmic buckets: constant memory for any number of samples,
 * percentiles to within 1.1 %, exact minimum, maximum and mean, and it merges with others.
 */
export class Histogram {
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = 0;
  readonly #buckets = new Uint32Array(BUCKET_COUNT);

  get count(): number {
    return this.#count;
  }

  /** Adds one sample; a negative one counts as 0. */
  add(sample: number): void {
    const value = sample > 0 ? sample : 0;
    this.#count++;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    const index = bucketIndex(value);
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
  }

  /** Adds the samples of another process's histogram. */
  merge(data: HistogramData): void {
    if (data.count === 0) return;
    this.#count += data.count;
    this.#sum += data.sum;
    this.#min = Math.min(this.#min, data.min);
    this.#max = Math.max(this.#max, data.max);
    for (let at = 0; at + 1 < data.buckets.length; at += 2) {
      const index = data.buckets[at] ?? 0;
      this.#buckets[index] = (this.#buckets[index] ?? 0) + (data.buckets[at + 1] ?? 0);
    }
  }

  /**
   * The value below or at which a share of the samples lies; 0 when there are none.
   * @param share 0 to 1
   */
  percentile(share: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let index = 0; index < BUCKET_COUNT; index++) {
      seen += this.#buckets[index] ?? 0;
      // The last bucket holds everything beyond the range.
      if (seen >= rank && index < BUCKET_COUNT - 1)
        return Math.min(this.#max, Math.max(this.#min, bucketMiddle(index)));
    }
    return this.#max;
  }

  /** The percentiles of a report, or undefined when there are no samples. */
  percentiles(): Percentiles | undefined {
    if (this.#count === 0) return undefined;
    return {
      count: this.#count,
      min: this.#min,
      p50: this.percentile(0.5),
      p90: this.percentile(0.9),
      p99: this.percentile(0.99),
      max: this.#max,
      mean: this.#sum / this.#count,
    };
  }

  toJSON(): HistogramData {
    const buckets: number[] = [];
    for (let index = 0; index < BUCKET_COUNT; index++) {
      const count = this.#buckets[index] ?? 0;
      if (count > 0) buckets.push(index, count);
    }
    return {
      count: this.#count,
      sum: this.#sum,
      min: this.#count === 0 ? 0 : this.#min,
      max: this.#max,
      buckets,
    };
  }
}

function bucketIndex(value: number): number {
  if (value <= 2 ** SMALLEST_EXPONENT) return 0;
  const index = Math.ceil((Math.log2(value) - SMALLEST_EXPONENT) * BUCKETS_PER_DOUBLING);
  return index >= BUCKET_COUNT ? BUCKET_COUNT - 1 : index;
}

function bucketMiddle(index: number): number {
  if (index === 0) return 0;
  return 2 ** (SMALLEST_EXPONENT + (index - 0.5) / BUCKETS_PER_DOUBLING);
}
