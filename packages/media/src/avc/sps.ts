import { BitReader } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { readLimitedUe, readUe } from './checks.ts';
import { AVC_LIMITS } from './limits.ts';
import { AvcNalType, avcNalType } from './nal-type.ts';
import { removeEmulationPrevention } from './nal-units.ts';
import { type AvcVui, parseAvcVui } from './vui.ts';

/** The facts of an H.264 sequence parameter set (ITU-T H.264 clause 7.3.2.1.1). */
export interface AvcSps {
  /** profile_idc, for example 66 Baseline, 77 Main, 100 High. */
  readonly profileIdc: number;
  /** The byte of constraint_set0_flag..constraint_set5_flag, set0 in the top bit. */
  readonly constraintFlags: number;
  /** level_idc: ten times the level's number, 9 or 11 with constraint_set3_flag for level 1b. */
  readonly levelIdc: number;
  /** seq_parameter_set_id, 0..31. */
  readonly spsId: number;
  /** chroma_format_idc: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  readonly chromaFormatIdc: number;
  /** Bits a luma sample, 8..14. */
  readonly bitDepthLuma: number;
  /** Bits a chroma sample, 8..14. */
  readonly bitDepthChroma: number;
  /** max_num_ref_frames, 0..16. */
  readonly maxNumRefFrames: number;
  /** False when pictures may be coded as fields (interlaced). */
  readonly frameMbsOnly: boolean;
  /** Pixels before cropping, a multiple of 16. */
  readonly codedWidth: number;
  /** Pixels before cropping, a multiple of 16. */
  readonly codedHeight: number;
  /** Pixels to show. */
  readonly width: number;
  /** Pixels to show. */
  readonly height: number;
  /** Video usability information, when there is any. */
  readonly vui: AvcVui | undefined;
}

/** Profiles whose SPS says its chroma format (ITU-T H.264 clause 7.3.2.1.1). */
const PROFILES_WITH_CHROMA_FORMAT: readonly number[] = [
  100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135,
];

/**
 * Reads a sequence parameter set (ITU-T H.264 clause 7.3.2.1.1).
 *
 * @param nal the whole NAL unit: header byte first, emulation prevention still in place.
 * @throws MediaError `short-read` when it is cut, `bad-value` when a field is outside its range or the unit is no SPS,
 * `limit-exceeded` when it says more than {@link AVC_LIMITS} lets it.
 */
export function parseAvcSps(nal: Uint8Array): AvcSps {
  const reader = new BitReader(parameterSetPayload(nal, AvcNalType.sps, 'SPS'));
  const profileIdc = reader.bits(8); // profile_idc
  const constraintFlags = reader.bits(8); // constraint_set0_flag.. reserved_zero_2bits
  const levelIdc = reader.bits(8); // level_idc
  const spsId = readUe(reader, 'seq_parameter_set_id', 31);
  let chromaFormatIdc = 1;
  let separateColourPlane = false;
  let bitDepthLuma = 8;
  let bitDepthChroma = 8;
  if (PROFILES_WITH_CHROMA_FORMAT.includes(profileIdc)) {
    chromaFormatIdc = readUe(reader, 'chroma_format_idc', 3);
    if (chromaFormatIdc === 3) separateColourPlane = reader.flag(); // separate_colour_plane_flag
    bitDepthLuma = 8 + readUe(reader, 'bit_depth_luma_minus8', 6);
    bitDepthChroma = 8 + readUe(reader, 'bit_depth_chroma_minus8', 6);
    reader.skip(1); // qpprime_y_zero_transform_bypass_flag
    if (reader.flag()) skipScalingMatrix(reader, chromaFormatIdc === 3 ? 12 : 8); // seq_scaling_matrix_present_flag
  }
  readUe(reader, 'log2_max_frame_num_minus4', 12);
  skipPicOrderCount(reader);
  const maxNumRefFrames = readLimitedUe(reader, 'max_num_ref_frames', AVC_LIMITS.referenceFrames);
  reader.skip(1); // gaps_in_frame_num_value_allowed_flag
  const widthInMbs = 1 + readLimitedUe(reader, 'pic_width_in_mbs_minus1', AVC_LIMITS.pictureEdgeInMbs - 1);
  const heightInMapUnits =
    1 + readLimitedUe(reader, 'pic_height_in_map_units_minus1', AVC_LIMITS.pictureEdgeInMbs - 1);
  const frameMbsOnly = reader.flag(); // frame_mbs_only_flag
  if (!frameMbsOnly) reader.skip(1); // mb_adaptive_frame_field_flag
  const heightInMbs = heightInMapUnits * (frameMbsOnly ? 1 : 2);
  if (heightInMbs > AVC_LIMITS.pictureEdgeInMbs || widthInMbs * heightInMbs > AVC_LIMITS.pictureSizeInMbs) {
    throw new MediaError(
      'limit-exceeded',
      `a picture of ${widthInMbs} x ${heightInMbs} macroblocks, the limit is ${AVC_LIMITS.pictureSizeInMbs} in all and ${AVC_LIMITS.pictureEdgeInMbs} along an edge`,
    );
  }
  reader.skip(1); // direct_8x8_inference_flag
  const codedWidth = widthInMbs * 16;
  const codedHeight = heightInMbs * 16;
  const crop = readFrameCropping(reader, separateColourPlane ? 0 : chromaFormatIdc, frameMbsOnly);
  if (crop.horizontal >= codedWidth || crop.vertical >= codedHeight) {
    throw new MediaError(
      'bad-value',
      `cropping of ${crop.horizontal} x ${crop.vertical} pixels leaves nothing of ${codedWidth} x ${codedHeight}`,
    );
  }
  const vui = reader.flag() ? parseAvcVui(reader) : undefined; // vui_parameters_present_flag
  return {
    profileIdc,
    constraintFlags,
    levelIdc,
    spsId,
    chromaFormatIdc,
    bitDepthLuma,
    bitDepthChroma,
    maxNumRefFrames,
    frameMbsOnly,
    codedWidth,
    codedHeight,
    width: codedWidth - crop.horizontal,
    height: codedHeight - crop.vertical,
    vui,
  };
}

/**
 * The payload of a parameter set behind its header byte, emulation prevention removed.
 *
 * @throws MediaError `short-read`, `bad-value` when the unit is of another type, `limit-exceeded`.
 */
export function parameterSetPayload(nal: Uint8Array, type: AvcNalType, name: string): Uint8Array {
  const headerByte = nal[0];
  if (headerByte === undefined) throw new MediaError('short-read', `${name}: 1 byte wanted, 0 there`);
  if (avcNalType(headerByte) !== type) {
    throw new MediaError('bad-value', `${name}: NAL unit type ${type} wanted, got ${avcNalType(headerByte)}`);
  }
  if (nal.length > AVC_LIMITS.parameterSetBytes) {
    throw new MediaError(
      'limit-exceeded',
      `${name} of ${nal.length} bytes, the limit is ${AVC_LIMITS.parameterSetBytes}`,
    );
  }
  return removeEmulationPrevention(nal, 1);
}

function skipPicOrderCount(reader: BitReader): void {
  const type = readUe(reader, 'pic_order_cnt_type', 2);
  if (type === 0) {
    readUe(reader, 'log2_max_pic_order_cnt_lsb_minus4', 12);
  } else if (type === 1) {
    reader.skip(1); // delta_pic_order_always_zero_flag
    reader.se(); // offset_for_non_ref_pic
    reader.se(); // offset_for_top_to_bottom_field
    const count = readLimitedUe(
      reader,
      'num_ref_frames_in_pic_order_cnt_cycle',
      AVC_LIMITS.picOrderCountCycle,
    );
    for (let i = 0; i < count; i++) reader.se(); // offset_for_ref_frame
  }
}

/** Pixels that frame_crop_*_offset take off (ITU-T H.264 clause 7.4.2.1.1, equations 7-19 to 7-22). */
function readFrameCropping(
  reader: BitReader,
  chromaArrayType: number,
  frameMbsOnly: boolean,
): { readonly horizontal: number; readonly vertical: number } {
  if (!reader.flag()) return { horizontal: 0, vertical: 0 }; // frame_cropping_flag
  const left = reader.ue(); // frame_crop_left_offset
  const right = reader.ue(); // frame_crop_right_offset
  const top = reader.ue(); // frame_crop_top_offset
  const bottom = reader.ue(); // frame_crop_bottom_offset
  const unitX = chromaArrayType === 1 || chromaArrayType === 2 ? 2 : 1;
  const unitY = (chromaArrayType === 1 ? 2 : 1) * (frameMbsOnly ? 1 : 2);
  return { horizontal: (left + right) * unitX, vertical: (top + bottom) * unitY };
}

/** Passes over the scaling lists (ITU-T H.264 clause 7.3.2.1.1.1). */
function skipScalingMatrix(reader: BitReader, lists: number): void {
  for (let list = 0; list < lists; list++) {
    if (!reader.flag()) continue; // seq_scaling_list_present_flag
    const size = list < 6 ? 16 : 64;
    let lastScale = 8;
    for (let i = 0; i < size; i++) {
      const deltaScale = reader.se(); // delta_scale
      if (deltaScale < -128 || deltaScale > 127) {
        throw new MediaError('bad-value', `delta_scale is ${deltaScale}, wanted -128..127`);
      }
      const nextScale = (lastScale + deltaScale + 256) % 256;
      // The rest of the list repeats the last scale and is not in the bits.
      if (nextScale === 0) break;
      lastScale = nextScale;
    }
  }
}
