import type { VideoCodec } from '../model/index.ts';
import { fourCCToString } from './fourcc.ts';

/** Codec ids (FLV 10.1 E.4.3.1); 12 and 13 are in no specification but are what HEVC and AV1 publishers of old use. */
const CODEC_ID = {
  h263: 2,
  screen: 3,
  vp6: 4,
  vp6a: 5,
  screen2: 6,
  h264: 7,
  hevc: 12,
  av1: 13,
} as const;

const FOURCC_AVC1 = 0x61766331;
const FOURCC_HVC1 = 0x68766331;
const FOURCC_AV01 = 0x61763031;
const FOURCC_VP08 = 0x76703038;
const FOURCC_VP09 = 0x76703039;
const FOURCC_VVC1 = 0x76766331;

/** The codec of a legacy codec id, 0..15. */
export function videoCodecOfId(codecId: number): VideoCodec {
  switch (codecId) {
    case CODEC_ID.h264:
      return 'h264';
    case CODEC_ID.hevc:
      return 'hevc';
    case CODEC_ID.av1:
      return 'av1';
    case CODEC_ID.h263:
      return 'h263';
    case CODEC_ID.screen:
      return 'screen';
    case CODEC_ID.vp6:
      return 'vp6';
    case CODEC_ID.vp6a:
      return 'vp6a';
    case CODEC_ID.screen2:
      return 'screen2';
    default:
      return 'unknown';
  }
}

/** The codec of a FourCC read as a u32. */
export function videoCodecOfFourCC(fourCC: number): VideoCodec {
  switch (fourCC) {
    case FOURCC_AVC1:
      return 'h264';
    case FOURCC_HVC1:
      return 'hevc';
    case FOURCC_AV01:
      return 'av1';
    case FOURCC_VP08:
      return 'vp8';
    case FOURCC_VP09:
      return 'vp9';
    case FOURCC_VVC1:
      return 'vvc';
    default:
      return 'unknown';
  }
}

/** The FourCC that Enhanced RTMP gives a codec; undefined when it has none. */
export function videoFourCC(codec: VideoCodec): string | undefined {
  switch (codec) {
    case 'h264':
      return 'avc1';
    case 'hevc':
      return 'hvc1';
    case 'av1':
      return 'av01';
    case 'vp8':
      return 'vp08';
    case 'vp9':
      return 'vp09';
    case 'vvc':
      return 'vvc1';
    default:
      return undefined;
  }
}

/** The shared constant for a known codec, so that no string is made per frame. */
export function videoFourCCName(codec: VideoCodec, fourCC: number): string {
  return videoFourCC(codec) ?? fourCCToString(fourCC);
}

/** The legacy codec id of a codec; undefined when it has none. */
export function videoCodecId(codec: VideoCodec): number | undefined {
  switch (codec) {
    case 'vp8':
    case 'vp9':
    case 'vvc':
    case 'unknown':
      return undefined;
    default:
      return CODEC_ID[codec];
  }
}
