import { onInternalFault, type InternalFault } from '../background.ts';
import type { Log } from '../log/index.ts';

/** Lines about internal faults per {@link WINDOW_MS}; the rest are only counted. */
const MAX_LINES = 20;
/** Faults of the program itself per {@link WINDOW_MS}, from which on its state is not trusted. */
export const MAX_FAULTS = 100;
const WINDOW_MS = 60_000;

/** What {@link InternalFaults} needs. */
export interface InternalFaultsOptions {
  readonly log: Pick<Log, 'error'>;
  /** Milliseconds of a monotonic clock. Default: the process's. */
  readonly now?: () => number;
}

/**
 * Counts and logs the faults of timers, listeners and background work. A fault that the system causes (EMFILE, ENOSPC)
 * leaves the program's state as it was. Other faults are errors of the program: above {@link MAX_FAULTS} a minute the
 * server is to end.
 */
export class InternalFaults {
  readonly #log: Pick<Log, 'error'>;
  readonly #now: () => number;
  readonly #unsubscribe: () => void;
  #count = 0;
  #windowStart = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #suppressed = 0;
  #programFaults = 0;
  #onUntrusted: (() => void) | undefined;

  constructor({ log, now = () => performance.now() }: InternalFaultsOptions) {
    this.#log = log;
    this.#now = now;
    this.#unsubscribe = onInternalFault((fault) => {
      this.note(fault);
    });
  }

  /** Faults since the start. */
  get count(): number {
    return this.#count;
  }

  /** Calls the listener, once, when there were too many faults of the program itself. */
  onUntrusted(listener: () => void): void {
    this.#onUntrusted = listener;
  }

  note({ what, error }: InternalFault): void {
    this.#count += 1;
    const now = this.#now();
    if (now - this.#windowStart >= WINDOW_MS) {
      if (this.#suppressed > 0) {
        this.#write(`${this.#suppressed} more internal faults were not logged`);
      }
      this.#windowStart = now;
      [this.#lines, this.#suppressed, this.#programFaults] = [0, 0, 0];
    }
    if (this.#lines < MAX_LINES) {
      this.#lines += 1;
      this.#write(`internal fault: ${what}: ${describe(error)}`);
    } else {
      this.#suppressed += 1;
    }
    if (isSystemError(error)) return;
    this.#programFaults += 1;
    if (this.#programFaults <= MAX_FAULTS) return;
    const listener = this.#onUntrusted;
    this.#onUntrusted = undefined;
    listener?.();
  }

  close(): void {
    this.#unsubscribe();
  }

  /** A log that fails must not be a fault again. */
  #write(line: string): void {
    try {
      this.#log.error(line);
    } catch {
      // The fault is counted.
    }
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? `${String(error.code)}: ` : '';
  return `${code}${error.stack ?? error.message}`;
}

/** Whether the system refused a call, as opposed to an error of the program. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
