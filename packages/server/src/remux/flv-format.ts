import {
  FLV_TAG_HEADER_BYTES,
  flvHeader,
  flvTagSize,
  flvTagTypeOf,
  writeFlvPreviousTagSize,
  writeFlvTagHeader,
} from '@sluice/media/flv';
import type { KeptPacket } from '@sluice/media/model';

import {
  type EncodedBatch,
  type FanOutFamily,
  type FanOutFormat,
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

  encode(packets: readonly KeptPacket[], from: number): { batch: EncodedBatch | undefined; next: number } {
    const taken: KeptPacket[] = [];
    let size = 0;
    let tracks = 0;
    let next = from;
    for (; next < packets.length && size < BATCH_BYTES; next += 1) {
      const packet = packets[next];
      if (packet === undefined) break;
      // A message with several tracks goes as it is, with its first packet.
      if (packet.part > 0) continue;
      taken.push(packet);
      size += flvTagSize(packet.body.length);
      tracks |= trackBit(packet.track.kind);
    }
    if (taken.length === 0) return { batch: undefined, next };
    const offsets: number[] = [];
    const bytes = wrapped(this.#framing, size, (target, start) => {
      let offset = start;
      for (const packet of taken) {
        offsets.push(offset);
        offset = this.#writeTag(target, offset, packet, this.#time(packet.timestamp));
      }
    });
    return { batch: { bytes, packets: taken, offsets, tracks, restarts: 0 }, next };
  }

  preamble(headers: StreamHeaders, first: number, state: TrackState, fresh: boolean): Uint8Array {
    state.unstarted = 0;
    const { metadata, configurations } = headers;
    const packets = metadata === undefined ? configurations : [metadata, ...configurations];
    const head = fresh ? flvHeader({ audio: headers.hasAudio, video: headers.hasVideo }) : undefined;
    let size = head?.length ?? 0;
    for (const { body } of packets) size += flvTagSize(body.length);
    if (size === 0) return new Uint8Array(0);
    return wrapped(this.#framing, size, (target, start) => {
      let offset = start;
      if (head !== undefined) {
        target.set(head, offset);
        offset += head.length;
      }
      for (const packet of packets) {
        // Metadata that is not at 0 makes a stream of text for ffmpeg.
        const timestamp = fresh && packet === metadata ? 0 : this.#time(first);
        offset = this.#writeTag(target, offset, packet, timestamp);
      }
    });
  }

  tail(batch: EncodedBatch, index: number, state: TrackState): Uint8Array[] {
    state.unstarted = 0;
    return framedTail(this.#framing, batch, index);
  }

  #time(timestamp: number): number {
    return Math.max(0, timestamp - this.#base);
  }

  #writeTag(target: Uint8Array, offset: number, packet: KeptPacket, timestamp: number): number {
    const { body, track } = packet;
    writeFlvTagHeader(target, offset, flvTagTypeOf(track.kind), body.length, timestamp);
    target.set(body, offset + FLV_TAG_HEADER_BYTES);
    writeFlvPreviousTagSize(target, offset + FLV_TAG_HEADER_BYTES + body.length, body.length);
    return offset + flvTagSize(body.length);
  }
}
