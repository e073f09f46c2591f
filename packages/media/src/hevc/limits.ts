/** The most that a parameter set or configuration of H.265 may say before it is refused as `limit-exceeded`. */
export const HEVC_LIMITS = {
  /** Bytes of one parameter set. */
  parameterSetBytes: 16384,
  /** Luma samples of a picture: MaxLumaPs of level 6.2 (ITU-T H.265 Table A.8). */
  pictureLumaSamples: 35651584,
  /** Luma samples along one edge: sqrt(8 * MaxLumaPs) (ITU-T H.265 clause A.4.1). */
  pictureEdge: 16888,
  /** sps_max_dec_pic_buffering_minus1 + 1: MaxDpbSize (ITU-T H.265 clause A.4.2). */
  decodedPictures: 16,
  /** num_short_term_ref_pic_sets (ITU-T H.265 clause 7.4.3.2.1). */
  shortTermRefPicSets: 64,
  /** num_long_term_ref_pics_sps (ITU-T H.265 clause 7.4.3.2.1). */
  longTermRefPics: 32,
  /** NAL units in one configuration record. */
  configurationUnits: 256,
} as const;
