export type { HlsContext, HlsItem, HlsPlaylist, HlsSegment, HlsSource } from './context.ts';
export { HlsHandler } from './handler.ts';
