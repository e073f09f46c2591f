/** MP4 files: written while they are recorded, read, and mended (ISO/IEC 14496-12, -14, -15). */
export { Mp4AudioClock, type Mp4AudioClockOptions } from './audio-clock.ts';
export {
  buildElementaryStreamDescriptor,
  type ElementaryStreamDescriptor,
  Mp4ObjectType,
  parseElementaryStreamDescriptor,
} from './descriptors.ts';
export {
  buildMp4Fragment,
  type Mp4Fragment,
  type Mp4FragmentOptions,
  type Mp4FragmentTrack,
} from './fragment.ts';
export { buildMp4Init, type Mp4InitOptions } from './init-segment.ts';
export { type Mp4Sample, Mp4Cursor } from './cursor.ts';
export { MP4_LIMITS } from './limits.ts';
export type { Mp4Track } from './movie-reader.ts';
export { type ReadRequest, type ReadSteps, runReadSteps, runReadStepsOn } from './read-steps.ts';
export { type Mp4CursorOptions, Mp4File, type Mp4KeyframeList, openMp4 } from './reader.ts';
export {
  MP4_RESERVED_BYTES,
  type Mp4Finish,
  type Mp4FinishInPieces,
  Mp4Recording,
  type Mp4RecordingFragment,
  type Mp4RecordingOptions,
} from './recording.ts';
export { type Mp4Repair, repairMp4 } from './repair.ts';
export { Mp4SampleRun } from './sample-run.ts';
export {
  MP4_MILLISECOND_TIMESCALE,
  MP4_OPUS_TIMESCALE,
  type Mp4AudioCodec,
  type Mp4AudioTrackConfig,
  type Mp4TrackConfig,
  type Mp4VideoCodec,
  type Mp4VideoTrackConfig,
} from './track.ts';
