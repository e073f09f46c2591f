import { leastTargetDuration } from '@sluice/media/m3u8';

import type { HlsSegment } from './segment.ts';

/** A segment in a playlist. */
export interface WindowEntry {
  readonly segment: HlsSegment;
  /** It does not follow on the segment before it in this playlist. */
  readonly discontinuity: boolean;
}

/** What a window holds at most, however long it is to be; the newest segment is always in it. */
export interface WindowLimits {
  readonly maxWindowSegments: number;
  readonly maxWindowBytes: number;
}

/** The part of a stream that a playlist tells of. */
export class PlaylistWindow {
  readonly #windowMs: number;
  readonly #limits: WindowLimits;
  #entries: WindowEntry[] = [];
  #next = 0;
  #discontinuitySequence = 0;
  #targetDuration: number;

  /**
   * @param windowMs - how much the playlist holds
   * @param targetDuration - seconds; grows with the longest segment and never shrinks (L003)
   */
  constructor(windowMs: number, limits: WindowLimits, targetDuration: number) {
    this.#windowMs = windowMs;
    this.#limits = limits;
    this.#targetDuration = targetDuration;
  }

  /** Another window that says the same, and goes its own way from here. */
  copy(): PlaylistWindow {
    const copy = new PlaylistWindow(this.#windowMs, this.#limits, this.#targetDuration);
    copy.#entries = [...this.#entries];
    copy.#next = this.#next;
    copy.#discontinuitySequence = this.#discontinuitySequence;
    return copy;
  }

  get entries(): readonly WindowEntry[] {
    return this.#entries;
  }

  /** The number of the first segment of the playlist. */
  get mediaSequence(): number {
    return this.#next - this.#entries.length;
  }

  /** How many discontinuities have left the playlist. */
  get discontinuitySequence(): number {
    return this.#discontinuitySequence;
  }

  /** Whole seconds. */
  get targetDuration(): number {
    return this.#targetDuration;
  }

  /** Makes the target duration at least what a segment of so many seconds needs. */
  raiseTargetDuration(seconds: number): void {
    this.#targetDuration = Math.max(this.#targetDuration, leastTargetDuration(seconds));
  }

  /** Begins where another window ended: with its count of discontinuities, and what it listed. */
  goOnFrom(discontinuitySequence: number, entries: readonly WindowEntry[] = []): void {
    this.#discontinuitySequence = discontinuitySequence;
    for (const { segment, discontinuity } of entries) this.push(segment, discontinuity);
  }

  /**
   * Adds a segment. A playlist that has lost some (which were never written, say) keeps counting by one, but takes
   * the number of the segment itself whenever that can't be seen.
   *
   * @returns the segments that left the window for it, oldest first (L002)
   */
  push(segment: HlsSegment, discontinuity: boolean): readonly HlsSegment[] {
    if (this.#entries.length === 0) this.#next = Math.max(this.#next, segment.sequence);
    this.#next += 1;
    this.#entries.push({ segment, discontinuity });
    this.raiseTargetDuration(segment.durationMs / 1000);
    return this.#drop(this.#surplus());
  }

  /** Drops what is older than the segment of this number. */
  dropBefore(sequence: number): readonly HlsSegment[] {
    let count = 0;
    while ((this.#entries[count]?.segment.sequence ?? Infinity) < sequence) count += 1;
    return this.#drop(count);
  }

  /** Drops everything. */
  clear(): readonly HlsSegment[] {
    return this.#drop(this.#entries.length);
  }

  /** How many of the oldest entries the window does not need. */
  #surplus(): number {
    const { maxWindowBytes, maxWindowSegments } = this.#limits;
    let held = 0;
    let bytes = 0;
    let index = this.#entries.length - 1;
    for (; index > 0; index -= 1) {
      const segment = this.#entries[index]?.segment;
      held += segment?.durationMs ?? 0;
      bytes += segment?.size ?? 0;
      if (held >= this.#windowMs) break;
      if (bytes + (this.#entries[index - 1]?.segment.size ?? 0) > maxWindowBytes) break;
    }
    return Math.max(index, this.#entries.length - maxWindowSegments);
  }

  #drop(count: number): readonly HlsSegment[] {
    if (count === 0) return [];
    const dropped = this.#entries.slice(0, count);
    this.#entries = this.#entries.slice(count);
    for (const { discontinuity } of dropped) if (discontinuity) this.#discontinuitySequence += 1;
    return dropped.map(({ segment }) => segment);
  }
}
