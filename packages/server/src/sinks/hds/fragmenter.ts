import { flvTagSize } from '@sluice/media/flv';

import { type Frame, FrameKind } from '../../live/index.ts';
import { FragmentBuffer } from './fragment-buffer.ts';

/** A fragment is cut at this many times its length when no keyframe comes. */
const OVERFLOW_RATIO = 2;
/** A step of the time beyond this, ms, forwards or backwards, begins a fragment that doesn't follow on the last. */
const MAX_STEP_MS = 10_000;
/** Audio and video may lie so far apart, ms, without being a step. */
const MAX_SKEW_MS = 1_000;

/** A finished fragment. */
export interface Fragment {
  /** The file's content. */
  readonly bytes: Uint8Array;
  /** ms on the stream's timeline. */
  readonly startMs: number;
  /** At least 1. */
  readonly durationMs: number;
}

/** How fragments are cut. */
export interface FragmenterOptions {
  /** `hds_fragment`, ms. */
  readonly fragmentMs: number;
  readonly maxFragmentBytes: number;
  onFragment(fragment: Fragment): void;
}

/**
 * Cuts a stream into fragments, each of which begins with the sequence headers (D001): at the first keyframe beyond
 * the wanted length; without video at any frame; and at twice the length whatever comes.
 */
export class Fragmenter {
  readonly #options: FragmenterOptions;
  readonly #buffer = new FragmentBuffer();
  #headers: { audio?: Frame; video?: Frame } = {};
  #open = false;
  #hasVideo = false;
  #awaitsKeyframe = true;
  #startMs = 0;
  #lastMs = 0;

  constructor(options: FragmenterOptions) {
    this.#options = options;
  }

  write(frame: Frame): void {
    if (frame.kind === FrameKind.data) return;
    if (frame.sequenceHeader) {
      this.#writeHeader(frame);
      return;
    }
    const isVideo = frame.kind === FrameKind.video;
    if (isVideo && this.#awaitsKeyframe && !frame.keyframe) return;
    const at = Math.max(0, frame.timestamp);
    if (this.#open) this.#cutBefore(frame, at);
    if (!this.#open) this.#begin(at);
    this.#buffer.append(frame, at);
    if (isVideo) {
      this.#awaitsKeyframe = false;
      this.#hasVideo = true;
    }
    this.#lastMs = Math.max(this.#lastMs, at);
  }

  /** Hands out the rest. */
  end(): void {
    if (this.#open) this.#cut(this.#lastMs);
  }

  #writeHeader(header: Frame): void {
    if (header.kind === FrameKind.video) this.#headers.video = header;
    else this.#headers.audio = header;
    if (this.#open) this.#buffer.append(header, this.#lastMs);
  }

  #cutBefore(frame: Frame, at: number): void {
    const { fragmentMs, maxFragmentBytes } = this.#options;
    const step = at - this.#lastMs;
    if (step > MAX_STEP_MS || step < -MAX_STEP_MS || at < this.#startMs - MAX_SKEW_MS) {
      this.#cut(this.#lastMs);
      return;
    }
    const span = at - this.#startMs;
    const begins = frame.keyframe || !this.#hasVideo;
    const due = span >= fragmentMs && begins;
    const full = this.#buffer.length + flvTagSize(frame.body.length) > maxFragmentBytes;
    if (due || full || span >= fragmentMs * OVERFLOW_RATIO) this.#cut(at);
  }

  #begin(at: number): void {
    this.#open = true;
    this.#hasVideo = false;
    this.#startMs = at;
    this.#lastMs = at;
    const { audio, video } = this.#headers;
    for (const header of [video, audio]) if (header !== undefined) this.#buffer.append(header, at);
  }

  #cut(endMs: number): void {
    this.#open = false;
    const durationMs = Math.max(1, endMs - this.#startMs);
    this.#options.onFragment({ bytes: this.#buffer.take(), startMs: this.#startMs, durationMs });
  }
}
