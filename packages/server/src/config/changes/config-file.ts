import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { ConfigError } from '../errors.ts';
import { type LoadConfigOptions, readConfig } from '../load.ts';
import type { Environment, ListDirectory, ReadFile } from '../parse/index.ts';
import type { Config } from '../types.ts';
import { applyEdits, writtenBefore } from './apply.ts';
import type { ConfigEdit, EditAuthor, EditedSetting } from './edit.ts';
import {
  formatOverlay,
  MAX_EDITS,
  MAX_SETTINGS,
  NO_OVERLAY,
  type Overlay,
  overlayPath,
  parseOverlay,
  type PreparedFile,
  prepareFile,
  readOverlayText,
} from './overlay-file.ts';
import { findSetting, SettingError, settingValue } from './settings.ts';

/** Why a change is not made, besides what is wrong with a setting. The codes are stable. */
export type ConfigEditErrorCode =
  /** The configuration is not from a file: there is nothing that changes could go over. */
  | 'no-configuration-file'
  /** The file of the changes is another one than was read. */
  | 'changed-by-hand'
  | 'too-many-changes'
  | 'unknown-change'
  /** A value that its directive doesn't take, or that others rule out. */
  | 'bad-value'
  | 'nothing-to-change';

/** A change that can't be made; nothing has changed. */
export class ConfigEditError extends Error {
  override readonly name = 'ConfigEditError';
  readonly code: ConfigEditErrorCode;

  constructor(code: ConfigEditErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What somebody wants to be otherwise. */
export interface EditRequest {
  /** The vhost's name; absent for the root. */
  readonly vhost?: string | undefined;
  /** Values as JSON has them by the dotted names of directives. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly by: EditAuthor;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Which changes are taken back: one; those that were made after one; all. */
export type RollbackRequest = { readonly id: string } | { readonly after: string } | { readonly all: true };

/** A change as people ask for it. */
export interface ConfigEditView {
  readonly id: string;
  readonly at: string;
  readonly by: EditAuthor;
  readonly vhost: string | undefined;
  readonly settings: readonly (EditedSetting & {
    readonly directive: string;
    /** The later change that sets the same directive, and so counts instead. */
    readonly overriddenBy: string | undefined;
  })[];
  /** Why it is left out, such as a vhost that is gone; undefined when it counts. */
  readonly problem: string | undefined;
}

/** A change that is worked out and not made yet. */
export interface PreparedEdit {
  /** What the server's configuration would be. */
  readonly config: Config;
  /** The change; undefined when nothing would be otherwise, or changes are taken back. */
  readonly edit: ConfigEdit | undefined;
  /** All changes, with this one. */
  readonly overlay: Overlay;
  /** Changes that would be taken back. */
  readonly removed: readonly ConfigEditView[];
  /** What people should know of it. */
  readonly notes: readonly string[];
  /** Brings it to the disk, still without effect. Throws OverlayWriteError. */
  save(): Promise<PreparedFile>;
  /** The configuration is the server's now, and the file has its name. */
  settle(): void;
}

/** All that one reading of the configuration has found. */
interface Reading {
  readonly file: string;
  readonly readFile: ReadFile;
  readonly listDirectory: ListDirectory;
  readonly overlay: Overlay;
  /** Undefined when there is no such file. */
  readonly overlayText: string | undefined;
  readonly unfit: ReadonlyMap<string, SettingError>;
  /** All that was read, absolute. */
  readonly files: readonly string[];
}

/** Where a configuration is read from, see `LoadConfigOptions`. */
export type ConfigFileOptions = Pick<LoadConfigOptions, 'file' | 'env' | 'environmentOnly'>;

/**
 * A configuration file with the changes by the API over it.
 *
 * A change goes over the texts that the server runs with, which are kept for that: what somebody writes into the file
 * meanwhile has to wait for a reload.
 */
export class ConfigFile {
  readonly #options: ConfigFileOptions;
  /** Undefined when everything comes from the environment. */
  readonly #file: string | undefined;
  /** The server may change its directory. */
  readonly #workingDirectory = process.cwd();
  readonly #readings = new WeakMap<Config, Reading>();
  #current: Reading | undefined;

  constructor(options: ConfigFileOptions) {
    const env: Environment = options.env ?? process.env;
    const environmentOnly = options.environmentOnly ?? env['SRS_ENV_ONLY'] === 'on';
    this.#options = { ...options, env };
    const file = options.file ?? env['SRS_CONFIG_FILE'];
    // The server may change its directory.
    this.#file = environmentOnly || file === undefined || file === '' ? undefined : resolve(file);
  }

  /** Where the changes are kept; undefined when there is no configuration file. */
  get changesFile(): string | undefined {
    return this.#file === undefined ? undefined : overlayPath(this.#file);
  }

  /** The files that the server's configuration is made of, includes and changes too; absolute. */
  get files(): readonly string[] {
    const read = this.#current?.files ?? (this.#file === undefined ? [] : [this.#file]);
    return this.changesFile === undefined ? read : [...read, this.changesFile];
  }

  /**
   * Reads everything anew. The first configuration that is read is taken for the server's.
   *
   * @throws ConfigError
   */
  load(): Config {
    if (this.#file === undefined) return readConfig(this.#options).config;
    // Its problems name the file as the user did.
    const file = this.#current === undefined ? (this.#options.file ?? this.#file) : this.#file;
    const texts = new Map<string, Uint8Array | string>();
    const lists = new Map<string, readonly string[]>();
    const overlayFile = overlayPath(this.#file);
    const overlayText = readOverlayText(overlayFile);
    const overlay = overlayText === undefined ? NO_OVERLAY : parseOverlay(overlayFile, overlayText);
    const { config, unfit } = readConfig({
      ...this.#options,
      workingDirectory: this.#workingDirectory,
      file,
      changes: { file: overlayFile, edits: overlay.edits },
      readFile: (path) => {
        const bytes = readFileSync(path);
        texts.set(path, bytes);
        return bytes;
      },
      listDirectory: (path) => {
        const names = readdirSync(path);
        lists.set(path, names);
        return names;
      },
    });
    const reading: Reading = {
      file,
      overlay,
      overlayText,
      unfit,
      files: [this.#file, ...[...texts.keys()].map((path) => resolve(path))],
      readFile: (path) => kept(texts, path),
      listDirectory: (path) => kept(lists, path),
    };
    this.#readings.set(config, reading);
    this.#current ??= reading;
    return config;
  }

  /** A configuration of `load` is the server's now. */
  accept(config: Config): void {
    this.#current = this.#readings.get(config) ?? this.#current;
  }

  /** The changes, the newest first. */
  list(): ConfigEditView[] {
    return this.#current === undefined ? [] : viewsOf(this.#current.overlay.edits, this.#current.unfit);
  }

  /**
   * Works out a change; nothing is changed yet.
   *
   * @param earlier - a change that is worked out and will be made together with this one
   * @throws ConfigEditError, SettingError
   */
  edit({ at, by, settings: given, vhost }: EditRequest, earlier?: PreparedEdit): PreparedEdit {
    const reading = this.#unspoilt();
    const { edits, nextId } = earlier?.overlay ?? reading.overlay;
    const entries = Object.entries(given);
    if (entries.length === 0) {
      throw new ConfigEditError('nothing-to-change', 'no setting is named: wanted {"play.gop_cache": false}');
    }
    if (edits.length >= MAX_EDITS || entries.length > MAX_SETTINGS) {
      const message =
        `at most ${MAX_EDITS} changes of ${MAX_SETTINGS} settings are kept: write what is to last into ` +
        `${reading.file}, and roll the changes back`;
      throw new ConfigEditError('too-many-changes', message);
    }
    const scope = vhost === undefined ? 'root' : 'vhost';
    const settings: Record<string, EditedSetting> = {};
    const found = entries.map(([name, value]) => {
      const setting = findSetting(scope, name);
      if (Object.hasOwn(settings, setting.name)) {
        throw new SettingError('bad-value', `\`${setting.name}\` is given twice`);
      }
      settings[setting.name] = { value: settingValue(setting, value), before: null };
      return setting;
    });
    const draft: ConfigEdit = {
      id: String(nextId),
      at: new Date(at).toISOString(),
      by,
      ...(vhost === undefined ? {} : { vhost }),
      settings,
    };
    const made = this.#read(reading, [...edits, draft]);
    const problem = made.unfit.get(draft.id);
    if (problem !== undefined) throw problem;
    const before = applyEdits(made.directives, edits, '').directives;
    for (const setting of found) {
      const { value } = settings[setting.name] ?? { value: null };
      settings[setting.name] = { value, before: writtenBefore(before, vhost, setting) };
    }
    return this.#prepared(reading, made, { edits: [...edits, draft], nextId: nextId + 1 }, { edit: draft });
  }

  /**
   * Works out how it would be had some changes never been made; those that came later stay.
   *
   * @throws ConfigEditError
   */
  rollback(which: RollbackRequest): PreparedEdit {
    const reading = this.#unspoilt();
    const { edits, nextId } = reading.overlay;
    const isGone = selector(which, edits);
    const left = edits.filter((edit) => !isGone(edit));
    const removed = viewsOf(edits, reading.unfit).filter(({ id }) => !left.some((edit) => edit.id === id));
    const notes = removed.flatMap(({ id, settings, vhost }) =>
      settings.flatMap(({ directive, overriddenBy }) =>
        overriddenBy !== undefined && left.some((edit) => edit.id === overriddenBy)
          ? [
              `${vhost === undefined ? '' : `vhost ${vhost}: `}${directive} is as change ${overriddenBy} has it, ` +
                `with or without change ${id}`,
            ]
          : [],
      ),
    );
    return this.#prepared(reading, this.#read(reading, left), { edits: left, nextId }, { removed, notes });
  }

  /** What the server runs with, unless somebody has changed the list of changes meanwhile. */
  #unspoilt(): Reading {
    const reading = this.#current;
    const path = this.changesFile;
    if (reading === undefined || path === undefined) {
      const message =
        'the server was not made from a configuration file, so a change would have no place to last';
      throw new ConfigEditError('no-configuration-file', message);
    }
    if (readOverlayText(path) !== reading.overlayText) {
      const message = `${path} was changed by hand since it was read: reload first`;
      throw new ConfigEditError('changed-by-hand', message);
    }
    return reading;
  }

  #read(reading: Reading, edits: readonly ConfigEdit[]): ReturnType<typeof readConfig> {
    const { file, listDirectory, readFile } = reading;
    const changes = { file: this.changesFile ?? '', edits };
    try {
      const workingDirectory = this.#workingDirectory;
      return readConfig({ ...this.#options, workingDirectory, file, readFile, listDirectory, changes });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new ConfigEditError('bad-value', error.problems.map(plainMessage).join('; '), { cause: error });
    }
  }

  #prepared(
    reading: Reading,
    { config, unfit }: ReturnType<typeof readConfig>,
    overlay: Overlay,
    what: Partial<Pick<PreparedEdit, 'edit' | 'removed' | 'notes'>>,
  ): PreparedEdit {
    const path = this.changesFile ?? '';
    const overlayText = formatOverlay(path, overlay);
    return {
      config,
      overlay,
      edit: what.edit,
      removed: what.removed ?? [],
      notes: what.notes ?? [],
      save: () => prepareFile(path, overlayText),
      settle: () => {
        this.#current = { ...reading, overlay, overlayText, unfit };
      },
    };
  }
}

function kept<Value>(values: ReadonlyMap<string, Value>, path: string): Value {
  const value = values.get(path);
  if (value === undefined) {
    throw Object.assign(new Error('it was not there when the configuration was read'), { code: 'ENOENT' });
  }
  return value;
}

/** Without the number of the change, which nobody knows yet. */
function plainMessage({ message }: { readonly message: string }): string {
  return message.replace(/^change \d+ \([^)]*\): /, '');
}

function selector(which: RollbackRequest, edits: readonly ConfigEdit[]): (edit: ConfigEdit) => boolean {
  if ('all' in which) return () => true;
  const id = 'id' in which ? which.id : which.after;
  if (!edits.some((edit) => edit.id === id)) {
    throw new ConfigEditError('unknown-change', `there is no change ${id}`);
  }
  return 'id' in which ? (edit) => edit.id === id : (edit) => Number(edit.id) > Number(id);
}

function viewsOf(edits: readonly ConfigEdit[], unfit: ReadonlyMap<string, SettingError>): ConfigEditView[] {
  const views: ConfigEditView[] = [];
  const latest = new Map<string, string>();
  for (const { id, at, by, settings, vhost } of edits.toReversed()) {
    const problem = unfit.get(id)?.message;
    const shown = Object.entries(settings).map(([directive, setting]) => {
      const key = `${vhost ?? ''}\n${directive}`;
      const overriddenBy = latest.get(key);
      if (problem === undefined && overriddenBy === undefined) latest.set(key, id);
      return { directive, ...shownSetting(vhost, directive, setting), overriddenBy };
    });
    views.push({ id, at, by, vhost, settings: shown, problem });
  }
  return views;
}

function shownSetting(vhost: string | undefined, directive: string, setting: EditedSetting): EditedSetting {
  const { value } = setting;
  return value !== null && isSecretSetting(vhost, directive) ? { ...setting, value: '(secret)' } : setting;
}

function isSecretSetting(vhost: string | undefined, directive: string): boolean {
  try {
    return findSetting(vhost === undefined ? 'root' : 'vhost', directive).secret;
  } catch {
    // One that another version knew: it may well have been a secret.
    return true;
  }
}
