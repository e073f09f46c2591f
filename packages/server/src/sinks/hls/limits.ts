/** What a publisher, or what lies on a disk, may make the HLS of one stream hold. */
export interface HlsLimits {
  /** Bytes of segments of one stream that may wait for the disk. Default 64 MiB. */
  readonly maxPendingBytes: number;
  /** Segments of one stream, and files to be removed, that may wait for the disk. Default 4,096. */
  readonly maxPendingJobs: number;
  /** Bytes of one segment: it is cut there, whatever the clock says. Default 64 MiB. */
  readonly maxSegmentBytes: number;
  /** Bytes of memory of segments of all streams that may wait to be used again. Default 64 MiB. */
  readonly maxSpareBytes: number;
  /** Segments in a playlist, however long the window is. Default 20,000. */
  readonly maxWindowSegments: number;
  /** Bytes of the segments in a playlist, however long the window is. Default 512 MiB. */
  readonly maxWindowBytes: number;
  /** Segments that are kept after they left the playlist, for players that still ask for them. Default 64. */
  readonly maxRetiredSegments: number;
  /** Bytes in memory of those segments. Default 128 MiB. */
  readonly maxRetiredBytes: number;
  /** Characters of a playlist that an earlier run left. Default 4 Mi. */
  readonly maxRecoveredBytes: number;
  /** Streams whose numbers are remembered after everything else of them was forgotten. Default 10,000. */
  readonly maxRememberedStreams: number;
}

/** The defaults of {@link HlsLimits}. */
export const DEFAULT_HLS_LIMITS: HlsLimits = {
  maxPendingBytes: 64 * 1024 * 1024,
  maxPendingJobs: 4096,
  maxSegmentBytes: 64 * 1024 * 1024,
  maxSpareBytes: 64 * 1024 * 1024,
  maxWindowSegments: 20_000,
  maxWindowBytes: 512 * 1024 * 1024,
  maxRetiredSegments: 64,
  maxRetiredBytes: 128 * 1024 * 1024,
  maxRecoveredBytes: 4 * 1024 * 1024,
  maxRememberedStreams: 10_000,
};

/** A segment that is shorter than this, ms, is dropped, and its number used again (L015). */
export const MIN_SEGMENT_MS = 100;
