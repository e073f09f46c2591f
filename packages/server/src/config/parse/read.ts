import { readdirSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { ConfigError, ConfigErrorCode } from '../errors.ts';
import type { Argument, Directive, Place, SourceTexts } from './directive.ts';
import { expandGlob, isGlob } from './glob.ts';
import type { ListDirectory } from './glob.ts';
import type { Environment } from './lexer.ts';
import type { ParseLimits } from './limits.ts';
import { parseDirectives } from './parser.ts';

/** Reads a whole file; throws when it can't. */
export type ReadFile = (path: string) => Uint8Array | string;

/** How files are read. */
export interface ReadOptions {
  readonly environment: Environment;
  readonly limits: ParseLimits;
  /** Gets every text that is read. */
  readonly texts: SourceTexts;
  /** Default: the file system. */
  readonly readFile?: ReadFile | undefined;
  /** Default: the file system. */
  readonly listDirectory?: ListDirectory | undefined;
  /** Where a name in an `include` is looked for that is not beside the including file; default: the process's. */
  readonly workingDirectory?: string | undefined;
}

/** Where a chain of includes has come to. */
interface Chain {
  /** Absolute paths, outermost first. */
  readonly open: readonly string[];
  /** The `include` that led here. */
  readonly place: Place | undefined;
}

class FileReader {
  readonly #options: ReadOptions;
  readonly #readFile: ReadFile;
  readonly #listDirectory: ListDirectory;
  readonly #workingDirectory: string;
  #files = 0;
  #directives = 0;

  constructor(options: ReadOptions) {
    this.#options = options;
    this.#readFile = options.readFile ?? readFileSync;
    this.#listDirectory = options.listDirectory ?? ((directory) => readdirSync(directory));
    this.#workingDirectory = options.workingDirectory ?? process.cwd();
  }

  /** @param elsewhere - the path to read when there is no file at `path` */
  file(path: string, chain: Chain, elsewhere?: string): readonly Directive[] {
    const { limits } = this.#options;
    if (chain.place !== undefined && chain.open.includes(resolve(path))) {
      const message = `\`${path}\` includes itself: ${[...chain.open, resolve(path)].join(' → ')}`;
      throw this.#problem(ConfigErrorCode.Include, message, chain.place);
    }
    this.#files += 1;
    const place = chain.place ?? { file: path, line: 0, column: 0 };
    if (this.#files > limits.maxFiles) {
      throw this.#problem(ConfigErrorCode.Limit, `more than ${limits.maxFiles} files are included`, place);
    }
    if (chain.open.length > limits.maxIncludeDepth) {
      const message = `includes are nested deeper than ${limits.maxIncludeDepth} files`;
      throw this.#problem(ConfigErrorCode.Limit, message, place);
    }
    let bytes: Uint8Array | string;
    try {
      bytes = this.#readFile(path);
    } catch (cause) {
      if (elsewhere !== undefined && isMissing(cause))
        return this.#fileElsewhere(path, elsewhere, chain, cause);
      throw this.#problem(ConfigErrorCode.File, `can't read \`${path}\`: ${reasonOf(cause)}`, place, cause);
    }
    if (bytes.length > limits.maxFileBytes) {
      const message = `\`${path}\` has ${bytes.length} bytes; a configuration file may have ${limits.maxFileBytes}`;
      throw this.#problem(ConfigErrorCode.Limit, message, place);
    }
    const { text, malformed } = decode(bytes);
    return this.text(path, text, { ...chain, open: [...chain.open, resolve(path)] }, malformed);
  }

  /** The problem of a name that is nowhere is that of the place where it was looked for first. */
  #fileElsewhere(path: string, elsewhere: string, chain: Chain, cause: unknown): readonly Directive[] {
    this.#files -= 1;
    try {
      return this.file(elsewhere, chain);
    } catch (error) {
      const isNowhere =
        error instanceof ConfigError && isMissing(error.cause) && error.file === chain.place?.file;
      if (!isNowhere) throw error;
      const message = `can't read \`${path}\`: ${reasonOf(cause)}, and none at \`${elsewhere}\``;
      throw this.#problem(ConfigErrorCode.File, message, chain.place, cause);
    }
  }

  text(file: string, text: string, chain: Chain, malformed = false): readonly Directive[] {
    const { environment, limits, texts } = this.#options;
    texts.add(file, text);
    const directives = parseDirectives(text, { file, environment, limits, malformed });
    return this.#withIncludes(directives, chain);
  }

  #withIncludes(directives: readonly Directive[], chain: Chain): readonly Directive[] {
    const expanded: Directive[] = [];
    let isSame = true;
    for (const directive of directives) {
      this.#directives += 1;
      if (this.#directives > this.#options.limits.maxDirectives) {
        const message = `more than ${this.#options.limits.maxDirectives} directives`;
        throw this.#problem(ConfigErrorCode.Limit, message, directive);
      }
      if (directive.name === 'include') {
        isSame = false;
        for (const included of this.#include(directive, chain)) expanded.push(included);
      } else if (directive.block === undefined) {
        expanded.push(directive);
      } else {
        const block = this.#withIncludes(directive.block, chain);
        if (block === directive.block) {
          expanded.push(directive);
        } else {
          isSame = false;
          expanded.push({ ...directive, block });
        }
      }
    }
    return isSame ? directives : expanded;
  }

  #include(directive: Directive, chain: Chain): readonly Directive[] {
    if (directive.block !== undefined || directive.args.length === 0) {
      const message = '`include` takes the names of files: `include conf.d/*.conf;`';
      throw this.#problem(ConfigErrorCode.Shape, message, directive);
    }
    return directive.args.flatMap((argument) => this.#includeNamed(directive, argument, chain));
  }

  /** A name is looked for beside the including file, and then, as SRS does, from the working directory. */
  #includeNamed(
    directive: Directive,
    { text: name, unset, line, column }: Argument,
    chain: Chain,
  ): readonly Directive[] {
    const place = { file: directive.file, line, column };
    const from = { ...chain, place };
    if (unset !== undefined) {
      const message = `the environment variable \`${unset.name}\` is not set: there is no file to include`;
      throw this.#problem(ConfigErrorCode.Variable, message, place);
    }
    if (isAbsolute(name) && !isGlob(name)) return this.file(name, from);
    const base = dirname(directive.file);
    if (!isGlob(name)) return this.file(join(base, name), from, this.#elsewhere(base, name));
    const beside = expandGlob(name, base, this.#listDirectory);
    const paths = beside.length > 0 ? beside : expandGlob(name, this.#workingDirectory, this.#listDirectory);
    return paths.flatMap((path) => this.file(path, from));
  }

  /** The path from the working directory; undefined where it is the one beside the including file. */
  #elsewhere(base: string, name: string): string | undefined {
    const elsewhere = resolve(this.#workingDirectory, name);
    return elsewhere === resolve(this.#workingDirectory, base, name) ? undefined : elsewhere;
  }

  #problem(code: ConfigErrorCode, message: string, place: Place, cause?: unknown): ConfigError {
    const lineText = this.#options.texts.line(place.file, place.line);
    const { file, line, column } = place;
    const problem = { code, message, file, line, column, ...(lineText === undefined ? {} : { lineText }) };
    return new ConfigError([problem], cause === undefined ? undefined : { cause });
  }
}

/** The text of a file, and whether U+FFFD stands in it for bytes that are not UTF-8: comments may have some. */
function decode(bytes: Uint8Array | string): { readonly text: string; readonly malformed: boolean } {
  if (typeof bytes === 'string') return { text: bytes.replace(/^\uFEFF/, ''), malformed: false };
  // Without `ignoreBOM` the decoder drops a byte order mark by itself.
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), malformed: false };
  } catch {
    return { text: new TextDecoder().decode(bytes), malformed: true };
  }
}

function isMissing(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a directory';
  return cause.message;
}

/** Reads and parses a file and all that it includes. Throws ConfigError at the first fault. */
export function readConfigFile(path: string, options: ReadOptions): readonly Directive[] {
  return new FileReader(options).file(path, { open: [], place: undefined });
}

/** Parses a text and reads all that it includes; relative names are relative to `file`'s directory. */
export function readConfigText(text: string, file: string, options: ReadOptions): readonly Directive[] {
  if (text.length > options.limits.maxFileBytes) {
    const message = `the text has ${text.length} characters; it may have ${options.limits.maxFileBytes}`;
    throw new ConfigError([{ code: ConfigErrorCode.Limit, message, file, line: 0, column: 0 }]);
  }
  return new FileReader(options).text(file, text.replace(/^\uFEFF/, ''), { open: [], place: undefined });
}
