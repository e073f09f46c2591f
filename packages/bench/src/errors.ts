/** Why a load run could not start or go on. The codes are stable: harnesses match on them. */
export type BenchErrorCode =
  /** An option or a URL that the load client cannot use. */
  | 'bad-option'
  /** The FLV file of a publisher cannot be used. */
  | 'bad-file'
  /** This process may not open as many connections as were asked for. */
  | 'too-few-descriptors'
  /** A load process ended or answered in a way that its parent did not expect. */
  | 'process-failed';

/** A load run that cannot start or go on; the message is written for the person at the terminal. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
  readonly code: BenchErrorCode;

  constructor(code: BenchErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
