import {
  JUMP_STEP_MS,
  MAX_DISORDER_MS,
  MAX_GAP_MS,
  MAX_HOLD_MS,
  MAX_OWN_START_MS,
  MAX_SKEW_MS,
  MAX_STEADY_STEP_MS,
  STANDSTILL_MS,
  USUAL_SKEW_MS,
} from './limits.ts';
import { TrackClock } from './track-clock.ts';

/** Peers keep 31 or 32 bits of a timestamp, and begin again at 0. */
const WRAPS = [2 ** 32, 2 ** 31] as const;

/** How a {@link Timeline} works; all have defaults. */
export interface TimelineOptions {
  /**
   * Called for each correction of a track's clock: by how much the track's times are moved from here on in addition to
   * what they were, ms, less than 0 when back.
   */
  readonly onCorrection?: (byMs: number) => void;
  /** When the frame of the present call arrived, ms of a monotonic clock. Default `performance.now`. */
  readonly now?: () => number;
  /** The least time that is given out, ms. Default 0. */
  readonly floor?: number;
}

/** For {@link TimelineOptions.now}: frames are read from a file, so that their arrival says nothing. */
export function noArrival(): number {
  return Number.NaN;
}

/**
 * Makes a publisher's timestamps grow on each track, beginning at 0 (`time_jitter full`, P016), and leaves those alone
 * that may be right: docs/timestamps.md has the rule and its table of cases.
 *
 * Each track has a clock of its own, an offset from input to output. A frame is either on its track's clock (a gap, or
 * late), on the clock that the track had before (one frame had a wrong time), on the other track's clock (both have
 * jumped), or the clock has jumped, and goes on one step behind the last frame.
 */
export class Timeline {
  readonly #audio: TrackClock;
  readonly #video: TrackClock;
  #latest = 0;
  #started = false;
  readonly #onCorrection: (byMs: number) => void;
  readonly #now: () => number;
  readonly #floor: number;

  constructor(options: TimelineOptions = {}) {
    const { onCorrection = ignore, now = () => performance.now(), floor = 0 } = options;
    this.#onCorrection = onCorrection;
    this.#now = now;
    this.#floor = floor;
    this.#audio = new TrackClock(floor);
    this.#video = new TrackClock(floor);
  }

  /** The latest timestamp given out, ms: what a frame of no track takes. */
  get latest(): number {
    return this.#latest;
  }

  /** The time, ms, of a frame that goes with a track but doesn't move it: never less than the track's last one. */
  latestOf(isVideo: boolean): number {
    const track = isVideo ? this.#video : this.#audio;
    return track.running ? track.lastOut : this.#latest;
  }

  /** How far the other track is behind this one on the wire, ms; 0 when it is ahead, or silent, or not there. */
  lagBehind(isVideo: boolean): number {
    const track = isVideo ? this.#video : this.#audio;
    const other = isVideo ? this.#audio : this.#video;
    if (!track.running || !other.running) return 0;
    const apart = track.lastOut - other.lastOut;
    if (apart <= 0 || apart > MAX_SKEW_MS) return 0;
    const silent = other.silentFor(this.#now());
    return silent > 0 ? Math.max(0, apart - silent) : apart;
  }

  /** The earliest time, ms, that a track which is behind on the wire has still to send; Infinity when none is. */
  get earliestToCome(): number {
    if (this.lagBehind(true) > USUAL_SKEW_MS) return this.#audio.lastOut;
    return this.lagBehind(false) > USUAL_SKEW_MS ? this.#video.lastOut : Infinity;
  }

  /** What is added to the publisher's times now, ms. */
  get offset(): number {
    return this.#video.running ? this.#video.offset : this.#audio.offset;
  }

  /** A frame goes out at the publisher's own time: {@link correct} can go on from there without a step. */
  follow(isVideo: boolean, timestamp: number): void {
    const track = isVideo ? this.#video : this.#audio;
    track.lastIn = timestamp;
    track.lastOut = timestamp;
    track.offset = 0;
    this.#latest = timestamp;
    this.#started = true;
  }

  /** A new publisher begins: its first frame follows the last one of its forerunner, whatever its time. */
  restart(): void {
    this.#audio.stop();
    this.#video.stop();
  }

  /**
   * @param isVideo - the frame's track
   * @param input - the publisher's timestamp, ms
   * @returns the frame's time on the stream's timeline, ms; never less than the track's last one
   */
  correct(isVideo: boolean, input: number): number {
    const track = isVideo ? this.#video : this.#audio;
    const step = input - track.lastIn;
    // The usual case. A track that has not begun has a step that is not a number.
    if (!(step > 0 && step <= MAX_STEADY_STEP_MS && input <= track.checkIn)) {
      this.#judge(track, isVideo ? this.#audio : this.#video, input, step);
    }
    let output = input + track.offset;
    if (output < track.lastOut) {
      output = this.#hold(track, isVideo ? this.#audio : this.#video, input);
    }
    track.lastIn = input;
    track.lastOut = output;
    if (output > this.#latest) this.#latest = output;
    return output;
  }

  /** Finds the clock of a frame that is not simply the next one. */
  #judge(track: TrackClock, other: TrackClock, input: number, step: number): void {
    const now = this.#now();
    if (!track.running) {
      this.#begin(track, other, input, now);
      return;
    }
    if (step === 0) {
      this.#repeat(track, input, now);
      return;
    }
    if (track.standing) {
      // The clock that stood still begins to run, anywhere.
      track.standing = false;
      if (step < 0 || step > MAX_STEADY_STEP_MS) this.#jump(track, other, input, now);
      return;
    }
    if (step < 0 && step >= -MAX_DISORDER_MS) return;
    if (step > 0 && step <= MAX_GAP_MS && !track.justLeft(input, now)) {
      track.takeGap(input, now);
      return;
    }
    if (this.#wraps(track, input, step, now)) return;
    if (track.fitsPrior(input, now)) this.#goBack(track, input, now);
    else if (step > 0) this.#judgeAhead(track, other, input, now);
    else this.#judgeBack(track, other, input, step, now);
  }

  #begin(track: TrackClock, other: TrackClock, input: number, now: number): void {
    let offset = input >= 0 && input < MAX_OWN_START_MS && this.#floor === 0 ? 0 : -input;
    if (other.running) {
      // Tracks that are near each other have one clock; else the second one begins where the first one is.
      offset = Math.abs(input - other.lastIn) <= MAX_SKEW_MS ? other.offset : this.#latest - input;
    } else if (this.#started) {
      offset = this.#latest + JUMP_STEP_MS - input;
    }
    this.#started = true;
    track.begin(input, offset, now);
  }

  /** A step forward of more than a gap. */
  #judgeAhead(track: TrackClock, other: TrackClock, input: number, now: number): void {
    const near = other.running && Math.abs(input - other.lastIn) <= MAX_GAP_MS;
    if (near && track.offset !== other.offset && this.#fitsOther(track, other, input, now)) {
      this.#join(track, other, input, now);
      return;
    }
    // The other track has gone on meanwhile, or so much time has really passed: a long silence.
    const silence = near && track.offset === other.offset && !track.unsteady(now);
    if (silence || track.earliness(input, now) <= MAX_GAP_MS) {
      track.takeGap(input, now);
    } else {
      this.#jump(track, other, input, now);
    }
  }

  /** A step back of more than disorder. */
  #judgeBack(track: TrackClock, other: TrackClock, input: number, step: number, now: number): void {
    if (!other.running) {
      this.#jump(track, other, input, now);
    } else if (track.offset !== other.offset) {
      const near = Math.abs(input - other.lastIn) <= MAX_SKEW_MS;
      if (near && this.#fitsOther(track, other, input, now)) this.#join(track, other, input, now);
      else this.#jump(track, other, input, now);
    } else if (other.behind > MAX_DISORDER_MS && Math.abs(input - other.lastIn) <= MAX_SKEW_MS) {
      this.#setBoth(track, other, input, now);
    } else if (step < -MAX_SKEW_MS || !(now >= 0) || this.#latest - other.lastOut > MAX_SKEW_MS) {
      this.#jump(track, other, input, now);
    }
    // Else it may be late; what goes on to be so is found by #hold.
  }

  /** Whether a track that jumps goes on where it was when it takes the other one's clock. */
  #fitsOther(track: TrackClock, other: TrackClock, input: number, now: number): boolean {
    const step = input + other.offset - track.lastOut;
    if (track.unsteady(now)) return Math.abs(step) <= MAX_STEADY_STEP_MS;
    return step >= -MAX_SKEW_MS && step <= MAX_GAP_MS;
  }

  #join(track: TrackClock, other: TrackClock, input: number, now: number): void {
    track.leave(now);
    this.#move(track, other.offset);
    track.arrives(input, now);
  }

  /** The frames before this one had a wrong time: the track goes on by the clock that it had. */
  #goBack(track: TrackClock, input: number, now: number): void {
    const { priorOffset } = track;
    if (priorOffset === track.offset) {
      // What was taken for a gap has been given out: the clock has to catch up with it.
      track.heldOut = track.lastOut;
      track.heldAt = now + track.lastOut - input - track.offset;
    } else {
      track.leave(now);
      this.#move(track, priorOffset);
    }
    track.arrives(input, now);
  }

  #wraps(track: TrackClock, input: number, step: number, now: number): boolean {
    for (const wrap of WRAPS) {
      const turned = step < 0 ? step + wrap : step - wrap;
      if (turned < -MAX_SKEW_MS || turned > MAX_GAP_MS) continue;
      track.offset += turned - step;
      track.arrives(input, now);
      return true;
    }
    return false;
  }

  /** Both tracks have gone back: their clock was set back, and goes on behind the later one. */
  #setBoth(track: TrackClock, other: TrackClock, input: number, now: number): void {
    const offset = Math.max(track.lastOut - input, other.lastOut - other.lastIn) + JUMP_STEP_MS;
    track.leave(now);
    other.leave(now);
    this.#move(track, offset);
    this.#move(other, offset);
    track.arrives(input, now);
    other.arrives(other.lastIn, now);
  }

  /** The clock has jumped: the track goes on one step behind its last frame. */
  #jump(track: TrackClock, other: TrackClock, input: number, now: number): void {
    const steady = !track.unsteady(now);
    let output = track.lastOut + JUMP_STEP_MS;
    if (!steady) output = Math.max(track.lastOut, track.timeByArrival(now));
    const silent = track.silentFor(now);
    if (steady && other.running && silent > MAX_STEADY_STEP_MS) {
      // The other track has gone on meanwhile.
      output = Math.max(output, Math.min(track.lastOut + Math.round(silent), this.#latest));
    }
    track.leave(now);
    if (steady) track.countArrival(output, now);
    this.#move(track, output - input);
    track.arrives(input, now);
  }

  /** The same time again: after a while, the clock stands still, and time is that of arrival. */
  #repeat(track: TrackClock, input: number, now: number): void {
    if (track.repeatIn !== input) {
      track.repeatIn = input;
      track.countArrival(track.lastOut, now);
    } else if (now - track.countedAt >= STANDSTILL_MS) {
      track.standing = true;
      this.#move(track, Math.max(track.lastOut, track.timeByArrival(now)) - input);
      track.arrives(input, now);
    }
  }

  /** The time of a frame that is behind its track's last one: that one's, unless the clock was set back. */
  #hold(track: TrackClock, other: TrackClock, input: number): number {
    const { lastOut } = track;
    const now = this.#now();
    if (track.heldOut !== lastOut) {
      track.heldOut = lastOut;
      track.heldAt = now;
      return lastOut;
    }
    if (!(now - track.heldAt > MAX_HOLD_MS)) return lastOut;
    this.#jump(track, other, input, now);
    return input + track.offset;
  }

  #move(track: TrackClock, offset: number): void {
    const by = offset - track.offset;
    track.offset = offset;
    if (by !== 0) this.#onCorrection(by);
  }
}

function ignore(): void {}
