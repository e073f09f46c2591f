import { MAX_DISORDER_MS, MAX_GAP_MS, MAX_SKEW_MS } from './limits.ts';

class Track {
  running = false;
  last = 0;
  epoch = 0;
}

/**
 * Finds jumps in the timestamps of a stream: a step of a track back of more than {@link MAX_DISORDER_MS}, or forward of
 * more than {@link MAX_GAP_MS} past everything that was seen. A track is compared with itself, so that tracks with different zeros,
 * and a track that pauses while the other goes on, are none; and two tracks that jump to the same time are one jump.
 * Times are taken modulo 2^32, as RTMP has them.
 */
export class JumpDetector {
  readonly #audio = new Track();
  readonly #video = new Track();
  #latest = 0;
  #epoch = 0;

  /**
   * @param isVideo - the frame's track
   * @param time - its timestamp, ms
   * @returns true for the first frame behind a jump
   */
  jumps(isVideo: boolean, time: number): boolean {
    const track = isVideo ? this.#video : this.#audio;
    if (!track.running) {
      track.running = true;
      track.epoch = this.#epoch;
      this.#take(track, time);
      return false;
    }
    const step = (time - track.last) | 0;
    const ahead = (time - this.#latest) | 0;
    const jump = step < -MAX_DISORDER_MS || (step > MAX_GAP_MS && ahead > MAX_GAP_MS);
    const late = track.epoch !== this.#epoch;
    if (!jump) {
      // A track that has not followed the other one's jump still sends what is older.
      if (late) track.last = time;
      else this.#take(track, time);
      return false;
    }
    if (late && Math.abs(ahead) <= MAX_SKEW_MS) {
      track.epoch = this.#epoch;
      this.#take(track, time);
      return false;
    }
    this.#epoch += 1;
    track.epoch = this.#epoch;
    track.last = time;
    this.#latest = time;
    return true;
  }

  #take(track: Track, time: number): void {
    track.last = time;
    if (((time - this.#latest) | 0) > 0) this.#latest = time;
  }
}
