import type { TimeJitter } from '../../config/types.ts';
import { type Frame, Timeline } from '../../live/index.ts';

/**
 * The time of a recording's frames (V005). It goes by the publisher's own timestamps, whatever the vhost does with
 * them for its players.
 */
export class RecordingClock {
  readonly #jitter: TimeJitter;
  readonly #timeline = new Timeline();
  #fileStart = 0;
  #fileBase = 0;
  #fileOffset = 0;
  #lastFileTime = 0;

  /** @param jitter - `full`: corrected so that it grows; `zero`: minus the file's first; `off`: as published */
  constructor(jitter: TimeJitter) {
    this.#jitter = jitter;
  }

  /** How long the recording has gone on at the frame that was taken last, ms; corrected in every mode. */
  get elapsedMs(): number {
    return this.#timeline.latest;
  }

  /** How much of that belongs to the present file, ms. */
  get fileElapsedMs(): number {
    return this.#timeline.latest - this.#fileStart;
  }

  /** Takes a frame's time into account, whether it is written or not: to be called for every media frame once. */
  advance(frame: Frame): number {
    return this.#timeline.correct(frame.kind, frame.sourceTimestamp);
  }

  /**
   * The next file begins with this frame.
   *
   * @param corrected - what {@link advance} gave for it
   * @param startTimestamp - the time that it is to have in the file, ms
   */
  beginFile(frame: Frame, corrected: number, startTimestamp: number): void {
    this.#fileStart = corrected;
    this.#fileBase = this.#jitter === 'full' ? corrected : frame.sourceTimestamp;
    this.#fileOffset = startTimestamp;
    this.#lastFileTime = startTimestamp;
  }

  /** A frame's time in the present file, ms. */
  fileTime(frame: Frame, corrected: number): number {
    if (this.#jitter === 'off') return frame.sourceTimestamp;
    const time = this.#jitter === 'full' ? corrected : frame.sourceTimestamp;
    this.#lastFileTime = Math.max(0, time - this.#fileBase) + this.#fileOffset;
    return this.#lastFileTime;
  }

  /** The time in the present file, ms, of what goes with the frames but is none: a header, a cue point. */
  headerTime(frame: Frame): number {
    return this.#jitter === 'off' ? frame.sourceTimestamp : this.#lastFileTime;
  }
}
