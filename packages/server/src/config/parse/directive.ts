import type { UnsetVariable } from './lexer.ts';

/** Where something stands; `line` and `column` are 1-based, 0 when the source has no lines. */
export interface Place {
  /** File name as given, or `environment`. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One value of a directive, with variables expanded and escapes resolved. */
export interface Argument {
  readonly text: string;
  readonly line: number;
  readonly column: number;
  readonly quoted: boolean;
  /** A variable in it that is not set; `text` has it as it is written. */
  readonly unset?: UnsetVariable;
}

/** `name args…;` or `name args… { block }`. */
export interface Directive extends Place {
  readonly name: string;
  readonly args: readonly Argument[];
  readonly block?: readonly Directive[];
  /** What it comes from when it stands in none of the files: an environment variable, or a change by the API. */
  readonly origin?: string;
}

/** The texts that were read, so that a problem can show its line. */
export class SourceTexts {
  readonly #texts = new Map<string, string>();

  /** Remembers a file's text. A file read twice keeps its last text. */
  add(file: string, text: string): void {
    this.#texts.set(file, text);
  }

  /** The text of a line, 1-based; undefined when the file or the line isn't there. */
  line(file: string, line: number): string | undefined {
    return this.#texts.get(file)?.split(/\r?\n/, line)[line - 1];
  }
}
