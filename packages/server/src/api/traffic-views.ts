/** Bit rates, kbit/s, over the last 30 seconds and the last 5 minutes. */
export interface KbpsView {
  readonly received30s: number;
  readonly sent30s: number;
  readonly received5m: number;
  readonly sent5m: number;
}

/** The latest whole GOP. */
export interface GopView {
  /** Video frames, its keyframe included. */
  readonly frames: number;
  /** From its keyframe to the next one. */
  readonly ms: number;
}

/** How publishers' timestamps had to be corrected. */
export interface JitterView {
  /** How often. */
  readonly corrections: number;
  /** By how much, back or forth, all together. */
  readonly correctedMs: number;
}

/** How long flushes to players have kept the event loop, each to a group of players. */
export interface FlushView {
  /** Since the start. */
  readonly count: number;
  /** Of the last minutes; undefined when there was none. `p99Ms`, too. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** What the whole server moves. What is counted is counted since its start. */
export interface TrafficView {
  readonly publishers: number;
  readonly players: number;
  /** Published or waited for. */
  readonly streams: number;
  readonly kbps: KbpsView;
  /** Video frames received a second, all streams together. */
  readonly fps: number;
  /** Frames received, sequence headers aside. */
  readonly videoFrames: number;
  readonly audioFrames: number;
  /** Not sent to players who fell behind. */
  readonly droppedFrames: number;
  readonly jitter: JitterView;
  readonly flushes: FlushView;
}
