import { type Frame, FrameKind } from './frame.ts';

/** Audio frames without a video frame among them, after which a stream counts as pure audio (O004). */
export const PURE_AUDIO_FRAMES = 115;

/** How many frames from a GOP's start are looked at for its earliest timestamp. */
const BASE_FRAMES = 16;

/**
 * The frames since the last keyframe, audio between them included: what a player that joins is given first.
 * Empty while the stream is pure audio, and from a GOP's overflow of the byte limit until its end.
 */
export class GopCache {
  readonly #maxBytes: number;
  #frames: Frame[] = [];
  #bytes = 0;
  #audiosSinceVideo = 0;
  #base: number | undefined;

  /** @param maxBytes - most bytes of bodies that are held; 0 turns the cache off */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Begins with a keyframe; empty when there is nothing to start from. */
  get frames(): readonly Frame[] {
    return this.#frames;
  }

  /** Bytes of the bodies held. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The time, ms, that a player which starts with this GOP takes as its zero: the earliest among the GOP's
   * first frames, since audio that follows a keyframe may lie a little before it. Stays the same for the
   * GOP's life once asked for.
   */
  get base(): number | undefined {
    this.#base ??= earliestTimestamp(this.#frames);
    return this.#base;
  }

  /** Takes the next audio or video frame (sequence headers and data are not the cache's). */
  push(frame: Frame): void {
    if (this.#maxBytes === 0) return;
    if (frame.kind === FrameKind.video) {
      this.#audiosSinceVideo = 0;
      if (frame.keyframe) this.clear();
      else if (this.#frames.length === 0) return;
    } else {
      if (this.#frames.length === 0) return;
      this.#audiosSinceVideo += 1;
      if (this.#audiosSinceVideo > PURE_AUDIO_FRAMES) {
        this.clear();
        return;
      }
    }
    this.#bytes += frame.body.length;
    if (this.#bytes > this.#maxBytes) {
      this.clear();
      return;
    }
    this.#frames.push(frame);
  }

  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
    this.#audiosSinceVideo = 0;
    this.#base = undefined;
  }
}

/** The least timestamp, ms, among the first frames; undefined when there is none. */
export function earliestTimestamp(frames: readonly Frame[]): number | undefined {
  let least: number | undefined;
  for (let index = 0; index < frames.length && index < BASE_FRAMES; index += 1) {
    const frame = frames[index];
    if (frame === undefined || frame.sequenceHeader || frame.kind === FrameKind.data) continue;
    if (least === undefined || frame.timestamp < least) least = frame.timestamp;
  }
  return least;
}
