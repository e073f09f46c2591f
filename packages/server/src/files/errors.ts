/**
 * Why a media file can't be used.
 *
 * - `missing`: there is no such file.
 * - `denied`: it may not be read.
 * - `not-a-file`: it is a directory, a device or the like.
 * - `not-media`: its first bytes are neither FLV nor MP4.
 * - `no-media`: it holds no audio and no video that can be used.
 * - `changed`: it is not what it was when its index was made.
 * - `damaged`: its bytes don't follow its format; what comes before was good.
 * - `io`: the system failed to read it.
 */
export type MediaFileErrorCode =
  'missing' | 'denied' | 'not-a-file' | 'not-media' | 'no-media' | 'changed' | 'damaged' | 'io';

/** A media file can't be used; the message names the file and the reason. */
export class MediaFileError extends Error {
  readonly code: MediaFileErrorCode;

  constructor(code: MediaFileErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MediaFileError';
    this.code = code;
  }
}

/** Wraps what the system said about a path; every other error comes back as it is. */
export function mediaFileError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || error instanceof MediaFileError) return error;
  const cause = { cause: error };
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new MediaFileError('missing', `${path}: no such file`, cause);
    case 'EACCES':
    case 'EPERM':
      return new MediaFileError('denied', `${path}: it may not be read`, cause);
    case 'EISDIR':
      return new MediaFileError('not-a-file', `${path} is a directory`, cause);
    default:
      return 'syscall' in error ? new MediaFileError('io', `${path}: ${error.message}`, cause) : error;
  }
}
