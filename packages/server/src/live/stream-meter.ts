import type { TrackKind } from '@sluice/media/model';

import { FlushTimes } from './flush-times.ts';

/** The latest whole GOP. */
export interface GopLength {
  /** Video frames, its keyframe included. */
  readonly frames: number;
  /** From its keyframe to the next one, ms on the stream's timeline. */
  readonly ms: number;
}

/** What all streams of a server have counted since it started. Never gets less. */
export class LiveTotals {
  videoFrames = 0;
  audioFrames = 0;
  /** How often a publisher's timestamps were corrected. */
  corrections = 0;
  /** By how much they were, back or forth, ms. */
  correctedMs = 0;
  readonly flushes = new FlushTimes();
}

/**
 * Counts what goes on in one stream, and adds it to the server's totals. Counts begin anew with each publisher, but
 * for the flushes, which are the players'.
 */
export class StreamMeter {
  /** Sequence headers don't count; audio's neither. */
  videoFrames = 0;
  audioFrames = 0;
  /** Sequence headers of video, repeated ones included. */
  videoHeaders = 0;
  /** How often the timestamps were corrected; each track counts for itself. */
  corrections = 0;
  /** By how much they were, back or forth, ms. */
  correctedMs = 0;
  readonly #totals: LiveTotals;
  #flushes: FlushTimes | undefined;
  #gop: GopLength | undefined;
  /** Of the GOP that is coming in; 0 before the first keyframe. */
  #gopFrames = 0;
  #keyframeAt = 0;

  constructor(totals: LiveTotals) {
    this.#totals = totals;
  }

  /** Undefined until a second keyframe has come. */
  get gop(): GopLength | undefined {
    return this.#gop;
  }

  /** Undefined until there was one. */
  get flushes(): FlushTimes | undefined {
    return this.#flushes;
  }

  /** Another publisher begins. */
  restart(): void {
    this.videoFrames = 0;
    this.audioFrames = 0;
    this.videoHeaders = 0;
    this.corrections = 0;
    this.correctedMs = 0;
    this.#gop = undefined;
    this.#gopFrames = 0;
  }

  /** @param timestamp - on the stream's timeline, ms */
  frame(kind: TrackKind, keyframe: boolean, timestamp: number): void {
    if (kind === 'audio') {
      this.audioFrames += 1;
      this.#totals.audioFrames += 1;
      return;
    }
    this.videoFrames += 1;
    this.#totals.videoFrames += 1;
    if (!keyframe) {
      if (this.#gopFrames > 0) this.#gopFrames += 1;
      return;
    }
    // A step back, where times are not corrected, makes a GOP that has no length.
    if (this.#gopFrames > 0 && timestamp >= this.#keyframeAt) {
      this.#gop = { frames: this.#gopFrames, ms: timestamp - this.#keyframeAt };
    }
    this.#gopFrames = 1;
    this.#keyframeAt = timestamp;
  }

  /** @param byMs - less than 0 when times were moved back */
  correction(byMs: number): void {
    const size = Math.abs(byMs);
    this.corrections += 1;
    this.correctedMs += size;
    this.#totals.corrections += 1;
    this.#totals.correctedMs += size;
  }

  /** A group's players have been written to. */
  flush(ms: number): void {
    this.#flushes ??= new FlushTimes();
    this.#flushes.record(ms);
    this.#totals.flushes.record(ms);
  }
}
