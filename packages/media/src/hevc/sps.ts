import { readLimitedUe, readUe } from '../avc/index.ts';
import { BitReader } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { HEVC_LIMITS } from './limits.ts';
import { HevcNalType } from './nal-type.ts';
import { hevcParameterSetPayload, readMaxSubLayersMinus1 } from './parameter-sets.ts';
import { type HevcProfileTierLevel, parseProfileTierLevel } from './profile-tier-level.ts';
import { skipShortTermRefPicSets } from './reference-picture-sets.ts';
import { type HevcVui, parseHevcVui } from './vui.ts';

/** The facts of an H.265 sequence parameter set (ITU-T H.265 clause 7.3.2.2.1). */
export interface HevcSps {
  /** sps_seq_parameter_set_id, 0..15. */
  readonly spsId: number;
  /** sps_video_parameter_set_id, 0..15: the VPS it refers to. */
  readonly vpsId: number;
  /** Temporal sub-layers, 1..7. */
  readonly maxSubLayers: number;
  /** sps_temporal_id_nesting_flag. */
  readonly temporalIdNesting: boolean;
  readonly profileTierLevel: HevcProfileTierLevel;
  /** chroma_format_idc: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  readonly chromaFormatIdc: number;
  /** Bits a luma sample, 8..16. */
  readonly bitDepthLuma: number;
  /** Bits a chroma sample, 8..16. */
  readonly bitDepthChroma: number;
  /** Pixels before the conformance window. */
  readonly codedWidth: number;
  /** Pixels before the conformance window. */
  readonly codedHeight: number;
  /** Pixels to show. */
  readonly width: number;
  /** Pixels to show. */
  readonly height: number;
  /** sps_max_num_reorder_pics of the highest sub-layer; 0 means no reordering. */
  readonly maxNumReorderPics: number;
  /** Video usability information, when there is any. */
  readonly vui: HevcVui | undefined;
}

/**
 * Reads a sequence parameter set of the base layer (ITU-T H.265 clause 7.3.2.2.1).
 *
 * @param nal the whole NAL unit: two header bytes first, emulation prevention still in place.
 * @throws MediaError `short-read` when it is cut, `bad-value` when a field is outside its range or the unit is no SPS,
 * `limit-exceeded` when it says more than {@link HEVC_LIMITS} lets it.
 */
export function parseHevcSps(nal: Uint8Array): HevcSps {
  const reader = new BitReader(hevcParameterSetPayload(nal, HevcNalType.sps, 'SPS'));
  const vpsId = reader.bits(4); // sps_video_parameter_set_id
  const maxSubLayersMinus1 = readMaxSubLayersMinus1(reader, 'sps_max_sub_layers_minus1');
  const temporalIdNesting = reader.flag(); // sps_temporal_id_nesting_flag
  const profileTierLevel = parseProfileTierLevel(reader, maxSubLayersMinus1);
  const spsId = readUe(reader, 'sps_seq_parameter_set_id', 15);
  const chromaFormatIdc = readUe(reader, 'chroma_format_idc', 3);
  const separateColourPlane = chromaFormatIdc === 3 && reader.flag(); // separate_colour_plane_flag
  const codedWidth = readEdge(reader, 'pic_width_in_luma_samples');
  const codedHeight = readEdge(reader, 'pic_height_in_luma_samples');
  if (codedWidth * codedHeight > HEVC_LIMITS.pictureLumaSamples) {
    throw new MediaError(
      'limit-exceeded',
      `a picture of ${codedWidth} x ${codedHeight}, the limit is ${HEVC_LIMITS.pictureLumaSamples} samples`,
    );
  }
  const window = readConformanceWindow(reader, separateColourPlane ? 0 : chromaFormatIdc);
  if (window.horizontal >= codedWidth || window.vertical >= codedHeight) {
    throw new MediaError(
      'bad-value',
      `a conformance window that takes ${window.horizontal} x ${window.vertical} leaves nothing of ${codedWidth} x ${codedHeight}`,
    );
  }
  const bitDepthLuma = 8 + readUe(reader, 'bit_depth_luma_minus8', 8);
  const bitDepthChroma = 8 + readUe(reader, 'bit_depth_chroma_minus8', 8);
  const pocLsbBits = 4 + readUe(reader, 'log2_max_pic_order_cnt_lsb_minus4', 12);
  const maxNumReorderPics = readSubLayerOrdering(reader, maxSubLayersMinus1);
  skipCodingTools(reader);
  skipShortTermRefPicSets(reader);
  skipLongTermRefPics(reader, pocLsbBits);
  reader.skip(1); // sps_temporal_mvp_enabled_flag
  reader.skip(1); // strong_intra_smoothing_enabled_flag
  const vui = reader.flag() ? parseHevcVui(reader) : undefined; // vui_parameters_present_flag
  return {
    spsId,
    vpsId,
    maxSubLayers: maxSubLayersMinus1 + 1,
    temporalIdNesting,
    profileTierLevel,
    chromaFormatIdc,
    bitDepthLuma,
    bitDepthChroma,
    codedWidth,
    codedHeight,
    width: codedWidth - window.horizontal,
    height: codedHeight - window.vertical,
    maxNumReorderPics,
    vui,
  };
}

function readEdge(reader: BitReader, name: string): number {
  const value = readLimitedUe(reader, name, HEVC_LIMITS.pictureEdge);
  if (value === 0) throw new MediaError('bad-value', `${name} is 0`);
  return value;
}

/** Pixels that conf_win_*_offset take off (ITU-T H.265 clause 7.4.3.2.1). */
function readConformanceWindow(
  reader: BitReader,
  chromaArrayType: number,
): { readonly horizontal: number; readonly vertical: number } {
  if (!reader.flag()) return { horizontal: 0, vertical: 0 }; // conformance_window_flag
  const left = reader.ue(); // conf_win_left_offset
  const right = reader.ue(); // conf_win_right_offset
  const top = reader.ue(); // conf_win_top_offset
  const bottom = reader.ue(); // conf_win_bottom_offset
  const unitX = chromaArrayType === 1 || chromaArrayType === 2 ? 2 : 1;
  const unitY = chromaArrayType === 1 ? 2 : 1;
  return { horizontal: (left + right) * unitX, vertical: (top + bottom) * unitY };
}

/** Reads the sub-layer ordering information and gives sps_max_num_reorder_pics of the highest sub-layer. */
function readSubLayerOrdering(reader: BitReader, maxSubLayersMinus1: number): number {
  const forEachSubLayer = reader.flag(); // sps_sub_layer_ordering_info_present_flag
  let maxNumReorderPics = 0;
  for (let i = forEachSubLayer ? 0 : maxSubLayersMinus1; i <= maxSubLayersMinus1; i++) {
    readLimitedUe(reader, 'sps_max_dec_pic_buffering_minus1', HEVC_LIMITS.decodedPictures - 1);
    maxNumReorderPics = readLimitedUe(reader, 'sps_max_num_reorder_pics', HEVC_LIMITS.decodedPictures - 1);
    reader.ue(); // sps_max_latency_increase_plus1
  }
  return maxNumReorderPics;
}

function skipCodingTools(reader: BitReader): void {
  reader.ue(); // log2_min_luma_coding_block_size_minus3
  reader.ue(); // log2_diff_max_min_luma_coding_block_size
  reader.ue(); // log2_min_luma_transform_block_size_minus2
  reader.ue(); // log2_diff_max_min_luma_transform_block_size
  reader.ue(); // max_transform_hierarchy_depth_inter
  reader.ue(); // max_transform_hierarchy_depth_intra
  // scaling_list_enabled_flag, sps_scaling_list_data_present_flag
  if (reader.flag() && reader.flag()) skipScalingListData(reader);
  reader.skip(1); // amp_enabled_flag
  reader.skip(1); // sample_adaptive_offset_enabled_flag
  // pcm_enabled_flag
  if (reader.flag()) {
    reader.skip(4); // pcm_sample_bit_depth_luma_minus1
    reader.skip(4); // pcm_sample_bit_depth_chroma_minus1
    reader.ue(); // log2_min_pcm_luma_coding_block_size_minus3
    reader.ue(); // log2_diff_max_min_pcm_luma_coding_block_size
    reader.skip(1); // pcm_loop_filter_disabled_flag
  }
}

/** Passes over scaling_list_data() (ITU-T H.265 clause 7.3.4). */
function skipScalingListData(reader: BitReader): void {
  for (let sizeId = 0; sizeId < 4; sizeId++) {
    // 32x32 has lists for intra and inter luma only; with 4:4:4 the chroma ones are derived, not sent.
    const step = sizeId === 3 ? 3 : 1;
    for (let matrixId = 0; matrixId < 6; matrixId += step) {
      // scaling_list_pred_mode_flag
      if (!reader.flag()) {
        reader.ue(); // scaling_list_pred_matrix_id_delta
        continue;
      }
      const coefficients = Math.min(64, 1 << (4 + (sizeId << 1)));
      if (sizeId > 1) reader.se(); // scaling_list_dc_coef_minus8
      for (let i = 0; i < coefficients; i++) reader.se(); // scaling_list_delta_coef
    }
  }
}

function skipLongTermRefPics(reader: BitReader, pocLsbBits: number): void {
  if (!reader.flag()) return; // long_term_ref_pics_present_flag
  const count = readLimitedUe(reader, 'num_long_term_ref_pics_sps', HEVC_LIMITS.longTermRefPics);
  for (let i = 0; i < count; i++) {
    reader.skip(pocLsbBits); // lt_ref_pic_poc_lsb_sps
    reader.skip(1); // used_by_curr_pic_lt_sps_flag
  }
}
