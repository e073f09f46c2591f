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

/** Changes of the configuration by the API: each is applied as a reload is, and lasts. */
export class ConfigChanges implements ConfigControl {
  readonly #options: ConfigChangesOptions;

  constructor(options: ConfigChangesOptions) {
    this.#options = options;
  }

  list(): readonly ConfigEditView[] {
    return this.#options.file?.list() ?? [];
  }

  change(request: EditRequest, dryRun: boolean): Promise<ConfigAnswer> {
    return this.#answer('change', request.by, () => this.#make(this.#file.edit(request), request.by, dryRun));
  }

  rollback(which: RollbackRequest, by: EditAuthor, dryRun: boolean): Promise<ConfigAnswer> {
    return this.#answer('rollback', by, () => this.#make(this.#file.rollback(which), by, dryRun));
  }

  get #file(): ConfigFile {
    const { file } = this.#options;
    if (file !== undefined) return file;
    const message =
      'the server was not made from a configuration file, so a change would have no place to last';
    throw new ConfigEditError('no-configuration-file', message);
  }

  /** In its turn among reloads and other changes. Never rejects. */
  #answer(what: string, by: EditAuthor, work: () => Promise<ConfigAnswer>): Promise<ConfigAnswer> {
    return this.#options.reloader.inTurn(async () => {
      try {
        return await work();
      } catch (error) {
        const { log } = this.#options;
        const message = error instanceof Error ? error.message : String(error);
        const code = codeOf(error);
        if (code === undefined) log.error(error, `API: ${what} failed`);
        log.warn(`API: ${what} by ${authorText(by)} refused: ${message}`);
        return { ok: false, code: code ?? 'internal-error', message };
      }
    });
  }

  async #make(prepared: PreparedEdit, by: EditAuthor, dryRun: boolean): Promise<ConfigAnswer> {
    const { apply, config, log } = this.#options;
    const before = config();
    const next = keepUnchanged(before, prepared.config);
    const changes = planReload(before, next);
    const lines = changes.flatMap(changeLines);
    const { edit, notes, removed } = prepared;
    const answer = { ok: true, lines, notes, removed } as const;
    const problem = reloadProblem(changes);
    if (problem !== undefined) throw new ConfigEditError('bad-value', problem);
    // Nothing is kept of what makes no difference.
    const isIdle = edit !== undefined && next === before;
    if (isIdle || dryRun) return answer;
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
    const what =
      edit === undefined ? `rollback of ${removed.map(({ id }) => id).join(', ')}` : `change ${edit.id}`;
    const told = changes.flatMap(describeChange);
    for (const line of told) log.info(`${what} by ${authorText(by)}: ${line}`);
    if (told.length === 0) log.info(`${what} by ${authorText(by)}: nothing is otherwise by it now`);
    return { ...answer, made: this.list().find(({ id }) => id === edit?.id) };
  }
}

function authorText({ address, user }: EditAuthor): string {
  return user === undefined ? address : `${user} at ${address}`;
}
