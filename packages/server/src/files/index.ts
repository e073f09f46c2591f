/** Media files on disk, read as FLV tags. */
export { MediaFileError, type MediaFileErrorCode } from './errors.ts';
export { FileBytes, type FileState } from './file-bytes.ts';
export { liveDataBody } from './live-metadata.ts';
export type { MediaFile, MediaFormat } from './media-file.ts';
export { type IndexOptions, indexMediaFile } from './open-index.ts';
export { openMediaFile } from './open.ts';
export { type Clock, type PaceOptions, systemClock } from './pace.ts';
export { type LiveTag, type LiveTagRole, playFile, type PlayFileOptions } from './play-file.ts';
export {
  DEFAULT_SEGMENT_PLAN,
  type SegmentFacts,
  type SegmentIndex,
  type SegmentPlan,
} from './segment-index.ts';
