/** Why a server could not start, or not go on with another configuration. */
export type StartErrorCode =
  'listen-failed' | 'too-few-descriptors' | 'certificate-unusable' | 'mounts-unusable';

/** The server can't start; the message names the thing and the remedy. */
export class StartError extends Error {
  readonly code: StartErrorCode;

  constructor(code: StartErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
    this.code = code;
  }
}
