export { MediaQueue } from './media-queue.ts';
export type { MediaQueueOptions } from './media-queue.ts';
export { parseRtmpUrl } from './rtmp-url.ts';
export type { RtmpUrl } from './rtmp-url.ts';
