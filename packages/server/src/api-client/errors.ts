/**
 * Why the API gave no answer that can be used:
 * - `unreachable`: no connection, or it broke.
 * - `timeout`: no whole answer in time.
 * - `denied`: the password is missing or wrong, or a page of another site asks.
 * - `not-found`: no stream, client, vhost or recording has that id.
 * - `refused`: the server says no; `apiCode` says why.
 * - `bad-answer`: what came is not of this API.
 */
export type ApiErrorCode = 'unreachable' | 'timeout' | 'denied' | 'not-found' | 'refused' | 'bad-answer';

/** A call of the API failed. */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** The `code` of the answer; undefined when there was none. */
  readonly apiCode: number | undefined;

  constructor(
    code: ApiErrorCode,
    message: string,
    options: ErrorOptions & { readonly status?: number; readonly apiCode?: number } = {},
  ) {
    super(message, options);
    this.name = 'ApiError';
    this.code = code;
    this.status = options.status;
    this.apiCode = options.apiCode;
  }
}
