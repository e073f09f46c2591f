import { noArrival, Timeline } from '../timing/index.ts';

/** Which track a tag belongs to. */
export type MediaTrack = 'audio' | 'video';

/** The interval of a track's frames while it has had only one, ms. */
const LONE_FRAME_MS = 40;

interface TrackSpan {
  first: number;
  last: number;
  frames: number;
}

/**
 * Turns the timestamps of a file into those of an endless stream: the first frame is at 0, a jump of the file's
 * clock is closed, and each round of a loop goes on where the longest track of the round before ends. All in
 * whole ms, without an error that adds up.
 */
export class FileTimeline {
  #timeline = createTimeline();
  readonly #spans = new Map<MediaTrack, TrackSpan>();
  /** Earliest time of a round, on its own clock; known after the first round. */
  #earliest = Infinity;
  #base = 0;
  #rounds = 0;
  #last = 0;

  /** Time of the last frame; for what has no time of its own, such as sequence headers. */
  get now(): number {
    return this.#last;
  }

  /** The time of a media frame, ms. Frames come in the order of the file. */
  next(track: MediaTrack, timestamp: number): number {
    const straight = this.#timeline.correct(track === 'video', timestamp);
    if (this.#rounds === 0) this.#earliest = Math.min(this.#earliest, straight);
    const span = this.#spans.get(track);
    if (span === undefined) {
      this.#spans.set(track, { first: straight, last: straight, frames: 1 });
    } else {
      span.last = Math.max(span.last, straight);
      span.frames += 1;
    }
    const time = this.#rounds === 0 ? straight : this.#base + straight - this.#earliest;
    this.#last = Math.max(0, time);
    return this.#last;
  }

  /** The file begins again. */
  nextRound(): void {
    const ends = [...this.#spans.values()].map(spanEnd);
    const end = ends.length === 0 ? 0 : Math.max(...ends);
    this.#base = this.#rounds === 0 ? end : this.#base + end - this.#earliest;
    this.#rounds += 1;
    this.#spans.clear();
    this.#timeline = createTimeline();
  }
}

/** When the track's next frame would come. */
function spanEnd({ first, last, frames }: TrackSpan): number {
  const interval = frames === 1 ? LONE_FRAME_MS : Math.max(1, Math.round((last - first) / (frames - 1)));
  return last + interval;
}

/** The rule for live streams, without what the arrival of a frame tells; what is before the first frame is kept. */
function createTimeline(): Timeline {
  return new Timeline({ now: noArrival, floor: -Infinity });
}
