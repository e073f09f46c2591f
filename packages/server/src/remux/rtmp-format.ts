import { flvTagTypeOf } from '@sluice/media/flv';
import type { KeptPacket } from '@sluice/media/model';
import {
  chunkedSize,
  chunkHeader0Size,
  writeChunkedPayload,
  writeChunkHeader0,
  writeChunkHeader1,
} from '@sluice/rtmp';

import {
  type EncodedBatch,
  type FanOutFamily,
  type FanOutFormat,
  type StreamHeaders,
  trackBit,
  TrackBit,
  type TrackState,
} from '../live/index.ts';
import { BATCH_BYTES } from './batch.ts';

/** Preferred chunk streams of what the server sends (O002). Media that players share have their own. */
export const chunkStreams = { data: 4, video: 6, audio: 7 } as const;

/** createStream always answers this id (R040), so it can stand in bytes that are made before a player comes. */
export const MEDIA_STREAM_ID = 1;

/** Timestamps and deltas from here on don't fit the 24-bit field. */
const EXTENDED = 0xffffff;
const MAX_TIMESTAMP = 0x7fffffff;
/** Size of a type-1 chunk header with a one-byte basic header. */
const DELTA_HEADER_BYTES = 8;
/** Size of a type-0 chunk header with a one-byte basic header. */
const FULL_HEADER_BYTES = 12;

/** Which tracks an RTMP player wants (receiveAudio, receiveVideo). */
export interface RtmpTracks {
  readonly audio: boolean;
  readonly video: boolean;
}

/**
 * RTMP as a fan-out form: one buffer of chunks serves every player with the same chunk size and tracks.
 *
 * A type-1 chunk header holds a timestamp delta and no stream id, so it says the same to all. Only a track's
 * first message needs a type-0 header, with a time on the player's own clock: that header is made for the
 * player alone and put in front of the shared payload.
 */
export function rtmpFamily(chunkSize: number, tracks: RtmpTracks): FanOutFamily {
  return {
    key: `rtmp/${chunkSize}/${tracks.audio ? 'a' : ''}${tracks.video ? 'v' : ''}`,
    rebased: false,
    video: tracks.video,
    create: () => new RtmpFormat(chunkSize, tracks),
  };
}

class RtmpFormat implements FanOutFormat {
  readonly rebased = false;
  readonly trailer = undefined;
  readonly #chunkSize: number;
  readonly #tracks: RtmpTracks;
  /** Timestamp of the last message of each track, by its bit; deltas count from it. */
  readonly #last = new Float64Array(TrackBit.all + 1).fill(Number.NaN);

  constructor(chunkSize: number, tracks: RtmpTracks) {
    this.#chunkSize = chunkSize;
    this.#tracks = tracks;
  }

  encode(packets: readonly KeptPacket[], from: number): { batch: EncodedBatch | undefined; next: number } {
    const wanted: KeptPacket[] = [];
    const deltas: number[] = [];
    const offsets: number[] = [];
    let size = 0;
    let tracks = 0;
    let restarts = 0;
    let next = from;
    for (; next < packets.length && size < BATCH_BYTES; next += 1) {
      const packet = packets[next];
      if (packet === undefined || !this.#wants(packet)) continue;
      const bit = trackBit(packet.track.kind);
      let delta = packet.timestamp - (this.#last[bit] ?? 0);
      if (Number.isNaN(delta)) {
        delta = 0; // Every player has this track still to start.
      } else if (delta < 0 || delta >= EXTENDED) {
        // Players start this track afresh, which they can only do at a batch's first message of it.
        if ((tracks & bit) !== 0) break;
        restarts |= bit;
        delta = 0;
      }
      this.#last[bit] = packet.timestamp;
      tracks |= bit;
      wanted.push(packet);
      deltas.push(delta);
      offsets.push(size);
      size += chunkedSize(packet.body.length, this.#chunkSize, DELTA_HEADER_BYTES, false);
    }
    if (wanted.length === 0) return { batch: undefined, next };
    return {
      batch: { bytes: this.#write(wanted, deltas, size), packets: wanted, offsets, tracks, restarts },
      next,
    };
  }

  preamble(headers: StreamHeaders, first: number, state: TrackState, fresh: boolean): Uint8Array {
    const { metadata, configurations } = headers;
    const wanted = configurations.filter((packet) => this.#wants(packet));
    const packets = metadata === undefined ? wanted : [metadata, ...wanted];
    // Metadata that is not at 0 makes a stream of text for ffmpeg.
    const timeOf = (packet: KeptPacket): number =>
      fresh && packet === metadata ? 0 : playerTime(first, state);
    // No track counts as started by its header: the deltas that follow count from other messages.
    return Buffer.concat(packets.map((packet) => fullMessage(packet, timeOf(packet), this.#chunkSize)));
  }

  tail(batch: EncodedBatch, index: number, state: TrackState): Uint8Array[] {
    const { bytes, packets, offsets } = batch;
    const pieces: Uint8Array[] = [];
    let from = offsets[index] ?? bytes.length;
    for (let at = index; at < packets.length && (state.unstarted & batch.tracks) !== 0; at += 1) {
      const packet = packets[at];
      if (packet === undefined) break;
      const bit = trackBit(packet.track.kind);
      if ((state.unstarted & bit) === 0) continue;
      state.unstarted &= ~bit;
      const begin = offsets[at] ?? bytes.length;
      if (begin > from) pieces.push(bytes.subarray(from, begin));
      const timestamp = playerTime(packet.timestamp, state);
      if (timestamp < EXTENDED) {
        pieces.push(fullHeader(packet, timestamp));
        from = begin + DELTA_HEADER_BYTES;
      } else {
        // An extended timestamp is repeated in every chunk of its message, so none of it can be shared.
        pieces.push(fullMessage(packet, timestamp, this.#chunkSize));
        from = offsets[at + 1] ?? bytes.length;
      }
    }
    if (from < bytes.length) pieces.push(bytes.subarray(from));
    return pieces;
  }

  /** A message with several tracks goes as it is, with its first packet. */
  #wants({ part, track: { kind } }: KeptPacket): boolean {
    return part === 0 && (kind === 'data' || this.#tracks[kind]);
  }

  #write(packets: readonly KeptPacket[], deltas: readonly number[], size: number): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(size);
    let offset = 0;
    for (let index = 0; index < packets.length; index += 1) {
      const packet = packets[index];
      if (packet === undefined) continue;
      const { body, track } = packet;
      const chunkStream = chunkStreams[track.kind];
      const type = flvTagTypeOf(track.kind);
      offset = writeChunkHeader1(bytes, offset, chunkStream, deltas[index] ?? 0, body.length, type);
      offset = writeChunkedPayload(bytes, offset, body, this.#chunkSize, chunkStream, undefined);
    }
    return bytes;
  }
}

/** A time of the stream on a player's own clock, ms, within the 31 bits that players handle (R012). */
function playerTime(timestamp: number, state: TrackState): number {
  return Math.max(0, timestamp - state.base) % (MAX_TIMESTAMP + 1);
}

/** A type-0 header for a time that needs no extension. */
function fullHeader({ body, track: { kind } }: KeptPacket, timestamp: number): Uint8Array {
  const header = new Uint8Array(FULL_HEADER_BYTES);
  const type = flvTagTypeOf(kind);
  writeChunkHeader0(header, 0, chunkStreams[kind], timestamp, body.length, type, MEDIA_STREAM_ID);
  return header;
}

/** A whole message that begins with a type-0 header. */
function fullMessage(
  { body, track: { kind } }: KeptPacket,
  timestamp: number,
  chunkSize: number,
): Uint8Array {
  const type = flvTagTypeOf(kind);
  const chunkStream = chunkStreams[kind];
  const extended = timestamp >= EXTENDED;
  const headerBytes = chunkHeader0Size(chunkStream, timestamp);
  const bytes = Buffer.allocUnsafe(chunkedSize(body.length, chunkSize, headerBytes, extended));
  const offset = writeChunkHeader0(bytes, 0, chunkStream, timestamp, body.length, type, MEDIA_STREAM_ID);
  writeChunkedPayload(bytes, offset, body, chunkSize, chunkStream, extended ? timestamp : undefined);
  return bytes;
}
