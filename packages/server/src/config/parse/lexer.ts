import { ConfigError, ConfigErrorCode } from '../errors.ts';

/** The environment that `$NAME` is expanded from. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** An environment variable that a word names and that is not set. */
export interface UnsetVariable {
  readonly name: string;
  /** Whether the word is nothing else. */
  readonly whole: boolean;
}

export type TokenKind = 'word' | ';' | '{' | '}' | 'end';

/** A word, a mark or the end of the text; `line` and `column` are 1-based. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly quoted: boolean;
  /** The first variable of the word that is not set; the word has it as it is written. */
  readonly unset?: UnsetVariable;
  readonly line: number;
  readonly column: number;
}

/** How a text is cut. */
export interface LexerOptions {
  /** The name that places carry. */
  readonly file: string;
  /** What `$NAME` is expanded from. */
  readonly environment: Environment;
  /** Whether U+FFFD stands for bytes that are not UTF-8; false unless given. */
  readonly malformed?: boolean | undefined;
}

/** What a decoder puts in the place of bytes that are not UTF-8. */
const REPLACEMENT = '\uFFFD';
const NAME_START = /[A-Za-z_]/;
const NAME_PART = /[A-Za-z0-9_]/;
/** Marks that end a bare word, and those that a backslash makes ordinary in one. */
const WORD_END = new Set([' ', '\t', '\r', '\n', ';', '{', '}']);
const BARE_ESCAPES = new Set([' ', '\t', ';', '{', '}', '#', '$', '"', "'", '\\']);
const QUOTED_ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  $: '$',
  '\\': '\\',
};
const SINGLE_ESCAPES: Readonly<Record<string, string>> = { "'": "'", '\\': '\\' };

/** Letters, digits and the marks of paths, URLs and templates: nothing that a bare word treats in a way of its own. */
function isPlain(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x2a && code <= 0x3a) ||
    (code >= 0x3d && code <= 0x5b) ||
    code === 0x5d ||
    code === 0x5f
  );
}

/**
 * Cuts a configuration text into words and marks (C001).
 *
 * - `#` at the start of a word begins a comment up to the end of the line.
 * - `"…"` may hold spaces, `;`, braces and line breaks; `\n \r \t \" \$ \\` are escapes, and variables are
 *   expanded. `'…'` is literal: only `\'` and `\\` are escapes, and `$` is an ordinary character.
 * - Elsewhere a backslash takes the meaning from the mark after it (`\;`, `\$`, `\ ` …).
 * - A backslash before anything else stands for itself, so that ffmpeg's filters need no doubling.
 * - `$NAME` and `${NAME}` are expanded. A variable that is not set stays as it is written, and the token says so; a
 *   `$` that no name follows stands for itself.
 * - Comments may be in any encoding: bytes that are not UTF-8 are refused outside of them (`malformed`).
 */
export class Lexer {
  readonly #text: string;
  readonly #file: string;
  readonly #environment: Environment;
  readonly #malformed: boolean;
  #unset: { readonly name: string; readonly text: string } | undefined;
  #offset = 0;
  #line = 1;
  #lineStart = 0;

  constructor(text: string, options: LexerOptions) {
    this.#text = text;
    this.#malformed = options.malformed === true;
    this.#file = options.file;
    this.#environment = options.environment;
  }

  /** The next token; `end` again and again once the text is over. Throws ConfigError. */
  next(): Token {
    this.#skipBlanks();
    const line = this.#line;
    const column = this.#column();
    const first = this.#text[this.#offset];
    if (first === undefined) return { kind: 'end', text: '', quoted: false, line, column };
    if (first === ';' || first === '{' || first === '}') {
      this.#offset += 1;
      return { kind: first, text: first, quoted: false, line, column };
    }
    const quoted = first === '"' || first === "'";
    this.#unset = undefined;
    const text = quoted ? this.#quotedWord(first) : this.#bareWord();
    const word: Token = { kind: 'word', text, quoted, line, column };
    const unset = this.#unsetVariable();
    return unset === undefined ? word : { ...word, unset: { name: unset.name, whole: unset.text === text } };
  }

  /** A problem at a place of this text. */
  fail(
    message: string,
    at: { readonly line: number; readonly column: number },
    code?: ConfigErrorCode,
  ): ConfigError {
    const lineText = this.#text.split(/\r?\n/, at.line)[at.line - 1];
    return new ConfigError([
      {
        code: code ?? ConfigErrorCode.Syntax,
        message,
        file: this.#file,
        line: at.line,
        column: at.column,
        ...(lineText === undefined ? {} : { lineText }),
      },
    ]);
  }

  #column(): number {
    return this.#offset - this.#lineStart + 1;
  }

  #advance(): void {
    if (this.#text[this.#offset] === '\n') {
      this.#line += 1;
      this.#lineStart = this.#offset + 1;
    }
    this.#offset += 1;
  }

  #skipBlanks(): void {
    for (;;) {
      const character = this.#text[this.#offset];
      if (character === '#') {
        const end = this.#text.indexOf('\n', this.#offset);
        this.#offset = end < 0 ? this.#text.length : end;
      } else if (character === ' ' || character === '\t' || character === '\r' || character === '\n') {
        this.#advance();
      } else {
        return;
      }
    }
  }

  #quotedWord(quote: '"' | "'"): string {
    const start = { line: this.#line, column: this.#column() };
    const escapes = quote === '"' ? QUOTED_ESCAPES : SINGLE_ESCAPES;
    this.#offset += 1;
    let word = '';
    for (;;) {
      const character = this.#text[this.#offset];
      if (character === undefined) {
        throw this.fail(`the quote that starts here is never closed; add a ${quote} at its end`, start);
      }
      if (character === quote) break;
      const following = this.#text[this.#offset + 1] ?? '';
      if (character === '\\' && Object.hasOwn(escapes, following)) {
        word += escapes[following] ?? '';
        this.#offset += 2;
      } else if (character === '$' && quote === '"') {
        word += this.#variable(quote);
      } else {
        word += this.#ordinary(character);
      }
    }
    this.#offset += 1;
    const following = this.#text[this.#offset];
    if (following !== undefined && !WORD_END.has(following)) {
      const at = { line: this.#line, column: this.#column() };
      throw this.fail(`expected a space or \`;\` after the closing quote, not \`${following}\``, at);
    }
    return word;
  }

  #bareWord(): string {
    let word = this.#plainRun();
    for (;;) {
      const character = this.#text[this.#offset];
      if (character === undefined || WORD_END.has(character)) return word;
      const following = this.#text[this.#offset + 1] ?? '';
      if (character === '\\' && BARE_ESCAPES.has(following)) {
        word += following;
        this.#offset += 2;
      } else if (character === '$') {
        word += this.#variable();
      } else {
        word += this.#ordinary(character);
      }
    }
  }

  /** What stands for itself from the offset on, as one piece of the text; most words are nothing else. */
  #plainRun(): string {
    const start = this.#offset;
    let end = start;
    while (isPlain(this.#text.charCodeAt(end))) end += 1;
    this.#offset = end;
    return this.#text.slice(start, end);
  }

  /** Behind a call, so that the compiler does not take the field for what was assigned before reading the word. */
  #unsetVariable(): { readonly name: string; readonly text: string } | undefined {
    return this.#unset;
  }

  #ordinary(character: string): string {
    if (character === REPLACEMENT && this.#malformed) {
      const at = { line: this.#line, column: this.#column() };
      throw this.fail('this byte is not UTF-8; save the file as UTF-8', at, ConfigErrorCode.Encoding);
    }
    if (character === '\0') {
      const at = { line: this.#line, column: this.#column() };
      throw this.fail('a NUL byte; is this a text file?', at, ConfigErrorCode.Encoding);
    }
    this.#advance();
    return character;
  }

  /** Reads `$NAME` or `${NAME}` at the offset, or the lone `$`. In a bare word, another `${` would open a block. */
  #variable(quote?: '"'): string {
    const at = { line: this.#line, column: this.#column() };
    const braced = this.#text[this.#offset + 1] === '{';
    const start = this.#offset + (braced ? 2 : 1);
    let end = start;
    if (NAME_START.test(this.#text[end] ?? '')) {
      while (NAME_PART.test(this.#text[end] ?? '')) end += 1;
    }
    const name = this.#text.slice(start, end);
    if (braced && (name === '' || this.#text[end] !== '}')) {
      if (quote !== undefined) {
        this.#offset += 1;
        return '$';
      }
      throw this.fail('expected `${NAME}`; write `\\$` for a literal `$`', at);
    }
    this.#offset = braced ? end + 1 : end;
    if (name === '') return '$';
    const value = Object.hasOwn(this.#environment, name) ? this.#environment[name] : undefined;
    if (value !== undefined) return value;
    const written = braced ? `\${${name}}` : `$${name}`;
    this.#unset ??= { name, text: written };
    return written;
  }
}
