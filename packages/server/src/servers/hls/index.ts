export type {
  HlsAnswer,
  HlsContext,
  HlsFile,
  HlsItem,
  HlsPlaylist,
  HlsRequest,
  HlsSegment,
  HlsSource,
} from './context.ts';
export { HlsDoor } from './door.ts';
export type { HlsLimits } from './limits.ts';
