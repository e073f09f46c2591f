/** The most that a parameter set of H.264 may say before it is refused as `limit-exceeded`. */
export const AVC_LIMITS = {
  /** Bytes of one parameter set. */
  parameterSetBytes: 16384,
  /** Macroblocks of a picture: MaxFS of level 6.2 (ITU-T H.264 Table A-1). */
  pictureSizeInMbs: 139264,
  /** Macroblocks along one edge: sqrt(8 * MaxFS) (ITU-T H.264 clause A.3.1). */
  pictureEdgeInMbs: 1055,
  /** max_num_ref_frames: MaxDpbFrames (ITU-T H.264 clause A.3.1). */
  referenceFrames: 16,
  /** num_ref_frames_in_pic_order_cnt_cycle (ITU-T H.264 clause 7.4.2.1.1). */
  picOrderCountCycle: 255,
  /** cpb_cnt_minus1 + 1 (ITU-T H.264 clause E.2.2). */
  codedPictureBuffers: 32,
} as const;
