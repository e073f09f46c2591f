import { assembleConfig } from './assemble.ts';
import { checkDirectives, requireListen } from './checks.ts';
import { environmentDirectives, overlayDirectives } from './environment.ts';
import { ConfigError, ConfigErrorCode } from './errors.ts';
import { DEFAULT_PARSE_LIMITS, SourceTexts, readConfigFile, readConfigText } from './parse/index.ts';
import type { Directive, Environment, ListDirectory, ParseLimits, ReadFile } from './parse/index.ts';
import { SectionReader, rootSection } from './sections/index.ts';
import { moveFlatSpellings } from './synonyms.ts';
import type { Config } from './types.ts';
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
 * over it, then the defaults.
 *
 * Throws ConfigError: at once for a file that can't be read or a text that breaks the grammar, otherwise
 * with all that is wrong (up to `MAX_PROBLEMS`).
 */
export function loadConfig(options: LoadConfigOptions): Config {
  const texts = new SourceTexts();
  const reader = new SectionReader(texts);
  const source = readSource(options, texts);
  const base = source.file === undefined ? withDefaultVhost(source.directives) : source.directives;
  const directives = overlayDirectives(
    moveFlatSpellings(base, reader),
    moveFlatSpellings(environmentDirectives(options.env ?? process.env, reader), reader),
  );
  if (source.file !== undefined) requireListen(directives, source.file, reader);
  const root = reader.section(rootSection, directives, { path: '', noteInactive: true });
  checkDirectives(root, directives, reader);
  reader.finish();
  if (root.vhosts.length === 0) {
    const message = `no vhost is configured, so every client is refused; add \`vhost ${DEFAULT_VHOST} { }\``;
    reader.warn(message, { file: source.file ?? 'environment', line: 0, column: 0 });
  }
  return assembleConfig(root, reader);
}
