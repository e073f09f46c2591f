import { TsMuxer } from '@sluice/media/mpegts';

import {
  type EncodedBatch,
  type FanOutFamily,
  type FanOutFormat,
  type Frame,
  FrameKind,
  type MediaFaults,
  trackBit,
  type TrackState,
} from '../live/index.ts';
import { BATCH_BYTES, framedTail, wrapped } from './batch.ts';
import type { Framing } from './framing.ts';
import { TsPacker } from './ts-packer.ts';

/**
 * Audio frames without a picture after which the PMT tells no video any more and the audio carries the clock; from
 * then on tables come again after as many.
 */
const PURE_AUDIO_FRAMES = 115;

/**
 * MPEG-TS as a fan-out form (H010): times are the stream's own, so all players of a stream share their bytes.
 * Tables come before each keyframe, and first to a player that begins elsewhere.
 *
 * @param headers - the sequence headers that hold when a group begins
 * @param faults - told of what MPEG-TS can't carry
 */
export function tsFamily(
  framing: Framing,
  headers: () => readonly Frame[],
  faults?: MediaFaults,
): FanOutFamily {
  return {
    key: `ts/${framing.name}`,
    rebased: false,
    video: true,
    create: () => new TsFormat(framing, headers(), faults),
  };
}

class TsFormat implements FanOutFormat {
  readonly rebased = false;
  readonly trailer: Uint8Array | undefined;
  readonly #framing: Framing;
  readonly #packer = new TsPacker({});
  readonly #faults: MediaFaults | undefined;
  #audiosSinceVideo = 0;

  constructor(framing: Framing, headers: readonly Frame[], faults: MediaFaults | undefined) {
    this.#faults = faults;
    this.#framing = framing;
    this.trailer = framing.trailer;
    for (const header of headers) this.#packer.write(header);
  }

  encode(frames: readonly Frame[], from: number): { batch: EncodedBatch | undefined; next: number } {
    const packer = this.#packer;
    const taken: Frame[] = [];
    const offsets: number[] = [];
    let tracks = 0;
    let next = from;
    this.#announce(frames, from);
    for (; next < frames.length && packer.length < BATCH_BYTES; next += 1) {
      const frame = frames[next];
      if (frame === undefined) break;
      // A keyframe counts even when its codec can't be carried: players wait for one.
      if (!this.#pack(frame, offsets) && !frame.keyframe) continue;
      taken.push(frame);
      tracks |= trackBit(frame);
    }
    packer.flushAudio();
    const size = packer.length;
    if (taken.length === 0 || size === 0) return { batch: undefined, next };
    let start = 0;
    const bytes = wrapped(this.#framing, size, (target, offset) => {
      packer.moveTo(target, offset);
      start = offset;
    });
    for (let index = 0; index < offsets.length; index += 1) offsets[index] = (offsets[index] ?? 0) + start;
    return { batch: { bytes, frames: taken, offsets, tracks, restarts: 0 }, next };
  }

  /** Nothing: what a player needs first depends on where it begins. */
  preamble(): Uint8Array {
    return new Uint8Array(0);
  }

  tail(batch: EncodedBatch, index: number, state: TrackState): Uint8Array[] {
    const begins = state.unstarted !== 0 && batch.frames[index]?.keyframe !== true;
    state.unstarted = 0;
    const rest = framedTail(this.#framing, batch, index);
    return begins ? [...this.#tables(), ...rest] : rest;
  }

  /** Packs a frame and notes where it begins; false when it is not among the bytes. */
  #pack(frame: Frame, offsets: number[]): boolean {
    const packer = this.#packer;
    if (frame.keyframe) packer.flushAudio();
    const offset = packer.length;
    if (frame.keyframe) packer.writeTables();
    const result = packer.write(frame);
    if (result === 'unsupported' || result === 'broken') this.#noteFault(frame, result);
    const written = result === 'written';
    if (frame.keyframe || written) offsets.push(offset);
    if (!written) return false;
    if (frame.kind === FrameKind.video) {
      this.#audiosSinceVideo = 0;
      return true;
    }
    this.#audiosSinceVideo += 1;
    if (this.#audiosSinceVideo % PURE_AUDIO_FRAMES === 0) {
      packer.announce({ audio: packer.codecs.audio });
      packer.flushAudio();
      packer.writeTables();
    }
    return true;
  }

  #noteFault(frame: Frame, result: 'unsupported' | 'broken'): void {
    // A command of Enhanced RTMP names no codec.
    if (frame.kind === FrameKind.video && frame.codec === 'unknown') return;
    if (result === 'unsupported') this.#faults?.unsupported('MPEG-TS', frame);
    else this.#faults?.broken('MPEG-TS', frame);
  }

  /** A track that is still unknown is told before the first bytes, rather than by a second PMT behind them. */
  #announce(frames: readonly Frame[], from: number): void {
    const { codecs } = this.#packer;
    if (codecs.video !== undefined && codecs.audio !== undefined) return;
    let { video, audio } = codecs;
    for (let index = from; index < frames.length; index += 1) {
      const codec = frames[index]?.codec;
      if (codec === 'h264' || codec === 'hevc') video ??= codec;
      else if (codec === 'aac' || codec === 'mp3') audio ??= codec;
    }
    this.#packer.announce({ video, audio });
  }

  /** Tables for one player alone, whose counters have nothing before them. */
  #tables(): Uint8Array[] {
    const muxer = new TsMuxer(this.#packer.codecs);
    const tables = new Uint8Array(muxer.tablesSize());
    muxer.writeTables(tables, 0);
    return [this.#framing.prefix(tables.length), tables, this.#framing.suffix];
  }
}
