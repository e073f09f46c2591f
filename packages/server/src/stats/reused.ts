/** What takes less than this, ms, is worked out each time. */
const CHEAP_MS = 1;

/** Something is used for so many times as long as it took to work it out. */
const REUSE_FACTOR = 20;

/**
 * A sum over everything that the server has. On a large server many may ask for it at once: it is used again for a while
 * that grows with what it costs, so that it takes a twentieth of the time at most.
 */
export class Reused<Value> {
  readonly #make: () => Value;
  readonly #now: () => number;
  #value: Value | undefined;
  #until = -Infinity;

  /** @param now - default: the monotonic clock, ms */
  constructor(make: () => Value, now: () => number = () => performance.now()) {
    this.#make = make;
    this.#now = now;
  }

  get(): Value {
    const before = this.#now();
    if (this.#value !== undefined && before < this.#until) return this.#value;
    const value = this.#make();
    const after = this.#now();
    const cost = after - before;
    this.#value = cost < CHEAP_MS ? undefined : value;
    this.#until = after + cost * REUSE_FACTOR;
    return value;
  }
}
