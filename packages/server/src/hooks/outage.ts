/** The part of a log that this room writes to. */
export interface HookLog {
  warn(message: string): void;
  info(message: string): void;
}

/** Says once that something fails or fails otherwise, and once that it works again, however often it is met. */
export class Outage {
  readonly #log: HookLog;
  readonly #what: string;
  #kind: string | undefined;
  #since = 0;
  #count = 0;

  /** @param what - what fails, e.g. `on_dvr http://127.0.0.1:8085/api/v1/dvrs` */
  constructor(log: HookLog, what: string) {
    this.#log = log;
    this.#what = what;
  }

  /** Whether it fails at present. */
  get lasts(): boolean {
    return this.#kind !== undefined;
  }

  /** @param kind - what sort of failure it is: the same one is not said again */
  raise(kind: string, message: string): void {
    if (this.#kind === undefined) {
      this.#since = performance.now();
      this.#count = 0;
    }
    this.#count += 1;
    if (this.#kind === kind) return;
    this.#kind = kind;
    this.#log.warn(`${this.#what}: ${message}`);
  }

  clear(): void {
    if (this.#kind === undefined) return;
    this.#kind = undefined;
    const seconds = ((performance.now() - this.#since) / 1000).toFixed(1);
    this.#log.info(`${this.#what}: works again after ${seconds} s and ${this.#count} failures`);
  }
}

/** The least time between two complaints, ms. */
const COMPLAINT_INTERVAL_MS = 60_000;

/** Says that single things went wrong: the first one, and then how many there were, once a minute at most. */
export class Complaints {
  readonly #log: HookLog;
  readonly #what: string;
  #saidAt = -Infinity;
  #unsaid = 0;

  /** @param what - what they are about, e.g. `callback http://127.0.0.1:8085/api/v1/dvrs` */
  constructor(log: HookLog, what: string) {
    this.#log = log;
    this.#what = what;
  }

  say(message: string): void {
    const now = performance.now();
    if (now - this.#saidAt < COMPLAINT_INTERVAL_MS) {
      this.#unsaid += 1;
      return;
    }
    const more = this.#unsaid === 0 ? '' : ` (and ${this.#unsaid} times before)`;
    this.#log.warn(`${this.#what}: ${message}${more}`);
    this.#saidAt = now;
    this.#unsaid = 0;
  }
}
