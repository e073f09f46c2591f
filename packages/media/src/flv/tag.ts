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

/** The header of an FLV file (FLV 10.1 E.2). */
export interface FlvHeader extends FlvHeaderFlags {
  /** DataOffset: the byte behind the header, where the first PreviousTagSize stands; 9 in every file of version 1. */
  readonly dataOffset: number;
}

/** The header of a tag (FLV 10.1 E.4.1). */
export interface FlvTagHeader {
  readonly type: FlvTagType;
  /** DataSize: bytes of the body. */
  readonly size: number;
  /** ms, 0..2^32-1: Timestamp with TimestampExtended above it. */
  readonly timestamp: number;
  /** StreamID, 0 in every file that follows the specification. */
  readonly streamId: number;
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

/**
 * Reads the header that begins an FLV file (FLV 10.1 E.2); its reserved bits are not looked at.
 *
 * @throws MediaError `short-read` for fewer than 9 bytes, `bad-value` for another signature or a DataOffset below 9,
 * `unsupported` for another version.
 */
export function parseFlvHeader(bytes: Uint8Array): FlvHeader {
  requireBytes(bytes, 0, FLV_FILE_HEADER_BYTES);
  // Signature
  if (bytes[0] !== 0x46 || bytes[1] !== 0x4c || bytes[2] !== 0x56) {
    throw new MediaError('bad-value', 'the bytes do not begin with the signature FLV');
  }
  const version = bytes[3] ?? 0; // Version
  if (version !== 1) throw new MediaError('unsupported', `FLV of version ${version}, wanted 1`);
  const flags = bytes[4] ?? 0; // TypeFlagsAudio, TypeFlagsVideo
  const dataOffset = (bytes[5] ?? 0) * 0x1000000 + u24(bytes, 6); // DataOffset
  if (dataOffset < FLV_FILE_HEADER_BYTES) {
    throw new MediaError('bad-value', `FLV DataOffset is ${dataOffset}, wanted at least 9`);
  }
  return { audio: (flags & 0x04) !== 0, video: (flags & 0x01) !== 0, dataOffset };
}

/**
 * Reads the 11 bytes of a tag's header (FLV 10.1 E.4.1) at `offset`.
 *
 * @throws MediaError `short-read` when they are not all there, `unsupported` for an encrypted tag, `bad-value` for a
 * type that is no {@link FlvTagType}.
 */
export function parseFlvTagHeader(bytes: Uint8Array, offset = 0): FlvTagHeader {
  requireBytes(bytes, offset, FLV_TAG_HEADER_BYTES);
  const first = bytes[offset] ?? 0; // Reserved, Filter, TagType
  if ((first & 0x20) !== 0) {
    throw new MediaError('unsupported', 'an FLV tag is encrypted (its Filter bit is 1)');
  }
  const type = first & 0x1f;
  if (type !== FlvTagType.audio && type !== FlvTagType.video && type !== FlvTagType.script) {
    throw new MediaError('bad-value', `FLV tag type is ${type}, wanted 8, 9 or 18`);
  }
  return {
    type,
    size: u24(bytes, offset + 1), // DataSize
    timestamp: (((bytes[offset + 7] ?? 0) << 24) | u24(bytes, offset + 4)) >>> 0, // Timestamp, TimestampExtended
    streamId: u24(bytes, offset + 8), // StreamID
  };
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

function requireBytes(bytes: Uint8Array, offset: number, wanted: number): void {
  const left = bytes.length - offset;
  if (offset < 0 || left < wanted) {
    throw new MediaError(
      'short-read',
      `wanted ${wanted} bytes at offset ${offset}, there are ${Math.max(0, left)}`,
    );
  }
}

function u24(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 16) | ((bytes[offset + 1] ?? 0) << 8) | (bytes[offset + 2] ?? 0);
}
