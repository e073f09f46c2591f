/** Action Message Format: the values of RTMP commands and of FLV metadata, versions 0 and 3, both directions. */
export { decodeAmf0, readAmf0 } from './amf0-decoder.ts';
export { encodeAmf0, writeAmf0 } from './amf0-encoder.ts';
export { decodeAmf3, readAmf3 } from './amf3-decoder.ts';
export { encodeAmf3, writeAmf3 } from './amf3-encoder.ts';
export { DEFAULT_AMF_LIMITS } from './limits.ts';
export type { AmfLimits } from './limits.ts';
export {
  AmfDictionary,
  AmfEcmaArray,
  AmfNumberVector,
  AmfObject,
  AmfObjectVector,
  amfUnsupported,
  AmfXml,
} from './values.ts';
export type { AmfObjectOptions, AmfValue } from './values.ts';
