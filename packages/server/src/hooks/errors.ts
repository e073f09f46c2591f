/** What went wrong with a call. */
export const CallErrorCode = {
  /** There was nobody to connect to: refused, no route, no such name, or TLS failed. */
  unreachable: 'unreachable',
  /** The connection broke before the answer was whole. */
  broken: 'broken',
  /** No whole answer within the time limit. */
  timeout: 'timeout',
  /** The answer is larger than what is read. */
  tooLarge: 'too-large',
  /** Too many calls wait already. */
  overloaded: 'overloaded',
  /** The URL leads where URLs of others must not lead (SSRF). */
  refused: 'refused',
  /** The caller is closed. */
  closed: 'closed',
} as const;

/** A value of {@link CallErrorCode}. */
export type CallErrorCode = (typeof CallErrorCode)[keyof typeof CallErrorCode];

/** A call that had no answer. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly code: CallErrorCode;
  /** Whether some of the answer had come. */
  readonly answered: boolean;

  constructor(code: CallErrorCode, message: string, options: { answered?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.answered = options.answered ?? false;
  }
}
