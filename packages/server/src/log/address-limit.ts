/** How many lines of one address are logged. */
export interface AddressLogOptions {
  /** Lines a second, on average; 0 is no limit. Twenty times as many may come at once. */
  readonly perSecond: () => number;
  /** ms of a clock that does not jump. Default: the monotonic clock. */
  readonly now?: (() => number) | undefined;
}

/** The seconds whose lines may come at once. */
const BURST_SECONDS = 20;
/** How often an address's suppressed lines are summed up, at most, ms. */
const SUMMARY_MS = 10_000;
/** The most addresses that are remembered; beyond it they share one allowance. */
const MAX_ADDRESSES = 10_000;
/** In the place of an address, for those that are too many to be remembered. */
const OTHERS = 'other addresses';

interface Allowance {
  left: number;
  /** When `left` was right, ms. */
  at: number;
  suppressed: number;
  /** When lines were summed up last, ms. */
  summedAt: number;
}

/** What was left out of the log. */
export interface SuppressedLines {
  readonly address: string;
  readonly lines: number;
}

/**
 * Limits the log lines that one address can cause, so that a peer can neither fill the disk nor hide what others do. What
 * is left out is counted, and the counts are logged.
 */
export class AddressLogLimit {
  readonly #perSecond: () => number;
  readonly #now: () => number;
  readonly #addresses = new Map<string, Allowance>();

  constructor({ perSecond, now = () => performance.now() }: AddressLogOptions) {
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** Addresses that are remembered, for tests. */
  get size(): number {
    return this.#addresses.size;
  }

  /** Counts a line; false leaves it out. */
  takes(address: string): boolean {
    const perSecond = this.#perSecond();
    if (perSecond === 0) return true;
    const now = this.#now();
    const allowance = this.#allowanceOf(address, now, perSecond);
    refill(allowance, now, perSecond);
    if (allowance.left < 1) {
      allowance.suppressed += 1;
      return false;
    }
    allowance.left -= 1;
    return true;
  }

  /**
   * Takes what has been left out since it was asked last, each address every 10 s at most, and forgets addresses that are
   * quiet.
   *
   * @param all - now, whenever it was asked last
   */
  takeSuppressed(all = false): SuppressedLines[] {
    const now = this.#now();
    const perSecond = this.#perSecond();
    const found: SuppressedLines[] = [];
    for (const [address, allowance] of this.#addresses) {
      refill(allowance, now, perSecond);
      if (allowance.suppressed > 0 && (all || now - allowance.summedAt >= SUMMARY_MS)) {
        found.push({ address, lines: allowance.suppressed });
        allowance.suppressed = 0;
        allowance.summedAt = now;
      }
      if (allowance.suppressed === 0 && allowance.left >= perSecond * BURST_SECONDS) {
        this.#addresses.delete(address);
      }
    }
    return found;
  }

  #allowanceOf(address: string, now: number, perSecond: number): Allowance {
    const known = this.#addresses.get(address);
    if (known !== undefined) return known;
    const name = this.#addresses.size < MAX_ADDRESSES ? address : OTHERS;
    let allowance = this.#addresses.get(name);
    if (allowance === undefined) {
      allowance = { left: perSecond * BURST_SECONDS, at: now, suppressed: 0, summedAt: now };
      this.#addresses.set(name, allowance);
    }
    return allowance;
  }
}

function refill(allowance: Allowance, now: number, perSecond: number): void {
  const back = ((now - allowance.at) / 1000) * perSecond;
  allowance.left = Math.min(perSecond * BURST_SECONDS, allowance.left + Math.max(0, back));
  allowance.at = now;
}
