import { setImmediate } from 'node:timers/promises';

import { errorText } from '../error-text.ts';
import type { ConfigAnswer, ConfigControl } from '../api/index.ts';
import {
  type Config,
  type ConfigChange,
  ConfigEditError,
  type ConfigEditView,
  type ConfigFile,
  changeLines,
  describeChange,
  type EditAuthor,
  type EditRequest,
  keepUnchanged,
  OverlayWriteError,
  planReload,
  type PreparedEdit,
  type RollbackRequest,
  reloadProblem,
} from '../config/index.ts';
import type { Log } from '../log/index.ts';
import { codeOf, type Reloader } from './reload.ts';

/** What {@link ConfigChanges} needs. */
export interface ConfigChangesOptions {
  readonly log: Log;
  /** Undefined where the server was not made from a file: then there are no changes. */
  readonly file: ConfigFile | undefined;
  /** A change is made between two reloads. */
  readonly reloader: Reloader;
  /** The configuration as it is now. */
  readonly config: () => Config;
  /** Makes another one the server's, wholly or not at all. */
  readonly apply: (config: Config) => Promise<readonly ConfigChange[]>;
}

/** A change that waits for its turn. */
interface WaitingChange {
  readonly request: EditRequest;
  readonly answer: (answer: ConfigAnswer) => void;
}

/** A change that is worked out, with what it alone does. */
interface WorkedOut extends WaitingChange {
  readonly id: string;
  readonly changes: readonly ConfigChange[];
}

/**
 * Changes of the configuration by the API: each is applied as a reload is, and lasts. Those that wait at the same time
 * are applied together, by one reload; each is answered for itself.
 */
export class ConfigChanges implements ConfigControl {
  readonly #options: ConfigChangesOptions;
  /** Changes that a turn will take which has not begun; undefined when there is none. */
  #waiting: WaitingChange[] | undefined;

  constructor(options: ConfigChangesOptions) {
    this.#options = options;
  }

  list(): readonly ConfigEditView[] {
    return this.#options.file?.list() ?? [];
  }

  change(request: EditRequest, dryRun: boolean): Promise<ConfigAnswer> {
    if (dryRun) return this.#inTurn('change', request.by, () => Promise.resolve(this.#try(request)));
    return new Promise((answer) => {
      const waiting = { request, answer };
      if (this.#waiting !== undefined) {
        this.#waiting.push(waiting);
        return;
      }
      const batch = [waiting];
      this.#waiting = batch;
      const made = this.#options.reloader.inTurn(() => {
        if (this.#waiting === batch) this.#waiting = undefined;
        return this.#changeAll(batch);
      });
      made.catch((error: unknown) => {
        for (const one of batch) one.answer(this.#refusal('change', one.request.by, error));
      });
    });
  }

  rollback(which: RollbackRequest, by: EditAuthor, dryRun: boolean): Promise<ConfigAnswer> {
    // Changes that are asked for from now on come after it.
    this.#waiting = undefined;
    return this.#inTurn('rollback', by, () => this.#rollback(which, by, dryRun));
  }

  get #file(): ConfigFile {
    const { file } = this.#options;
    if (file !== undefined) return file;
    const message =
      'the server was not made from a configuration file, so a change would have no place to last';
    throw new ConfigEditError('no-configuration-file', message);
  }

  /** In its turn among reloads and other changes. Never rejects. */
  #inTurn(what: string, by: EditAuthor, work: () => Promise<ConfigAnswer>): Promise<ConfigAnswer> {
    return this.#options.reloader.inTurn(async () => {
      try {
        return await work();
      } catch (error) {
        return this.#refusal(what, by, error);
      }
    });
  }

  #refusal(what: string, by: EditAuthor, error: unknown): ConfigAnswer {
    const { log } = this.#options;
    const message = errorText(error);
    const code = codeOf(error);
    if (code === undefined) log.error(error, `API: ${what} failed`);
    log.warn(`API: ${what} by ${authorText(by)} refused: ${message}`);
    return { ok: false, code: code ?? 'internal-error', message };
  }

  #try(request: EditRequest): ConfigAnswer {
    const { changes } = planOf(this.#options.config(), this.#file.edit(request));
    return { ok: true, lines: changes.flatMap(changeLines), notes: [], removed: [] };
  }

  /** Makes changes, one after the other, by one reload. Never rejects. */
  async #changeAll(waiting: readonly WaitingChange[]): Promise<void> {
    const { config } = this.#options;
    const accepted: WorkedOut[] = [];
    let last: PreparedEdit | undefined;
    let before = config();
    for (const [index, { request, answer }] of waiting.entries()) {
      // Each reads the whole configuration: others have their turn between two.
      if (index > 0) await setImmediate();
      try {
        const prepared = this.#file.edit(request, last);
        const { changes, next } = planOf(before, prepared);
        if (prepared.edit === undefined || next === before) {
          // Nothing is kept of what makes no difference.
          answer({ ok: true, lines: [], notes: [], removed: [] });
          continue;
        }
        accepted.push({ request, answer, id: prepared.edit.id, changes });
        last = prepared;
        before = next;
      } catch (error) {
        answer(this.#refusal('change', request.by, error));
      }
    }
    if (last !== undefined) await this.#makeAll(last, accepted);
  }

  async #makeAll(last: PreparedEdit, accepted: readonly WorkedOut[]): Promise<void> {
    try {
      await this.#make(last);
    } catch (error) {
      if (accepted.length === 1 || error instanceof OverlayWriteError) {
        for (const { request, answer } of accepted) answer(this.#refusal('change', request.by, error));
        return;
      }
      // One of them is what the server can't do: each for itself.
      for (const one of accepted) await this.#changeAll([one]);
      return;
    }
    const views = new Map(this.list().map((view) => [view.id, view]));
    for (const { answer, changes, id, request } of accepted) {
      this.#logMade(`change ${id}`, request.by, changes);
      answer({ ok: true, lines: changes.flatMap(changeLines), notes: [], removed: [], made: views.get(id) });
    }
  }

  async #rollback(which: RollbackRequest, by: EditAuthor, dryRun: boolean): Promise<ConfigAnswer> {
    const prepared = this.#file.rollback(which);
    const { notes, removed } = prepared;
    const { changes } = planOf(this.#options.config(), prepared);
    if (!dryRun) {
      await this.#make(prepared);
      this.#logMade(`rollback of ${removed.map(({ id }) => id).join(', ')}`, by, changes);
    }
    return { ok: true, lines: changes.flatMap(changeLines), notes, removed };
  }

  /** Brings it to the disk and makes it the server's, both or neither. */
  async #make(prepared: PreparedEdit): Promise<void> {
    const { apply, config } = this.#options;
    const before = config();
    const saved = await prepared.save();
    try {
      await apply(prepared.config);
    } catch (error) {
      await saved.discard();
      throw error;
    }
    try {
      await saved.commit();
    } catch (error) {
      await apply(before);
      throw error;
    }
    prepared.settle();
  }

  #logMade(what: string, by: EditAuthor, changes: readonly ConfigChange[]): void {
    const { log } = this.#options;
    const lines = changes.flatMap(describeChange);
    for (const line of lines) log.info(`${what} by ${authorText(by)}: ${line}`);
    if (lines.length === 0) log.info(`${what} by ${authorText(by)}: no change`);
  }
}

/** @throws ConfigEditError for what a running server can't do */
function planOf(
  before: Config,
  prepared: PreparedEdit,
): { readonly next: Config; readonly changes: readonly ConfigChange[] } {
  const next = keepUnchanged(before, prepared.config);
  const changes = planReload(before, next);
  const problem = reloadProblem(changes);
  if (problem !== undefined) throw new ConfigEditError('bad-value', problem);
  return { next, changes };
}

function authorText({ address, user }: EditAuthor): string {
  return user === undefined ? address : `${user} at ${address}`;
}
