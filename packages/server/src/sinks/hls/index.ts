export { HlsSinks, type HlsSinksOptions, type HlsStatus } from './hls-sinks.ts';
export type { HlsBytesItem, HlsItem, HlsPlaylistItem, HlsSource, HlsVariant } from './items.ts';
export type { HlsLimits } from './limits.ts';
export type { HlsSegmentEvent } from './output-options.ts';
export type { AnnouncedCodecs, SegmentPacker, SinkStream } from './publication.ts';
