/** From FLV (files, HTTP-FLV, RTMP messages) to MPEG-TS and MP4, without decoding. */
export {
  AdtsFramer,
  copyInto,
  defaultNalConfiguration,
  lengthPrefixed,
  type NalCodec,
  type NalConfiguration,
  readNalConfiguration,
} from './elementary-streams.ts';
export { FlvToMp4, type FlvToMp4Options, type Mp4End } from './flv-to-mp4.ts';
export { FlvToTs } from './flv-to-ts.ts';
export { mp4AudioTrack, type Mp4TrackOfFlv, mp4VideoTrack } from './mp4-tracks.ts';
export { remuxFlv, remuxFlvFile, type RemuxFlvOptions } from './remux-flv.ts';
export { type PackResult, TsPacker, type TsPackerFrame, type TsPackerOptions } from './ts-packer.ts';
