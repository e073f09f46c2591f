/** The most of a fragment that one segment pays back of what it owes to the clock (L006). */
export const FLOOR_PAYBACK = 0.3;
/** Segments that a number may be off the clock before it is set anew (L006). */
export const FLOOR_REBASE = 20;

/** The two numbers of a segment. */
export interface SegmentNumber {
  /** Its media sequence number: one more than the segment before. */
  readonly sequence: number;
  /** What `[seq]` stands for in its name; the media sequence number, but for `hls_ts_floor` and after a fault. */
  readonly name: number;
}

/** Gives segments their numbers. */
export class SegmentNumbers {
  readonly #fragmentMs: number;
  readonly #floor: boolean;
  #sequence: number;
  #name: number;
  #rebase: boolean;
  /** No segment was ever numbered: the media sequence may begin where the names do. */
  #fresh: boolean;

  /**
   * @param floor - names go by the clock (`hls_ts_floor`)
   * @param next - the first segment's number, when names don't go by the clock
   */
  constructor(fragmentMs: number, floor: boolean, next: SegmentNumber) {
    this.#fragmentMs = fragmentMs;
    this.#floor = floor;
    this.#sequence = next.sequence;
    this.#name = next.name;
    this.#rebase = floor;
    this.#fresh = next.sequence === 0;
  }

  /** What the next segment would get, were there no clock. */
  get next(): SegmentNumber {
    return { sequence: this.#sequence, name: this.#name };
  }

  /** The publisher comes anew: names go by the clock of now, and never back. */
  restart(): void {
    this.#rebase = this.#floor;
  }

  /** @param startedAt - when the segment began, ms since the epoch */
  take(startedAt: number): SegmentNumber {
    if (this.#floor) {
      this.#name = this.#floorName(startedAt);
      if (this.#fresh) this.#sequence = this.#name;
    }
    this.#fresh = false;
    const number = this.next;
    this.#sequence += 1;
    this.#name += 1;
    return number;
  }

  /**
   * How much longer (or shorter, below 0) than a fragment the segment that begins now should be, ms, so that its
   * number comes back to the clock.
   */
  deviationMs(startedAt: number): number {
    if (!this.#floor || this.#rebase) return 0;
    const owed = (this.#name - Math.floor(startedAt / this.#fragmentMs)) * this.#fragmentMs;
    const most = FLOOR_PAYBACK * this.#fragmentMs;
    return Math.max(-most, Math.min(most, owed));
  }

  #floorName(startedAt: number): number {
    const clock = Math.floor(startedAt / this.#fragmentMs);
    if (this.#rebase) {
      this.#rebase = false;
      // Never a name again that may still be in the playlist.
      return clock > this.#name || this.#name - clock >= FLOOR_REBASE * 2 ? clock : this.#name;
    }
    return Math.abs(this.#name - clock) >= FLOOR_REBASE ? clock : this.#name;
  }
}

/** A number to begin with where nothing is known of earlier ones: it grows faster than segments are made. */
export function clockNumber(nowMs: number, fragmentMs: number): SegmentNumber {
  const sequence = Math.floor(nowMs / Math.min(fragmentMs, 1000));
  return { sequence, name: sequence };
}
