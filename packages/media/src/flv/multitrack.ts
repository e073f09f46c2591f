import { readFourCC, readU24 } from './fourcc.ts';

/** How a multitrack tag lays out its tracks (Enhanced RTMP v2, AvMultitrackType). */
export const MultitrackType = {
  oneTrack: 0,
  manyTracks: 1,
  manyTracksManyCodecs: 2,
} as const;

/** A value of {@link MultitrackType}. */
export type MultitrackType = (typeof MultitrackType)[keyof typeof MultitrackType];

/** The most tracks of one tag that are read; what follows them is passed over. */
export const MAX_TAG_TRACKS = 16;

/** One track's part of a multitrack tag. */
export interface TagTrack<Codec> {
  /** 0..255. */
  readonly trackId: number;
  readonly codec: Codec;
  /** As sent, read as a u32. */
  readonly fourCC: number;
  /** Presentation time minus decoding time in ms; 0 where the part has none. */
  readonly compositionTime: number;
  /** Where the part's payload is in the body. */
  readonly dataOffset: number;
  readonly dataEnd: number;
}

/** What a multitrack tag says of its tracks. */
export interface TagTracks<PacketType, Codec> {
  /** AvMultitrackType: a value of {@link MultitrackType}, or a reserved one (3..15). */
  readonly multitrackType: number;
  /** What every track of this tag holds. */
  readonly packetType: PacketType;
  /** At least one and at most {@link MAX_TAG_TRACKS}; a part that is cut is left out, unless it is the first. */
  readonly tracks: readonly TagTrack<Codec>[];
  /** Whether these are all: false when there are more than that, or one was left out. */
  readonly complete: boolean;
}

/** What {@link readTagTracks} has to know of the codecs. */
export interface TagTrackCodecs<Codec> {
  codecOf(fourCC: number): Codec;
  /** A composition time stands in front of the payload. */
  hasCompositionTime(codec: Codec): boolean;
}

/** The packet type that says "a modifier comes first" in both audio and video (Enhanced RTMP v2, ModEx). */
const PACKET_TYPE_MOD_EX = 7;
/** ModEx type TimestampOffsetNano. */
const MOD_EX_NANOSECONDS = 0;
const MAX_NANOSECONDS = 999_999;

/** The packet type of an Enhanced RTMP header and what its ModEx blocks say. */
export interface ModifiedPacketType {
  /** The low four bits that say the packet type. */
  readonly wireType: number;
  /** The byte behind it. */
  readonly offset: number;
  /** TimestampOffsetNano, 0..999999. */
  readonly nanoseconds: number;
}

/**
 * Reads the packet type in the first byte and the ModEx blocks behind it (Enhanced RTMP v2, ModEx).
 *
 * @returns undefined when the body ends before the packet type does.
 */
export function readPacketType(body: Uint8Array): ModifiedPacketType | undefined {
  let wireType = (body[0] ?? 0) & 0x0f;
  let offset = 1;
  let nanoseconds = 0;
  while (wireType === PACKET_TYPE_MOD_EX) {
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
    const next = body[end];
    if (next === undefined) return undefined;
    if (next >> 4 === MOD_EX_NANOSECONDS && size >= 3) {
      nanoseconds = Math.min(readU24(body, dataOffset), MAX_NANOSECONDS);
    }
    wireType = next & 0x0f;
    offset = end + 1;
  }
  return { wireType, offset, nanoseconds };
}

/**
 * Reads the tracks of a multitrack tag (Enhanced RTMP v2, ExVideoTagBody and ExAudioTagBody).
 *
 * @param start - the byte behind the one of the multitrack type
 * @param coded - the tag holds coded frames that may have a composition time
 * @returns undefined when not even the first track's header is there.
 */
export function readTagTracks<Codec>(
  body: Uint8Array,
  start: number,
  multitrackType: number,
  coded: boolean,
  codecs: TagTrackCodecs<Codec>,
): Pick<TagTracks<never, Codec>, 'tracks' | 'complete'> | undefined {
  const tracks: TagTrack<Codec>[] = [];
  const isOne = multitrackType === MultitrackType.oneTrack;
  const hasOwnCodecs = multitrackType === MultitrackType.manyTracksManyCodecs;
  // The FourCC stands either before all tracks or in each track, but always right here for the first one.
  let fourCC = readFourCC(body, start);
  let offset = start + 4;
  while (tracks.length < MAX_TAG_TRACKS) {
    const trackId = body[offset];
    let dataOffset = offset + (isOne ? 1 : 4);
    if (trackId === undefined || dataOffset > body.length) break;
    const dataEnd = isOne ? body.length : dataOffset + readU24(body, offset + 1);
    const codec = codecs.codecOf(fourCC);
    let compositionTime = 0;
    if (coded && codecs.hasCompositionTime(codec)) {
      if (dataOffset + 3 > Math.min(dataEnd, body.length)) break;
      compositionTime = (readU24(body, dataOffset) << 8) >> 8;
      dataOffset += 3;
    }
    // A first part that is cut is what there is; later ones are left out.
    if (dataEnd > body.length && tracks.length > 0) break;
    tracks.push({
      trackId,
      codec,
      fourCC,
      compositionTime,
      dataOffset,
      dataEnd: Math.min(dataEnd, body.length),
    });
    offset = dataEnd;
    if (hasOwnCodecs) {
      if (offset + 4 >= body.length) break;
      fourCC = readFourCC(body, offset);
      offset += 4;
    }
    if (offset >= body.length) break;
  }
  return tracks.length === 0 ? undefined : { tracks, complete: offset >= body.length };
}
