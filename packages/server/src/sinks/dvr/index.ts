export {
  type DvrOptions,
  DvrSinks,
  type DvrStream,
  type RecordingAnswer,
  type RecordingRefusal,
  type RecordingRequest,
} from './dvr-sinks.ts';
export type { DvrView } from './recording-entry.ts';
export { fileTemplate as recordingTemplate } from './recording-paths.ts';
export type { FinishedFile } from './recording-files.ts';
