import { type Frame, isMedia } from './frame.ts';
import { MAX_PENDING_BYTES, MAX_PENDING_FRAMES } from './limits.ts';

/** The frames that wait for a group's next flush. */
export class PendingFrames {
  #frames: Frame[] = [];
  #bytes = 0;

  /** So many frames or bytes wait that they have to be flushed before their time. */
  get full(): boolean {
    return this.#frames.length >= MAX_PENDING_FRAMES || this.#bytes >= MAX_PENDING_BYTES;
  }

  get size(): number {
    return this.#frames.length;
  }

  push(frame: Frame): void {
    this.#frames.push(frame);
    this.#bytes += frame.body.length;
  }

  /** Takes all of them. */
  takeAll(): readonly Frame[] {
    const frames = this.#frames;
    this.#frames = [];
    this.#bytes = 0;
    return frames;
  }

  /** Takes the oldest one. */
  takeOne(): Frame | undefined {
    const frame = this.#frames.shift();
    if (frame !== undefined) this.#bytes -= frame.body.length;
    return frame;
  }

  /**
   * Flushed slower than published: everything before the newest keyframe that is within the limit is dropped, as for
   * any queue (O005). When too many frames or bytes wait, all media is.
   *
   * @param lengthMs - the most stream time that may wait
   */
  limit(lengthMs: number): void {
    const newest = this.#frames[this.#frames.length - 1]?.timestamp ?? 0;
    const { full } = this;
    if (!full && newest - (this.#frames.find(isMedia)?.timestamp ?? newest) <= lengthMs) return;
    const from = full
      ? -1
      : this.#frames.findIndex((frame) => frame.keyframe && newest - frame.timestamp <= lengthMs);
    // Configurations and metadata stay: what follows is of no use without them.
    const kept = this.#frames.filter((frame, index) => (from >= 0 && index >= from) || !isMedia(frame));
    // A publisher may send nothing but them.
    this.#frames = kept.slice(-MAX_PENDING_FRAMES / 2);
    this.#bytes = this.#frames.reduce((sum, { body }) => sum + body.length, 0);
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
