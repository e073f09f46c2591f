import { type Frame, FrameKind } from './frame.ts';
import { MAX_MIXED_BYTES, MAX_MIXED_FRAMES } from './limits.ts';

/**
 * Puts audio and video in the order of their timestamps (`mix_correct on`, P017): frames wait until two
 * videos and one audio are held, and leave sorted. Past a limit of frames or bytes the oldest leaves, whatever the rule
 * says.
 */
export class MixQueue {
  readonly #frames: Frame[] = [];
  #audios = 0;
  #videos = 0;
  #bytes = 0;

  /** Takes a frame and returns those that may go out now, oldest first. */
  push(frame: Frame): Frame[] {
    let at = this.#frames.length;
    while (at > 0 && (this.#frames[at - 1]?.timestamp ?? 0) > frame.timestamp) at -= 1;
    this.#frames.splice(at, 0, frame);
    this.#count(frame, 1);
    const out: Frame[] = [];
    while ((this.#videos >= 2 && this.#audios >= 1) || this.#isFull) {
      const first = this.#frames.shift();
      if (first === undefined) break;
      this.#count(first, -1);
      out.push(first);
    }
    return out;
  }

  get #isFull(): boolean {
    const { length } = this.#frames;
    return length > MAX_MIXED_FRAMES || (length > 1 && this.#bytes > MAX_MIXED_BYTES);
  }

  /** Empties the queue, oldest first. */
  drain(): Frame[] {
    this.#audios = 0;
    this.#videos = 0;
    this.#bytes = 0;
    return this.#frames.splice(0);
  }

  #count(frame: Frame, by: number): void {
    this.#bytes += by * frame.body.length;
    if (frame.kind === FrameKind.audio) this.#audios += by;
    else if (frame.kind === FrameKind.video) this.#videos += by;
  }
}
