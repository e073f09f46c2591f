import {
  aacSampleRateIndex,
  ADTS_HEADER_BYTES,
  ADTS_MAX_FRAME_BYTES,
  buildAdtsHeader,
  parseAudioSpecificConfig,
} from '../aac/index.ts';
import {
  annexBUnits,
  buildLengthPrefixed,
  parseAvcDecoderConfiguration,
  startsWithStartCode,
} from '../avc/index.ts';
import { parseHevcDecoderConfiguration } from '../hevc/index.ts';
import { MediaError } from '../errors.ts';

/** Codecs of video that leave in length-prefixed NAL units. */
export type NalCodec = 'h264' | 'hevc';

/** What a video sequence header says of the NAL units behind it. */
export interface NalConfiguration {
  readonly codec: NalCodec;
  /** Bytes of the length in front of each NAL unit. */
  readonly nalLengthSize: number;
  /** Parameter sets as raw NAL units, in the order a decoder wants them. */
  readonly parameterSets: readonly Uint8Array[];
}

/** What a frame that came without a sequence header is read with. */
export function defaultNalConfiguration(codec: NalCodec): NalConfiguration {
  return { codec, nalLengthSize: 4, parameterSets: [] };
}

/**
 * Reads the payload of a video sequence header; NAL units behind the record are passed over (#264).
 *
 * @returns views of `payload`; undefined when it can't be read
 */
export function readNalConfiguration(codec: NalCodec, payload: Uint8Array): NalConfiguration | undefined {
  try {
    if (codec === 'h264') {
      const { lengthSize, sps, pps } = parseAvcDecoderConfiguration(
        payload.subarray(0, parameterSetsEnd(payload)),
      );
      return { codec, nalLengthSize: lengthSize, parameterSets: [...sps, ...pps] };
    }
    const { lengthSize, arrays } = parseHevcDecoderConfiguration(payload);
    return { codec, nalLengthSize: lengthSize, parameterSets: arrays.flatMap(({ units }) => units) };
  } catch (error) {
    if (error instanceof MediaError) return undefined;
    throw error;
  }
}

/**
 * Where the parameter sets of an AVCDecoderConfigurationRecord end. What follows is of no use here: an extension
 * of facts that the SPS has, or NAL units that would pass for such an extension.
 */
function parameterSetsEnd(record: Uint8Array): number {
  let offset = 5;
  for (const countMask of [0x1f, 0xff]) {
    const count = (record[offset] ?? 0) & countMask;
    offset += 1;
    for (let index = 0; index < count && offset < record.length; index += 1) {
      offset += 2 + (((record[offset] ?? 0) << 8) | (record[offset + 1] ?? 0));
    }
  }
  return offset;
}

/**
 * The NAL units of a coded frame, each behind a length of `nalLengthSize` bytes: `payload` itself; a part of it
 * when bytes that make no unit follow the last whole one; or a copy when the publisher sends start codes. A last
 * unit that is cut is left out where whole ones are before it, as ffmpeg does. Undefined when nothing is whole.
 */
export function lengthPrefixed(payload: Uint8Array, nalLengthSize: number): Uint8Array | undefined {
  const whole = wholeUnitsEnd(payload, nalLengthSize);
  if (whole === payload.length) return payload;
  if (startsWithStartCode(payload) && (nalLengthSize === 4 || nalLengthSize === 2 || nalLengthSize === 1)) {
    const units: Uint8Array[] = [];
    for (const { start, end } of annexBUnits(payload)) {
      if (end - start < 2 ** (8 * nalLengthSize)) units.push(payload.subarray(start, end));
    }
    if (units.length > 0) return buildLengthPrefixed(units, nalLengthSize);
  }
  return whole === 0 ? undefined : payload.subarray(0, whole);
}

/** Where the last unit ends that is all there; 0 when not even one has a byte. */
function wholeUnitsEnd(payload: Uint8Array, nalLengthSize: number): number {
  let offset = 0;
  let whole = 0;
  while (offset + nalLengthSize <= payload.length) {
    let length = 0;
    for (let index = 0; index < nalLengthSize; index += 1)
      length = length * 256 + (payload[offset + index] ?? 0);
    offset += nalLengthSize + length;
    if (offset > payload.length) break;
    if (length > 0 || offset === payload.length) whole = offset;
  }
  return whole;
}

/** The ADTS header of a stream's frames, made once; only the length changes from frame to frame. */
export class AdtsFramer {
  readonly #header: Uint8Array;

  private constructor(header: Uint8Array) {
    this.#header = header;
  }

  /**
   * Reads an AudioSpecificConfig. HE-AAC is told as its core codec: decoders find SBR and PS in the frames.
   *
   * @returns `broken` for bytes that are none, `unsupported` for what ADTS has no words for
   */
  static of(audioSpecificConfig: Uint8Array): AdtsFramer | 'broken' | 'unsupported' {
    try {
      const { objectType, sampleRate, channels, channelConfiguration } =
        parseAudioSpecificConfig(audioSpecificConfig);
      if (aacSampleRateIndex(sampleRate) === undefined) return 'unsupported';
      // FLV frames have no program config element, so channels that such an element told are told by number.
      const told = channelConfiguration === 0 ? configurationOf(channels) : channelConfiguration;
      if (told === undefined || objectType > 4) return 'unsupported';
      return new AdtsFramer(
        buildAdtsHeader({ objectType, sampleRate, channelConfiguration: told, payloadLength: 0 }),
      );
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      return error.code === 'unsupported' ? 'unsupported' : 'broken';
    }
  }

  /** Bytes of a frame with its header; undefined when the frame is empty or longer than ADTS can say. */
  sizeOf(payloadLength: number): number | undefined {
    const size = ADTS_HEADER_BYTES + payloadLength;
    return payloadLength > 0 && size <= ADTS_MAX_FRAME_BYTES ? size : undefined;
  }

  /** Writes header and payload; the caller has asked {@link sizeOf} first. */
  write(target: Uint8Array, offset: number, body: Uint8Array, payloadOffset: number): void {
    const frameLength = ADTS_HEADER_BYTES + body.length - payloadOffset;
    target.set(this.#header, offset);
    // aac_frame_length: 13 bits from the last two of byte 3 to the first three of byte 5.
    target[offset + 3] = ((this.#header[3] ?? 0) & 0xfc) | (frameLength >> 11);
    target[offset + 4] = (frameLength >> 3) & 0xff;
    target[offset + 5] = ((frameLength & 0x07) << 5) | ((this.#header[5] ?? 0) & 0x1f);
    copyInto(target, offset + ADTS_HEADER_BYTES, body, payloadOffset);
  }
}

/** Copies a body from `from` on: a loop is quicker than a view and set() for what audio frames are like. */
export function copyInto(target: Uint8Array, offset: number, body: Uint8Array, from: number): void {
  if (body.length - from > 256) target.set(body.subarray(from), offset);
  else for (let at = from; at < body.length; at += 1) target[offset + at - from] = body[at] ?? 0;
}

function configurationOf(channels: number | undefined): number | undefined {
  if (channels === undefined || channels < 1) return undefined;
  if (channels <= 6) return channels;
  return channels === 8 ? 7 : undefined;
}
