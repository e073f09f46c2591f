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
