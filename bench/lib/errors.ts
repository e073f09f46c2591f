/** Why the benchmark cannot go on. The codes are stable. */
export type RunErrorCode =
  'bad-argument' | 'missing-tool' | 'server-failed' | 'load-failed' | 'not-delivered';

/** A benchmark that cannot go on; the message is for the person at the terminal. */
export class RunError extends Error {
  override readonly name = 'RunError';
  readonly code: RunErrorCode;

  constructor(code: RunErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
