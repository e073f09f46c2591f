/** What requests for guarded files may make the server hold. */
export interface GuardedFilesLimits {
  /** Bytes of a playlist on disk; a larger one is not found. Default 4 MiB. */
  readonly maxPlaylistBytes: number;
  /** Clients that are remembered as let in; beyond it the oldest is asked again. Default 1,000. */
  readonly maxGrants: number;
  /** How long a client that was let in is not asked again for the same stream with the same query. Default 10,000 ms. */
  readonly grantMs: number;
}

/** The defaults that {@link GuardedFilesLimits} names. */
export const DEFAULT_GUARDED_FILES_LIMITS: GuardedFilesLimits = {
  maxPlaylistBytes: 4 * 1024 * 1024,
  maxGrants: 1_000,
  grantMs: 10_000,
};
