export { av1Payload } from './av1-payload.ts';
export {
  type AudioCodec,
  type Codec,
  type DataCodec,
  isNalCodec,
  type NalCodec,
  type VideoCodec,
} from './codec.ts';
export {
  type DecoderConfiguration,
  type DecoderConfigurationOptions,
  type ParameterSets,
  parseDecoderConfiguration,
  recordWithLongLengths,
  unreadConfiguration,
} from './decoder-configuration.ts';
export { hasStartCodes, NAL_LENGTH_BYTES, nalPayload } from './nal-payload.ts';
export {
  createPacket,
  type KeptPacket,
  type LentPacket,
  Packet,
  type PacketOptions,
  type PacketType,
} from './packet.ts';
export {
  type AudioTrack,
  codecString,
  createAudioTrack,
  createDataTrack,
  createVideoTrack,
  type DataTrack,
  isSameTrack,
  type Track,
  type TrackKind,
  type TrackOptions,
  type VideoTrack,
  withConfiguration,
} from './track.ts';
