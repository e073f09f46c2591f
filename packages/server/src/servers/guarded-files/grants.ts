import type { GuardedFilesLimits } from './limits.ts';

/**
 * Clients that were let in a moment ago: a player that seeks through a recording asks for dozens of ranges, and a
 * callback server need not hear of each.
 */
export class Grants {
  readonly #limits: Pick<GuardedFilesLimits, 'maxGrants' | 'grantMs'>;
  readonly #now: () => number;
  /** Ends by the key of a client, oldest first; ms of `now`. */
  readonly #ends = new Map<string, number>();

  /** @param now - ms of a clock that does not jump */
  constructor(limits: Pick<GuardedFilesLimits, 'maxGrants' | 'grantMs'>, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  get size(): number {
    return this.#ends.size;
  }

  has(key: string): boolean {
    const end = this.#ends.get(key);
    return end !== undefined && end > this.#now();
  }

  add(key: string): void {
    const now = this.#now();
    this.#ends.delete(key);
    this.#ends.set(key, now + this.#limits.grantMs);
    for (const [oldest, end] of this.#ends) {
      if (end > now && this.#ends.size <= this.#limits.maxGrants) break;
      this.#ends.delete(oldest);
    }
  }

  clear(): void {
    this.#ends.clear();
  }
}
