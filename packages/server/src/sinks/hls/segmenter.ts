import { JumpDetector } from './jump-detector.ts';

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

/** The longest step, ms, between two frames of a track that tells how long the last one lasts. */
const MAX_FRAME_MS = 1_000;

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
  #lastVideoMs = -1;
  #lastAudioMs = -1;
  #videoStepMs = 40;
  #audioStepMs = 23;
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
    const cut = this.#open && (jumped || full || this.#isDue(isVideo, timestamp, keyframe));
    if (cut) this.#close(jumped ? this.#endMs : Math.max(timestamp, this.#startMs));
    if (!this.#open) this.#begin(timestamp);
    this.#take(isVideo, timestamp, keyframe);
    return cut ? 'cut' : 'append';
  }

  /** Closes the open segment, if there is one: after the last frame, or before a change of codec. */
  close(): void {
    if (this.#open) this.#close(this.#endMs);
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

  #isDue(isVideo: boolean, timestamp: number, keyframe: boolean): boolean {
    const span = timestamp - this.#startMs;
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
    this.#lastVideoMs = -1;
    this.#lastAudioMs = -1;
    this.#independent = true;
  }

  #take(isVideo: boolean, timestamp: number, keyframe: boolean): void {
    const last = isVideo ? this.#lastVideoMs : this.#lastAudioMs;
    const step = timestamp - last;
    const known = last >= 0 && step > 0 && step <= MAX_FRAME_MS;
    if (isVideo) {
      this.#sawVideo = true;
      if (last < 0 && !keyframe) this.#independent = false;
      if (known) this.#videoStepMs = step;
      this.#lastVideoMs = timestamp;
    } else {
      this.#sawAudio = true;
      if (known) this.#audioStepMs = step;
      this.#lastAudioMs = timestamp;
    }
    const end = timestamp + (isVideo ? this.#videoStepMs : this.#audioStepMs);
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
