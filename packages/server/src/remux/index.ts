export { flvFamily } from './flv-format.ts';
export { chunkedFraming, type Framing, plainFraming, websocketFraming } from './framing.ts';
export { chunkStreams, MEDIA_STREAM_ID, rtmpFamily, type RtmpTracks } from './rtmp-format.ts';
