import { JumpDetector } from '../../timing/index.ts';

/** What cuts a stream into segments. */
export interface SegmenterSettings {
  /** The length to aim for, ms. */
  readonly fragmentMs: number;
  /** `hls_aof_ratio`: a segment without a keyframe is cut at so many fragments (L004). */
  readonly audioOverflowRatio: number;
  /** Segments begin at keyframes (L005). */
  readonly waitKeyframe: boolean;
}

/** The facts of a frame that cutting depends on. */
export interface TimedFrame {
  readonly timestamp: number;
  readonly sourceTimestamp: number;
  readonly keyframe: boolean;
}

/**
 * What is to be done with a frame:
 * - `append`: it belongs to the segment that is open, and opens one where there is none.
 * - `cut`: the open segment ends before it, and it is the first one of the next.
 * - `skip`: nothing can be decoded from it yet.
 */
export type Verdict = 'append' | 'cut' | 'skip';

/** A longer step, ms, is a gap rather than a frame that lasts so long, unless the step before was as long. */
const MAX_FRAME_MS = 1_000;
/** So much may the tracks' beginnings in a segment add to the length of the longer one, ms. */
const MAX_TRACK_OFFSET_MS = 500;

/** One track as the segments see it. */
class Track {
  /** Its first frame in the open segment; NaN where there is none. */
  first = Number.NaN;
  /** NaN before the first frame of all. */
  last = Number.NaN;
  /** How long the last frame lasts, and the step before it. */
  frameMs: number;
  #stepMs = 0;

  constructor(frameMs: number) {
    this.frameMs = frameMs;
  }

  /** What the open segment has of the track, ms. */
  get span(): number {
    return this.last >= this.first ? this.last - this.first : 0;
  }

  /** The same with its last frame. */
  get length(): number {
    return this.last >= this.first ? this.span + this.frameMs : 0;
  }

  take(timestamp: number): void {
    const step = timestamp - this.last;
    if (step > 0) {
      if (step <= Math.max(MAX_FRAME_MS, this.#stepMs)) this.frameMs = step;
      this.#stepMs = step;
    }
    if (Number.isNaN(this.first)) this.first = timestamp;
    this.last = timestamp;
  }
}

/**
 * Decides where segments begin. Pure: frames go in, verdicts come out; it allocates nothing.
 *
 * Time that jumps never ends anything: a jump of the stream's own timeline cuts at once, a jump of the publisher's
 * timestamps that the timeline has smoothed over cuts at the next frame that a segment may begin with; either makes
 * a discontinuity.
 */
export class Segmenter {
  readonly #settings: SegmenterSettings;
  readonly #stamps = new JumpDetector();
  readonly #sources = new JumpDetector();
  /** Added to the length to aim for, ms: what the clock is owed (L006). */
  deviationMs = 0;
  #open = false;
  #started = false;
  #firstMs = 0;
  #startMs = 0;
  #endMs = 0;
  #sawVideo = false;
  #sawAudio = false;
  /** Video may be written: a keyframe was there, or none comes. */
  #videoReady = false;
  readonly #video = new Track(40);
  readonly #audio = new Track(23);
  #pendingDiscontinuity = false;
  /** The timeline has jumped with a frame that was skipped. */
  #jumpSkipped = false;
  #discontinuity = false;
  #closedDurationMs = 0;
  #closedStartMs = 0;
  #closedDiscontinuity = false;
  /** The open segment has no video, or begins with a keyframe. */
  #independent = true;
  #closedIndependent = true;

  constructor(settings: SegmenterSettings) {
    this.#settings = settings;
  }

  /** Whether a segment is open. */
  get open(): boolean {
    return this.#open;
  }

  /** Whether a video frame was taken so far. */
  get sawVideo(): boolean {
    return this.#sawVideo;
  }

  /** Whether an audio frame was taken so far. */
  get sawAudio(): boolean {
    return this.#sawAudio;
  }

  /** Where the segment that was closed last began, on the stream's timeline, ms. */
  get closedStartMs(): number {
    return this.#closedStartMs;
  }

  /** How long the segment that was closed last is, ms. */
  get closedDurationMs(): number {
    return this.#closedDurationMs;
  }

  /** Whether the segment that was closed last begins with a discontinuity. */
  get closedDiscontinuity(): boolean {
    return this.#closedDiscontinuity;
  }

  /** Whether the segment that was closed last can be decoded without the one before. */
  get closedIndependent(): boolean {
    return this.#closedIndependent;
  }

  /** How long nothing of a track has come at the end of the last segment, ms. Tracks may be far apart on the wire. */
  silenceOf(isVideo: boolean): number {
    const { last } = isVideo ? this.#video : this.#audio;
    return this.#endMs - (Number.isNaN(last) ? this.#firstMs : last);
  }

  /** A track has stopped: segments are cut as if it had never been there, until it comes back. */
  forgetTrack(isVideo: boolean): void {
    if (isVideo) this.#sawVideo = false;
    else this.#sawAudio = false;
  }

  /** The next segment that begins, or the one that is open, does not follow on what is before it. */
  markDiscontinuity(): void {
    if (this.#open) this.#discontinuity = true;
    else this.#pendingDiscontinuity = true;
  }

  /**
   * @param full - the open segment has all the bytes that it may have
   */
  judge(isVideo: boolean, frame: TimedFrame, full: boolean): Verdict {
    const { timestamp, keyframe } = frame;
    if (!this.#started) {
      this.#started = true;
      this.#firstMs = timestamp;
    }
    const jumped = this.#stamps.jumps(isVideo, timestamp) || this.#jumpSkipped;
    if (this.#sources.jumps(isVideo, frame.sourceTimestamp) || jumped) this.#pendingDiscontinuity = true;
    if (isVideo && !this.#takesVideo(timestamp, keyframe)) {
      this.#jumpSkipped = jumped;
      return 'skip';
    }
    this.#jumpSkipped = false;
    const end = this.#endBefore(isVideo ? this.#video : this.#audio, timestamp);
    const cut = this.#open && (jumped || full || this.#isDue(isVideo, end - this.#startMs, keyframe));
    if (cut && jumped) this.close();
    else if (cut) this.#close(end);
    if (!this.#open) this.#begin(timestamp);
    this.#take(isVideo, timestamp, keyframe);
    return cut ? 'cut' : 'append';
  }

  /** Closes the open segment, if there is one: after the last frame, or before a change of codec. */
  close(): void {
    if (!this.#open) return;
    this.#close(this.#endWithin(this.#endMs, Math.max(this.#video.length, this.#audio.length)));
  }

  #takesVideo(timestamp: number, keyframe: boolean): boolean {
    if (this.#videoReady) return true;
    // A publisher may refresh its pictures bit by bit and never send a keyframe.
    const waited = timestamp - this.#firstMs >= this.#overflowMs;
    this.#videoReady = keyframe || waited || !this.#settings.waitKeyframe;
    return this.#videoReady;
  }

  get #overflowMs(): number {
    return this.#settings.fragmentMs * this.#settings.audioOverflowRatio;
  }

  /** Where the open segment ends if a frame begins the next one. Tracks may be far apart: each is measured by itself. */
  #endBefore(track: Track, timestamp: number): number {
    const own = timestamp - track.first;
    const longest = Math.max(this.#video.span, this.#audio.span);
    return this.#endWithin(timestamp, own > longest ? own : longest);
  }

  /** Where a segment of this length ends: at a time of the one track or of the other one, so long as they are near. */
  #endWithin(timestamp: number, span: number): number {
    const least = this.#startMs + span;
    return Math.min(Math.max(timestamp, least), least + MAX_TRACK_OFFSET_MS);
  }

  #isDue(isVideo: boolean, span: number, keyframe: boolean): boolean {
    const anyFrame = !this.#settings.waitKeyframe;
    const entry = isVideo ? keyframe || anyFrame : anyFrame;
    if (this.#pendingDiscontinuity && (entry || !this.#sawVideo)) return true;
    if (entry && span >= this.#settings.fragmentMs + this.deviationMs) return true;
    return span >= this.#overflowMs + this.deviationMs;
  }

  #begin(timestamp: number): void {
    this.#open = true;
    this.#startMs = timestamp;
    this.#endMs = timestamp;
    this.#discontinuity = this.#pendingDiscontinuity;
    this.#pendingDiscontinuity = false;
    this.#video.first = Number.NaN;
    this.#audio.first = Number.NaN;
    this.#independent = true;
  }

  #take(isVideo: boolean, timestamp: number, keyframe: boolean): void {
    const track = isVideo ? this.#video : this.#audio;
    if (isVideo) {
      this.#sawVideo = true;
      if (Number.isNaN(track.first) && !keyframe) this.#independent = false;
    } else {
      this.#sawAudio = true;
    }
    track.take(timestamp);
    const end = timestamp + track.frameMs;
    if (end > this.#endMs) this.#endMs = end;
  }

  #close(endMs: number): void {
    this.#open = false;
    this.#closedStartMs = this.#startMs;
    this.#closedDurationMs = endMs - this.#startMs;
    this.#closedDiscontinuity = this.#discontinuity;
    this.#closedIndependent = this.#independent;
  }
}
