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
  type Frame,
  FrameKind,
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

  encode(frames: readonly Frame[], from: number): { batch: EncodedBatch | undefined; next: number } {
    const wanted: Frame[] = [];
    const deltas: number[] = [];
    const offsets: number[] = [];
    let size = 0;
    let tracks = 0;
    let restarts = 0;
    let next = from;
    for (; next < frames.length && size < BATCH_BYTES; next += 1) {
      const frame = frames[next];
      if (frame === undefined || !this.#wants(frame)) continue;
      const bit = trackBit(frame);
      let delta = frame.timestamp - (this.#last[bit] ?? 0);
      if (Number.isNaN(delta)) {
        delta = 0; // Every player has this track still to start.
      } else if (delta < 0 || delta >= EXTENDED) {
        // Players start this track afresh, which they can only do at a batch's first message of it.
        if ((tracks & bit) !== 0) break;
        restarts |= bit;
        delta = 0;
      }
      this.#last[bit] = frame.timestamp;
      tracks |= bit;
      wanted.push(frame);
      deltas.push(delta);
      offsets.push(size);
      size += chunkedSize(frame.body.length, this.#chunkSize, DELTA_HEADER_BYTES, false);
    }
    if (wanted.length === 0) return { batch: undefined, next };
    return {
      batch: { bytes: this.#write(wanted, deltas, size), frames: wanted, offsets, tracks, restarts },
      next,
    };
  }

  preamble(headers: StreamHeaders, first: number, state: TrackState): Uint8Array {
    const frames: Frame[] = [];
    if (headers.metadata !== undefined) frames.push(headers.metadata);
    if (headers.audio !== undefined && this.#tracks.audio) frames.push(headers.audio);
    if (headers.video !== undefined && this.#tracks.video) frames.push(headers.video);
    const timestamp = playerTime(first, state);
    // No track counts as started by its header: the deltas that follow count from other messages.
    return Buffer.concat(frames.map((frame) => fullMessage(frame, timestamp, this.#chunkSize)));
  }

  tail(batch: EncodedBatch, index: number, state: TrackState): Uint8Array[] {
    const { bytes, frames, offsets } = batch;
    const pieces: Uint8Array[] = [];
    let from = offsets[index] ?? bytes.length;
    for (let at = index; at < frames.length && (state.unstarted & batch.tracks) !== 0; at += 1) {
      const frame = frames[at];
      if (frame === undefined) break;
      const bit = trackBit(frame);
      if ((state.unstarted & bit) === 0) continue;
      state.unstarted &= ~bit;
      const begin = offsets[at] ?? bytes.length;
      if (begin > from) pieces.push(bytes.subarray(from, begin));
      const timestamp = playerTime(frame.timestamp, state);
      if (timestamp < EXTENDED) {
        pieces.push(fullHeader(frame, timestamp));
        from = begin + DELTA_HEADER_BYTES;
      } else {
        // An extended timestamp is repeated in every chunk of its message, so none of it can be shared.
        pieces.push(fullMessage(frame, timestamp, this.#chunkSize));
        from = offsets[at + 1] ?? bytes.length;
      }
    }
    if (from < bytes.length) pieces.push(bytes.subarray(from));
    return pieces;
  }

  #wants(frame: Frame): boolean {
    if (frame.kind === FrameKind.video) return this.#tracks.video;
    return frame.kind === FrameKind.audio ? this.#tracks.audio : true;
  }

  #write(frames: readonly Frame[], deltas: readonly number[], size: number): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(size);
    let offset = 0;
    for (let index = 0; index < frames.length; index += 1) {
      const frame = frames[index];
      if (frame === undefined) continue;
      const { body, kind } = frame;
      const chunkStream = chunkStreamOf(frame);
      offset = writeChunkHeader1(bytes, offset, chunkStream, deltas[index] ?? 0, body.length, kind);
      offset = writeChunkedPayload(bytes, offset, body, this.#chunkSize, chunkStream, undefined);
    }
    return bytes;
  }
}

function chunkStreamOf(frame: Frame): number {
  if (frame.kind === FrameKind.video) return chunkStreams.video;
  return frame.kind === FrameKind.audio ? chunkStreams.audio : chunkStreams.data;
}

/** A time of the stream on a player's own clock, ms, within the 31 bits that players handle (R012). */
function playerTime(timestamp: number, state: TrackState): number {
  return Math.max(0, timestamp - state.base) % (MAX_TIMESTAMP + 1);
}

/** A type-0 header for a time that needs no extension. */
function fullHeader(frame: Frame, timestamp: number): Uint8Array {
  const header = new Uint8Array(FULL_HEADER_BYTES);
  const { body, kind } = frame;
  writeChunkHeader0(header, 0, chunkStreamOf(frame), timestamp, body.length, kind, MEDIA_STREAM_ID);
  return header;
}

/** A whole message that begins with a type-0 header. */
function fullMessage(frame: Frame, timestamp: number, chunkSize: number): Uint8Array {
  const { body, kind } = frame;
  const chunkStream = chunkStreamOf(frame);
  const extended = timestamp >= EXTENDED;
  const headerBytes = chunkHeader0Size(chunkStream, timestamp);
  const bytes = Buffer.allocUnsafe(chunkedSize(body.length, chunkSize, headerBytes, extended));
  const offset = writeChunkHeader0(bytes, 0, chunkStream, timestamp, body.length, kind, MEDIA_STREAM_ID);
  writeChunkedPayload(bytes, offset, body, chunkSize, chunkStream, extended ? timestamp : undefined);
  return bytes;
}
