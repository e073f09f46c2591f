/** How often the event loop is looked at, ms. */
export const LOOK_EVERY_MS = 250;

/**
 * How late the event loop is: a timer that should come every 250 ms says by how much it comes too late. (Node's own
 * `monitorEventLoopDelay` can't be read into a histogram that only grows: it tells percentiles, and counts the timer's
 * interval in.)
 */
export class EventLoopDelay {
  readonly #observe: (delayMs: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #due = 0;

  /** @param observe - given each delay, ms */
  constructor(observe: (delayMs: number) => void) {
    this.#observe = observe;
  }

  start(): void {
    this.#due = performance.now() + LOOK_EVERY_MS;
    this.#timer ??= setInterval(() => {
      const now = performance.now();
      this.#observe(Math.max(0, now - this.#due));
      this.#due = now + LOOK_EVERY_MS;
    }, LOOK_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
