/** What callbacks may hold and how long they may take. */
export interface HookLimits {
  /** Connections to one callback server for the questions that clients wait for. */
  readonly gateConnections: number;
  /** Connections to one callback server for what is told after the fact, and so many events on their way at once. */
  readonly eventConnections: number;
  /** Questions that may be open at once; a client beyond it is refused. */
  readonly maxOpenGates: number;
  /** Events that may wait, over all URLs; one beyond it goes to the dead letters at once. */
  readonly maxQueuedEvents: number;
  /** Bytes of the events that may wait, over all URLs; one beyond it goes to the dead letters at once. */
  readonly maxQueuedBytes: number;
  /** The largest answer that is read, bytes. */
  readonly maxAnswerBytes: number;
  /** The wait before the second try of an event, ms; it doubles each time. */
  readonly firstRetryMs: number;
  /** The longest wait between two tries, ms. */
  readonly maxRetryMs: number;
  /** An event that was tried in vain for so long goes to the dead letters, ms. */
  readonly giveUpMs: number;
  /** Failures in a row, of any events, after which a URL is tried with one event at a time. */
  readonly failuresUntilPause: number;
  /** The largest dead-letter file, bytes; it is then moved to `<file>.1`, which it replaces. */
  readonly maxDeadLetterBytes: number;
  /** Bytes of dead letters that may wait for the disk; a stop with a full queue makes some 30 MB at once. */
  readonly maxPendingDeadLetterBytes: number;
  /** The time limit of `on_hls_notify`, ms (K006). */
  readonly notifyTimeoutMs: number;
  /** How long what is told after a segment waits for its fetch by `on_hls_notify`, ms. */
  readonly notifyWaitMs: number;
  /** Segments that may be fetched at once for `on_hls_notify`; one more is left out. */
  readonly maxOpenNotifies: number;
  /** The time limit of a heartbeat, ms. */
  readonly heartbeatTimeoutMs: number;
  /** Publishers that are remembered for the recordings and segments that are finished after they went. */
  readonly maxPublishers: number;
  /** How long a publisher that went is remembered, ms. */
  readonly keepPublisherMs: number;
}

/** The defaults of {@link HookLimits}. */
export const defaultHookLimits: HookLimits = {
  gateConnections: 128,
  eventConnections: 32,
  maxOpenGates: 10_000,
  maxQueuedEvents: 50_000,
  maxQueuedBytes: 64 * 1024 * 1024,
  maxAnswerBytes: 64 * 1024,
  firstRetryMs: 500,
  maxRetryMs: 10_000,
  giveUpMs: 600_000,
  failuresUntilPause: 3,
  maxDeadLetterBytes: 64 * 1024 * 1024,
  maxPendingDeadLetterBytes: 64 * 1024 * 1024,
  notifyTimeoutMs: 10_000,
  notifyWaitMs: 1_000,
  maxOpenNotifies: 64,
  heartbeatTimeoutMs: 10_000,
  maxPublishers: 20_000,
  keepPublisherMs: 600_000,
};
