import { MediaError } from '../errors.ts';

/** TagType of an FLV tag (FLV 10.1 E.4.1), the same numbers as the RTMP message types. */
export const FlvTagType = {
  audio: 8,
  video: 9,
  script: 18,
} as const;

/** A value of {@link FlvTagType}. */
export type FlvTagType = (typeof FlvTagType)[keyof typeof FlvTagType];

/** One tag of an FLV file (FLV 10.1 E.4.1). */
export interface FlvTag {
  readonly type: FlvTagType;
  /** ms, 0..2^32-1. */
  readonly timestamp: number;
  /** The bytes between the tag's header and its PreviousTagSize. */
  readonly body: Uint8Array;
}

/** Which kinds of tags an FLV file announces in its header. */
export interface FlvHeaderFlags {
  readonly audio: boolean;
  readonly video: boolean;
}

/** Bytes of the file header itself. */
export const FLV_FILE_HEADER_BYTES = 9;
/** Bytes of a tag's header. */
export const FLV_TAG_HEADER_BYTES = 11;
/** Bytes of the PreviousTagSize field behind the file header and behind each tag. */
export const FLV_PREVIOUS_TAG_SIZE_BYTES = 4;
/** The most bytes that a tag's 24-bit DataSize can say. */
export const FLV_MAX_BODY_BYTES = 0xffffff;

/** The 13 bytes that begin an FLV file: its header (FLV 10.1 E.2) and the first PreviousTagSize, which is 0. */
export function flvHeader(flags: FlvHeaderFlags): Uint8Array {
  const typeFlags = (flags.audio ? 0x04 : 0) | (flags.video ? 0x01 : 0);
  return Uint8Array.of(0x46, 0x4c, 0x56, 1, typeFlags, 0, 0, 0, FLV_FILE_HEADER_BYTES, 0, 0, 0, 0);
}

/** Bytes of a whole tag in the file: header, body and PreviousTagSize. */
export function flvTagSize(bodyLength: number): number {
  return FLV_TAG_HEADER_BYTES + bodyLength + FLV_PREVIOUS_TAG_SIZE_BYTES;
}

/**
 * Writes the 11 bytes of a tag's header (FLV 10.1 E.4.1) at `offset`.
 *
 * @param size bytes of the body.
 * @param timestamp ms; its low 32 bits are written.
 * @throws MediaError `limit-exceeded` when the body is longer than 24 bits can say, `short-read` when the target has
 * no room.
 */
export function writeFlvTagHeader(
  target: Uint8Array,
  offset: number,
  type: FlvTagType,
  size: number,
  timestamp: number,
): void {
  if (size > FLV_MAX_BODY_BYTES) {
    throw new MediaError(
      'limit-exceeded',
      `an FLV tag holds at most ${FLV_MAX_BODY_BYTES} bytes, this body has ${size}`,
    );
  }
  requireRoom(target, offset, FLV_TAG_HEADER_BYTES);
  target[offset] = type; // Reserved, Filter, TagType
  target[offset + 1] = size >>> 16; // DataSize
  target[offset + 2] = size >>> 8;
  target[offset + 3] = size;
  target[offset + 4] = timestamp >>> 16; // Timestamp
  target[offset + 5] = timestamp >>> 8;
  target[offset + 6] = timestamp;
  target[offset + 7] = timestamp >>> 24; // TimestampExtended
  target[offset + 8] = 0; // StreamID
  target[offset + 9] = 0;
  target[offset + 10] = 0;
}

/**
 * Writes the PreviousTagSize field that follows a body of `bodyLength` bytes.
 *
 * @throws MediaError `short-read` when the target has no room.
 */
export function writeFlvPreviousTagSize(target: Uint8Array, offset: number, bodyLength: number): void {
  requireRoom(target, offset, FLV_PREVIOUS_TAG_SIZE_BYTES);
  const size = FLV_TAG_HEADER_BYTES + bodyLength;
  target[offset] = size >>> 24;
  target[offset + 1] = size >>> 16;
  target[offset + 2] = size >>> 8;
  target[offset + 3] = size;
}

/**
 * A whole tag as new bytes: header, a copy of the body, PreviousTagSize.
 *
 * @throws MediaError `limit-exceeded` when the body is longer than 24 bits can say.
 */
export function encodeFlvTag(tag: FlvTag): Uint8Array {
  const size = tag.body.length;
  const result = new Uint8Array(flvTagSize(Math.min(size, FLV_MAX_BODY_BYTES)));
  writeFlvTagHeader(result, 0, tag.type, size, tag.timestamp);
  result.set(tag.body, FLV_TAG_HEADER_BYTES);
  writeFlvPreviousTagSize(result, FLV_TAG_HEADER_BYTES + size, size);
  return result;
}

function requireRoom(target: Uint8Array, offset: number, wanted: number): void {
  if (offset < 0 || offset + wanted > target.length) {
    throw new MediaError(
      'short-read',
      `${wanted} bytes wanted at offset ${offset}, the target has ${target.length}`,
    );
  }
}
