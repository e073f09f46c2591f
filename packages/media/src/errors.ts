/**
 * The stable codes of {@link MediaError}; programs compare these, never messages.
 *
 * - `short-read`: the bytes end before a field does.
 * - `bad-value`: a field, or a value to be written, is not what its format allows.
 * - `limit-exceeded`: a quantity goes over a named limit (nesting, counts, sizes).
 * - `unsupported`: valid, and known to this library, but nothing it reads or writes.
 */
export const MediaErrorCode = {
  shortRead: 'short-read',
  badValue: 'bad-value',
  limitExceeded: 'limit-exceeded',
  unsupported: 'unsupported',
} as const;
export type MediaErrorCode = (typeof MediaErrorCode)[keyof typeof MediaErrorCode];

/** The only error class that the package's functions throw for bytes or values they cannot take. */
export class MediaError extends Error {
  /** What kind of failure this is; stable between versions. */
  readonly code: MediaErrorCode;

  /**
   * @param message What was wanted, and what was there.
   * @param options `cause`: the lower error that this one wraps.
   */
  constructor(code: MediaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MediaError';
    this.code = code;
  }
}
