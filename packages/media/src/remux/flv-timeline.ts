/** A time that steps back by more, ms, is of a clock that began anew (or wrapped); less is out of order. */
const RESTART_MS = 10_000;

/** Times of FLV tags made so that those of each track never step back, and that one clock goes on where it restarts. */
export class FlvTimeline {
  #shift = 0;
  #audio = -Infinity;
  #video = -Infinity;

  /** The time of a tag, ms. */
  next(isVideo: boolean, timestamp: number): number {
    const last = isVideo ? this.#video : this.#audio;
    if (timestamp + this.#shift < last - RESTART_MS) {
      this.#shift = Math.max(this.#audio, this.#video) - timestamp;
    }
    const time = Math.max(last, timestamp + this.#shift);
    if (isVideo) this.#video = time;
    else this.#audio = time;
    return time;
  }
}
