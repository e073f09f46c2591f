import { addressOwner } from './address.ts';

/** What one address may do; 0 is no limit. */
export interface AddressLimits {
  /** Connections that are open at a time. */
  readonly maxConnectionsPerAddress: number;
  /** New connections a second; so many may come at once. */
  readonly maxConnectsPerSecond: number;
  /** Tokens that are wrong, a minute. */
  readonly maxFailedTokensPerMinute: number;
}

/** The limit that an address has reached. */
export type AddressLimit = keyof AddressLimits;

/** An allowance that is used up by events and comes back with time. */
interface Allowance {
  left: number;
  /** When `left` was right, ms. */
  at: number;
}

/** What is remembered of an address that came a short time ago. */
interface Recent {
  readonly connects: Allowance;
  readonly failures: Allowance;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

/**
 * What addresses do, as far as there are limits for it. Open connections are counted for as long as they are open;
 * all else is forgotten when an address has been quiet for a minute or two, by when its allowances have come back.
 */
export class AddressBook {
  readonly #maxRecent: number;
  readonly #open = new Map<string, number>();
  #young = new Map<string, Recent>();
  #old = new Map<string, Recent>();
  #turnedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param maxRecent - the most addresses that a minute remembers; beyond it, those that were quiet longest are
   * forgotten early
   */
  constructor(maxRecent: number) {
    this.#maxRecent = maxRecent;
  }

  /** Addresses that something is remembered of, for tests: a flood must not make it grow. */
  get size(): number {
    return this.#open.size + this.#young.size + this.#old.size;
  }

  /**
   * Counts a new connection; undefined takes it, and {@link release} gives its place back. Else the limit that
   * is reached.
   *
   * @param now - ms of a clock that doesn't jump
   */
  admit(ip: string, limits: AddressLimits, now: number): AddressLimit | undefined {
    const owner = addressOwner(ip);
    const open = this.#open.get(owner) ?? 0;
    const { maxConnectionsPerAddress: most, maxConnectsPerSecond: rate } = limits;
    if (most > 0 && open >= most) return 'maxConnectionsPerAddress';
    if (rate > 0) {
      const { connects } = this.#recent(owner, limits, now);
      refill(connects, { most: rate, periodMs: SECOND_MS, now });
      if (connects.left < 1) return 'maxConnectsPerSecond';
      connects.left -= 1;
    }
    this.#open.set(owner, open + 1);
    return undefined;
  }

  /** A connection that was admitted is gone. */
  release(ip: string): void {
    const owner = addressOwner(ip);
    const open = this.#open.get(owner) ?? 0;
    if (open > 1) this.#open.set(owner, open - 1);
    else this.#open.delete(owner);
  }

  /** Whether the address has shown too many wrong tokens for another one to be looked at. */
  isBarred(ip: string, limits: AddressLimits, now: number): boolean {
    const { maxFailedTokensPerMinute: most } = limits;
    if (most === 0) return false;
    const owner = addressOwner(ip);
    const known = this.#young.get(owner) ?? this.#old.get(owner);
    if (known === undefined) return false;
    refill(known.failures, { most, periodMs: MINUTE_MS, now });
    return known.failures.left < 1;
  }

  /** Counts a wrong token. */
  fail(ip: string, limits: AddressLimits, now: number): void {
    const { maxFailedTokensPerMinute: most } = limits;
    if (most === 0) return;
    const { failures } = this.#recent(addressOwner(ip), limits, now);
    refill(failures, { most, periodMs: MINUTE_MS, now });
    failures.left = Math.max(0, failures.left - 1);
  }

  /**
   * What is remembered of an address, as of the newest minute. There are two generations, of which the older one
   * is dropped whole: nothing has to be searched for what may be forgotten.
   */
  #recent(owner: string, limits: AddressLimits, now: number): Recent {
    if (now - this.#turnedAt >= MINUTE_MS || this.#young.size >= this.#maxRecent) {
      this.#old = now - this.#turnedAt >= 2 * MINUTE_MS ? new Map<string, Recent>() : this.#young;
      this.#young = new Map();
      this.#turnedAt = now;
    }
    let recent = this.#young.get(owner);
    if (recent === undefined) {
      recent = this.#old.get(owner) ?? {
        connects: { left: limits.maxConnectsPerSecond, at: now },
        failures: { left: limits.maxFailedTokensPerMinute, at: now },
      };
      this.#old.delete(owner);
      this.#young.set(owner, recent);
    }
    return recent;
  }
}

/** Gives back what has come back since; `most` comes back in each period. */
function refill(
  allowance: Allowance,
  { most, periodMs, now }: { readonly most: number; readonly periodMs: number; readonly now: number },
): void {
  const back = ((now - allowance.at) / periodMs) * most;
  allowance.left = Math.min(most, allowance.left + Math.max(0, back));
  allowance.at = now;
}
