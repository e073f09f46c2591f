/**
 * Video codecs that a track can have: those that FLV and RTMP name, which are all that Sluice carries. `unknown` is a
 * codec id or FourCC that none of them uses.
 */
export type VideoCodec =
  | 'h263'
  | 'screen'
  | 'vp6'
  | 'vp6a'
  | 'screen2'
  | 'h264'
  | 'hevc'
  | 'av1'
  | 'vp8'
  | 'vp9'
  | 'vvc'
  | 'unknown';

/**
 * Audio codecs that a track can have. `pcm` has the sender's byte order, `device` is sound of the sender's own making,
 * `unknown` is a reserved sound format or a FourCC that none of them uses.
 */
export type AudioCodec =
  | 'pcm'
  | 'adpcm'
  | 'mp3'
  | 'pcm-le'
  | 'nellymoser'
  | 'g711a'
  | 'g711u'
  | 'aac'
  | 'speex'
  | 'device'
  | 'opus'
  | 'flac'
  | 'ac3'
  | 'eac3'
  | 'unknown';

/** What a data track carries: AMF 0 messages, each a name and its values (`onMetaData`, `onTextData`, …). */
export type DataCodec = 'amf0';

/** Any codec of a track. */
export type Codec = VideoCodec | AudioCodec | DataCodec;

/** Codecs whose payload is NAL units. */
export type NalCodec = 'h264' | 'hevc';

/** Whether the payload of a codec is NAL units that this library reads. */
export function isNalCodec(codec: Codec): codec is NalCodec {
  return codec === 'h264' || codec === 'hevc';
}
