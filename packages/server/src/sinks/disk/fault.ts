import { errorText } from '../../error-text.ts';
import type { MediaFaultCode } from '../../live/index.ts';
import { DiskError, type DiskErrorCode } from './errors.ts';

/** What a sink suffers from now. */
export interface FaultState {
  readonly code: DiskErrorCode | MediaFaultCode | 'internal';
  readonly message: string;
  /** When it began, ms since the epoch. */
  readonly since: number;
  /** How often it was met since. */
  readonly count: number;
}

/** A sink can do nothing with the stream's media; the message says why, and what to do. */
export class UnusableMediaError extends Error {
  readonly code: MediaFaultCode;

  constructor(code: MediaFaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnusableMediaError';
    this.code = code;
  }
}

/** The part of a log that faults go to. */
export interface FaultLog {
  warn(message: string): void;
  info(message: string): void;
}

/**
 * Whether something can be done at present: says it once when a fault begins or changes, and once when it is over,
 * however often it is met in between.
 */
export class Fault {
  readonly #log: FaultLog;
  readonly #what: string;
  #current: FaultState | undefined;

  /** @param what - what fails, e.g. `hls live/livestream` */
  constructor(log: FaultLog, what: string) {
    this.#log = log;
    this.#what = what;
  }

  /** The fault that lasts; undefined while all is well. */
  get current(): FaultState | undefined {
    return this.#current;
  }

  raise(error: unknown): void {
    const isCoded = error instanceof DiskError || error instanceof UnusableMediaError;
    const code = isCoded ? error.code : 'internal';
    const message = errorText(error);
    const known = this.#current;
    if (known?.code === code) {
      this.#current = { ...known, message, count: known.count + 1 };
      return;
    }
    this.#current = { code, message, since: known?.since ?? Date.now(), count: (known?.count ?? 0) + 1 };
    this.#log.warn(`${this.#what}: ${message}`);
  }

  clear(): void {
    const known = this.#current;
    if (known === undefined) return;
    this.#current = undefined;
    const seconds = ((Date.now() - known.since) / 1000).toFixed(1);
    this.#log.info(`${this.#what}: works again after ${seconds} s and ${known.count} failures`);
  }
}
