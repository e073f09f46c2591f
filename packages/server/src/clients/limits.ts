/** Times of a client's life that the configuration does not set, ms. */
export const clientTimes = {
  /** A second publisher waits this long for the stream before it is refused (P005). */
  busyWait: 3000,
  /** How often silent publishers are looked for. */
  sweepInterval: 500,
  /** Least time between two log lines about refused connections. */
  refusalLogInterval: 5000,
} as const;
