import type { FlvTag } from '@sluice/media/flv';

/** The containers that are read. */
export type MediaFormat = 'flv' | 'mp4';

/** An FLV or MP4 file, read as FLV tags. Whoever opened it closes it. */
export interface MediaFile {
  readonly path: string;
  readonly format: MediaFormat;
  /** What is not read, in words: a track of a codec that FLV has no name for, say. */
  readonly skipped: readonly string[];
  /**
   * Reads from the file's beginning to its end: metadata and sequence headers first, then media in the order of
   * decoding, in batches of some 256 KB. Each body has memory of its own. Each call reads anew.
   *
   * @throws MediaFileError `damaged`, `io`, from the iteration
   */
  tags(): AsyncGenerator<readonly FlvTag[], void, void>;
  close(): Promise<void>;
}
