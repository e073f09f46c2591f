import type { EndReason } from '../../stats/index.ts';

/** What a connection waits for: one thing at a time, or nothing. Times in ms of the monotonic clock. */
export class Deadline {
  #reason: EndReason | undefined;
  #since = 0;
  #limit = 0;

  /** From now on something has to happen within `limit`, or the connection ends with `reason`. */
  set(reason: EndReason, limit: number): void {
    this.#reason = reason;
    this.#since = performance.now();
    this.#limit = limit;
  }

  /** Nothing is waited for any more. */
  clear(): void {
    this.#reason = undefined;
  }

  /** Why the connection has to end now; undefined while there is time. */
  overdue(now: number): EndReason | undefined {
    return now - this.#since > this.#limit ? this.#reason : undefined;
  }
}
