/** What a configuration may make the parser hold. */
export interface ParseLimits {
  /** Most bytes of one file. */
  readonly maxFileBytes: number;
  /** Most files in all, the first one and every include. */
  readonly maxFiles: number;
  /** Deepest chain of includes. */
  readonly maxIncludeDepth: number;
  /** Deepest nesting of blocks within one file. */
  readonly maxBlockDepth: number;
  /** Most directives in all. */
  readonly maxDirectives: number;
}

/** Far beyond any real configuration: the largest that SRS ships has 600 lines and four levels. */
export const DEFAULT_PARSE_LIMITS: ParseLimits = {
  maxFileBytes: 1024 * 1024,
  maxFiles: 256,
  maxIncludeDepth: 8,
  maxBlockDepth: 16,
  maxDirectives: 100_000,
};
