import { assembleConfig } from './assemble.ts';
import { applyEdits, urlsByApi } from './changes/apply.ts';
import type { ConfigEdit } from './changes/edit.ts';
import type { SettingError } from './changes/settings.ts';
import { checkDirectives, requireListen } from './checks.ts';
import { environmentDirectives, overlayDirectives } from './environment.ts';
import { ConfigError, ConfigErrorCode } from './errors.ts';
import { DEFAULT_PARSE_LIMITS, SourceTexts, readConfigFile, readConfigText } from './parse/index.ts';
import type { Directive, Environment, ListDirectory, ParseLimits, ReadFile } from './parse/index.ts';
import { endDirectives } from './missing-semicolons.ts';
import { SectionReader, rootSection } from './sections/index.ts';
import { moveFlatSpellings } from './synonyms.ts';
import type { Config } from './types.ts';
import { settleUnsetVariables } from './unset-variables.ts';
import { DEFAULT_VHOST } from './vhost-names.ts';

/** Where a configuration comes from. */
export interface LoadConfigOptions {
  /** The file; default: `SRS_CONFIG_FILE` of the environment. */
  readonly file?: string | undefined;
  /** The text itself, rather than a file; `file` then names it in messages and includes. */
  readonly text?: string | undefined;
  /** Variables that `$NAME` is expanded from, and `SRS_…` that go over the file. Default: `process.env`. */
  readonly env?: Environment | undefined;
  /** Take everything from the environment and read no file; default: whether `SRS_ENV_ONLY` is `on`. */
  readonly environmentOnly?: boolean | undefined;
  readonly limits?: Partial<ParseLimits> | undefined;
  /** Default: the file system. */
  readonly readFile?: ReadFile | undefined;
  /** For `include` with a pattern; default: the file system. */
  readonly listDirectory?: ListDirectory | undefined;
  /** Where a name in an `include` is looked for that is not beside the including file; default: the process's. */
  readonly workingDirectory?: string | undefined;
  /** Changes by the API, which go over file and environment. Default: none. */
  readonly changes?: EditedConfig | undefined;
}

/** Changes by the API, oldest first, and the file that they stand in. */
export interface EditedConfig {
  readonly file: string;
  readonly edits: readonly ConfigEdit[];
}

/** A configuration, and what it was made of. */
export interface ReadConfig {
  readonly config: Config;
  /** Of the file and the environment, in blocks, without the changes by the API. */
  readonly directives: readonly Directive[];
  /** Changes that don't fit any more, by their ids, with what is wrong: they are left out. */
  readonly unfit: ReadonlyMap<string, SettingError>;
}

const TEXT_NAME = 'configuration';

interface Source {
  readonly directives: readonly Directive[];
  /** Undefined when there is no file. */
  readonly file: string | undefined;
}

function readSource(options: LoadConfigOptions, texts: SourceTexts): Source {
  const { env = process.env, text } = options;
  const environmentOnly = options.environmentOnly ?? env['SRS_ENV_ONLY'] === 'on';
  if (environmentOnly && text === undefined) return { directives: [], file: undefined };
  const read = {
    environment: env,
    limits: { ...DEFAULT_PARSE_LIMITS, ...options.limits },
    texts,
    readFile: options.readFile,
    listDirectory: options.listDirectory,
    workingDirectory: options.workingDirectory,
  };
  const file = options.file ?? env['SRS_CONFIG_FILE'];
  if (text !== undefined) {
    return { directives: readConfigText(text, file ?? TEXT_NAME, read), file: file ?? TEXT_NAME };
  }
  if (file === undefined || file === '') {
    const message = 'no configuration file is named: use `-c FILE`, or `-e` to take all from the environment';
    throw new ConfigError([
      { code: ConfigErrorCode.File, message, file: 'configuration', line: 0, column: 0 },
    ]);
  }
  return { directives: readConfigFile(file, read), file };
}

/** With the environment alone there is always a default vhost. */
function withDefaultVhost(directives: readonly Directive[]): readonly Directive[] {
  const place = { file: 'environment', line: 0, column: 0 };
  const label = { text: DEFAULT_VHOST, line: 0, column: 0, quoted: false };
  return [...directives, { ...place, name: 'vhost', args: [label], block: [] }];
}

/**
 * Reads and validates a configuration: the file (or text) with its includes, then the environment's `SRS_…`
 * over it, then the changes by the API, then the defaults.
 *
 * Throws ConfigError: at once for a file that can't be read or a text that breaks the grammar, otherwise
 * with all that is wrong (up to `MAX_PROBLEMS`).
 */
export function loadConfig(options: LoadConfigOptions): Config {
  return readConfig(options).config;
}

/** As {@link loadConfig}; tells what the configuration was made of, too. */
export function readConfig(options: LoadConfigOptions): ReadConfig {
  const texts = new SourceTexts();
  const reader = new SectionReader(texts);
  const source = readSource(options, texts);
  const base =
    source.file === undefined
      ? withDefaultVhost(source.directives)
      : endDirectives(source.directives, rootSection, reader);
  const written = overlayDirectives(
    moveFlatSpellings(base, reader),
    moveFlatSpellings(environmentDirectives(options.env ?? process.env, reader), reader),
  );
  const directives = settleUnsetVariables(written, rootSection, reader);
  const { changes } = options;
  const edited = applyEdits(directives, changes?.edits ?? [], changes?.file ?? '');
  for (const [id, problem] of edited.unfit) {
    const message = `change ${id} of ${changes?.file ?? ''} is left out: ${problem.message}`;
    reader.warn(message, { file: changes?.file ?? '', line: 0, column: 0 });
  }
  if (source.file !== undefined) requireListen([...written, ...edited.directives], source.file, reader);
  const root = reader.section(rootSection, edited.directives, { path: '', noteInactive: true });
  checkDirectives(root, edited.directives, reader);
  reader.finish();
  if (root.vhosts.length === 0) {
    const message = `no vhost is configured, so every client is refused; add \`vhost ${DEFAULT_VHOST} { }\``;
    reader.warn(message, { file: source.file ?? 'environment', line: 0, column: 0 });
  }
  const urls = urlsByApi(changes?.edits ?? [], directives);
  return { config: assembleConfig(root, reader, urls), directives, unfit: edited.unfit };
}
