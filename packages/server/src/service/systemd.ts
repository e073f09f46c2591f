import { execFile } from 'node:child_process';

import type { Log } from '../log/index.ts';

/** How long systemd's command may take, ms. */
const COMMAND_TIMEOUT_MS = 5_000;
/** How often systemd hears of us within the time after which it would restart us. */
const PINGS_PER_WATCHDOG = 2;

/** Tells systemd the words, such as `READY=1`; fulfilled when they are there, rejected when they can't be told. */
export type Tell = (words: readonly string[]) => Promise<void>;

/** What {@link createServiceManager} needs; only `log` has no default. */
export interface ServiceManagerOptions {
  readonly log: Log;
  /** Default: of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: of the process. */
  readonly pid?: number;
  /** Default: the command systemd-notify, since Node has no datagram sockets of the Unix kind. */
  readonly tell?: Tell;
}

/** The service manager that has started the process, if any: it is told how the service is. */
export interface ServiceManager {
  /** The service serves; from now on the watchdog, where the unit asks for it, is told that it lives. */
  ready(status: string): void;
  /** The service is about to stop. */
  stopping(status: string): void;
  /** Ends what {@link ready} began. */
  close(): void;
}

/** systemd, when it waits for word of this process (`Type=notify`); otherwise nobody. */
export function createServiceManager(options: ServiceManagerOptions): ServiceManager {
  const { env = process.env, pid = process.pid, log, tell = tellByCommand } = options;
  if (env['NOTIFY_SOCKET'] === undefined || env['NOTIFY_SOCKET'] === '') return nobody;
  return new Systemd(tell, log, watchdogInterval(env, pid));
}

const nobody: ServiceManager = { ready: () => {}, stopping: () => {}, close: () => {} };

class Systemd implements ServiceManager {
  readonly #tell: Tell;
  readonly #log: Log;
  readonly #intervalMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;
  #failed = false;

  constructor(tell: Tell, log: Log, intervalMs: number | undefined) {
    this.#tell = tell;
    this.#log = log;
    this.#intervalMs = intervalMs;
  }

  ready(status: string): void {
    this.#say('READY=1', `STATUS=${status}`);
    if (this.#intervalMs === undefined) return;
    // The timer is the point: it comes only while the event loop turns.
    this.#timer ??= setInterval(() => {
      if (!this.#busy) this.#say('WATCHDOG=1');
    }, this.#intervalMs);
    this.#timer.unref();
  }

  stopping(status: string): void {
    this.#say('STOPPING=1', `STATUS=${status}`);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #say(...words: readonly string[]): void {
    this.#busy = true;
    this.#tell(words)
      .catch((error: unknown) => {
        if (!this.#failed) this.#log.warn(error, 'systemd is not told how the service is');
        this.#failed = true;
      })
      .finally(() => {
        this.#busy = false;
      });
  }
}

/** How often the watchdog is to be told, ms; undefined when there is none for this process. */
function watchdogInterval(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const microseconds = Number(env['WATCHDOG_USEC'] ?? '');
  if (!Number.isSafeInteger(microseconds) || microseconds <= 0) return undefined;
  const watched = env['WATCHDOG_PID'];
  if (watched !== undefined && watched !== String(pid)) return undefined;
  return Math.max(1, Math.floor(microseconds / 1000 / PINGS_PER_WATCHDOG));
}

async function tellByCommand(words: readonly string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    execFile('systemd-notify', [...words], { timeout: COMMAND_TIMEOUT_MS }, (error) => {
      if (error === null) resolve();
      else reject(new Error(error.message, { cause: error }));
    });
  });
}
