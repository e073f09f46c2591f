export { codecName } from './codec-names.ts';
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
export { FLUSH_BOUNDS_MS, type FlushTimes } from './flush-times.ts';
export { LiveHub } from './hub.ts';
export { FRAMES_WITHOUT_TRACK, STOPPED_TRACK_MS } from './limits.ts';
export type { LiveSettings } from './live-settings.ts';
export type { LiveStream } from './live-stream.ts';
export {
  type MediaFault,
  type MediaFaultCode,
  MediaFaults,
  type OutputName,
  unsupportedCodec,
} from './media-faults.ts';
export { announcesCodec } from './metadata.ts';
export { isTimed, startsGop } from './packet-roles.ts';
export type { PacketSubscriber } from './packet-subscriber.ts';
export type { Publication, PublisherEnd, PublisherOptions } from './publication.ts';
export type { Drop, EndsWithPublisher, Player, PlayerEnd, PlayerOptions, PlayerSink } from './player.ts';
export { type StreamId, streamKey } from './stream-id.ts';
export { type AudioInfo, audioInfo, type VideoInfo, videoInfo } from './stream-info.ts';
export { type GopLength, LiveTotals, StreamMeter } from './stream-meter.ts';
