import { type FanOutFamily, TrackBit, type TrackState } from './fan-out-format.ts';

/** Where a player's bytes go: a TCP or TLS socket fits as it is. */
export interface PlayerSink {
  /** Bytes taken by write() that the operating system has not taken yet. */
  readonly writableLength: number;
  readonly destroyed: boolean;
  /** It has so many bytes that it will tell ({@link Player.drained}) when the operating system has taken them. */
  readonly writableNeedDrain: boolean;
  /**
   * Takes the bytes by reference; they stay unchanged.
   *
   * @param taken - called when the operating system has taken them, or cannot any more
   */
  write(bytes: Uint8Array, taken?: () => void): unknown;
  /** Gathers the writes until uncork() into one. */
  cork(): void;
  uncork(): void;
}

/** Why the engine ends a player by itself. */
export type PlayerEnd = 'stalled' | 'duration' | 'publisher-gone' | 'wait-timeout';

/** `once-started` lets a player that has got nothing yet go on waiting. */
export type EndsWithPublisher = 'always' | 'once-started' | 'never';

/** What was skipped for a player that fell behind. */
export interface Drop {
  /** Frames that the player will not get. */
  readonly frames: number;
  /** Their bytes as encoded. */
  readonly bytes: number;
  /** How far behind the player was, ms of stream time. */
  readonly behindMs: number;
}

export interface PlayerOptions {
  readonly family: FanOutFamily;
  readonly sink: PlayerSink;
  /** Ends after this much stream time, ms (R043). */
  readonly durationMs?: number | undefined;
  /** Whether it ends with the publisher, rather than wait for the next one. */
  readonly endsWithPublisher: EndsWithPublisher;
  /** The player was skipped forward. */
  onDrop?(drop: Drop): void;
  /** The engine has let go of the player: close its connection. */
  onEnd(reason: PlayerEnd): void;
}

/** What a live stream does for its players; they reach it only through {@link Player}. */
export interface PlayerHome {
  leave(player: Player): void;
  drained(player: Player): void;
  pause(player: Player): void;
  resume(player: Player): void;
  change(player: Player, family: FanOutFamily): void;
}

/** One viewer of a live stream: a cursor into its group's log, and a sink. */
export class Player implements TrackState {
  readonly sink: PlayerSink;
  readonly options: PlayerOptions;
  /** Changes when the player asks for other tracks. */
  family: FanOutFamily;
  /** The player's zero on the stream's timeline, ms; settled with its first frame. */
  base = 0;
  hasBase = false;
  unstarted: number = TrackBit.all;
  /** Has got its first bytes. */
  started = false;
  paused = false;
  /** Sequence number of the next batch to write. */
  cursor = 0;
  /** Frame of that batch to begin with. */
  index = 0;
  /** The next bytes are preceded by a preamble. */
  needsPreamble = true;
  /** Nothing more until a keyframe comes. */
  awaitsKeyframe = false;
  /** Nothing stands in the way of writing the shared bytes as they are. */
  plain = false;
  /** Its place among its group's players. */
  slot = -1;
  /** Since when, ms of the monotonic clock, the sink has not taken its bytes; 0 when it has. */
  busySince = 0;
  /** The sink will call {@link drained} for it, although it has too few bytes to do so by itself. */
  asksToBeDrained = false;
  /** When it joined, ms of the monotonic clock. */
  readonly joinedAt = performance.now();
  /** Frames of any kind that were skipped. */
  droppedFrames = 0;
  /** Video frames that were written to it; sequence headers don't count. */
  videoFrames = 0;
  readonly #home: PlayerHome;

  constructor(options: PlayerOptions, home: PlayerHome) {
    this.options = options;
    this.family = options.family;
    this.sink = options.sink;
    this.#home = home;
  }

  /** Leaves the stream; nothing more is written. Harmless when it has left already. */
  leave(): void {
    this.#home.leave(this);
  }

  /** Say that the sink has taken all its bytes. */
  drained(): void {
    this.#home.drained(this);
  }

  /** Nothing more is queued until resume(). */
  pause(): void {
    if (!this.paused) this.#home.pause(this);
  }

  /** Goes on with what is live now. */
  resume(): void {
    if (this.paused) this.#home.resume(this);
  }

  /** Goes on in another form (other tracks, another chunk size), from what is live now. */
  change(family: FanOutFamily): void {
    if (family.key !== this.family.key) this.#home.change(this, family);
  }
}
