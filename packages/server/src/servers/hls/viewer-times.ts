/** How long HLS viewers are waited for. Times in milliseconds. */
export interface HlsViewerTimes {
  /** A viewer is gone when it asked for nothing for so many target durations, but see `minIdleMs`. Default 3. */
  readonly idleTargetDurations: number;
  /** The least time that a viewer is waited for. Default 30,000. */
  readonly minIdleMs: number;
  /** How often viewers are looked after. Default 5,000. */
  readonly sweepMs: number;
}

/** The defaults that {@link HlsViewerTimes} names. */
export const DEFAULT_HLS_VIEWER_TIMES: HlsViewerTimes = {
  idleTargetDurations: 3,
  minIdleMs: 30_000,
  sweepMs: 5_000,
};
