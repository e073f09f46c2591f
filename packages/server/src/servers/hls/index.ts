export type { HlsContext, HlsItem, HlsPlaylist, HlsSegment, HlsSource } from './context.ts';
export { HlsDoor } from './door.ts';
export type { HlsLimits } from './limits.ts';
