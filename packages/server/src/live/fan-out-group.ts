import { BatchLog, type LoggedBatch } from './batch-log.ts';
import { type EncodedBatch, type FanOutFormat, TrackBit } from './fan-out-format.ts';
import type { FanOutHome } from './fan-out-home.ts';
import { type Frame, FrameKind } from './frame.ts';
import { earliestTimestamp } from './gop-cache.ts';
import type { Player } from './player.ts';

/**
 * Most players of a group; further ones get another group, flushed at another time, so that no flush keeps the
 * event loop for long.
 */
export const PLAYERS_PER_GROUP = 250;
/** Most bytes handed to a sink at once when a player catches up. */
export const CATCH_UP_BYTES = 256 * 1024;
/** A sink that takes none of its bytes for this long, ms, is given up (R044). */
export const STALL_TIMEOUT_MS = 30_000;

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
  #pending: Frame[] = [];
  #timer: NodeJS.Timeout | undefined;
  #lastFlush: number;
  /** Sequence number and frame of the newest GOP's keyframe, and the bytes from that batch on. */
  #gop: { sequence: number; index: number; bytes: number } | undefined;
  #hadKeyframe = false;

  /** @param phase - 0–1: where in the flush interval this group's flushes lie, so that groups are spread */
  constructor(key: string, format: FanOutFormat, home: FanOutHome, phase: number) {
    this.key = key;
    this.#format = format;
    this.#home = home;
    this.#lastFlush = performance.now() - phase * home.settings().flushIntervalMs;
  }

  get size(): number {
    return this.#players.length;
  }

  get full(): boolean {
    return this.#players.length >= PLAYERS_PER_GROUP;
  }

  /** The log holds a GOP that a player can start with. */
  get hasGop(): boolean {
    return this.#gop !== undefined;
  }

  /** Bytes held in the log. */
  get bytes(): number {
    return this.#log.bytes;
  }

  /** Encodes frames into the log without writing them to anyone: what a new group begins with. */
  prime(frames: readonly Frame[]): void {
    this.#encode(frames);
  }

  /** Takes a frame for the next flush. */
  push(frame: Frame): void {
    this.#pending.push(frame);
  }

  /** Flushes if the interval is over, else sees to it that it will be done then. */
  flushIfDue(now: number): void {
    if (this.#pending.length === 0 || this.#timer !== undefined) return;
    const wait = this.#lastFlush + this.#home.settings().flushIntervalMs - now;
    if (wait <= 0) {
      this.#flushNow(now);
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flushNow(performance.now());
    }, wait);
  }

  /** The settings have changed: they hold for what is kept and for the flush that is waited for, too. */
  reconfigured(): void {
    if ((this.#gop?.bytes ?? 0) > this.#home.settings().gopMaxBytes) this.forgetGop();
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.flushIfDue(performance.now());
  }

  /** Flushes all that is pending. */
  flush(): void {
    if (this.#pending.length === 0) return;
    const frames = this.#pending;
    this.#pending = [];
    this.#append(frames);
  }

  /** Stops the group's timer and forgets what is pending. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pending = [];
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

  /** Adds a player that goes on with what comes next. */
  joinAtHead(player: Player, afterKeyframe: boolean): void {
    this.#add(player, this.#log.head, 0);
    player.awaitsKeyframe = afterKeyframe;
  }

  /**
   * Adds a player that is given `recent` first, encoded for it alone, and then goes on with what comes next.
   *
   * @param recent - ends with the newest frames of the stream; those among them that wait for the next flush
   * are left to it
   */
  joinWith(player: Player, recent: readonly Frame[]): void {
    this.#add(player, this.#log.head, 0);
    const own = recent.slice(0, recent.length - this.#pendingAmong(recent));
    const { sink } = player;
    sink.cork();
    for (let from = 0; from < own.length;) {
      const { batch, next } = this.#format.encode(own, from);
      from = next;
      if (batch !== undefined) this.#writeOwn(player, batch);
    }
    sink.uncork();
  }

  /** How many of the last of these frames are pending. */
  #pendingAmong(recent: readonly Frame[]): number {
    let count = 0;
    for (let at = this.#pending.length - 1; at >= 0 && count < recent.length; at -= 1) {
      const last = recent[recent.length - 1 - count];
      const { kind, sequenceHeader, timestamp } = this.#pending[at] ?? {};
      if (kind === last?.kind && !sequenceHeader && timestamp === last?.timestamp) count += 1;
    }
    return count;
  }

  #writeOwn(player: Player, batch: EncodedBatch): void {
    if (player.needsPreamble) this.#writePreamble(player, batch, 0);
    player.sink.write(batch.bytes);
    player.unstarted &= ~batch.tracks;
  }

  remove(player: Player): void {
    this.#laggards.delete(player);
    if (this.#players[player.slot] !== player) return;
    const last = this.#players.pop();
    if (last === undefined || last === player) return;
    this.#players[player.slot] = last;
    last.slot = player.slot;
  }

  /** The player's sink is empty: write what it missed. */
  drained(player: Player): void {
    if (!this.#laggards.has(player)) return;
    this.#catchUp(player);
    this.#trim();
  }

  /** Flushes for the last time: players that are behind get the rest now, as no later flush will serve them. */
  flushLast(): void {
    this.flush();
    for (const player of this.#laggards) {
      this.#writeRest(player);
      // How long it has been busy is counted anew with the next publisher.
      player.busySince = 0;
    }
    this.#laggards.clear();
    this.#trim();
  }

  /** Writes a player all that it lacks and the form's end mark, whether or not its socket is busy. */
  finish(player: Player): void {
    this.#writeRest(player);
    if (this.#format.trailer !== undefined) player.sink.write(this.#format.trailer);
  }

  #writeRest(player: Player): void {
    while (player.cursor < this.#log.head) {
      const batch = this.#log.at(player.cursor);
      if (batch === undefined || !this.#writeBatch(player, batch)) break;
    }
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

  #flushNow(now: number): void {
    this.#lastFlush = now;
    if (!this.#home.settings().onePerFlush) {
      this.flush();
      return;
    }
    this.#boundPending();
    const frame = this.#pending.shift();
    if (frame !== undefined) this.#append([frame]);
    this.flushIfDue(now);
  }

  /** Paced slower than published: everything before the next keyframe goes, as for any queue (O005). */
  #boundPending(): void {
    const { queueLengthMs } = this.#home.settings();
    const newest = this.#pending[this.#pending.length - 1]?.timestamp ?? 0;
    if (newest - (this.#pending.find(isMedia)?.timestamp ?? newest) <= queueLengthMs) return;
    const from = this.#pending.findIndex(
      (frame) => frame.keyframe && newest - frame.timestamp <= queueLengthMs,
    );
    // Configurations and metadata stay: what follows is of no use without them.
    this.#pending = this.#pending.filter((frame, index) => (from >= 0 && index >= from) || !isMedia(frame));
  }

  /** Encodes frames and writes them to every player. */
  #append(frames: readonly Frame[]): void {
    if (!this.#encode(frames)) return;
    const newest = this.#log.newest;
    if (newest === undefined) return;
    const players = this.#players;
    // From the last to the first: a player that ends here is replaced by the last one, which has been served.
    for (let slot = players.length - 1; slot >= 0; slot -= 1) {
      const player = players[slot];
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
      } else {
        this.#catchUp(player);
      }
    }
    this.#trim();
  }

  #encode(frames: readonly Frame[]): boolean {
    let some = false;
    for (let from = 0; from < frames.length;) {
      const { batch, next } = this.#format.encode(frames, from);
      from = next;
      if (batch === undefined) continue;
      some = true;
      const logged = this.#log.push(batch);
      const { gopMaxBytes } = this.#home.settings();
      // Only a group that has room for players needs something for them to start with.
      if (gopMaxBytes === 0 || this.full) {
        this.#gop = undefined;
        continue;
      }
      if (logged.keyframe >= 0) {
        // Players that join later have another zero: where it is in the bytes, the group's GOP is of no use to them.
        const useful = !this.#hadKeyframe || !this.#format.rebased || !this.#home.rebases();
        this.#gop = useful ? { sequence: logged.sequence, index: logged.keyframe, bytes: 0 } : undefined;
        this.#hadKeyframe = true;
      }
      if (this.#gop !== undefined) {
        this.#gop.bytes += logged.bytes.length;
        if (this.#gop.bytes > gopMaxBytes) this.#gop = undefined;
      }
    }
    return some;
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

  /** Writes one batch; false when the player ended with it. */
  #writeBatch(player: Player, batch: LoggedBatch): boolean {
    player.cursor += 1;
    let { index } = player;
    player.index = 0;
    if (player.awaitsKeyframe && !this.#home.hasVideo()) player.awaitsKeyframe = false;
    if (player.awaitsKeyframe) {
      if (batch.keyframe < 0) {
        if (player.started) player.droppedFrames += batch.frames.length;
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
      this.#writePreamble(player, batch, index);
    }
    const { sink } = player;
    player.unstarted |= batch.restarts;
    if (index === 0 && (player.unstarted & batch.tracks) === 0) sink.write(batch.bytes);
    else for (const piece of this.#format.tail(batch, index, player)) sink.write(piece);
    const { durationMs } = player.options;
    if (durationMs !== undefined && batch.lastTimestamp - player.base >= durationMs) {
      this.#home.ended(player, 'duration');
      return false;
    }
    return true;
  }

  #writePreamble(player: Player, batch: EncodedBatch, index: number): void {
    const first = batch.frames[index]?.timestamp ?? 0;
    if (!player.hasBase) {
      player.hasBase = true;
      player.base = this.#home.rebases() ? (earliestTimestamp(batch.frames.slice(index)) ?? first) : 0;
    }
    player.unstarted = TrackBit.all;
    const preamble = this.#format.preamble(this.#home.headers(), first, player, !player.started);
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
  }

  #fits(sequence: number): boolean {
    const { queueLengthMs, queueMaxBytes } = this.#home.settings();
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
    frames += player.index;
    player.unstarted = TrackBit.all;
    player.needsPreamble = true;
    player.plain = false;
    player.awaitsKeyframe = !atKeyframe && this.#home.hasVideo() && player.family.video;
    player.droppedFrames += frames;
    player.options.onDrop?.({ frames, bytes, behindMs });
  }

  /** Forgets batches that neither a player behind nor a player to come needs. */
  #trim(): void {
    let before = this.#log.head;
    if (this.#gop !== undefined && this.#gop.sequence < before) before = this.#gop.sequence;
    for (const player of this.#laggards) if (player.cursor < before) before = player.cursor;
    this.#log.trim(before);
  }
}

/** The first frame from `index` on that is media, if any. */
function firstMedia(batch: LoggedBatch, index: number): number | undefined {
  for (let at = index; at < batch.frames.length; at += 1) {
    const frame = batch.frames[at];
    if (frame !== undefined && isMedia(frame)) return at;
  }
  return undefined;
}

function isMedia(frame: Frame): boolean {
  return !frame.sequenceHeader && frame.kind !== FrameKind.data;
}
