import { isSameTrack, type KeptPacket, type Track, type TrackKind } from '@sluice/media/model';

import { configurationsAfter, configurationsAsHeld } from './configurations.ts';
import type { BatchLog, LoggedBatch } from './batch-log.ts';
import {
  type EncodedBatch,
  type FanOutFormat,
  type StreamHeaders,
  TrackBit,
  trackBit,
} from './fan-out-format.ts';
import type { FanOutHome } from './fan-out-home.ts';
import { earliestTimestamp } from './gop-cache.ts';
import { isPicture, isTimed } from './packet-roles.ts';
import type { Player } from './player.ts';

/** Most bytes handed to a sink at once when a player catches up. */
export const CATCH_UP_BYTES = 256 * 1024;
/** A sink that takes none of its bytes for this long, ms, is given up (R044). */
export const STALL_TIMEOUT_MS = 30_000;
const NOTHING = new Uint8Array();

/**
 * Writes a group's log to its players, to each from its own place: what it begins with, what it catches up on, and
 * from where it goes on when it is too far behind.
 */
export class PlayerWriter {
  readonly #format: FanOutFormat;
  readonly #home: FanOutHome;
  readonly #log: BatchLog;
  readonly #laggards = new Set<Player>();

  constructor(format: FanOutFormat, home: FanOutHome, log: BatchLog) {
    this.#format = format;
    this.#home = home;
    this.#log = log;
  }

  /** Players that have not got all there is. */
  get laggards(): ReadonlySet<Player> {
    return this.#laggards;
  }

  /** Sets a player to a place in the log, with nothing told to it yet. */
  place(player: Player, sequence: number, index: number): void {
    player.cursor = sequence;
    player.index = index;
    player.unstarted = TrackBit.all;
    player.needsPreamble = true;
    player.plain = false;
    player.awaitsKeyframe = false;
    player.busySince = 0;
  }

  forget(player: Player): void {
    this.#laggards.delete(player);
  }

  /** Writes a player all that it lacks, unless its socket is still busy with what it has. */
  catchUp(player: Player): void {
    const { sink } = player;
    if (sink.destroyed) return;
    if (sink.writableLength > 0 && player.started) {
      this.#stayBehind(player);
      return;
    }
    player.busySince = 0;
    sink.cork();
    let ended = false;
    while (!ended && player.cursor < this.#log.head && sink.writableLength < CATCH_UP_BYTES) {
      const batch = this.#log.at(player.cursor);
      ended = batch === undefined || !this.#writeBatch(player, batch);
    }
    sink.uncork();
    if (ended) return;
    if (player.cursor < this.#log.head) this.#laggards.add(player);
    else this.#laggards.delete(player);
    player.plain =
      player.started &&
      !player.needsPreamble &&
      !player.awaitsKeyframe &&
      player.options.durationMs === undefined;
  }

  /** Writes a player all that it lacks, whether or not its socket is busy. */
  writeRest(player: Player): void {
    while (player.cursor < this.#log.head) {
      const batch = this.#log.at(player.cursor);
      if (batch === undefined || !this.#writeBatch(player, batch)) break;
    }
  }

  /** Players that are behind get the rest now, as no later flush will serve them. */
  finishLaggards(): void {
    for (const player of this.#laggards) {
      this.writeRest(player);
      // How long it has been busy is counted anew with the next publisher.
      player.busySince = 0;
    }
    this.#laggards.clear();
  }

  /** Writes packets that are encoded for one player alone, before what the log will have. */
  writeOwn(player: Player, packets: readonly KeptPacket[]): void {
    const { sink } = player;
    sink.cork();
    for (let from = 0; from < packets.length;) {
      const { batch, next } = this.#format.encode(packets, from);
      from = next;
      if (batch === undefined) continue;
      if (player.needsPreamble) this.#writePreamble(player, batch, 0, this.#home.headers());
      sink.write(batch.bytes);
      player.unstarted &= ~batch.tracks;
    }
    sink.uncork();
  }

  /** Writes one batch; false when the player ended with it. */
  #writeBatch(player: Player, batch: LoggedBatch): boolean {
    player.cursor += 1;
    let { index } = player;
    player.index = 0;
    if (player.awaitsKeyframe && !this.#home.hasVideo()) player.awaitsKeyframe = false;
    if (player.awaitsKeyframe) {
      if (batch.keyframe < 0) {
        if (player.started) player.droppedFrames += batch.packets.length;
        return true;
      }
      index = batch.keyframe;
      if (player.started) player.droppedFrames += index;
      player.awaitsKeyframe = false;
    }
    if (player.needsPreamble) {
      const first = firstMedia(batch, index);
      // Headers and metadata alone: the preamble will have them when media come.
      if (first === undefined) return true;
      index = first;
      this.#writePreamble(player, batch, index, this.#headersAt(batch, index));
    }
    const { sink } = player;
    player.unstarted |= batch.restarts;
    if (index === 0 && (player.unstarted & batch.tracks) === 0) sink.write(batch.bytes);
    else for (const piece of this.#format.tail(batch, index, player)) sink.write(piece);
    player.videoFrames += index === 0 ? batch.videoFrames : videoFramesFrom(batch, index);
    const { durationMs } = player.options;
    if (durationMs !== undefined && batch.lastTimestamp - player.base >= durationMs) {
      this.#home.ended(player, 'duration');
      return false;
    }
    return true;
  }

  /** What holds in front of a packet of a batch: later packets may bring other configurations. */
  #headersAt(batch: LoggedBatch, index: number): StreamHeaders {
    const headers = this.#home.headers();
    const held = configurationsAfter(batch.configurations, batch.packets, 0, index);
    // A track that has stopped by now may still be among what the player gets.
    const isThere = ({ track }: KeptPacket): boolean => this.#hasMedia(batch, index, track);
    const configurations = configurationsAsHeld(headers.configurations, held, isThere);
    const has = (kind: TrackKind): boolean => configurations.some(({ track }) => track.kind === kind);
    return {
      ...headers,
      configurations,
      hasAudio: headers.hasAudio || has('audio'),
      hasVideo: headers.hasVideo || has('video'),
    };
  }

  /** Whether the log has media of a track from a packet on. */
  #hasMedia(from: LoggedBatch, index: number, wanted: Track): boolean {
    for (let batch: LoggedBatch | undefined = from, at = index; batch !== undefined; at = 0) {
      if ((batch.tracks & trackBit(wanted.kind)) !== 0) {
        for (; at < batch.packets.length; at += 1) {
          const packet = batch.packets[at];
          if (packet?.type === 'media' && isSameTrack(packet.track, wanted)) return true;
        }
      }
      batch = this.#log.at(batch.sequence + 1);
    }
    return false;
  }

  #writePreamble(player: Player, batch: EncodedBatch, index: number, headers: StreamHeaders): void {
    const first = batch.packets[index]?.timestamp ?? 0;
    if (!player.hasBase) {
      player.hasBase = true;
      const earliest = this.#home.rebases() ? (earliestTimestamp(batch.packets.slice(index)) ?? first) : 0;
      player.base = player.family.video ? this.#home.zeroOf(earliest) : earliest;
    }
    player.unstarted = TrackBit.all;
    const preamble = this.#format.preamble(headers, first, player, !player.started);
    if (preamble.length > 0) player.sink.write(preamble);
    player.needsPreamble = false;
    player.started = true;
  }

  /** The socket has not taken the last bytes yet: the player waits in the log, within its limits. */
  #stayBehind(player: Player): void {
    this.#laggards.add(player);
    const now = performance.now();
    if (player.busySince === 0) {
      player.busySince = now;
    } else if (now - player.busySince >= STALL_TIMEOUT_MS) {
      this.#home.ended(player, 'stalled');
      return;
    }
    if (!this.#fits(player.cursor)) this.#dropForward(player);
    this.#askToBeDrained(player);
  }

  /** A sink says by itself that it is empty only when it has had much: without this, little would wait for the next flush. */
  #askToBeDrained(player: Player): void {
    if (player.asksToBeDrained || player.sink.writableNeedDrain) return;
    player.asksToBeDrained = true;
    player.sink.write(NOTHING, () => {
      player.asksToBeDrained = false;
      player.drained();
    });
  }

  #fits(sequence: number): boolean {
    const { queueLengthMs, queueMaxBytes } = this.#home.settings();
    const oldest = this.#log.at(sequence)?.packets[0];
    const newest = this.#log.newest;
    if (oldest === undefined || newest === undefined) return true;
    if (newest.lastTimestamp - oldest.timestamp > queueLengthMs) return false;
    return this.#log.costFrom(sequence) <= queueMaxBytes;
  }

  /** Moves a player to the first keyframe from which its queue fits, or to the head when there is none. */
  #dropForward(player: Player): void {
    const from = player.cursor;
    const behindMs =
      (this.#log.newest?.lastTimestamp ?? 0) - (this.#log.at(from)?.packets[0]?.timestamp ?? 0);
    let to = from + 1;
    while (to < this.#log.head && !((this.#log.at(to)?.keyframe ?? -1) >= 0 && this.#fits(to))) to += 1;
    const atKeyframe = to < this.#log.head;
    let frames = -player.index;
    let bytes = 0;
    for (let sequence = from; sequence < to; sequence += 1) {
      const batch = this.#log.at(sequence);
      frames += batch?.packets.length ?? 0;
      bytes += batch?.bytes.length ?? 0;
    }
    player.cursor = to;
    player.index = atKeyframe ? Math.max(0, this.#log.at(to)?.keyframe ?? 0) : 0;
    frames += player.index;
    player.unstarted = TrackBit.all;
    player.needsPreamble = true;
    player.plain = false;
    player.awaitsKeyframe = !atKeyframe && this.#home.hasVideo() && player.family.video;
    player.droppedFrames += frames;
    player.options.onDrop?.({ frames, bytes, behindMs });
  }
}

/** The first timed packet from `index` on, if any. */
function firstMedia(batch: LoggedBatch, index: number): number | undefined {
  for (let at = index; at < batch.packets.length; at += 1) {
    const packet = batch.packets[at];
    if (packet !== undefined && isTimed(packet)) return at;
  }
  return undefined;
}

function videoFramesFrom(batch: LoggedBatch, index: number): number {
  let count = 0;
  for (let at = index; at < batch.packets.length; at += 1) {
    const packet = batch.packets[at];
    if (packet !== undefined && isPicture(packet)) count += 1;
  }
  return count;
}
