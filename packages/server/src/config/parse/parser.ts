import { ConfigErrorCode } from '../errors.ts';
import type { Argument, Directive } from './directive.ts';
import { Lexer } from './lexer.ts';
import type { LexerOptions, Token } from './lexer.ts';
import type { ParseLimits } from './limits.ts';

/** A directive's name as a problem shows it. */
function shown(name: string): string {
  return name.length > 60 ? `${name.slice(0, 60)}…` : name;
}

class Parser {
  readonly #lexer: Lexer;
  readonly #file: string;
  readonly #limits: ParseLimits;
  #directives = 0;

  constructor(text: string, options: ParseOptions) {
    this.#lexer = new Lexer(text, options);
    this.#file = options.file;
    this.#limits = options.limits;
  }

  /** Directives up to the `}` that closes `opener`, or up to the end of the text at the root. */
  block(opener: Token | undefined, depth: number): readonly Directive[] {
    const directives: Directive[] = [];
    for (;;) {
      const token = this.#lexer.next();
      if (token.kind === 'word') {
        directives.push(this.#directive(token, depth));
      } else if (token.kind === ';') {
        throw this.#lexer.fail('this `;` ends nothing; remove it', token);
      } else if (token.kind === '{') {
        throw this.#lexer.fail('expected the name of a directive before `{`', token);
      } else if (token.kind === '}') {
        if (opener !== undefined) return directives;
        throw this.#lexer.fail('this `}` closes nothing; remove it, or look for one too many above', token);
      } else {
        if (opener === undefined) return directives;
        throw this.#lexer.fail(
          `the block of \`${shown(opener.text)}\` is never closed; add a \`}\` at its end`,
          opener,
        );
      }
    }
  }

  #directive(name: Token, depth: number): Directive {
    this.#directives += 1;
    if (this.#directives > this.#limits.maxDirectives) {
      const message = `more than ${this.#limits.maxDirectives} directives`;
      throw this.#lexer.fail(message, name, ConfigErrorCode.Limit);
    }
    const args: Argument[] = [];
    for (;;) {
      const token = this.#lexer.next();
      if (token.kind === 'word') {
        const { text, line, column, quoted, unset } = token;
        args.push({ text, line, column, quoted, ...(unset === undefined ? {} : { unset }) });
        continue;
      }
      const directive = { name: name.text, args, file: this.#file, line: name.line, column: name.column };
      if (token.kind === ';') return directive;
      if (token.kind !== '{') {
        throw this.#lexer.fail(
          `\`${shown(name.text)}\` is not ended; add a \`;\` after its last value`,
          name,
        );
      }
      if (depth >= this.#limits.maxBlockDepth) {
        const message = `blocks are nested deeper than ${this.#limits.maxBlockDepth} levels`;
        throw this.#lexer.fail(message, token, ConfigErrorCode.Limit);
      }
      return { ...directive, block: this.block(name, depth + 1) };
    }
  }
}

/** How a text is parsed. */
export interface ParseOptions extends LexerOptions {
  readonly limits: ParseLimits;
}

/**
 * Parses one configuration text into directives; `include` stays as it is (see `readConfigFile`).
 * Throws ConfigError at the first fault.
 */
export function parseDirectives(text: string, options: ParseOptions): readonly Directive[] {
  return new Parser(text, options).block(undefined, 0);
}
