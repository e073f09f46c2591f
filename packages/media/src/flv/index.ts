export * from './audio.ts';
export { type FirstTrack, MultitrackType } from './multitrack.ts';
export * from './tag.ts';
export * from './video.ts';
