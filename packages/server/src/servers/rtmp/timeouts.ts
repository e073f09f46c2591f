/** How long an RTMP connection may stay in a state, ms, where the configuration says nothing (R044). */
export const rtmpTimeouts = {
  /** Connected, but neither publishing nor playing yet. */
  idle: 30_000,
  /** Play was ended by closeStream: players do this to pause (O008). */
  stopped: 30 * 60_000,
  /** Unpublished by FCUnpublish: the encoder may publish again (P003). */
  republish: 3 * 60_000,
  /** A closed connection may take this long to take what was written to it. */
  linger: 5000,
  /** A client that is to be refused may take this long to connect, and then to read the refusal and close. */
  refusalLinger: 2000,
} as const;

/** How often the connections' deadlines are looked at, ms. */
export const SWEEP_INTERVAL_MS = 500;
