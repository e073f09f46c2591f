import type { BitReader } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { readLimitedUe } from './checks.ts';
import { AVC_LIMITS } from './limits.ts';

/** Width to height of one sample, as two numbers. */
export interface SampleAspectRatio {
  readonly width: number;
  readonly height: number;
}

/** Where the colours of the samples lie: code points of ITU-T H.273. */
export interface ColourDescription {
  readonly primaries: number;
  readonly transferCharacteristics: number;
  readonly matrixCoefficients: number;
}

/** The facts of an H.264 sequence's video usability information (ITU-T H.264 Annex E); undefined where not said. */
export interface AvcVui {
  readonly sampleAspectRatio: SampleAspectRatio | undefined;
  readonly fullRange: boolean | undefined;
  readonly colour: ColourDescription | undefined;
  /** Frames a second, time_scale / (2 * num_units_in_tick). */
  readonly frameRate: number | undefined;
  readonly fixedFrameRate: boolean | undefined;
  /** Frames that may precede a frame in decoding order and follow it in output order; 0 means no B-frame reordering. */
  readonly maxNumReorderFrames: number | undefined;
  readonly maxDecFrameBuffering: number | undefined;
}

const EXTENDED_SAR = 255;

/** Sample aspect ratios 1..16 as width, height (ITU-T H.264 Table E-1, the same as H.265 Table E.1). */
const ASPECT_RATIOS = [
  [1, 1],
  [12, 11],
  [10, 11],
  [16, 11],
  [40, 33],
  [24, 11],
  [20, 11],
  [32, 11],
  [80, 33],
  [18, 11],
  [15, 11],
  [64, 33],
  [160, 99],
  [4, 3],
  [3, 2],
  [2, 1],
] as const;

/**
 * Reads vui_parameters() (ITU-T H.264 clause E.1.1).
 *
 * @throws MediaError `short-read`, `bad-value` or `limit-exceeded`.
 */
export function parseAvcVui(reader: BitReader): AvcVui {
  const sampleAspectRatio = readSampleAspectRatio(reader);
  if (reader.flag()) reader.skip(1); // overscan_info_present_flag: overscan_appropriate_flag
  const signal = readVideoSignalType(reader);
  // chroma_loc_info_present_flag
  if (reader.flag()) {
    reader.ue(); // chroma_sample_loc_type_top_field
    reader.ue(); // chroma_sample_loc_type_bottom_field
  }
  let frameRate: number | undefined;
  let fixedFrameRate: boolean | undefined;
  // timing_info_present_flag
  if (reader.flag()) {
    const numUnitsInTick = reader.bits(32); // num_units_in_tick
    const timeScale = reader.bits(32); // time_scale
    fixedFrameRate = reader.flag(); // fixed_frame_rate_flag
    // Zero is forbidden, yet encoders that know no rate write it.
    if (numUnitsInTick > 0 && timeScale > 0) frameRate = timeScale / (2 * numUnitsInTick);
  }
  const nalHrd = reader.flag(); // nal_hrd_parameters_present_flag
  if (nalHrd) skipHrdParameters(reader);
  const vclHrd = reader.flag(); // vcl_hrd_parameters_present_flag
  if (vclHrd) skipHrdParameters(reader);
  if (nalHrd || vclHrd) reader.skip(1); // low_delay_hrd_flag
  reader.skip(1); // pic_struct_present_flag
  let maxNumReorderFrames: number | undefined;
  let maxDecFrameBuffering: number | undefined;
  // bitstream_restriction_flag
  if (reader.flag()) {
    reader.skip(1); // motion_vectors_over_pic_boundaries_flag
    reader.ue(); // max_bytes_per_pic_denom
    reader.ue(); // max_bits_per_mb_denom
    reader.ue(); // log2_max_mv_length_horizontal
    reader.ue(); // log2_max_mv_length_vertical
    maxNumReorderFrames = readLimitedUe(reader, 'max_num_reorder_frames', AVC_LIMITS.referenceFrames);
    maxDecFrameBuffering = readLimitedUe(reader, 'max_dec_frame_buffering', AVC_LIMITS.referenceFrames);
  }
  return {
    sampleAspectRatio,
    fullRange: signal.fullRange,
    colour: signal.colour,
    frameRate,
    fixedFrameRate,
    maxNumReorderFrames,
    maxDecFrameBuffering,
  };
}

/**
 * Reads the aspect ratio part, which H.264 (clause E.1.1) and H.265 (clause E.2.1) share.
 *
 * @throws MediaError `short-read`.
 */
export function readSampleAspectRatio(reader: BitReader): SampleAspectRatio | undefined {
  if (!reader.flag()) return undefined; // aspect_ratio_info_present_flag
  const aspectRatioIdc = reader.bits(8); // aspect_ratio_idc
  if (aspectRatioIdc === EXTENDED_SAR) {
    const width = reader.bits(16); // sar_width
    const height = reader.bits(16); // sar_height
    return width > 0 && height > 0 ? { width, height } : undefined;
  }
  const ratio = ASPECT_RATIOS[aspectRatioIdc - 1];
  return ratio === undefined ? undefined : { width: ratio[0], height: ratio[1] };
}

/**
 * Reads the video signal type part, which H.264 (clause E.1.1) and H.265 (clause E.2.1) share.
 *
 * @throws MediaError `short-read`.
 */
export function readVideoSignalType(reader: BitReader): Pick<AvcVui, 'fullRange' | 'colour'> {
  if (!reader.flag()) return { fullRange: undefined, colour: undefined }; // video_signal_type_present_flag
  reader.skip(3); // video_format
  const fullRange = reader.flag(); // video_full_range_flag
  if (!reader.flag()) return { fullRange, colour: undefined }; // colour_description_present_flag
  const primaries = reader.bits(8); // colour_primaries
  const transferCharacteristics = reader.bits(8); // transfer_characteristics
  const matrixCoefficients = reader.bits(8); // matrix_coefficients
  return { fullRange, colour: { primaries, transferCharacteristics, matrixCoefficients } };
}

/** Passes over hrd_parameters() (ITU-T H.264 clause E.1.2). */
function skipHrdParameters(reader: BitReader): void {
  const cpbCount = reader.ue() + 1; // cpb_cnt_minus1
  if (cpbCount > AVC_LIMITS.codedPictureBuffers) {
    throw new MediaError(
      'limit-exceeded',
      `cpb_cnt_minus1 declares ${cpbCount} buffers, the limit is ${AVC_LIMITS.codedPictureBuffers}`,
    );
  }
  reader.skip(4); // bit_rate_scale
  reader.skip(4); // cpb_size_scale
  for (let i = 0; i < cpbCount; i++) {
    reader.ue(); // bit_rate_value_minus1
    reader.ue(); // cpb_size_value_minus1
    reader.skip(1); // cbr_flag
  }
  reader.skip(5); // initial_cpb_removal_delay_length_minus1
  reader.skip(5); // cpb_removal_delay_length_minus1
  reader.skip(5); // dpb_output_delay_length_minus1
  reader.skip(5); // time_offset_length
}
