/** What recordings as HLS may take. Sizes in bytes. */
export interface VodHlsLimits {
  /** Indexes of recordings that are kept. Default 64. */
  readonly maxIndexes: number;
  /** Recordings that are indexed at a time; others wait. Default 2. */
  readonly maxScans: number;
  /** Segments that are made at a time; others wait. Default 4. */
  readonly maxPacks: number;
  /** Requests that wait for either; more are answered 503. Default 1,000. */
  readonly maxWaiting: number;
  /** A segment as MPEG-TS; a larger one is not made, and answered 503. Default 64 MiB. */
  readonly maxSegmentBytes: number;
  /** Segments that are kept for the next viewer. Default 32 MiB in all. */
  readonly maxKeptBytes: number;
  /** The query that a playlist hands on to its segments; a longer one is answered 400. Default 1,024. */
  readonly maxQueryBytes: number;
}

/** The defaults that {@link VodHlsLimits} names. */
export const DEFAULT_VOD_HLS_LIMITS: VodHlsLimits = {
  maxIndexes: 64,
  maxScans: 2,
  maxPacks: 4,
  maxWaiting: 1_000,
  maxSegmentBytes: 64 * 1024 * 1024,
  maxKeptBytes: 32 * 1024 * 1024,
  maxQueryBytes: 1_024,
};
