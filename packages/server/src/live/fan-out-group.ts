import type { KeptPacket } from '@sluice/media/model';

import type { FanOutFormat } from './fan-out-format.ts';
import type { FanOutHome } from './fan-out-home.ts';
import { GroupLog } from './group-log.ts';
import { PendingPackets } from './pending-packets.ts';
import type { Player } from './player.ts';
import { PlayerWriter } from './player-writer.ts';

/**
 * Most players of a group; further ones get another group, flushed at another time, so that no flush keeps the
 * event loop for long.
 */
export const PLAYERS_PER_GROUP = 250;

/**
 * Players that are given the same bytes. Each flush encodes its frames once into the group's log and writes
 * that one buffer to every player; a player whose socket is busy stays behind in the log and catches up.
 */
export class FanOutGroup {
  readonly key: string;
  readonly #format: FanOutFormat;
  readonly #home: FanOutHome;
  readonly #log: GroupLog;
  readonly #writer: PlayerWriter;
  readonly #players: Player[] = [];
  readonly #pending = new PendingPackets();
  #timer: NodeJS.Timeout | undefined;
  #lastFlush: number;

  /**
   * @param configurations - those that hold in front of the group's first packet
   * @param phase - 0–1: where in the flush interval this group's flushes lie, so that groups are spread
   */
  constructor(
    key: string,
    format: FanOutFormat,
    home: FanOutHome,
    configurations: readonly KeptPacket[],
    phase: number,
  ) {
    this.key = key;
    this.#format = format;
    this.#home = home;
    this.#log = new GroupLog(format, home, configurations);
    this.#writer = new PlayerWriter(format, home, this.#log.batches);
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
    return this.#log.gop !== undefined;
  }

  /** Bytes held in the log. */
  get bytes(): number {
    return this.#log.batches.bytes;
  }

  /** Encodes packets into the log without writing them to anyone: what a new group begins with. */
  prime(packets: readonly KeptPacket[]): void {
    this.#log.append(packets, this.full);
  }

  /** Takes a packet for the next flush, which comes early when many wait. */
  push(packet: KeptPacket): void {
    this.#pending.push(packet);
    if (!this.#pending.full) return;
    const { onePerFlush, queueLengthMs } = this.#home.settings();
    if (onePerFlush) this.#pending.limit(queueLengthMs);
    else this.flush();
  }

  /** Flushes if the interval is over, else sees to it that it will be done then. */
  flushIfDue(now: number): void {
    if (this.#pending.size === 0 || this.#timer !== undefined) return;
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
    this.#log.limitGop();
    this.#trim();
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.flushIfDue(performance.now());
  }

  /** Flushes all that is pending. */
  flush(): void {
    if (this.#pending.size > 0) this.#append(this.#pending.takeAll());
  }

  /** Stops the group's timer and forgets what is pending. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pending.takeAll();
  }

  /** Keeps nothing for players that join until the next keyframe. */
  forgetGop(): void {
    this.#log.forgetGop();
    this.#trim();
  }

  /** Adds a player at the newest GOP. Returns false when the log holds none. */
  joinAtGop(player: Player): boolean {
    const { gop } = this.#log;
    if (gop === undefined) return false;
    this.#add(player, gop.sequence, gop.index);
    this.#writer.catchUp(player);
    return true;
  }

  /** Adds a player that goes on with what comes next. */
  joinAtHead(player: Player, afterKeyframe: boolean): void {
    this.#add(player, this.#log.batches.head, 0);
    player.awaitsKeyframe = afterKeyframe;
  }

  /**
   * Adds a player that is given `recent` first, encoded for it alone, and then goes on with what comes next.
   *
   * @param recent - ends with the newest packets of the stream; those among them that wait for the next flush
   * are left to it
   */
  joinWith(player: Player, recent: readonly KeptPacket[]): void {
    this.#add(player, this.#log.batches.head, 0);
    this.#writer.writeOwn(player, recent.slice(0, recent.length - this.#pending.countAmong(recent)));
  }

  remove(player: Player): void {
    this.#writer.forget(player);
    if (this.#players[player.slot] !== player) return;
    const last = this.#players.pop();
    if (last === undefined || last === player) return;
    this.#players[player.slot] = last;
    last.slot = player.slot;
  }

  /** The player's sink is empty: write what it missed. */
  drained(player: Player): void {
    if (!this.#writer.laggards.has(player)) return;
    this.#writer.catchUp(player);
    this.#trim();
  }

  /** Flushes for the last time: players that are behind get the rest now, as no later flush will serve them. */
  flushLast(): void {
    this.flush();
    this.#writer.finishLaggards();
    this.#trim();
  }

  /** Writes a player all that it lacks and the form's end mark, whether or not its socket is busy. */
  finish(player: Player): void {
    this.#writer.writeRest(player);
    if (this.#format.trailer !== undefined) player.sink.write(this.#format.trailer);
  }

  #add(player: Player, sequence: number, index: number): void {
    this.#writer.place(player, sequence, index);
    player.slot = this.#players.push(player) - 1;
  }

  #flushNow(now: number): void {
    this.#lastFlush = now;
    const { onePerFlush, queueLengthMs } = this.#home.settings();
    if (!onePerFlush) {
      this.flush();
      return;
    }
    this.#pending.limit(queueLengthMs);
    const packets = this.#pending.takeMessage();
    if (packets.length > 0) this.#append(packets);
    this.flushIfDue(now);
  }

  /** Encodes packets and writes them to every player. */
  #append(packets: readonly KeptPacket[]): void {
    const began = performance.now();
    if (!this.#log.append(packets, this.full)) return;
    const { newest } = this.#log.batches;
    if (newest === undefined) return;
    const { sequence, bytes, tracks, restarts, videoFrames } = newest;
    const players = this.#players;
    // From the last to the first: a player that ends here is replaced by the last one, which has been served.
    for (let slot = players.length - 1; slot >= 0; slot -= 1) {
      const player = players[slot];
      if (player === undefined) continue;
      if (
        player.plain &&
        player.cursor === sequence &&
        (player.unstarted & tracks) === 0 &&
        restarts === 0 &&
        player.sink.writableLength === 0
      ) {
        player.cursor += 1;
        player.videoFrames += videoFrames;
        player.sink.write(bytes);
      } else {
        this.#writer.catchUp(player);
      }
    }
    this.#trim();
    this.#home.flushed(performance.now() - began);
  }

  /** Forgets batches that neither a player behind nor a player to come needs. */
  #trim(): void {
    const { batches, gop } = this.#log;
    let before = batches.head;
    if (gop !== undefined && gop.sequence < before) before = gop.sequence;
    for (const player of this.#writer.laggards) if (player.cursor < before) before = player.cursor;
    batches.trim(before);
  }
}
