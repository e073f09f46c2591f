import type { Packet } from '@sluice/media/model';

import type { TimeJitter } from '../../config/types.ts';
import { MAX_OWN_START_MS, Timeline, USUAL_SKEW_MS } from '../../timing/index.ts';

class TrackSteps {
  last = 0;
  step = 0;

  take(time: number): void {
    this.step = time - this.last;
    this.last = time;
  }
}

/**
 * The time of a recording's packets (V005). It goes by the publisher's own timestamps, whatever the vhost does with
 * them for its players.
 */
export class RecordingClock {
  readonly #jitter: TimeJitter;
  /** No file was begun yet of a stream that begins with the recording. */
  #fresh: boolean;
  readonly #timeline = new Timeline();
  readonly #audio = new TrackSteps();
  readonly #video = new TrackSteps();
  /** At the first frame of a file: how far the other track is ahead on the wire, and how far behind, ms. */
  #ahead = 0;
  #behind = 0;
  #fileStart = 0;
  #fileBase = 0;
  #fileOffset = 0;
  #lastFileTime = 0;

  /**
   * @param jitter - `full`: corrected so that it grows; `zero`: minus the file's first; `off`: as published
   * @param fresh - the stream begins with the recording
   */
  constructor(jitter: TimeJitter, fresh: boolean) {
    this.#jitter = jitter;
    this.#fresh = fresh;
  }

  /** How long the recording has gone on at the frame that was taken last, ms; corrected in every mode. */
  get elapsedMs(): number {
    return this.#timeline.latest;
  }

  /** How much of that belongs to the present file, ms. */
  get fileElapsedMs(): number {
    return this.#timeline.latest - this.#fileStart;
  }

  /** Takes a packet's time into account, whether it is written or not: to be called for every timed packet once. */
  advance({ sourceTimestamp, track }: Packet): number {
    // Other tracks go by the clock of the first ones.
    if (!track.primary) return Math.max(0, sourceTimestamp + this.#timeline.offset);
    const isVideo = track.kind === 'video';
    const time = this.#timeline.correct(isVideo, sourceTimestamp);
    (isVideo ? this.#video : this.#audio).take(time);
    return time;
  }

  /** The packet that was taken last is the first one of those that the next file begins with. */
  markStart({ track }: Packet): void {
    const isVideo = track.kind === 'video';
    const [own, other] = isVideo ? [this.#video, this.#audio] : [this.#audio, this.#video];
    this.#behind = skew(this.#timeline.lagBehind(isVideo) - other.step);
    this.#ahead = skew(this.#timeline.lagBehind(!isVideo) - own.step);
  }

  /**
   * The next file begins with this packet.
   *
   * @param corrected - what {@link advance} gave for it
   * @param startTimestamp - the time that it is to have in the file, ms
   */
  beginFile(packet: Packet, corrected: number, startTimestamp: number): void {
    // What another track has sent ahead makes the file no longer; what it is behind by is still to come.
    this.#fileStart = corrected + this.#ahead;
    // At the stream's begin another track may still begin at 0.
    const begin = this.#fresh && corrected < MAX_OWN_START_MS ? 0 : corrected;
    this.#fresh = false;
    this.#fileBase = (this.#jitter === 'full' ? begin : packet.sourceTimestamp) - this.#behind;
    this.#fileOffset = startTimestamp;
    this.#lastFileTime = startTimestamp;
  }

  /** A packet's time in the present file, ms. */
  fileTime(packet: Packet, corrected: number): number {
    if (this.#jitter === 'off') return packet.sourceTimestamp;
    const time = this.#jitter === 'full' ? corrected : packet.sourceTimestamp;
    this.#lastFileTime = Math.max(0, time - this.#fileBase) + this.#fileOffset;
    return this.#lastFileTime;
  }

  /** The time in the present file, ms, of what goes with the frames but is none: a header, a cue point. */
  headerTime(packet: Packet): number {
    return this.#jitter === 'off' ? packet.sourceTimestamp : this.#lastFileTime;
  }
}

function skew(ms: number): number {
  return ms > USUAL_SKEW_MS ? ms : 0;
}
