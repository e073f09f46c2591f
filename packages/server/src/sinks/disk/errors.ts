import { errorText } from '../../error-text.ts';

/**
 * What was wrong with a disk:
 * - `full`: no space or no quota left.
 * - `denied`: no permission, or a file system that is read-only.
 * - `missing`: a part of the path is not there, or is not a directory.
 * - `bad-name`: the system takes no such name (too long, say).
 * - `too-slow`: more waits for the disk than may wait.
 * - `io`: anything else.
 */
export type DiskErrorCode = 'full' | 'denied' | 'missing' | 'bad-name' | 'too-slow' | 'io';

/** A file could not be written or read; the message names the path and the remedy. */
export class DiskError extends Error {
  readonly code: DiskErrorCode;
  readonly path: string;

  constructor(code: DiskErrorCode, path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DiskError';
    this.code = code;
    this.path = path;
  }
}

const systemCodes: Readonly<Record<string, DiskErrorCode>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  EISDIR: 'missing',
  ENAMETOOLONG: 'bad-name',
  EINVAL: 'bad-name',
  ELOOP: 'bad-name',
};

const remedies: Readonly<Record<DiskErrorCode, string>> = {
  full: 'the disk is full: make room on it',
  denied: 'the server may not write there: give its user the right to',
  missing: 'a part of the path is missing or is no directory',
  'bad-name': 'the system takes no such file name',
  'too-slow': 'the disk is too slow for what has to be written',
  io: 'the disk failed',
};

/** Says what an error of the system means for `path`; one that is a DiskError already stays as it is. */
export function diskError(path: string, error: unknown): DiskError {
  if (error instanceof DiskError) return error;
  const system = error instanceof Error && 'code' in error ? String(error.code) : '';
  const code = systemCodes[system] ?? 'io';
  const detail = errorText(error);
  // Node makes directories with their parents, and then says ENOENT where the system has said EROFS.
  if (system === 'ENOENT' && error instanceof Error && 'syscall' in error && error.syscall === 'mkdir') {
    const remedy =
      'the directory cannot be made: is the file system read-only, or a part of the path no directory?';
    return new DiskError(code, path, `${path}: ${remedy} (${detail})`, { cause: error });
  }
  return new DiskError(code, path, `${path}: ${remedies[code]} (${detail})`, { cause: error });
}

/** Whether the system says that there is no such file or directory. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
