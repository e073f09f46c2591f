import { FrameKind } from './frame.ts';

/** Largest step, ms, between two frames that is taken as it is; a larger one, or a step back, is a jump. */
export const MAX_STEP_MS = 500;
/** The step, ms, that a jump is replaced by. */
export const JUMP_STEP_MS = 40;

/** One track's clock. */
class Track {
  running = false;
  lastIn = 0;
  lastOut = 0;
  offset = 0;
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
  readonly #audio = new Track();
  readonly #video = new Track();
  #latest = 0;
  #started = false;
  readonly #onJump: (byMs: number) => void;

  /**
   * @param onJump - told of each jump that is smoothed over, of each track: by how much the track's times are moved
   * from here on in addition to what they were, ms, less than 0 when back. Default: nobody is told.
   */
  constructor(onJump: (byMs: number) => void = ignore) {
    this.#onJump = onJump;
  }

  /** The latest timestamp given out, ms: what a frame of no track takes. */
  get latest(): number {
    return this.#latest;
  }

  /** The time, ms, of a frame that goes with a track but doesn't move it: never less than the track's last one. */
  latestOf(kind: FrameKind): number {
    const track = kind === FrameKind.video ? this.#video : this.#audio;
    return track.running ? track.lastOut : this.#latest;
  }

  /** What is added to the publisher's times now, ms. */
  get offset(): number {
    return this.#video.running ? this.#video.offset : this.#audio.offset;
  }

  /** A frame goes out at the publisher's own time: {@link correct} can go on from there without a step. */
  follow(kind: FrameKind, timestamp: number): void {
    const track = kind === FrameKind.video ? this.#video : this.#audio;
    track.running = true;
    track.lastIn = timestamp;
    track.lastOut = timestamp;
    track.offset = 0;
    this.#latest = timestamp;
    this.#started = true;
  }

  /** A new publisher begins: its first frame follows the last one of its forerunner, whatever its time. */
  restart(): void {
    this.#audio.running = false;
    this.#video.running = false;
  }

  /**
   * @param kind - the frame's track
   * @param input - the publisher's timestamp, ms
   * @returns the frame's time on the stream's timeline, ms; never less than the track's last one
   */
  correct(kind: FrameKind, input: number): number {
    const isVideo = kind === FrameKind.video;
    const track = isVideo ? this.#video : this.#audio;
    const step = input - track.lastIn;
    if (!track.running || step < 0 || step > MAX_STEP_MS) {
      this.#resync(track, isVideo ? this.#audio : this.#video, input);
    }
    const moved = input + track.offset;
    const output = moved > track.lastOut ? moved : track.lastOut;
    track.lastIn = input;
    track.lastOut = output;
    if (output > this.#latest) this.#latest = output;
    return output;
  }

  /** Finds the offset of a track that begins or has jumped. */
  #resync(track: Track, other: Track, input: number): void {
    const jump = track.running;
    if (!jump) track.lastOut = 0;
    track.running = true;
    const before = track.offset;
    if (other.running && Math.abs(input - other.lastIn) <= MAX_STEP_MS) {
      track.offset = other.offset;
      if (jump && other.offset !== before) this.#onJump(other.offset - before);
      return;
    }
    // The very first frame is at 0; a second track begins where the first one is; else a step follows.
    const step = jump || (!other.running && this.#started) ? JUMP_STEP_MS : 0;
    this.#started = true;
    track.offset = this.#latest + step - input;
    if (jump) this.#onJump(track.offset - before);
  }
}

function ignore(): void {}
