import { Histogram, type Registry } from 'prom-client';

/** Times that are counted elsewhere, where an observation may cost next to nothing. */
export interface CountedTimes {
  /** By bucket, and last those above every bound; not cumulative. */
  readonly counts: readonly number[];
  readonly count: number;
  readonly sumMs: number;
}

/** What a {@link CountedHistogram} is made with. */
export interface CountedHistogramOptions {
  readonly name: string;
  readonly help: string;
  /** Upper bounds of the buckets, ms. */
  readonly boundsMs: readonly number[];
  readonly registers: Registry[];
}

/** A histogram, in seconds, of times that are counted elsewhere; its own `observe` has no effect. */
export class CountedHistogram extends Histogram {
  /** Knows the series that make a histogram. */
  readonly #form: Histogram;
  #times: CountedTimes = { counts: [], count: 0, sumMs: 0 };

  constructor({ name, help, boundsMs, registers }: CountedHistogramOptions) {
    const buckets = boundsMs.map((bound) => bound / 1000);
    super({ name, help, buckets, registers });
    this.#form = new Histogram({ name, help, buckets, registers: [] });
  }

  /** Tells of these times from now on, as they are when it is asked. */
  set(times: CountedTimes): void {
    this.#times = times;
  }

  override async get(): ReturnType<Histogram['get']> {
    const { counts, count, sumMs } = this.#times;
    const metric = await this.#form.get();
    // The buckets come first, from the lowest to infinity, and the sum and the count behind them.
    let below = 0;
    const buckets = metric.values.slice(0, -2).map((_, bucket) => {
      below += counts[bucket] ?? 0;
      return below;
    });
    const numbers = [...buckets, sumMs / 1000, count];
    return { ...metric, values: metric.values.map((one, at) => ({ ...one, value: numbers[at] ?? 0 })) };
  }

  /** What the registry asks for its text. */
  getForPromString(): ReturnType<Histogram['get']> {
    return this.get();
  }
}
