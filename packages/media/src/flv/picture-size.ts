import { BitReader } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import type { VideoCodec } from '../model/index.ts';

/** Pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** PictureSize codes 2 to 6 of H.263 in FLV (FLV 10.1 E.4.3.2); 7 is reserved. */
const H263_SIZES: readonly (PictureSize | undefined)[] = [
  undefined,
  undefined,
  { width: 352, height: 288 },
  { width: 176, height: 144 },
  { width: 128, height: 96 },
  { width: 320, height: 240 },
  { width: 160, height: 120 },
];
const H263_START_CODE = 1;
const H263_START_CODE_BITS = 17;
/** Version 0 is plain H.263, 1 is Sorenson's variant; others are not known. */
const H263_MAX_VERSION = 1;
/** VP6 counts in macroblocks. */
const VP6_MACROBLOCK = 16;
const VP6_FIRST_VERSION = 6;
const VP6_LAST_VERSION = 8;

/**
 * The size that the picture itself says, of codecs that have no sequence header: H.263, Screen video and VP6.
 *
 * @param payload - the tag's body behind its header
 * @returns undefined where the picture does not say it, or can't be read
 */
export function flvPictureSize(codec: VideoCodec, payload: Uint8Array): PictureSize | undefined {
  const reader = new BitReader(payload);
  try {
    if (codec === 'h263') return shown(h263Size(reader));
    if (codec === 'screen' || codec === 'screen2') return shown(screenSize(reader));
    if (codec === 'vp6' || codec === 'vp6a') return shown(vp6Size(reader, codec === 'vp6a'));
  } catch (error) {
    if (!(error instanceof MediaError)) throw error;
  }
  return undefined;
}

/** A picture without pixels is not one. */
function shown(size: PictureSize | undefined): PictureSize | undefined {
  return size === undefined || size.width <= 0 || size.height <= 0 ? undefined : size;
}

/** H263VIDEOPACKET (FLV 10.1 E.4.3.2). */
function h263Size(reader: BitReader): PictureSize | undefined {
  if (reader.bits(H263_START_CODE_BITS) !== H263_START_CODE) return undefined;
  if (reader.bits(5) > H263_MAX_VERSION) return undefined;
  reader.bits(8); // TemporalReference
  const code = reader.bits(3);
  if (code > 1) return H263_SIZES[code];
  const width = reader.bits(code === 0 ? 8 : 16);
  return { width, height: reader.bits(code === 0 ? 8 : 16) };
}

/** SCREENVIDEOPACKET (FLV 10.1 E.4.3.3): BlockWidth, ImageWidth, BlockHeight, ImageHeight. */
function screenSize(reader: BitReader): PictureSize {
  reader.bits(4);
  const width = reader.bits(12);
  reader.bits(4);
  return { width, height: reader.bits(12) };
}

/** VP6FLVVIDEOPACKET (FLV 10.1 E.4.3.4): what is cut off right and below, then a VP6 frame. */
function vp6Size(reader: BitReader, hasAlpha: boolean): PictureSize | undefined {
  const cutRight = reader.bits(4);
  const cutBelow = reader.bits(4);
  if (hasAlpha) reader.bits(24); // OffsetToAlpha
  // Only intra frames say their size.
  if (reader.bits(1) !== 0) return undefined;
  reader.bits(6); // quantizer
  const separated = reader.bits(1);
  const version = reader.bits(5);
  if (version < VP6_FIRST_VERSION || version > VP6_LAST_VERSION) return undefined;
  const profile = reader.bits(2);
  if (reader.bits(1) !== 0) return undefined; // interlaced
  if (separated !== 0 || profile === 0) reader.bits(16); // offset of the second partition
  const rows = reader.bits(8);
  const columns = reader.bits(8);
  // What is shown of them can't be more than there is.
  if (reader.bits(8) > rows || reader.bits(8) > columns) return undefined;
  return { width: columns * VP6_MACROBLOCK - cutRight, height: rows * VP6_MACROBLOCK - cutBelow };
}
