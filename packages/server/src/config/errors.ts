/** What kind of fault a configuration has. The codes are stable. */
export const ConfigErrorCode = {
  /** A file can't be read, or is no file. */
  File: 'config-file',
  /** A file isn't UTF-8 text. */
  Encoding: 'config-encoding',
  /** A size, depth or count beyond `ParseLimits`. */
  Limit: 'config-limit',
  /** The text breaks the grammar. */
  Syntax: 'config-syntax',
  /** An `include` that matches no file, or includes itself. */
  Include: 'config-include',
  /** `$NAME` of an environment variable that isn't set. */
  Variable: 'config-variable',
  /** A directive (or option) that isn't known where it stands. */
  Unknown: 'config-unknown-directive',
  /** Too few or too many values, a block where none belongs, or none where one is needed. */
  Shape: 'config-shape',
  /** A value of the wrong type or out of its range. */
  Value: 'config-value',
  /** Two vhosts, ingests … of one name. */
  Duplicate: 'config-duplicate',
  /** A directive that is required and not there. */
  Missing: 'config-missing',
  /** Directives that contradict each other. */
  Conflict: 'config-conflict',
  /** The file of the changes by the API is no such file. */
  Changes: 'config-changes',
} as const;
export type ConfigErrorCode = (typeof ConfigErrorCode)[keyof typeof ConfigErrorCode];

/** One fault, with the place it stands at. */
export interface ConfigProblem {
  readonly code: ConfigErrorCode;
  /** What is wrong and what to write instead; without the place. */
  readonly message: string;
  /** File name as given, `environment` for a variable, `options` for `resolveConfig`. */
  readonly file: string;
  /** 1-based; 0 when no line applies. */
  readonly line: number;
  /** 1-based, in UTF-16 units; 0 when no column applies. */
  readonly column: number;
  /** The text of that line, when there is one. */
  readonly lineText?: string;
}

const SHOWN_LINE_LENGTH = 120;

/** A line with a directive whose value is nobody's to read: problems are printed, logged and answered to clients. */
const SECRET_LINE = /(?:^|[\s;{])(?:\w*password|\w*secret|key)\s/;

/** `file:line:column: message`, then the line and a caret under the column; but for lines with secrets. */
export function formatProblem(problem: ConfigProblem): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}:${problem.column}` : problem.file;
  const head = `${place}: ${problem.message}`;
  if (problem.lineText === undefined || problem.line === 0 || SECRET_LINE.test(problem.lineText)) return head;
  const start = Math.max(0, problem.column - 1 - SHOWN_LINE_LENGTH / 2);
  const shown = problem.lineText.slice(start, start + SHOWN_LINE_LENGTH);
  const indent = problem.lineText.slice(start, problem.column - 1).replace(/[^\t]/g, ' ');
  return `${head}\n    ${shown}\n    ${indent}^`;
}

/**
 * The configuration can't be used. `code`, `file`, `line` and `column` are those of the first problem;
 * `problems` has them all (at most `MAX_PROBLEMS`), and `message` is their text, ready to print.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code: ConfigErrorCode;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly [ConfigProblem, ...ConfigProblem[]], options?: ErrorOptions) {
    super(problems.map(formatProblem).join('\n'), options);
    const [first] = problems;
    this.code = first.code;
    this.file = first.file;
    this.line = first.line;
    this.column = first.column;
    this.problems = problems;
  }
}

/** The most problems that one `ConfigError` reports. */
export const MAX_PROBLEMS = 20;
