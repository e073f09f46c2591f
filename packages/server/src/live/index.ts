export { StreamBusyError } from './errors.ts';
export {
  type EncodedBatch,
  type FanOutFamily,
  type FanOutFormat,
  type StreamHeaders,
  trackBit,
  TrackBit,
  type TrackState,
} from './fan-out-format.ts';
export { type Frame, FrameKind, mediaFrame } from './frame.ts';
export type { FrameSink } from './frame-sink.ts';
export { LiveHub } from './hub.ts';
export {
  type LiveSettings,
  type LiveStream,
  type Publication,
  type PublisherEnd,
  type PublisherOptions,
  type StreamId,
  streamKey,
} from './live-stream.ts';
export type { Drop, Player, PlayerEnd, PlayerOptions, PlayerSink } from './player.ts';
export { Timeline } from './timeline.ts';
export { type AudioFacts, audioFacts, type VideoFacts, videoFacts } from './stream-facts.ts';
