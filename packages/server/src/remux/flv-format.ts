import {
  FLV_TAG_HEADER_BYTES,
  flvHeader,
  flvTagSize,
  writeFlvPreviousTagSize,
  writeFlvTagHeader,
} from '@sluice/media/flv';

import {
  type EncodedBatch,
  type FanOutFamily,
  type FanOutFormat,
  type Frame,
  type StreamHeaders,
  trackBit,
  type TrackState,
} from '../live/index.ts';
import { BATCH_BYTES, framedTail, wrapped } from './batch.ts';
import type { Framing } from './framing.ts';

/**
 * FLV as a fan-out form. A tag carries an absolute timestamp, so players share bytes when they share their
 * zero, which all have that joined within one GOP.
 */
export function flvFamily(framing: Framing): FanOutFamily {
  return {
    key: `flv/${framing.name}`,
    rebased: true,
    video: true,
    create: (base) => new FlvFormat(framing, base),
  };
}

class FlvFormat implements FanOutFormat {
  readonly rebased = true;
  readonly trailer: Uint8Array | undefined;
  readonly #framing: Framing;
  readonly #base: number;

  constructor(framing: Framing, base: number) {
    this.#framing = framing;
    this.#base = base;
    this.trailer = framing.trailer;
  }

  encode(frames: readonly Frame[], from: number): { batch: EncodedBatch | undefined; next: number } {
    let size = 0;
    let tracks = 0;
    let next = from;
    for (; next < frames.length && size < BATCH_BYTES; next += 1) {
      const frame = frames[next];
      if (frame === undefined) break;
      size += flvTagSize(frame.body.length);
      tracks |= trackBit(frame);
    }
    if (next === from) return { batch: undefined, next };
    const taken = from === 0 && next === frames.length ? frames : frames.slice(from, next);
    const offsets: number[] = [];
    const bytes = wrapped(this.#framing, size, (target, start) => {
      let offset = start;
      for (const frame of taken) {
        offsets.push(offset);
        offset = this.#writeTag(target, offset, frame, this.#time(frame.timestamp));
      }
    });
    return { batch: { bytes, frames: taken, offsets, tracks, restarts: 0 }, next };
  }

  preamble(headers: StreamHeaders, first: number, state: TrackState, fresh: boolean): Uint8Array {
    state.unstarted = 0;
    const frames = [headers.metadata, headers.audio, headers.video].filter((frame) => frame !== undefined);
    const head = fresh ? flvHeader({ audio: headers.hasAudio, video: headers.hasVideo }) : undefined;
    let size = head?.length ?? 0;
    for (const frame of frames) size += flvTagSize(frame.body.length);
    if (size === 0) return new Uint8Array(0);
    return wrapped(this.#framing, size, (target, start) => {
      let offset = start;
      if (head !== undefined) {
        target.set(head, offset);
        offset += head.length;
      }
      for (const frame of frames) offset = this.#writeTag(target, offset, frame, this.#time(first));
    });
  }

  tail(batch: EncodedBatch, index: number, state: TrackState): Uint8Array[] {
    state.unstarted = 0;
    return framedTail(this.#framing, batch, index);
  }

  #time(timestamp: number): number {
    return Math.max(0, timestamp - this.#base);
  }

  #writeTag(target: Uint8Array, offset: number, frame: Frame, timestamp: number): number {
    const { body, kind } = frame;
    writeFlvTagHeader(target, offset, kind, body.length, timestamp);
    target.set(body, offset + FLV_TAG_HEADER_BYTES);
    writeFlvPreviousTagSize(target, offset + FLV_TAG_HEADER_BYTES + body.length, body.length);
    return offset + flvTagSize(body.length);
  }
}
