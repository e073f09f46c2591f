import { copyBytes } from '@sluice/media/bytes';

import { type Frame, FrameKind } from './frame.ts';
import { MAX_AUDIO_CACHE_BYTES, MAX_AUDIO_CACHE_FRAMES } from './limits.ts';

/** The last seconds of audio, for listeners that join (`fast_cache`, H011). */
export class AudioCache {
  #durationMs: number;
  /** The first `#first` of them are too old, and are removed together with others. */
  #frames: Frame[] = [];
  #first = 0;
  #bytes = 0;

  /** @param durationMs - how much audio is kept; 0 keeps none */
  constructor(durationMs: number) {
    this.#durationMs = durationMs;
  }

  /** Changes how much is kept, ms; what is too much goes with the next frame, or at once when nothing is kept. */
  limit(durationMs: number): void {
    this.#durationMs = durationMs;
    if (durationMs === 0) this.clear();
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The audio held, oldest first. */
  get frames(): readonly Frame[] {
    return this.#frames.slice(this.#first);
  }

  /** Takes the next frame; its body is copied if it is audio. */
  push(frame: Frame): void {
    if (this.#durationMs === 0 || frame.kind !== FrameKind.audio || frame.sequenceHeader) return;
    this.#frames.push({ ...frame, body: copyBytes(frame.body) });
    this.#bytes += frame.body.length;
    for (; this.#first < this.#frames.length; this.#first += 1) {
      const old = this.#frames[this.#first];
      if (old === undefined || this.#fits(old.timestamp, frame.timestamp)) break;
      this.#bytes -= old.body.length;
    }
    if (this.#first <= this.#frames.length / 2) return;
    this.#frames = this.#frames.slice(this.#first);
    this.#first = 0;
  }

  /** Whether the oldest frame may stay, now that there is one of `newest` ms. */
  #fits(oldest: number, newest: number): boolean {
    if (this.#frames.length - this.#first > MAX_AUDIO_CACHE_FRAMES) return false;
    return newest - oldest <= this.#durationMs && oldest <= newest && this.#bytes <= MAX_AUDIO_CACHE_BYTES;
  }

  clear(): void {
    this.#frames = [];
    this.#first = 0;
    this.#bytes = 0;
  }
}
