export * from './audio.ts';
export type { AudioCodec } from './audio-codec.ts';
export * from './metadata.ts';
export { type FirstTrack, MultitrackType } from './multitrack.ts';
export * from './reader.ts';
export * from './tag.ts';
export * from './video.ts';
export type { VideoCodec } from './video-codec.ts';
export * from './writer.ts';
