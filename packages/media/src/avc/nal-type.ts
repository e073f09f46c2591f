/** nal_unit_type of H.264 (ITU-T H.264 Table 7-1). */
export const AvcNalType = {
  slice: 1,
  dataPartitionA: 2,
  dataPartitionB: 3,
  dataPartitionC: 4,
  idrSlice: 5,
  sei: 6,
  sps: 7,
  pps: 8,
  accessUnitDelimiter: 9,
  endOfSequence: 10,
  endOfStream: 11,
  fillerData: 12,
  spsExtension: 13,
  prefix: 14,
  subsetSps: 15,
  auxiliarySlice: 19,
} as const;

/** A value of {@link AvcNalType}. */
export type AvcNalType = (typeof AvcNalType)[keyof typeof AvcNalType];

/** nal_unit_type, 0..31, of the NAL unit whose header byte is given (ITU-T H.264 clause 7.3.1). */
export function avcNalType(headerByte: number): number {
  return headerByte & 0x1f;
}
