import { readUe, removeEmulationPrevention } from '../avc/index.ts';
import { BitReader } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { HEVC_LIMITS } from './limits.ts';
import { HEVC_NAL_HEADER_BYTES, HevcNalType, hevcNalType } from './nal-type.ts';
import { type HevcProfileTierLevel, parseProfileTierLevel } from './profile-tier-level.ts';

/** The head of an H.265 video parameter set. */
export interface HevcVps {
  /** vps_video_parameter_set_id, 0..15. */
  readonly vpsId: number;
  /** Temporal sub-layers, 1..7. */
  readonly maxSubLayers: number;
  /** vps_temporal_id_nesting_flag. */
  readonly temporalIdNesting: boolean;
  readonly profileTierLevel: HevcProfileTierLevel;
}

/** The ids of an H.265 picture parameter set. */
export interface HevcPps {
  /** pps_pic_parameter_set_id, 0..63. */
  readonly ppsId: number;
  /** pps_seq_parameter_set_id, 0..15: the SPS it refers to. */
  readonly spsId: number;
}

/**
 * Reads the head of a video parameter set (ITU-T H.265 clause 7.3.2.1).
 *
 * @param nal the whole NAL unit: two header bytes first, emulation prevention still in place.
 * @throws MediaError `short-read`, `bad-value` or `limit-exceeded`.
 */
export function parseHevcVps(nal: Uint8Array): HevcVps {
  const reader = new BitReader(hevcParameterSetPayload(nal, HevcNalType.vps, 'VPS'));
  const vpsId = reader.bits(4); // vps_video_parameter_set_id
  reader.skip(1); // vps_base_layer_internal_flag
  reader.skip(1); // vps_base_layer_available_flag
  reader.skip(6); // vps_max_layers_minus1
  const maxSubLayersMinus1 = readMaxSubLayersMinus1(reader, 'vps_max_sub_layers_minus1');
  const temporalIdNesting = reader.flag(); // vps_temporal_id_nesting_flag
  reader.skip(16); // vps_reserved_0xffff_16bits
  const profileTierLevel = parseProfileTierLevel(reader, maxSubLayersMinus1);
  return { vpsId, maxSubLayers: maxSubLayersMinus1 + 1, temporalIdNesting, profileTierLevel };
}

/**
 * Reads the ids of a picture parameter set (ITU-T H.265 clause 7.3.2.3.1).
 *
 * @param nal the whole NAL unit: two header bytes first, emulation prevention still in place.
 * @throws MediaError `short-read`, `bad-value` or `limit-exceeded`.
 */
export function parseHevcPps(nal: Uint8Array): HevcPps {
  const reader = new BitReader(hevcParameterSetPayload(nal, HevcNalType.pps, 'PPS'));
  const ppsId = readUe(reader, 'pps_pic_parameter_set_id', 63);
  const spsId = readUe(reader, 'pps_seq_parameter_set_id', 15);
  return { ppsId, spsId };
}

/**
 * The payload of a parameter set behind its header, emulation prevention removed.
 *
 * @throws MediaError `short-read`, `bad-value` when the unit is of another type, `limit-exceeded`.
 */
export function hevcParameterSetPayload(nal: Uint8Array, type: HevcNalType, name: string): Uint8Array {
  const headerByte = nal[0];
  if (headerByte === undefined || nal.length < HEVC_NAL_HEADER_BYTES) {
    throw new MediaError('short-read', `${name}: 2 bytes wanted, ${nal.length} there`);
  }
  if (hevcNalType(headerByte) !== type) {
    throw new MediaError(
      'bad-value',
      `${name}: NAL unit type ${type} wanted, got ${hevcNalType(headerByte)}`,
    );
  }
  if (nal.length > HEVC_LIMITS.parameterSetBytes) {
    throw new MediaError(
      'limit-exceeded',
      `${name} of ${nal.length} bytes, the limit is ${HEVC_LIMITS.parameterSetBytes}`,
    );
  }
  return removeEmulationPrevention(nal, HEVC_NAL_HEADER_BYTES);
}

/** Three bits that may say 0..6. @throws MediaError `bad-value` for 7. */
export function readMaxSubLayersMinus1(reader: BitReader, name: string): number {
  const value = reader.bits(3);
  if (value > 6) throw new MediaError('bad-value', `${name} is ${value}, wanted 0..6`);
  return value;
}
