import { BatchLog, type LoggedBatch } from './batch-log.ts';
import { type FanOutFormat, type StreamHeaders, TrackBit } from './fan-out-format.ts';
import { type Frame, FrameKind } from './frame.ts';
import type { Player, PlayerEnd } from './player.ts';

/** Players written to in one turn of the event loop; the others follow in the next turns. */
export const PLAYERS_PER_TURN = 1000;
/** Most bytes handed to a sink at once when a player catches up. */
export const CATCH_UP_BYTES = 256 * 1024;
/** A sink that takes none of its bytes for this long, ms, is given up (R044). */
export const STALL_TIMEOUT_MS = 30_000;

export interface FanOutLimits {
  /** `queue_length`: most stream time, ms, that a player may be behind. */
  readonly queueLengthMs: number;
  /** Most bytes that a player may be behind. */
  readonly queueMaxBytes: number;
  /** Most bytes kept for players that join; 0 keeps none. */
  readonly gopMaxBytes: number;
}

/** What a group asks of its stream. */
export interface FanOutHome {
  readonly limits: FanOutLimits;
  headers(): StreamHeaders;
  /** Video frames are coming: a player that lost some has to wait for a keyframe. */
  hasVideo(): boolean;
  /** The group has dropped a player. */
  ended(player: Player, reason: PlayerEnd): void;
}

/**
 * Players that are given the same bytes. Each flush encodes its frames once into the group's log and writes
 * that one buffer to every player; a player whose socket is busy stays behind in the log and catches up.
 */
export class FanOutGroup {
  readonly key: string;
  readonly #format: FanOutFormat;
  readonly #home: FanOutHome;
  readonly #log = new BatchLog();
  readonly #players: Player[] = [];
  readonly #laggards = new Set<Player>();
  /** Sequence number and frame of the newest GOP's keyframe, and the bytes from that batch on. */
  #gop: { sequence: number; index: number; bytes: number } | undefined;
  /** Where the current pass over the players stands; undefined between passes. */
  #pass: { next: number; from: number; again: boolean } | undefined;
  readonly #continuePass = (): void => {
    this.#writeSome();
  };

  constructor(key: string, format: FanOutFormat, home: FanOutHome) {
    this.key = key;
    this.#format = format;
    this.#home = home;
  }

  get size(): number {
    return this.#players.length;
  }

  /** Bytes held in the log. */
  get bytes(): number {
    return this.#log.bytes;
  }

  /** Encodes frames into the log without writing them to anyone: what a new group begins with. */
  prime(frames: readonly Frame[]): void {
    this.#encode(frames);
  }

  /** Encodes the frames of a flush and writes them to every player. */
  append(frames: readonly Frame[]): void {
    if (this.#encode(frames)) this.#startPass();
  }

  /** Keeps nothing for players that join until the next keyframe. */
  forgetGop(): void {
    this.#gop = undefined;
    this.#trim();
  }

  /** Adds a player at the newest GOP. Returns false when the log holds none. */
  joinAtGop(player: Player): boolean {
    if (this.#gop === undefined) return false;
    this.#add(player, this.#gop.sequence, this.#gop.index);
    this.#catchUp(player);
    return true;
  }

  /** Adds a player at the newest batch. Returns false when there is none. */
  joinAtNewest(player: Player): boolean {
    const newest = this.#log.newest;
    if (newest === undefined) return false;
    const first = newest.frames.findIndex((frame) => !frame.sequenceHeader && frame.kind !== FrameKind.data);
    this.#add(player, newest.sequence, Math.max(0, first));
    this.#catchUp(player);
    return true;
  }

  /** Adds a player that has been watching already: it goes on with what comes next. */
  joinAtHead(player: Player, afterKeyframe: boolean): void {
    this.#add(player, this.#log.head, 0);
    player.awaitsKeyframe = afterKeyframe;
  }

  remove(player: Player): void {
    this.#laggards.delete(player);
    if (this.#players[player.slot] !== player) return;
    const last = this.#players.pop();
    if (last === undefined || last === player) return;
    this.#players[player.slot] = last;
    last.slot = player.slot;
    // The pass that is under way may have gone by this place already: the moved player must not be missed.
    if (this.#pass !== undefined && last.slot < this.#pass.next) this.#laggards.add(last);
  }

  /** The player's sink is empty: write what it missed. */
  drained(player: Player): void {
    if (!this.#laggards.has(player)) return;
    this.#catchUp(player);
    this.#trim();
  }

  /** Writes a player all that it lacks and the form's end mark, whether or not its socket is busy. */
  finish(player: Player): void {
    while (player.started && player.cursor < this.#log.head) {
      const batch = this.#log.at(player.cursor);
      if (batch === undefined || !this.#writeBatch(player, batch)) break;
    }
    if (player.started && this.#format.trailer !== undefined) player.sink.write(this.#format.trailer);
  }

  #add(player: Player, cursor: number, index: number): void {
    player.cursor = cursor;
    player.index = index;
    player.unstarted = TrackBit.all;
    player.needsPreamble = true;
    player.plain = false;
    player.awaitsKeyframe = false;
    player.busySince = 0;
    player.slot = this.#players.push(player) - 1;
  }

  #encode(frames: readonly Frame[]): boolean {
    let some = false;
    for (let from = 0; from < frames.length;) {
      const { batch, next } = this.#format.encode(frames, from);
      from = next;
      if (batch === undefined) continue;
      some = true;
      const logged = this.#log.push(batch);
      if (this.#home.limits.gopMaxBytes > 0) {
        if (logged.keyframe >= 0) this.#gop = { sequence: logged.sequence, index: logged.keyframe, bytes: 0 };
        if (this.#gop !== undefined) {
          this.#gop.bytes += logged.bytes.length;
          if (this.#gop.bytes > this.#home.limits.gopMaxBytes) this.#gop = undefined;
        }
      }
    }
    return some;
  }

  #startPass(): void {
    if (this.#pass !== undefined) {
      this.#pass.again = true;
      return;
    }
    this.#pass = { next: 0, from: this.#log.oldest, again: false };
    this.#writeSome();
  }

  /** Goes over the players, {@link PLAYERS_PER_TURN} of them in this turn of the event loop. */
  #writeSome(): void {
    const pass = this.#pass;
    if (pass === undefined) return;
    const players = this.#players;
    const newest = this.#log.newest;
    let budget = PLAYERS_PER_TURN;
    while (pass.next < players.length && newest !== undefined) {
      if (budget === 0) {
        setImmediate(this.#continuePass);
        return;
      }
      budget -= 1;
      const player = players[pass.next];
      pass.next += 1;
      if (player === undefined) continue;
      if (
        player.plain &&
        player.cursor === newest.sequence &&
        (player.unstarted & newest.tracks) === 0 &&
        newest.restarts === 0 &&
        player.sink.writableLength === 0
      ) {
        player.cursor += 1;
        player.sink.write(newest.bytes);
      } else if (player.cursor <= newest.sequence) {
        this.#catchUp(player);
      }
    }
    this.#pass = undefined;
    this.#trim();
    if (pass.again) this.#startPass();
  }

  /** Writes a player all that it lacks, unless its socket is still busy with what it has. */
  #catchUp(player: Player): void {
    const { sink } = player;
    if (sink.destroyed) return;
    if (sink.writableLength > 0 && player.started) {
      this.#stayBehind(player);
      return;
    }
    player.busySince = 0;
    sink.cork();
    while (player.cursor < this.#log.head && sink.writableLength < CATCH_UP_BYTES) {
      const batch = this.#log.at(player.cursor);
      if (batch === undefined) {
        // Trimmed away: can't happen while laggards hold the log back, and is safe all the same.
        player.cursor = this.#log.oldest;
        player.unstarted = TrackBit.all;
        continue;
      }
      if (!this.#writeBatch(player, batch)) break;
    }
    sink.uncork();
    if (player.cursor < this.#log.head) this.#laggards.add(player);
    else this.#laggards.delete(player);
    player.plain =
      player.started &&
      !player.needsPreamble &&
      !player.awaitsKeyframe &&
      player.options.durationMs === undefined;
  }

  /** Writes one batch; false when the player ended with it. */
  #writeBatch(player: Player, batch: LoggedBatch): boolean {
    if (player.awaitsKeyframe) {
      if (batch.keyframe < 0) {
        player.cursor += 1;
        player.droppedFrames += batch.frames.length;
        return true;
      }
      player.index = batch.keyframe;
      player.awaitsKeyframe = false;
      player.needsPreamble = true;
      player.unstarted = TrackBit.all;
    }
    const { sink, index } = player;
    if (player.needsPreamble) {
      const first = batch.frames[index]?.timestamp ?? player.base;
      const preamble = this.#format.preamble(this.#home.headers(), first, player, !player.started);
      if (preamble.length > 0) sink.write(preamble);
      player.needsPreamble = false;
      player.started = true;
    }
    player.unstarted |= batch.restarts;
    player.cursor += 1;
    player.index = 0;
    if (index === 0 && (player.unstarted & batch.tracks) === 0) sink.write(batch.bytes);
    else for (const piece of this.#format.tail(batch, index, player)) sink.write(piece);
    const { durationMs } = player.options;
    if (durationMs !== undefined && batch.lastTimestamp - player.base >= durationMs) {
      this.#home.ended(player, 'duration');
      return false;
    }
    return true;
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
  }

  #fits(sequence: number): boolean {
    const { queueLengthMs, queueMaxBytes } = this.#home.limits;
    const oldest = this.#log.at(sequence)?.frames[0];
    const newest = this.#log.newest;
    if (oldest === undefined || newest === undefined) return true;
    if (newest.lastTimestamp - oldest.timestamp > queueLengthMs) return false;
    return this.#log.bytesFrom(sequence) <= queueMaxBytes;
  }

  /** Moves a player to the first keyframe from which its queue fits, or to the head when there is none. */
  #dropForward(player: Player): void {
    const from = player.cursor;
    const behindMs = (this.#log.newest?.lastTimestamp ?? 0) - (this.#log.at(from)?.frames[0]?.timestamp ?? 0);
    let to = from + 1;
    while (to < this.#log.head && !((this.#log.at(to)?.keyframe ?? -1) >= 0 && this.#fits(to))) to += 1;
    const atKeyframe = to < this.#log.head;
    let frames = -player.index;
    let bytes = 0;
    for (let sequence = from; sequence < to; sequence += 1) {
      const batch = this.#log.at(sequence);
      frames += batch?.frames.length ?? 0;
      bytes += batch?.bytes.length ?? 0;
    }
    player.cursor = to;
    player.index = atKeyframe ? Math.max(0, this.#log.at(to)?.keyframe ?? 0) : 0;
    player.unstarted = TrackBit.all;
    player.needsPreamble = true;
    player.plain = false;
    player.awaitsKeyframe = !atKeyframe && this.#home.hasVideo();
    player.droppedFrames += frames;
    player.options.onDrop?.({ frames, bytes, behindMs });
  }

  /** Forgets batches that neither a player behind nor a player to come needs. */
  #trim(): void {
    let before = this.#pass === undefined ? this.#log.head - 1 : this.#pass.from;
    if (this.#gop !== undefined && this.#gop.sequence < before) before = this.#gop.sequence;
    for (const player of this.#laggards) {
      if (player.cursor === this.#log.head) this.#laggards.delete(player);
      else if (player.cursor < before) before = player.cursor;
    }
    this.#log.trim(before);
  }
}
