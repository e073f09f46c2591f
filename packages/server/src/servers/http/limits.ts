/** What a peer may make the HTTP server hold or wait for. Times in milliseconds, sizes in bytes. */
export interface HttpLimits {
  /** Request line and headers together; more is answered 431. Default 16,384. */
  readonly maxHeaderBytes: number;
  /** The request target; longer is answered 414. Default 8,192. */
  readonly maxUrlBytes: number;
  /** The request body; larger is answered 413. Default 65,536. */
  readonly maxBodyBytes: number;
  /** From the first byte (or the connection) to the end of the headers; later is answered 408. Default 10,000. */
  readonly headersTimeoutMs: number;
  /** From the first byte to the end of the body; later is answered 408. Default 30,000. */
  readonly requestTimeoutMs: number;
  /** How long a connection may idle between two requests (H006). Default 60,000. */
  readonly keepAliveTimeoutMs: number;
  /**
   * How long a peer may take nothing of a response before it is cut off: the file or the segment that waits
   * for it costs memory. Default 30,000.
   */
  readonly stallTimeoutMs: number;
  /** How often the two request time limits are looked at. Default 1,000. */
  readonly timeoutCheckMs: number;
  /** The largest WebSocket message of a player, who has nothing to say; more closes it with 1009. Default 4,096. */
  readonly maxWebSocketMessageBytes: number;
  /**
   * A WebSocket ping is answered only while no more than this waits in the socket, so that a peer that pings
   * and never reads makes nothing grow. Default 65,536.
   */
  readonly maxPongBacklogBytes: number;
}

/** The defaults that {@link HttpLimits} names. */
export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  maxHeaderBytes: 16_384,
  maxUrlBytes: 8_192,
  maxBodyBytes: 65_536,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 60_000,
  stallTimeoutMs: 30_000,
  timeoutCheckMs: 1_000,
  maxWebSocketMessageBytes: 4_096,
  maxPongBacklogBytes: 65_536,
};
