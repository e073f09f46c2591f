import type { BitReader } from '../bytes/index.ts';

/** color_config() (AV1 bitstream specification clause 5.5.2). */
export interface Av1ColorConfig {
  /** Bits a sample: 8, 10 or 12. */
  readonly bitDepth: number;
  readonly monochrome: boolean;
  /** subsampling_x: chroma has half the width. */
  readonly subsamplingX: boolean;
  /** subsampling_y: chroma has half the height. */
  readonly subsamplingY: boolean;
  /** chroma_sample_position: 0 unknown, 1 vertical, 2 colocated. */
  readonly chromaSamplePosition: number;
  /** color_range: full range when true. */
  readonly fullRange: boolean;
  /** color_primaries (ITU-T H.273); 2 when not said. */
  readonly primaries: number;
  /** transfer_characteristics (ITU-T H.273); 2 when not said. */
  readonly transferCharacteristics: number;
  /** matrix_coefficients (ITU-T H.273); 2 when not said. */
  readonly matrixCoefficients: number;
}

const UNSPECIFIED = 2;
const PRIMARIES_BT_709 = 1;
const TRANSFER_SRGB = 13;
const MATRIX_IDENTITY = 0;

/**
 * Reads color_config() (AV1 clause 5.5.2).
 *
 * @throws MediaError `short-read`.
 */
export function parseAv1ColorConfig(reader: BitReader, seqProfile: number): Av1ColorConfig {
  const highBitDepth = reader.flag(); // high_bitdepth
  const twelveBit = seqProfile === 2 && highBitDepth && reader.flag(); // twelve_bit
  const bitDepth = twelveBit ? 12 : highBitDepth ? 10 : 8;
  const monochrome = seqProfile !== 1 && reader.flag(); // mono_chrome
  const described = reader.flag(); // color_description_present_flag
  const primaries = described ? reader.bits(8) : UNSPECIFIED; // color_primaries
  const transferCharacteristics = described ? reader.bits(8) : UNSPECIFIED; // transfer_characteristics
  const matrixCoefficients = described ? reader.bits(8) : UNSPECIFIED; // matrix_coefficients
  const base = { bitDepth, monochrome, primaries, transferCharacteristics, matrixCoefficients };
  if (monochrome) {
    const fullRange = reader.flag(); // color_range
    return { ...base, subsamplingX: true, subsamplingY: true, chromaSamplePosition: 0, fullRange };
  }
  if (
    primaries === PRIMARIES_BT_709 &&
    transferCharacteristics === TRANSFER_SRGB &&
    matrixCoefficients === MATRIX_IDENTITY
  ) {
    reader.skip(1); // separate_uv_delta_q
    return { ...base, subsamplingX: false, subsamplingY: false, chromaSamplePosition: 0, fullRange: true };
  }
  const fullRange = reader.flag(); // color_range
  let subsamplingX = seqProfile !== 1;
  let subsamplingY = seqProfile === 0;
  if (seqProfile === 2 && bitDepth === 12) {
    subsamplingX = reader.flag(); // subsampling_x
    subsamplingY = subsamplingX && reader.flag(); // subsampling_y
  }
  const chromaSamplePosition = subsamplingX && subsamplingY ? reader.bits(2) : 0; // chroma_sample_position
  reader.skip(1); // separate_uv_delta_q
  return { ...base, subsamplingX, subsamplingY, chromaSamplePosition, fullRange };
}
