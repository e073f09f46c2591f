export * from './audio.ts';
export * from './metadata.ts';
export { MAX_TAG_TRACKS, MultitrackType, type TagTrack, type TagTracks } from './multitrack.ts';
export { type FlvPacketProblem, FlvPacketReader, type FlvPacketReaderOptions } from './packet-reader.ts';
export {
  configurationPacket,
  flvTagTypeOf,
  mediaPacket,
  type MediaPacketOptions,
  singleTrackPacket,
} from './packet-writer.ts';
export { flvPictureSize, type PictureSize } from './picture-size.ts';
export * from './reader.ts';
export * from './tag.ts';
export * from './video.ts';
export * from './writer.ts';
