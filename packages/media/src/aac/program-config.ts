import type { BitReader } from '../bytes/index.ts';

/**
 * Reads program_config_element() (ISO/IEC 14496-3 Table 4.2) and counts its channels.
 *
 * @returns channels, the low-frequency ones included.
 * @throws MediaError `short-read`.
 */
export function parseProgramConfigChannels(reader: BitReader): number {
  reader.skip(4); // element_instance_tag
  reader.skip(2); // object_type
  reader.skip(4); // sampling_frequency_index
  const front = reader.bits(4); // num_front_channel_elements
  const side = reader.bits(4); // num_side_channel_elements
  const back = reader.bits(4); // num_back_channel_elements
  const lfe = reader.bits(2); // num_lfe_channel_elements
  const associatedData = reader.bits(3); // num_assoc_data_elements
  const coupling = reader.bits(4); // num_valid_cc_elements
  if (reader.flag()) reader.skip(4); // mono_mixdown_present: mono_mixdown_element_number
  if (reader.flag()) reader.skip(4); // stereo_mixdown_present: stereo_mixdown_element_number
  if (reader.flag()) reader.skip(3); // matrix_mixdown_idx_present: matrix_mixdown_idx, pseudo_surround_enable
  let channels = lfe;
  for (let i = 0; i < front + side + back; i++) {
    channels += reader.flag() ? 2 : 1; // element_is_cpe
    reader.skip(4); // element_tag_select
  }
  reader.skip(4 * lfe); // lfe_element_tag_select
  reader.skip(4 * associatedData); // assoc_data_element_tag_select
  reader.skip(5 * coupling); // cc_element_is_ind_sw, valid_cc_element_tag_select
  reader.alignToByte(); // byte_alignment
  reader.skip(8 * reader.bits(8)); // comment_field_bytes, comment_field_data
  return channels;
}
