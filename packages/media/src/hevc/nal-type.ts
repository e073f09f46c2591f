/** nal_unit_type of H.265 (ITU-T H.265 Table 7-1). */
export const HevcNalType = {
  trailN: 0,
  trailR: 1,
  tsaN: 2,
  tsaR: 3,
  stsaN: 4,
  stsaR: 5,
  radlN: 6,
  radlR: 7,
  raslN: 8,
  raslR: 9,
  blaWLp: 16,
  blaWRadl: 17,
  blaNLp: 18,
  idrWRadl: 19,
  idrNLp: 20,
  cra: 21,
  vps: 32,
  sps: 33,
  pps: 34,
  accessUnitDelimiter: 35,
  endOfSequence: 36,
  endOfBitstream: 37,
  fillerData: 38,
  prefixSei: 39,
  suffixSei: 40,
} as const;

/** A value of {@link HevcNalType}. */
export type HevcNalType = (typeof HevcNalType)[keyof typeof HevcNalType];

/** Bytes of a NAL unit's header (ITU-T H.265 clause 7.3.1.2). */
export const HEVC_NAL_HEADER_BYTES = 2;

/** nal_unit_type, 0..63, of the NAL unit whose first header byte is given (ITU-T H.265 clause 7.3.1.2). */
export function hevcNalType(headerByte: number): number {
  return (headerByte >> 1) & 0x3f;
}

/** True for the types of pictures at which decoding can start (IRAP: ITU-T H.265 clause 3.74, types 16..23). */
export function isHevcRandomAccess(nalType: number): boolean {
  return nalType >= 16 && nalType <= 23;
}
