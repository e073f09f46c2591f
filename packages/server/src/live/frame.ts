import {
  type AudioCodec,
  parseAudioTagHeader,
  parseVideoTagHeader,
  type VideoCodec,
  VideoFrameType,
} from '@sluice/media/flv';

/** What a frame carries. The values are the FLV tag types, which are RTMP's message types too. */
export const FrameKind = { audio: 8, video: 9, data: 18 } as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/**
 * The engine's currency: one (Enhanced) FLV tag body as the publisher sent it, with the few facts that the
 * engine asks for. A frame and its body are never changed after they were made; everyone shares them.
 */
export interface Frame {
  readonly kind: FrameKind;
  /** Milliseconds on the live stream's own timeline. */
  readonly timestamp: number;
  /** The publisher's own timestamp, ms. */
  readonly sourceTimestamp: number;
  /** `data` for metadata and other AMF messages. */
  readonly codec: VideoCodec | AudioCodec | 'data';
  /** A video frame that a decoder can start from. */
  readonly keyframe: boolean;
  /** Decoder configuration rather than media. */
  readonly sequenceHeader: boolean;
  readonly body: Uint8Array;
}

/**
 * Reads the facts of an audio or video tag body. Returns undefined for a body that is too short for its
 * header or names a frame type or a video codec that doesn't exist: such a message is dropped, not passed on
 * (P011).
 *
 * @param timestamp - milliseconds on the stream's timeline, as far as it is known
 * @param body - kept, not copied
 * @param sourceTimestamp - the publisher's own timestamp, ms
 */
export function mediaFrame(
  kind: typeof FrameKind.audio | typeof FrameKind.video,
  timestamp: number,
  body: Uint8Array,
  sourceTimestamp = timestamp,
): Frame | undefined {
  if (kind === FrameKind.audio) {
    const header = parseAudioTagHeader(body);
    if (header === undefined) return undefined;
    const sequenceHeader = header.packetType === 'sequence-header';
    const { codec } = header;
    return { kind, timestamp, sourceTimestamp, codec, keyframe: false, sequenceHeader, body };
  }
  const header = parseVideoTagHeader(body);
  if (header === undefined) return undefined;
  if (header.frameType < VideoFrameType.key || header.frameType > VideoFrameType.command) return undefined;
  // An Enhanced RTMP command names no codec, and is passed on as any other (P015).
  const nameless = header.enhanced && header.packetType === 'command';
  if (header.codec === 'unknown' && !nameless) return undefined;
  const sequenceHeader =
    header.packetType === 'sequence-header' || header.packetType === 'mpeg2ts-sequence-header';
  const keyframe = header.keyframe && !sequenceHeader && header.packetType !== 'end-of-sequence';
  return { kind, timestamp, sourceTimestamp, codec: header.codec, keyframe, sequenceHeader, body };
}

/** A data frame (AMF0 message: name, then values). */
export function dataFrame(timestamp: number, body: Uint8Array, sourceTimestamp = timestamp): Frame {
  return {
    kind: FrameKind.data,
    timestamp,
    sourceTimestamp,
    codec: 'data',
    keyframe: false,
    sequenceHeader: false,
    body,
  };
}

/** Whether a frame is audio or video itself, rather than a sequence header or data. */
export function isMedia(frame: Frame): boolean {
  return !frame.sequenceHeader && frame.kind !== FrameKind.data;
}
