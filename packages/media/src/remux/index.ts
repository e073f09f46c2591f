/** From FLV (files, HTTP-FLV, RTMP messages) to MPEG-TS and MP4, without decoding. */
export { AdtsFramer, copyInto } from './adts-framer.ts';
export { FlvToMp4, type FlvToMp4Options, type Mp4End } from './flv-to-mp4.ts';
export { FlvToTs } from './flv-to-ts.ts';
export { type Mp4StreamTrack, mp4TrackOf } from './mp4-tracks.ts';
export { remuxFlv, remuxFlvFile, type RemuxFlvOptions } from './remux-flv.ts';
export { type PackResult, TsPacker, type TsPackerOptions } from './ts-packer.ts';
