import { copyBytes } from '@sluice/media/bytes';

import { type Frame, FrameKind } from './frame.ts';

/** Most bytes of audio kept, whatever `fast_cache` asks for: 60 s of 320 kbit/s and some. */
export const AUDIO_CACHE_MAX_BYTES = 4 * 1024 * 1024;

/** The last seconds of audio, for listeners that join (`fast_cache`, H011). */
export class AudioCache {
  #durationMs: number;
  #frames: Frame[] = [];
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
    return this.#frames;
  }

  /** Takes the next frame; its body is copied if it is audio. */
  push(frame: Frame): void {
    if (this.#durationMs === 0 || frame.kind !== FrameKind.audio || frame.sequenceHeader) return;
    this.#frames.push({ ...frame, body: copyBytes(frame.body) });
    this.#bytes += frame.body.length;
    let surplus = 0;
    for (const old of this.#frames) {
      const inTime = frame.timestamp - old.timestamp <= this.#durationMs && old.timestamp <= frame.timestamp;
      if (inTime && this.#bytes <= AUDIO_CACHE_MAX_BYTES) break;
      this.#bytes -= old.body.length;
      surplus += 1;
    }
    if (surplus > 0) this.#frames = this.#frames.slice(surplus);
  }

  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
  }
}
