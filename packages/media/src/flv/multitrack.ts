import { readU24 } from './fourcc.ts';

/** How a multitrack tag lays out its tracks (Enhanced RTMP v2, AvMultitrackType). */
export const MultitrackType = {
  oneTrack: 0,
  manyTracks: 1,
  manyTracksManyCodecs: 2,
} as const;

/** A value of {@link MultitrackType}. */
export type MultitrackType = (typeof MultitrackType)[keyof typeof MultitrackType];

/** What a multitrack tag says of its first track. */
export interface FirstTrack<PacketType> {
  /** AvMultitrackType: a value of {@link MultitrackType}, or a reserved one (3..15). */
  readonly multitrackType: number;
  /** What every track of this tag holds. */
  readonly packetType: PacketType;
  /** The first track's id, 0..255. */
  readonly trackId: number;
  /** Bytes of the first track, counted from the composition time on; undefined when it runs to the end of the tag. */
  readonly size: number | undefined;
}

/** The packet type that says "a modifier comes first" in both audio and video (Enhanced RTMP v2, ModEx). */
export const PACKET_TYPE_MOD_EX = 7;

/**
 * Where a ModEx block ends (Enhanced RTMP v2, ModEx): at the byte whose low four bits are the next packet type.
 *
 * @param offset the block's first byte, its size field.
 * @returns the offset of that byte, or undefined when the body ends before it.
 */
export function skipModEx(body: Uint8Array, offset: number): number | undefined {
  const shortSize = body[offset];
  if (shortSize === undefined) return undefined;
  let dataOffset = offset + 1;
  let size = shortSize + 1;
  if (size === 256) {
    if (offset + 3 > body.length) return undefined;
    size = (((body[offset + 1] ?? 0) << 8) | (body[offset + 2] ?? 0)) + 1;
    dataOffset = offset + 3;
  }
  const end = dataOffset + size;
  return end < body.length ? end : undefined;
}

/** The size field of a track, which a tag of one track leaves out. */
export function readTrackSize(body: Uint8Array, offset: number, multitrackType: number): number | undefined {
  return multitrackType === MultitrackType.oneTrack ? undefined : readU24(body, offset);
}
