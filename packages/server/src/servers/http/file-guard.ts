import type { VirtualAnswer, VirtualRequest } from './virtual-files.ts';

/** A regular file that was found in a directory that is served, as the file system knows it. */
export interface GuardedFile {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** The same for every name of one file: device and inode. */
  readonly identity: string;
}

/** Decides who gets a file of the directories. Asked before anything of it is sent, for GET, HEAD and ranges alike. */
export interface FileGuard {
  /**
   * The answer instead of the file itself; undefined, or `onDisk`, lets the file be sent. Rejections are answered
   * 500: the file is not sent.
   */
  check(file: GuardedFile, request: VirtualRequest): Promise<VirtualAnswer | undefined>;
}
