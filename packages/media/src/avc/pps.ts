import { BitReader } from '../bytes/index.ts';
import { readUe } from './checks.ts';
import { AvcNalType } from './nal-type.ts';
import { parameterSetPayload } from './sps.ts';

/** The ids of an H.264 picture parameter set, and its entropy coding. */
export interface AvcPps {
  /** pic_parameter_set_id, 0..255. */
  readonly ppsId: number;
  /** seq_parameter_set_id, 0..31: the SPS it refers to. */
  readonly spsId: number;
  /** entropy_coding_mode_flag: true for CABAC, false for CAVLC. */
  readonly cabac: boolean;
}

/**
 * Reads the head of a picture parameter set (ITU-T H.264 clause 7.3.2.2).
 *
 * @param nal the whole NAL unit: header byte first, emulation prevention still in place.
 * @throws MediaError `short-read`, `bad-value` or `limit-exceeded`.
 */
export function parseAvcPps(nal: Uint8Array): AvcPps {
  const reader = new BitReader(parameterSetPayload(nal, AvcNalType.pps, 'PPS'));
  const ppsId = readUe(reader, 'pic_parameter_set_id', 255);
  const spsId = readUe(reader, 'seq_parameter_set_id', 31);
  const cabac = reader.flag(); // entropy_coding_mode_flag
  return { ppsId, spsId, cabac };
}
