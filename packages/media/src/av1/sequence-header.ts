import { BitReader } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { type Av1ColorConfig, parseAv1ColorConfig } from './color-config.ts';
import { Av1ObuType, av1Obus } from './obu.ts';

/** The facts of a sequence header OBU (AV1 bitstream specification clause 5.5.1). */
export interface Av1SequenceHeader {
  /** seq_profile: 0 Main, 1 High, 2 Professional. */
  readonly profile: number;
  /** seq_level_idx of the first operating point; level 2.0 is 0, 31 means no limit. */
  readonly levelIndex: number;
  /** seq_tier of the first operating point: true for the high tier. */
  readonly highTier: boolean;
  /** Pixels, 1..65536. */
  readonly width: number;
  /** Pixels, 1..65536. */
  readonly height: number;
  /** Frames a second when the sequence says that its pictures are evenly spaced. */
  readonly frameRate: number | undefined;
  readonly color: Av1ColorConfig;
}

interface DecoderModel {
  /** buffer_delay_length_minus_1 + 1. */
  readonly bufferDelayLength: number;
}

interface OperatingPoint {
  readonly levelIndex: number;
  readonly highTier: boolean;
}

const MAX_PROFILE = 2;

/**
 * Reads the payload of a sequence header OBU (AV1 clause 5.5.1).
 *
 * @throws MediaError `short-read` when it is cut, `bad-value` when a field is outside its range.
 */
export function parseAv1SequenceHeader(payload: Uint8Array): Av1SequenceHeader {
  const reader = new BitReader(payload);
  const profile = reader.bits(3); // seq_profile
  if (profile > MAX_PROFILE) throw new MediaError('bad-value', `seq_profile is ${profile}, wanted 0..2`);
  reader.skip(1); // still_picture
  const reduced = reader.flag(); // reduced_still_picture_header
  let frameRate: number | undefined;
  let point: OperatingPoint;
  if (reduced) {
    point = { levelIndex: reader.bits(5), highTier: false }; // seq_level_idx[0]
  } else {
    let model: DecoderModel | undefined;
    // timing_info_present_flag
    if (reader.flag()) {
      frameRate = readTimingInfo(reader);
      if (reader.flag()) model = readDecoderModelInfo(reader); // decoder_model_info_present_flag
    }
    point = readOperatingPoints(reader, model);
  }
  const widthBits = reader.bits(4) + 1; // frame_width_bits_minus_1
  const heightBits = reader.bits(4) + 1; // frame_height_bits_minus_1
  const width = reader.bits(widthBits) + 1; // max_frame_width_minus_1
  const height = reader.bits(heightBits) + 1; // max_frame_height_minus_1
  skipCodingTools(reader, reduced);
  const color = parseAv1ColorConfig(reader, profile);
  return { profile, levelIndex: point.levelIndex, highTier: point.highTier, width, height, frameRate, color };
}

/**
 * Finds the first sequence header among the OBUs of a temporal unit or of configOBUs, and reads it.
 *
 * @returns undefined when there is none.
 * @throws MediaError as {@link parseAv1SequenceHeader} and {@link av1Obus}.
 */
export function findAv1SequenceHeader(bytes: Uint8Array): Av1SequenceHeader | undefined {
  for (const obu of av1Obus(bytes)) {
    if (obu.type !== Av1ObuType.sequenceHeader) continue;
    return parseAv1SequenceHeader(bytes.subarray(obu.payloadStart, obu.end));
  }
  return undefined;
}

/** Reads timing_info() (AV1 clause 5.5.3) and gives the frame rate, when the pictures are evenly spaced. */
function readTimingInfo(reader: BitReader): number | undefined {
  const unitsInTick = reader.bits(32); // num_units_in_display_tick
  const timeScale = reader.bits(32); // time_scale
  if (!reader.flag()) return undefined; // equal_picture_interval
  const ticksPerPicture = readUvlc(reader) + 1; // num_ticks_per_picture_minus_1
  return unitsInTick > 0 && timeScale > 0 ? timeScale / unitsInTick / ticksPerPicture : undefined;
}

/** Reads decoder_model_info() (AV1 clause 5.5.4). */
function readDecoderModelInfo(reader: BitReader): DecoderModel {
  const bufferDelayLength = reader.bits(5) + 1; // buffer_delay_length_minus_1
  reader.skip(32); // num_units_in_decoding_tick
  reader.skip(5); // buffer_removal_time_length_minus_1
  reader.skip(5); // frame_presentation_time_length_minus_1
  return { bufferDelayLength };
}

function readOperatingPoints(reader: BitReader, model: DecoderModel | undefined): OperatingPoint {
  const displayDelay = reader.flag(); // initial_display_delay_present_flag
  const count = reader.bits(5) + 1; // operating_points_cnt_minus_1
  let first: OperatingPoint = { levelIndex: 0, highTier: false };
  for (let i = 0; i < count; i++) {
    reader.skip(12); // operating_point_idc
    const levelIndex = reader.bits(5); // seq_level_idx
    const highTier = levelIndex > 7 && reader.flag(); // seq_tier
    if (i === 0) first = { levelIndex, highTier };
    // decoder_model_present_for_this_op
    if (model !== undefined && reader.flag()) {
      reader.skip(model.bufferDelayLength); // decoder_buffer_delay
      reader.skip(model.bufferDelayLength); // encoder_buffer_delay
      reader.skip(1); // low_delay_mode_flag
    }
    // initial_display_delay_present_for_this_op: initial_display_delay_minus_1
    if (displayDelay && reader.flag()) reader.skip(4);
  }
  return first;
}

/** Passes over what stands between the frame size and color_config(). */
function skipCodingTools(reader: BitReader, reduced: boolean): void {
  // frame_id_numbers_present_flag
  if (!reduced && reader.flag()) {
    reader.skip(4); // delta_frame_id_length_minus_2
    reader.skip(3); // additional_frame_id_length_minus_1
  }
  reader.skip(1); // use_128x128_superblock
  reader.skip(1); // enable_filter_intra
  reader.skip(1); // enable_intra_edge_filter
  if (!reduced) skipInterTools(reader);
  reader.skip(1); // enable_superres
  reader.skip(1); // enable_cdef
  reader.skip(1); // enable_restoration
}

function skipInterTools(reader: BitReader): void {
  reader.skip(1); // enable_interintra_compound
  reader.skip(1); // enable_masked_compound
  reader.skip(1); // enable_warped_motion
  reader.skip(1); // enable_dual_filter
  const orderHint = reader.flag(); // enable_order_hint
  if (orderHint) {
    reader.skip(1); // enable_jnt_comp
    reader.skip(1); // enable_ref_frame_mvs
  }
  // seq_choose_screen_content_tools, else seq_force_screen_content_tools
  const screenContent = reader.flag() || reader.flag();
  // seq_choose_integer_mv, else seq_force_integer_mv
  if (screenContent && !reader.flag()) reader.skip(1);
  if (orderHint) reader.skip(3); // order_hint_bits_minus_1
}

/** Reads uvlc() (AV1 clause 4.10.3). */
function readUvlc(reader: BitReader): number {
  let leadingZeros = 0;
  while (!reader.flag()) leadingZeros++;
  if (leadingZeros >= 32) return 0xffffffff;
  return 2 ** leadingZeros - 1 + reader.bits(leadingZeros);
}
