import type { HlsName } from './paths.ts';

/** A key that segments are encrypted with, and its file. */
export interface SegmentKey {
  readonly name: HlsName;
  /** 16 bytes; undefined for a key of an earlier run, which is on disk only. */
  readonly bytes: Uint8Array | undefined;
}

/** How one segment is encrypted. */
export interface SegmentEncryption {
  readonly key: SegmentKey;
  readonly iv: Uint8Array;
}

/**
 * Where a segment is on its way to the disk:
 * - `memory`: it is not to be written, or was not written.
 * - `waiting`: it will be.
 * - `disk`: it is there.
 */
export type SegmentPlace = 'memory' | 'waiting' | 'disk';

/** A finished segment. */
export interface HlsSegment {
  readonly sequence: number;
  readonly name: HlsName;
  readonly durationMs: number;
  /** Bytes of the file. */
  readonly size: number;
  /** The wall clock at its first frame, ms since the epoch; undefined where an earlier run did not say it. */
  readonly programDateTime: number | undefined;
  readonly encryption: SegmentEncryption | undefined;
  /** It can be decoded without the segment before. */
  readonly independent: boolean;
  /** The file's bytes while they are in memory. */
  bytes: Uint8Array | undefined;
  place: SegmentPlace;
  /** It is in no playlist any more, and nobody is expected to ask for it. */
  forgotten: boolean;
}
