/** What HLS viewers may make the server hold. Times in milliseconds. */
export interface HlsLimits {
  /**
   * Viewers that are counted at once; further ones get everything, but have no session in the statistics.
   * Default 50,000.
   */
  readonly maxViewers: number;
  /**
   * Viewers of one address (of one IPv6 /64) that are counted at once, as `maxViewers`: one address must not take the
   * places of all others. A viewer costs no connection. Default 10,000.
   */
  readonly maxViewersPerAddress: number;
  /** A viewer is gone when it asked for nothing for so many target durations, but see `minIdleMs`. Default 3. */
  readonly idleTargetDurations: number;
  /** The least time that a viewer is waited for. Default 30,000. */
  readonly minIdleMs: number;
  /** How often viewers are looked after. Default 5,000. */
  readonly sweepMs: number;
}

/** The defaults that {@link HlsLimits} names. */
export const DEFAULT_HLS_LIMITS: HlsLimits = {
  maxViewers: 50_000,
  maxViewersPerAddress: 10_000,
  idleTargetDurations: 3,
  minIdleMs: 30_000,
  sweepMs: 5_000,
};
