import { readLimitedUe } from '../avc/index.ts';
import type { BitReader } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { HEVC_LIMITS } from './limits.ts';

/** The picture order count differences of one short-term reference picture set, in coding order. */
interface RefPicSet {
  readonly negative: readonly number[];
  readonly positive: readonly number[];
}

/**
 * Passes over the short-term reference picture sets of an SPS (ITU-T H.265 clause 7.3.7). Their length can be known
 * only by working each one out, as a set may be coded by its difference to the one before.
 *
 * @throws MediaError `short-read` or `limit-exceeded`.
 */
export function skipShortTermRefPicSets(reader: BitReader): void {
  const count = readLimitedUe(reader, 'num_short_term_ref_pic_sets', HEVC_LIMITS.shortTermRefPicSets);
  let previous: RefPicSet | undefined;
  for (let index = 0; index < count; index++) {
    // inter_ref_pic_set_prediction_flag
    previous =
      previous !== undefined && reader.flag() ? readPredicted(reader, previous) : readExplicit(reader);
    const pictures = previous.negative.length + previous.positive.length;
    if (pictures > HEVC_LIMITS.decodedPictures) {
      throw new MediaError(
        'limit-exceeded',
        `st_ref_pic_set ${index} has ${pictures} pictures, the limit is ${HEVC_LIMITS.decodedPictures}`,
      );
    }
  }
}

function readExplicit(reader: BitReader): RefPicSet {
  const negativeCount = readLimitedUe(reader, 'num_negative_pics', HEVC_LIMITS.decodedPictures);
  const positiveCount = readLimitedUe(reader, 'num_positive_pics', HEVC_LIMITS.decodedPictures);
  return { negative: readDeltas(reader, negativeCount, -1), positive: readDeltas(reader, positiveCount, 1) };
}

function readDeltas(reader: BitReader, count: number, sign: number): number[] {
  const deltas: number[] = [];
  let delta = 0;
  for (let i = 0; i < count; i++) {
    delta += sign * (reader.ue() + 1); // delta_poc_s0_minus1, delta_poc_s1_minus1
    reader.skip(1); // used_by_curr_pic_s0_flag, used_by_curr_pic_s1_flag
    deltas.push(delta);
  }
  return deltas;
}

/** A set made from the one before it (ITU-T H.265 clause 7.4.8, equations 7-61 and 7-62). */
function readPredicted(reader: BitReader, reference: RefPicSet): RefPicSet {
  const negativeSign = reader.flag(); // delta_rps_sign
  const size = reader.ue() + 1; // abs_delta_rps_minus1
  const deltaRps = negativeSign ? -size : size;
  const candidates = [...reference.negative, ...reference.positive, 0];
  const negative: number[] = [];
  const positive: number[] = [];
  for (const candidate of candidates) {
    // used_by_curr_pic_flag, use_delta_flag (taken as 1 when the first is)
    if (!reader.flag() && !reader.flag()) continue;
    const delta = candidate + deltaRps;
    if (delta < 0) negative.push(delta);
    if (delta > 0) positive.push(delta);
  }
  return { negative: negative.sort((a, b) => b - a), positive: positive.sort((a, b) => a - b) };
}
