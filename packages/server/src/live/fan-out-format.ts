import type { KeptPacket, TrackKind } from '@sluice/media/model';

/** Tracks as bits: which kinds of packets a batch holds, which ones a player has still to start. */
export const TrackBit = { audio: 1, video: 2, data: 4, all: 7 } as const;

/** Packets of one flush, encoded once for all players of a group. */
export interface EncodedBatch {
  /** Shared by every player: never written to. */
  readonly bytes: Uint8Array;
  /** The packets inside, in order. Never empty. */
  readonly packets: readonly KeptPacket[];
  /** Where each packet begins in `bytes`. */
  readonly offsets: readonly number[];
  /** {@link TrackBit}s of the packets inside. */
  readonly tracks: number;
  /** Tracks that every player has to start afresh here, because a step can't be expressed as a delta. */
  readonly restarts: number;
}

/** What a stream tells a player before its first packet. */
export interface StreamHeaders {
  /** The stream has, or has announced, audio. */
  readonly hasAudio: boolean;
  /** The stream has, or has announced, video. */
  readonly hasVideo: boolean;
  readonly metadata?: KeptPacket | undefined;
  /** The configurations that hold: those of audio before those of video, of first tracks before others. */
  readonly configurations: readonly KeptPacket[];
}

/** Where a player is in its tracks; the format keeps it up to date. */
export interface TrackState {
  /** The player's zero on the stream's timeline, ms. */
  readonly base: number;
  /** {@link TrackBit}s of the tracks whose next message has to carry a time of its own. */
  unstarted: number;
}

/**
 * An output form of the engine: turns packets into bytes that every player of one group can be given alike.
 * A format may keep state (the last timestamp of each track), so each group has a format of its own.
 */
export interface FanOutFormat {
  /** See {@link FanOutFamily.rebased}. */
  readonly rebased: boolean;
  /**
   * Encodes packets from `from` on. It may stop early, after at least one packet it wants, and is then called
   * again.
   *
   * @returns the batch (undefined when none of the packets is for this format) and the index of the first
   * packet not looked at
   */
  encode(packets: readonly KeptPacket[], from: number): { batch: EncodedBatch | undefined; next: number };
  /**
   * The bytes for a player that (re)starts.
   *
   * @param first - the player's first packet is about to follow at this time, ms on the stream's timeline
   * @param fresh - the player has got nothing yet (a file header is due)
   */
  preamble(headers: StreamHeaders, first: number, state: TrackState, fresh: boolean): Uint8Array;
  /** The batch from packet `index` on, with the player's unstarted tracks started. */
  tail(batch: EncodedBatch, index: number, state: TrackState): Uint8Array[];
  /** Said after the last packet to a player that ends; undefined when the form has no end mark. */
  readonly trailer: Uint8Array | undefined;
}

/** Makes the formats of one output form. */
export interface FanOutFamily {
  /** Players of one stream with the same key (and the same base, where `rebased`) share a group. */
  readonly key: string;
  /** The encoded bytes depend on the players' zero, so players with another zero need another group. */
  readonly rebased: boolean;
  /** The form carries video, so its players begin at a keyframe when the stream has them. */
  readonly video: boolean;
  create(base: number): FanOutFormat;
}

/** The bit of a kind of track. */
export function trackBit(kind: TrackKind): number {
  return TrackBit[kind];
}
