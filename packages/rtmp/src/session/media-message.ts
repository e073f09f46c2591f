import { parseAudioTagHeader, parseVideoTagHeader } from '@sluice/media/flv';
import { ChunkWriter } from '../chunk/index.ts';
import { mediaMessageType } from './media-kind.ts';
import type { MediaKind } from './media-kind.ts';
import { mediaStreamId, serverChunkStream } from './replies.ts';

const chunkStreamOf = {
  audio: serverChunkStream.audio,
  video: serverChunkStream.video,
  data: serverChunkStream.stream,
} as const satisfies Record<MediaKind, number>;

/** What a payload is to a decoder. */
interface DecoderRole {
  readonly configures: string | undefined;
  readonly keyframe: boolean;
}

const plainFrame: DecoderRole = { configures: undefined, keyframe: false };
const keyframe: DecoderRole = { configures: undefined, keyframe: true };

/**
 * A media message, as a player receives it and a server relays it. Immutable; {@link configures} and
 * {@link keyframe} read the payload's header at their first use.
 */
export class MediaMessage {
  readonly kind: MediaKind;
  /** ms, decoding time. Of a message that was received: keeps growing where the wire's timestamp wraps. */
  readonly timestamp: number;
  /** An FLV tag body (`audio`, `video`), Enhanced RTMP included, or AMF0 values (`data`). Never changed afterwards. */
  readonly payload: Uint8Array;
  #role: DecoderRole | undefined;
  #chunks: Uint8Array | undefined;
  #chunkSize = 0;

  /** @param payload kept, not copied */
  constructor(kind: MediaKind, timestamp: number, payload: Uint8Array) {
    this.kind = kind;
    this.timestamp = timestamp;
    this.payload = payload;
  }

  /**
   * What the message configures: a sequence header its track (`video`, `audio`, `video/2` …), `onMetaData` the stream
   * (`metadata`). A player needs the newest message of each value before any frame. `undefined` for frames and for
   * other data.
   */
  get configures(): string | undefined {
    return this.#decoderRole().configures;
  }

  /** Whether a decoder can start at this video frame. */
  get keyframe(): boolean {
    return this.#decoderRole().keyframe;
  }

  /** The type of an FLV tag with this payload, which is also the message's type id: 8, 9 or 18. */
  get flvTagType(): 8 | 9 | 18 {
    return mediaMessageType[this.kind];
  }

  /**
   * The whole message in chunks, as a {@link ServerSession} would send it to a player: type-0 header, message stream
   * {@link mediaStreamId}. The bytes depend on the chunk size alone and are built once for all players.
   *
   * @returns shared memory, not to be changed
   */
  toChunks(chunkSize: number): Uint8Array {
    if (this.#chunks === undefined || this.#chunkSize !== chunkSize) {
      const { kind, timestamp, payload } = this;
      const writer = new ChunkWriter();
      writer.setChunkSize(chunkSize);
      this.#chunks = writer.encode({
        chunkStreamId: chunkStreamOf[kind],
        type: mediaMessageType[kind],
        streamId: mediaStreamId,
        timestamp,
        payload,
      });
      this.#chunkSize = chunkSize;
    }
    return this.#chunks;
  }

  #decoderRole(): DecoderRole {
    this.#role ??= decoderRoleOf(this.kind, this.payload);
    return this.#role;
  }
}

function decoderRoleOf(kind: MediaKind, payload: Uint8Array): DecoderRole {
  if (kind === 'data') {
    const start = startsWithName(payload, 0, setDataFrame) ? setDataFrame.length : 0;
    return startsWithName(payload, start, onMetaData) ? configuration('metadata') : plainFrame;
  }
  const header = kind === 'video' ? parseVideoTagHeader(payload) : parseAudioTagHeader(payload);
  if (header === undefined) {
    return plainFrame;
  }
  const { packetType, multitrack } = header;
  const trackId = multitrack?.tracks[0]?.trackId;
  switch (multitrack?.packetType ?? packetType) {
    case 'sequence-header':
    case 'mpeg2ts-sequence-header':
      return configuration(trackName(kind, trackId));
    case 'multichannel-config':
    case 'metadata':
      return configuration(`${trackName(kind, trackId)} ${packetType}`);
    default:
      return 'keyframe' in header && header.keyframe ? keyframe : plainFrame;
  }
}

function configuration(configures: string): DecoderRole {
  return { configures, keyframe: false };
}

function trackName(kind: MediaKind, trackId: number | undefined): string {
  return trackId === undefined ? kind : `${kind}/${trackId}`;
}

/** The payload of a data message without a leading `@setDataFrame`, which is meant for the server alone; a view. */
export function withoutSetDataFrame(payload: Uint8Array): Uint8Array {
  return startsWithName(payload, 0, setDataFrame) ? payload.subarray(setDataFrame.length) : payload;
}

/** Names as AMF0 strings: marker 2, 16-bit length, text (AMF 0, 2.4). */
const setDataFrame = amf0Name('@setDataFrame');
const onMetaData = amf0Name('onMetaData');

function amf0Name(name: string): Uint8Array {
  return Uint8Array.from([2, 0, name.length, ...Array.from(name, (letter) => letter.charCodeAt(0))]);
}

function startsWithName(payload: Uint8Array, offset: number, name: Uint8Array): boolean {
  return name.every((byte, index) => payload[offset + index] === byte);
}
