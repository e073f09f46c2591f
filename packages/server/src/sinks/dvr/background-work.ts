/** Work that goes on beside what its owner does, and that somebody may wait for in the end. */
export class BackgroundWork {
  readonly #running = new Set<Promise<void>>();

  /** Whether nothing is under way. */
  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** Keeps hold of work that is under way; it handles its own errors. */
  add(work: Promise<void>): void {
    const held = work.finally(() => {
      this.#running.delete(held);
    });
    this.#running.add(held);
  }

  /** Waits until nothing is under way, counting what begins meanwhile. */
  async idle(): Promise<void> {
    while (!this.isIdle) await Promise.all(this.#running);
  }
}

/**
 * Waits for something, but not for ever.
 *
 * @param limitMs - longest wait, ms
 * @returns whether it was done in time
 */
export async function doneWithin(limitMs: number, work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      resolve(false);
    }, limitMs);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
