import { type Frame, isMedia } from './frame.ts';

/** The frames that wait for a group's next flush. */
export class PendingFrames {
  #frames: Frame[] = [];

  get size(): number {
    return this.#frames.length;
  }

  push(frame: Frame): void {
    this.#frames.push(frame);
  }

  /** Takes all of them. */
  takeAll(): readonly Frame[] {
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }

  /** Takes the oldest one. */
  takeOne(): Frame | undefined {
    return this.#frames.shift();
  }

  /**
   * Flushed slower than published: everything before the newest keyframe that is within the limit goes, as for any
   * queue (O005).
   *
   * @param lengthMs - the most stream time that may wait
   */
  limit(lengthMs: number): void {
    const newest = this.#frames[this.#frames.length - 1]?.timestamp ?? 0;
    if (newest - (this.#frames.find(isMedia)?.timestamp ?? newest) <= lengthMs) return;
    const from = this.#frames.findIndex((frame) => frame.keyframe && newest - frame.timestamp <= lengthMs);
    // Configurations and metadata stay: what follows is of no use without them.
    this.#frames = this.#frames.filter((frame, index) => (from >= 0 && index >= from) || !isMedia(frame));
  }

  /** How many of the last of these frames wait, too. */
  countAmong(frames: readonly Frame[]): number {
    let count = 0;
    for (let at = this.#frames.length - 1; at >= 0 && count < frames.length; at -= 1) {
      const last = frames[frames.length - 1 - count];
      const { kind, sequenceHeader, timestamp } = this.#frames[at] ?? {};
      if (kind === last?.kind && !sequenceHeader && timestamp === last?.timestamp) count += 1;
    }
    return count;
  }
}
