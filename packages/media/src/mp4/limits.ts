/**
 * The most that a file may say, or a writer is asked to hold, before it is refused as `limit-exceeded`. Those that a
 * caller may want otherwise are the defaults of an option of the same name.
 */
export const MP4_LIMITS = {
  /** Bytes of a `moov` box: about 20 hours of video and audio in a progressive file. */
  moovBytes: 64 * 1024 * 1024,
  /** Bytes of one `moof` box. */
  moofBytes: 8 * 1024 * 1024,
  /** Tracks of a movie. */
  tracks: 32,
  /** Boxes on one level of a `moov` or `moof`. */
  siblingBoxes: 4096,
  /** Boxes on the top level of a file: fragments of one second for ten days. */
  topLevelBoxes: 2_000_000,
  /** Samples of one track in a progressive file, or of one recording. */
  trackSamples: 20_000_000,
  /** Samples of one track in one fragment. */
  fragmentSamples: 262_144,
  /** Keyframes of a file, where all of them are listed. */
  keyframes: 2_000_000,
  /** Entries of an edit list. */
  edits: 1024,
  /** Bytes of one sample. */
  sampleBytes: 64 * 1024 * 1024,
  /** Bytes of the samples that a recording holds until the fragment is cut. */
  pendingBytes: 64 * 1024 * 1024,
  /** Bytes of all samples of one fragment; the format's data offset ends at 2 GiB. */
  fragmentBytes: 1024 * 1024 * 1024,
  /** Bytes of a codec's configuration. */
  configurationBytes: 64 * 1024,
  /** Bytes of a piece of a finished recording's `moov`; more than a codec's configuration. */
  finishPieceBytes: 96 * 1024,
} as const;
