import { errorText } from '../error-text.ts';
import { type Config, ConfigError, type ConfigChange, describeChange } from '../config/index.ts';
import type { Log } from '../log/index.ts';

/** Most changes that the log tells one by one. */
const MAX_LOGGED_CHANGES = 100;

/** Why a reload was refused, besides what is wrong with the configuration itself (`ConfigErrorCode`). */
export type ReloadErrorCode =
  /** A vhost can't turn from an origin to an edge, or back (SRS's error 2023). */
  | 'vhost-mode-changed'
  /** The server was not made from a file. */
  | 'no-configuration-file'
  /** The server is not started yet, or it stops. */
  | 'not-running';

/** The configuration can't be taken by a running server; nothing has changed. */
export class ReloadError extends Error {
  override readonly name = 'ReloadError';
  readonly code: ReloadErrorCode;

  constructor(code: ReloadErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** How a reload ended. One that is refused has changed nothing. */
export type ReloadResult =
  | { readonly ok: true; readonly changes: readonly ConfigChange[]; readonly durationMs: number }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** What {@link Reloader} needs. */
export interface ReloaderOptions {
  readonly log: Log;
  /** Reads and checks the configuration anew. Throws ConfigError. */
  readonly load: () => Config;
  /** Makes it the server's, wholly or not at all. */
  readonly apply: (config: Config) => Promise<readonly ConfigChange[]>;
  /** Told of what `load` gave once it is the server's. */
  readonly onReloaded?: ((config: Config) => void) | undefined;
}

/**
 * Reads the configuration again when somebody asks (C004), and says in the log what came of it. There is one reload
 * at a time; those who ask meanwhile share the one that follows.
 */
export class Reloader {
  readonly #options: ReloaderOptions;
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<ReloadResult> | undefined;

  constructor(options: ReloaderOptions) {
    this.#options = options;
  }

  /**
   * Reloads, or joins a reload that has not begun to read yet. Never rejects.
   *
   * @param reason - who asks, for the log: `SIGHUP`
   */
  reload(reason: string): Promise<ReloadResult> {
    if (this.#next !== undefined) return this.#next;
    const next = this.inTurn(() => {
      this.#next = undefined;
      return this.#reload(reason);
    });
    this.#next = next;
    return next;
  }

  /** Does something after what is under way, and before any reload that is asked for later. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#running.then(work);
    this.#running = done.catch(() => undefined);
    return done;
  }

  async #reload(reason: string): Promise<ReloadResult> {
    const { log, load, apply, onReloaded } = this.#options;
    const startedAt = performance.now();
    try {
      const config = load();
      const changes = await apply(config);
      onReloaded?.(config);
      const durationMs = performance.now() - startedAt;
      for (const { message } of config.warnings) log.warn(`reload: ${message}`);
      const lines = changes.flatMap(describeChange);
      for (const line of lines.slice(0, MAX_LOGGED_CHANGES)) log.info(`reload: ${line}`);
      const more = lines.length - MAX_LOGGED_CHANGES;
      if (more > 0) log.info(`reload: and ${more} more`);
      log.info(`${reason}: configuration reloaded, ${lines.length} changes, ${Math.round(durationMs)} ms`);
      return { ok: true, changes, durationMs };
    } catch (error) {
      const message = errorText(error);
      const code = codeOf(error);
      if (code === undefined) log.error(error, `${reason}: reload failed`);
      // A problem of the file is told with the line it stands in, which one line of a log has no room for.
      for (const line of message.split('\n')) log.error(`${reason}: not reloaded: ${line}`);
      return { ok: false, code: code ?? 'internal-error', message };
    }
  }
}

/** The stable code of an error that is somebody's to mend; undefined for a fault of ours. */
export function codeOf(error: unknown): string | undefined {
  if (error instanceof ConfigError) return error.code;
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
