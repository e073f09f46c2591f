import type { FrameKind } from './frame.ts';

/** Largest step, ms, between two frames that is taken as it is; a larger one, or a step back, is a jump. */
export const MAX_STEP_MS = 500;
/** The step, ms, that a jump is replaced by. */
export const JUMP_STEP_MS = 40;

interface Track {
  lastIn: number;
  lastOut: number;
  offset: number;
}

/**
 * Makes a publisher's timestamps grow (`time_jitter full`, P016): a step back or of more than
 * {@link MAX_STEP_MS} becomes {@link JUMP_STEP_MS}.
 *
 * Each track keeps its own offset from input to output. A track that jumps while another one is already at
 * about the same input time takes that track's offset, so audio and video stay in step through a jump, and a
 * track whose frames are far apart (a slide show with sound) is not squeezed.
 */
export class Timeline {
  readonly #tracks = new Map<FrameKind, Track>();
  #latest = 0;
  #started = false;
  #jumps = 0;

  /** How many jumps were smoothed over. */
  get jumps(): number {
    return this.#jumps;
  }

  /** The latest timestamp given out, ms: what a frame of no track takes. */
  get latest(): number {
    return this.#latest;
  }

  /** The time, ms, of a frame that goes with a track but doesn't move it: never less than the track's last one. */
  latestOf(kind: FrameKind): number {
    return this.#tracks.get(kind)?.lastOut ?? this.#latest;
  }

  /** A new publisher begins: its first frame follows the last one of its forerunner, whatever its time. */
  restart(): void {
    this.#tracks.clear();
  }

  /**
   * @param kind - the frame's track
   * @param input - the publisher's timestamp, ms
   * @returns the frame's time on the stream's timeline, ms; never less than the track's last one
   */
  correct(kind: FrameKind, input: number): number {
    let track = this.#tracks.get(kind);
    if (track === undefined) {
      track = { lastIn: input, lastOut: 0, offset: 0 };
      this.#resync(track, kind, input, false);
      this.#tracks.set(kind, track);
    } else {
      const step = input - track.lastIn;
      if (step < 0 || step > MAX_STEP_MS) this.#resync(track, kind, input, true);
    }
    const output = Math.max(track.lastOut, input + track.offset);
    track.lastIn = input;
    track.lastOut = output;
    if (output > this.#latest || !this.#started) this.#latest = output;
    this.#started = true;
    return output;
  }

  #resync(track: Track, kind: FrameKind, input: number, jump: boolean): void {
    for (const [otherKind, other] of this.#tracks) {
      if (otherKind !== kind && Math.abs(input - other.lastIn) <= MAX_STEP_MS) {
        if (jump && other.offset !== track.offset) this.#jumps += 1;
        track.offset = other.offset;
        return;
      }
    }
    if (jump) this.#jumps += 1;
    const output = this.#started ? this.#latest + (jump || this.#tracks.size === 0 ? JUMP_STEP_MS : 0) : 0;
    track.offset = output - input;
  }
}
