/** A hold on a file's path. */
export interface PathLock {
  readonly path: string;
  /** Says that the path will be free soon: who wants it waits. */
  closing(): void;
  /** Gives the path back. Harmless when it was given back before. */
  release(): void;
}

/** Which files are in use, by their final path: no two recordings write to one, and no one else touches it. */
export class PathLocks {
  readonly #held = new Map<string, { closing: boolean; readonly released: Promise<void> }>();

  /** Whether a file is being written. */
  has(path: string): boolean {
    return this.#held.has(path);
  }

  /** Takes a path, once whoever is about to give it back has done so; undefined when it stays in use. */
  async acquire(path: string): Promise<PathLock | undefined> {
    for (;;) {
      const holder = this.#held.get(path);
      if (holder === undefined) return this.#take(path);
      if (!holder.closing) return undefined;
      await holder.released;
    }
  }

  #take(path: string): PathLock {
    let free: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      free = resolve;
    });
    const holder = { closing: false, released };
    this.#held.set(path, holder);
    return {
      path,
      closing: () => {
        holder.closing = true;
      },
      release: () => {
        if (this.#held.get(path) === holder) this.#held.delete(path);
        free();
      },
    };
  }
}
