/**
 * What can be wrong with the HTTP server's set-up:
 * - `listen-failed`: an address could not be listened on (in use, not ours, no permission).
 * - `duplicate-mount`: two directories under one mount (SRS error 4001).
 * - `unclean-mount`: a mount with an empty, `.` or `..` segment (SRS error 4002).
 */
export type HttpServerErrorCode = 'listen-failed' | 'duplicate-mount' | 'unclean-mount';

/** The one error class that this room throws; a request never makes it throw. */
export class HttpServerError extends Error {
  readonly code: HttpServerErrorCode;

  constructor(code: HttpServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HttpServerError';
    this.code = code;
  }
}
