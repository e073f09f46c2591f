import {
  type ColourDescription,
  readSampleAspectRatio,
  readVideoSignalType,
  type SampleAspectRatio,
} from '../avc/index.ts';
import type { BitReader } from '../bytes/index.ts';

/** The facts of an H.265 sequence's video usability information (ITU-T H.265 Annex E); undefined where not said. */
export interface HevcVui {
  readonly sampleAspectRatio: SampleAspectRatio | undefined;
  readonly fullRange: boolean | undefined;
  readonly colour: ColourDescription | undefined;
  /** True when each picture is a field (interlaced). */
  readonly fieldSequence: boolean;
  /** Pictures a second, vui_time_scale / vui_num_units_in_tick. */
  readonly frameRate: number | undefined;
}

/**
 * Reads vui_parameters() as far as the timing (ITU-T H.265 clause E.2.1).
 *
 * @throws MediaError `short-read` or `bad-value`.
 */
export function parseHevcVui(reader: BitReader): HevcVui {
  const sampleAspectRatio = readSampleAspectRatio(reader);
  if (reader.flag()) reader.skip(1); // overscan_info_present_flag: overscan_appropriate_flag
  const signal = readVideoSignalType(reader);
  // chroma_loc_info_present_flag
  if (reader.flag()) {
    reader.ue(); // chroma_sample_loc_type_top_field
    reader.ue(); // chroma_sample_loc_type_bottom_field
  }
  reader.skip(1); // neutral_chroma_indication_flag
  const fieldSequence = reader.flag(); // field_seq_flag
  reader.skip(1); // frame_field_info_present_flag
  // default_display_window_flag
  if (reader.flag()) {
    reader.ue(); // def_disp_win_left_offset
    reader.ue(); // def_disp_win_right_offset
    reader.ue(); // def_disp_win_top_offset
    reader.ue(); // def_disp_win_bottom_offset
  }
  let frameRate: number | undefined;
  // vui_timing_info_present_flag
  if (reader.flag()) {
    const numUnitsInTick = reader.bits(32); // vui_num_units_in_tick
    const timeScale = reader.bits(32); // vui_time_scale
    // Zero is forbidden, yet encoders that know no rate write it.
    if (numUnitsInTick > 0 && timeScale > 0) frameRate = timeScale / numUnitsInTick;
  }
  return {
    sampleAspectRatio,
    fullRange: signal.fullRange,
    colour: signal.colour,
    fieldSequence,
    frameRate,
  };
}
