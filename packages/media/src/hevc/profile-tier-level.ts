import type { BitReader } from '../bytes/index.ts';

/** general_* of profile_tier_level() (ITU-T H.265 clause 7.3.3). */
export interface HevcProfileTierLevel {
  /** general_profile_space, 0..3. */
  readonly profileSpace: number;
  /** general_tier_flag: true for the high tier. */
  readonly highTier: boolean;
  /** general_profile_idc, for example 1 Main, 2 Main 10. */
  readonly profileIdc: number;
  /** general_profile_compatibility_flag[0..31], flag 0 in the top bit. */
  readonly profileCompatibilityFlags: number;
  /** The 48 bits behind them (progressive, interlaced, … flags), as six bytes. */
  readonly constraintIndicatorFlags: Uint8Array;
  /** general_level_idc: thirty times the level's number. */
  readonly levelIdc: number;
}

/** Bytes of the constraint indicator flags. */
export const CONSTRAINT_FLAG_BYTES = 6;

/**
 * Reads profile_tier_level(1, maxSubLayersMinus1) (ITU-T H.265 clause 7.3.3); the sub-layers are passed over.
 *
 * @throws MediaError `short-read`.
 */
export function parseProfileTierLevel(reader: BitReader, maxSubLayersMinus1: number): HevcProfileTierLevel {
  const profileSpace = reader.bits(2); // general_profile_space
  const highTier = reader.flag(); // general_tier_flag
  const profileIdc = reader.bits(5); // general_profile_idc
  const profileCompatibilityFlags = reader.bits(32); // general_profile_compatibility_flag[j]
  const constraintIndicatorFlags = new Uint8Array(CONSTRAINT_FLAG_BYTES);
  for (let i = 0; i < CONSTRAINT_FLAG_BYTES; i++) constraintIndicatorFlags[i] = reader.bits(8);
  const levelIdc = reader.bits(8); // general_level_idc
  let subLayerBits = 0;
  for (let i = 0; i < maxSubLayersMinus1; i++) {
    if (reader.flag()) subLayerBits += 88; // sub_layer_profile_present_flag[i]
    if (reader.flag()) subLayerBits += 8; // sub_layer_level_present_flag[i]
  }
  if (maxSubLayersMinus1 > 0) reader.skip(2 * (8 - maxSubLayersMinus1)); // reserved_zero_2bits
  reader.skip(subLayerBits);
  return {
    profileSpace,
    highTier,
    profileIdc,
    profileCompatibilityFlags,
    constraintIndicatorFlags,
    levelIdc,
  };
}

/**
 * The codec's name in MIME types and WebCodecs, for example `hvc1.1.6.L120.90` (ISO/IEC 14496-15 Annex E.3).
 *
 * @param sampleEntry `hvc1` when the parameter sets are in the configuration only, `hev1` when in the stream too.
 */
export function hevcCodecString(facts: HevcProfileTierLevel, sampleEntry: 'hvc1' | 'hev1' = 'hvc1'): string {
  const space = ['', 'A', 'B', 'C'][facts.profileSpace] ?? '';
  const parts = [
    sampleEntry,
    `${space}${facts.profileIdc}`,
    reverseBits(facts.profileCompatibilityFlags).toString(16).toUpperCase(),
    `${facts.highTier ? 'H' : 'L'}${facts.levelIdc}`,
  ];
  let flagBytes = facts.constraintIndicatorFlags.length;
  while (flagBytes > 0 && facts.constraintIndicatorFlags[flagBytes - 1] === 0) flagBytes--;
  for (const byte of facts.constraintIndicatorFlags.subarray(0, flagBytes)) {
    parts.push(byte.toString(16).toUpperCase());
  }
  return parts.join('.');
}

function reverseBits(value: number): number {
  let result = 0;
  for (let i = 0; i < 32; i++) result = (result << 1) | ((value >>> i) & 1);
  return result >>> 0;
}
