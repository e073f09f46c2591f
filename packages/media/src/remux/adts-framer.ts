import {
  aacSampleRateIndex,
  ADTS_HEADER_BYTES,
  ADTS_MAX_FRAME_BYTES,
  buildAdtsHeader,
  parseAudioSpecificConfig,
} from '../aac/index.ts';
import { MediaError } from '../errors.ts';

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
  write(
    target: Uint8Array,
    offset: number,
    body: Uint8Array,
    payloadStart = 0,
    payloadEnd = body.length,
  ): void {
    const frameLength = ADTS_HEADER_BYTES + payloadEnd - payloadStart;
    target.set(this.#header, offset);
    // aac_frame_length: 13 bits from the last two of byte 3 to the first three of byte 5.
    target[offset + 3] = ((this.#header[3] ?? 0) & 0xfc) | (frameLength >> 11);
    target[offset + 4] = (frameLength >> 3) & 0xff;
    target[offset + 5] = ((frameLength & 0x07) << 5) | ((this.#header[5] ?? 0) & 0x1f);
    copyInto(target, offset + ADTS_HEADER_BYTES, body, payloadStart, payloadEnd);
  }
}

/** Copies a part of a body: a loop is quicker than a view and set() for what audio frames are like. */
export function copyInto(
  target: Uint8Array,
  offset: number,
  body: Uint8Array,
  from: number,
  to: number,
): void {
  if (to - from > 256) target.set(body.subarray(from, to), offset);
  else for (let at = from; at < to; at += 1) target[offset + at - from] = body[at] ?? 0;
}

function configurationOf(channels: number | undefined): number | undefined {
  if (channels === undefined || channels < 1) return undefined;
  if (channels <= 6) return channels;
  return channels === 8 ? 7 : undefined;
}
