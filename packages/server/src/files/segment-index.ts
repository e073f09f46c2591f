import type { FlvTag } from '@sluice/media/flv';
import type { AudioCodec, VideoCodec } from '@sluice/media/model';

import type { FileBytes, FileState } from './file-bytes.ts';
import type { MediaFormat } from './media-file.ts';

/** How a recording is cut into segments; all have defaults in {@link DEFAULT_SEGMENT_PLAN}. */
export interface SegmentPlan {
  /** A segment ends with the first keyframe from this length on, ms. Default 10,000. */
  readonly targetMs: number;
  /** A segment without a further keyframe ends at this length, ms. Default 60,000. */
  readonly maxMs: number;
  /** A segment without a further keyframe ends at this size, bytes. Default 32 MiB. */
  readonly maxBytes: number;
  /** Segments of one recording; what comes behind is left out. Default 100,000. */
  readonly maxSegments: number;
}

/** The defaults of {@link SegmentPlan}. */
export const DEFAULT_SEGMENT_PLAN: SegmentPlan = {
  targetMs: 10_000,
  maxMs: 60_000,
  maxBytes: 32 * 1024 * 1024,
  maxSegments: 100_000,
};

/** A segment's place in time. */
export interface SegmentFacts {
  /** Timestamp of its first frame in the file, ms. */
  readonly startMs: number;
  /** ms, from its first frame to that of the next segment, or to the end. */
  readonly durationMs: number;
  /** Its timestamps, or its picture's format, don't go on from the segment before. */
  readonly discontinuity: boolean;
}

/**
 * Where a recording can be cut, so that any part of it is read without the rest. It holds some 30 bytes for each
 * segment, and no open file.
 */
export interface SegmentIndex {
  readonly format: MediaFormat;
  /** The file that the index is true of. */
  readonly state: FileState;
  /** How it was made: from the index in the file's metadata, by a look at each tag, from the file's tables. */
  readonly source: 'metadata' | 'scan' | 'tables';
  readonly segmentCount: number;
  /** Of all segments. */
  readonly durationMs: number;
  readonly videoCodec: VideoCodec | undefined;
  readonly audioCodec: AudioCodec | undefined;
  /** What is not read, in words. */
  readonly skipped: readonly string[];
  /** Undefined from `segmentCount` on. */
  segment(number: number): SegmentFacts | undefined;
  /**
   * Reads a segment: the sequence headers that are in force at its begin, then its tags in order, with the
   * timestamps of the file, in batches. The bodies have memory of their own.
   *
   * @param bytes the file that the index was made of
   * @throws MediaFileError `changed`, `damaged`, `io`, from the iteration
   * @throws RangeError for a segment that is not there
   */
  read(bytes: FileBytes, number: number): AsyncGenerator<readonly FlvTag[], void, void>;
}
