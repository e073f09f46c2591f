import type { DiskError } from './errors.ts';

/** What a directory has under one name. */
export interface DiskEntry {
  readonly name: string;
  readonly directory: boolean;
  /** Bytes. */
  readonly size: number;
  /** Time of the last change, ms since the epoch. */
  readonly modifiedMs: number;
}

/**
 * The files of a sink, behind an interface so that tests can let a disk fail. Every method rejects with a
 * {@link DiskError}. Bytes that are given belong to the disk until the promise is settled.
 */
export interface Disk {
  /**
   * Writes a whole file under a temporary name (`<path>.tmp`) and renames it, so that a reader never sees a half
   * of it (L013). Directories are made as needed, also again.
   */
  write(path: string, pieces: Uint8Array | readonly Uint8Array[]): Promise<void>;
  /** `create` makes an empty file (and its directories), `update` opens one that is there. */
  open(path: string, mode: 'create' | 'update'): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; one that is absent is fine. */
  remove(path: string): Promise<void>;
  /** Bytes of a file; undefined when it is absent. */
  size(path: string): Promise<number | undefined>;
  /**
   * Reads a small text file; undefined when it is absent.
   *
   * @param maxBytes - a larger file is refused
   */
  readText(path: string, maxBytes: number): Promise<string | undefined>;
  /** What a directory has; nothing when it is absent. */
  list(directory: string): Promise<readonly DiskEntry[]>;
}

/** A file that is to be written whole. */
export interface WholeFile {
  readonly path: string;
  /** Text is written as UTF-8. */
  readonly content: string | Uint8Array;
}

/** What became of files that were written one after another. */
export interface Written {
  /** So many of them, from the first one on, are on the disk. */
  readonly count: number;
  /** Why the next one is not; undefined when all are there. */
  readonly error?: DiskError | undefined;
}

/** A disk that takes files which belong together in one go, for sinks that write many small ones. */
export interface SegmentDisk extends Disk {
  /**
   * Writes files as {@link Disk.write} does, one after another; those behind one that fails are not written. Never
   * rejects.
   */
  writeInOrder(files: readonly WholeFile[]): Promise<Written>;
}

/** A file that is being written. */
export interface DiskFile {
  readonly path: string;
  /** Bytes, counting what has been appended. */
  readonly size: number;
  /** Writes at the end, all or nothing as far as `size` goes: after an error the next append overwrites. */
  append(pieces: Uint8Array | readonly Uint8Array[]): Promise<void>;
  writeAt(position: number, bytes: Uint8Array): Promise<void>;
  /** May give fewer bytes than asked for at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}
