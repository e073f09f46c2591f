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
  #files = 0;
  #directives = 0;

  constructor(options: ReadOptions) {
    this.#options = options;
    this.#readFile = options.readFile ?? readFileSync;
    this.#listDirectory = options.listDirectory ?? ((directory) => readdirSync(directory));
  }

  file(path: string, chain: Chain): readonly Directive[] {
    const { limits } = this.#options;
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
      throw this.#problem(ConfigErrorCode.File, `can't read \`${path}\`: ${reasonOf(cause)}`, place, cause);
    }
    if (bytes.length > limits.maxFileBytes) {
      const message = `\`${path}\` has ${bytes.length} bytes; a configuration file may have ${limits.maxFileBytes}`;
      throw this.#problem(ConfigErrorCode.Limit, message, place);
    }
    return this.text(path, this.#decode(path, bytes), { ...chain, open: [...chain.open, resolve(path)] });
  }

  text(file: string, text: string, chain: Chain): readonly Directive[] {
    const { environment, limits, texts } = this.#options;
    texts.add(file, text);
    const directives = parseDirectives(text, { file, environment, limits });
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
    return directive.args.flatMap((argument) =>
      this.#includedPaths(directive, argument).flatMap((path) => {
        const place = { file: directive.file, line: argument.line, column: argument.column };
        if (chain.open.includes(resolve(path))) {
          const message = `\`${path}\` includes itself: ${[...chain.open, resolve(path)].join(' → ')}`;
          throw this.#problem(ConfigErrorCode.Include, message, place);
        }
        return this.file(path, { ...chain, place });
      }),
    );
  }

  #includedPaths(directive: Directive, argument: Argument): readonly string[] {
    const base = dirname(directive.file);
    if (isGlob(argument.text)) return expandGlob(argument.text, base, this.#listDirectory);
    return [isAbsolute(argument.text) ? argument.text : join(base, argument.text)];
  }

  #decode(path: string, bytes: Uint8Array | string): string {
    if (typeof bytes === 'string') return bytes.replace(/^\uFEFF/, '');
    try {
      // Without `ignoreBOM` the decoder drops a byte order mark by itself.
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (cause) {
      const before = new TextDecoder().decode(bytes).split('\uFFFD', 1)[0] ?? '';
      const lines = before.split('\n');
      const place = { file: path, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
      throw this.#problem(
        ConfigErrorCode.Encoding,
        'this byte is not UTF-8; save the file as UTF-8',
        place,
        cause,
      );
    }
  }

  #problem(code: ConfigErrorCode, message: string, place: Place, cause?: unknown): ConfigError {
    const lineText = this.#options.texts.line(place.file, place.line);
    const { file, line, column } = place;
    const problem = { code, message, file, line, column, ...(lineText === undefined ? {} : { lineText }) };
    return new ConfigError([problem], cause === undefined ? undefined : { cause });
  }
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
