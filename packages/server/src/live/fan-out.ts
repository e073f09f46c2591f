import type { KeptPacket } from '@sluice/media/model';

import type { AudioCache } from './audio-cache.ts';
import { type FanOutFamily, type StreamHeaders, TrackBit } from './fan-out-format.ts';
import { FanOutGroup } from './fan-out-group.ts';
import type { FanOutHome } from './fan-out-home.ts';
import { earliestTimestamp, type GopCache } from './gop-cache.ts';
import { MAX_FRAMES_SINCE_READ } from './limits.ts';
import type { FanOutSettings } from './live-settings.ts';
import { Player, type PlayerEnd, type PlayerHome, type PlayerOptions } from './player.ts';

/** Multiples of the golden ratio's fraction lie apart from each other, however many there are. */
const PHASE_STEP = 0.618_033_988_75;

/** What the players' side asks of its stream. */
export interface FanOutSource {
  settings(): FanOutSettings;
  readonly gop: GopCache;
  readonly audioCache: AudioCache;
  headers(): StreamHeaders;
  hasVideo(): boolean;
  rebases(): boolean;
  zeroOf(earliest: number): number;
  /** A flush has kept the event loop for so long, ms. */
  flushed(ms: number): void;
  /** The last player has gone. */
  onEmpty(): void;
}

/** The players of one live stream: those that wait for something to play, and the others in their groups. */
export class FanOut {
  readonly #source: FanOutSource;
  /** By form, and by the players' zero where that changes the bytes. */
  readonly #groups = new Map<string, FanOutGroup[]>();
  readonly #members = new Map<Player, FanOutGroup>();
  readonly #waiting = new Set<Player>();
  /** Players that want nothing now, but are still the stream's. */
  readonly #paused = new Set<Player>();
  /** Packets since the publisher's last read, for players that wait and have no GOP to start from. */
  #sinceRead: KeptPacket[] = [];
  /** The configurations that held when the first of them came. */
  #configurationsBefore: readonly KeptPacket[] = [];
  readonly #groupHome: FanOutHome;
  readonly #playerHome: PlayerHome;
  #phase = Math.random();

  constructor(source: FanOutSource) {
    this.#source = source;
    this.#groupHome = {
      settings: () => source.settings(),
      headers: () => source.headers(),
      hasVideo: () => source.hasVideo(),
      rebases: () => source.rebases(),
      zeroOf: (earliest) => source.zeroOf(earliest),
      flushed: (ms) => {
        source.flushed(ms);
      },
      ended: (player, reason) => {
        this.#end(player, reason);
      },
    };
    this.#playerHome = {
      leave: (player) => {
        this.#leave(player);
      },
      drained: (player) => {
        this.#members.get(player)?.drained(player);
      },
      pause: (player) => {
        if (!this.#waiting.delete(player) && !this.#members.has(player)) return;
        player.paused = true;
        this.#paused.add(player);
        this.#detach(player);
      },
      resume: (player) => {
        player.paused = false;
        if (this.#paused.delete(player)) this.#rejoin(player);
      },
      change: (player, family) => {
        player.family = family;
        const group = this.#members.get(player);
        if (group === undefined) return;
        // It goes on where it stands, in a group that is flushed at other times.
        group.flush();
        if (!this.#members.has(player)) return;
        this.#detach(player);
        this.#rejoin(player);
      },
    };
  }

  get size(): number {
    return this.#members.size + this.#waiting.size + this.#paused.size;
  }

  /** Somebody wants packets: {@link push} keeps them. */
  get wantsPackets(): boolean {
    return this.#groups.size > 0 || this.#waiting.size > 0;
  }

  /** Bytes held in the groups' logs. */
  get bytes(): number {
    let bytes = 0;
    for (const group of this.#all()) bytes += group.bytes;
    return bytes;
  }

  play(options: PlayerOptions): Player {
    const player = new Player(options, this.#playerHome);
    if (!this.#start(player)) this.#waiting.add(player);
    return player;
  }

  /** Takes the next packet for every player. */
  push(packet: KeptPacket): void {
    if (this.#waiting.size > 0) this.#keepForWaiting(packet);
    if (this.#groups.size > 0) for (const group of this.#all()) group.push(packet);
  }

  /** One read may hold tens of thousands of tiny packets: players that wait need not wait for its end. */
  #keepForWaiting(packet: KeptPacket): void {
    if (this.#sinceRead.length >= MAX_FRAMES_SINCE_READ) this.#startWaiting();
    if (this.#waiting.size === 0) return;
    if (this.#sinceRead.length === 0) this.#configurationsBefore = this.#source.headers().configurations;
    this.#sinceRead.push(packet);
  }

  /** The publisher's read is over: starts those who wait, and flushes the groups whose time has come. */
  flushIfDue(): void {
    if (this.#waiting.size > 0) this.#startWaiting();
    if (this.#groups.size === 0) return;
    const now = performance.now();
    for (const group of this.#all()) group.flushIfDue(now);
  }

  /** Players that join start at the next keyframe. */
  forgetGop(): void {
    for (const group of this.#all()) group.forgetGop();
  }

  /** The stream's settings have changed. */
  reconfigured(): void {
    for (const group of this.#all()) group.reconfigured();
  }

  /**
   * The stream's times are counted otherwise from the next frame on: everybody gets what is there by the old
   * count, and goes on from another zero. Nobody loses a frame.
   *
   * @param zeroOf - a player's new zero, ms, from its old one
   */
  moveZeros(zeroOf: (zero: number) => number): void {
    for (const group of this.#all()) group.flushLast();
    for (const player of [...this.#members.keys(), ...this.#waiting, ...this.#paused]) {
      if (!player.hasBase) continue;
      const rejoins = player.family.rebased && this.#members.has(player);
      // The zero is in the bytes, and so in the group.
      if (rejoins) this.#detach(player);
      player.base = zeroOf(player.base);
      player.unstarted = TrackBit.all;
      player.plain = false;
      if (!rejoins) continue;
      const group = this.#openGroup(player) ?? this.#createGroup(player.family, player.base);
      group.joinAtHead(player, player.awaitsKeyframe);
      this.#members.set(player, group);
    }
  }

  /** The publisher goes: everybody gets what is there. */
  flushAll(): void {
    if (this.#waiting.size > 0) this.#startWaiting();
    for (const group of this.#all()) group.flushLast();
  }

  /** Ends the players that don't wait for another publisher. */
  endWithPublisher(): void {
    for (const player of [...this.#members.keys(), ...this.#waiting]) {
      const ends = player.options.endsWithPublisher;
      if (ends === 'never' || (ends === 'once-started' && !player.started)) continue;
      const group = this.#members.get(player);
      if (group !== undefined) group.finish(player);
      else writeTrailer(player);
      if (this.#members.has(player) || this.#waiting.has(player)) this.#end(player, 'publisher-gone');
    }
  }

  /** Ends the players that joined before a time of the monotonic clock, ms: the stream has not been published since. */
  endWaiting(joinedBefore: number): void {
    for (const player of [...this.#members.keys(), ...this.#waiting, ...this.#paused]) {
      if (player.joinedAt >= joinedBefore) continue;
      const group = this.#members.get(player);
      if (group !== undefined) group.finish(player);
      else if (!player.started) writeTrailer(player);
      if (this.#members.has(player) || this.#waiting.has(player) || this.#paused.has(player)) {
        this.#end(player, 'wait-timeout');
      }
    }
  }

  *#all(): Generator<FanOutGroup> {
    for (const groups of this.#groups.values()) yield* groups;
  }

  #startWaiting(): void {
    const packets = this.#sinceRead;
    this.#sinceRead = [];
    // Who has waited gets all there is, even when a fast publisher's first burst holds several GOPs.
    for (const player of this.#waiting) if (this.#startWith(player, packets)) this.#waiting.delete(player);
  }

  /** Starts a player with what is kept for its form; false when there is nothing. */
  #start(player: Player): boolean {
    return player.family.video ? this.#startAtGop(player) : this.#startAtAudio(player);
  }

  /** Starts a listener with the last seconds of audio; false when none are kept. */
  #startAtAudio(player: Player): boolean {
    const { packets } = this.#source.audioCache;
    const [oldest] = packets;
    if (oldest === undefined) return false;
    if (player.family.rebased) {
      player.base = this.#source.rebases() ? oldest.timestamp : 0;
      player.hasBase = true;
    }
    const group = this.#openGroup(player) ?? this.#createGroup(player.family, player.base);
    this.#members.set(player, group);
    group.joinWith(player, packets);
    return true;
  }

  /** Starts a player at the newest GOP; false when there is none. */
  #startAtGop(player: Player): boolean {
    const { gop } = this.#source;
    if (gop.size === 0) return false;
    // Where the zero is not in the bytes, it is settled by the first frame that is written: the group's log may
    // still be at an older GOP.
    player.base = this.#source.rebases() ? (gop.zero((earliest) => this.#source.zeroOf(earliest)) ?? 0) : 0;
    player.hasBase = player.family.rebased;
    const key = groupKey(player.family, player.base);
    // A group that is not old enough to hold the GOP can't start anyone; a new one can.
    const known = this.#groups.get(key)?.find((group) => !group.full && group.hasGop);
    const group = known ?? this.#createGroup(player.family, player.base);
    if (known === undefined) group.prime(gop.packets());
    this.#members.set(player, group);
    if (group.joinAtGop(player)) return true;
    this.#detach(player);
    return false;
  }

  /** Starts a player with the latest packets; false when there are none that it could show. */
  #startWith(player: Player, latest: readonly KeptPacket[]): boolean {
    const usable = player.family.video ? latest : latest.filter(({ track }) => track.kind !== 'video');
    const earliest = earliestTimestamp(usable);
    if (earliest === undefined) return false;
    // Where the zero is in the bytes, it has to be settled now; else with the first frame that is written.
    if (player.family.rebased) {
      player.base = player.family.video
        ? this.#source.zeroOf(earliest)
        : this.#source.rebases()
          ? earliest
          : 0;
      player.hasBase = true;
    }
    const known = this.#openGroup(player);
    const before = this.#configurationsBefore;
    const group = known ?? this.#createGroup(player.family, player.base, before);
    // Before the packets: a group with many of them flushes at once.
    group.joinAtHead(player, false);
    this.#members.set(player, group);
    if (known === undefined) for (const packet of latest) group.push(packet);
    return true;
  }

  /** A player that has watched before goes on with what comes next, on its own time. */
  #rejoin(player: Player): void {
    if (!player.started) {
      if (!this.#start(player)) this.#waiting.add(player);
      return;
    }
    const group = this.#openGroup(player) ?? this.#createGroup(player.family, player.base);
    // What is pending there may be what the player has got elsewhere.
    group.flush();
    group.joinAtHead(player, this.#source.hasVideo() && player.family.video);
    this.#members.set(player, group);
  }

  #openGroup(player: Player): FanOutGroup | undefined {
    return this.#groups.get(groupKey(player.family, player.base))?.find((group) => !group.full);
  }

  #createGroup(
    family: FanOutFamily,
    base: number,
    configurations = this.#source.headers().configurations,
  ): FanOutGroup {
    this.#phase = (this.#phase + PHASE_STEP) % 1;
    const key = groupKey(family, base);
    const group = new FanOutGroup(key, family.create(base), this.#groupHome, configurations, this.#phase);
    const groups = this.#groups.get(key);
    if (groups === undefined) this.#groups.set(key, [group]);
    else groups.push(group);
    return group;
  }

  #leave(player: Player): void {
    this.#waiting.delete(player);
    this.#paused.delete(player);
    if (this.#waiting.size === 0) this.#sinceRead = [];
    this.#detach(player);
    if (this.size === 0) this.#source.onEmpty();
  }

  #detach(player: Player): void {
    const group = this.#members.get(player);
    if (group === undefined) return;
    this.#members.delete(player);
    group.remove(player);
    if (group.size > 0) return;
    group.close();
    const rest = this.#groups.get(group.key)?.filter((other) => other !== group) ?? [];
    if (rest.length === 0) this.#groups.delete(group.key);
    else this.#groups.set(group.key, rest);
  }

  #end(player: Player, reason: PlayerEnd): void {
    this.#leave(player);
    player.options.onEnd(reason);
  }
}

/** Ends the body of a player that has got nothing. */
function writeTrailer({ family, sink }: Player): void {
  const { trailer } = family.create(0);
  if (trailer !== undefined) sink.write(trailer);
}

function groupKey(family: FanOutFamily, base: number): string {
  return family.rebased ? `${family.key}@${base}` : family.key;
}
