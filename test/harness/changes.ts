import { LIMIT_MS } from './process.ts';

/** Wakes those who wait for something that arrives in pieces: messages, tags, a close. */
export class Changes {
  readonly #watchers = new Set<() => void>();

  /** Says that something has changed. */
  notify(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  /**
   * Waits until `find` gives something else than undefined; it is asked at once and at every change.
   *
   * @param what named in the error
   * @param ended says why nothing more can come, once that is so: the wait fails with it
   */
  async until<T>(
    what: string,
    find: () => T | undefined,
    ended: () => string | undefined = () => undefined,
    limitMs = LIMIT_MS,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = (result: () => void): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        result();
      };
      const look = (): void => {
        try {
          const found = find();
          if (found !== undefined) {
            settle(() => {
              resolve(found);
            });
            return;
          }
        } catch (error) {
          settle(() => {
            reject(error instanceof Error ? error : new Error(String(error)));
          });
          return;
        }
        const why = ended();
        if (why !== undefined) {
          settle(() => {
            reject(new Error(`${why} before ${what}`));
          });
        }
      };
      const timer = setTimeout(() => {
        settle(() => {
          reject(new Error(`${limitMs} ms passed before ${what}`));
        });
      }, limitMs);
      this.#watchers.add(look);
      look();
    });
  }
}
