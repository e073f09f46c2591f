import { MediaError } from '../errors.ts';
import type { AudioSpecificConfig } from './audio-specific-config.ts';
import { AAC_SAMPLE_RATES, aacChannels, AacObjectType, aacSampleRateIndex } from './tables.ts';

/** The fixed and variable header of an ADTS frame (ISO/IEC 14496-3 clauses 1.A.2.2.1 and 1.A.2.2.2). */
export interface AdtsHeader {
  /** ID: 4 for MPEG-4, 2 for MPEG-2. */
  readonly mpegVersion: 2 | 4;
  /** audioObjectType, 1..4: the header's profile plus 1 (ISO/IEC 13818-7). */
  readonly objectType: number;
  /** Hz. */
  readonly sampleRate: number;
  /** channel_configuration, 0..7; 0 when the frame itself tells the channels. */
  readonly channelConfiguration: number;
  /** True when a CRC follows the header (protection_absent is 0). */
  readonly crc: boolean;
  /** Bytes of the header, the CRC and the positions of raw data blocks included: 7, 9, 11, 13 or 15. */
  readonly headerLength: number;
  /** aac_frame_length: bytes of header and payload, up to 8191. */
  readonly frameLength: number;
  /** adts_buffer_fullness, 0..2047; 2047 says variable bit rate. */
  readonly bufferFullness: number;
  /** number_of_raw_data_blocks_in_frame + 1, 1..4. */
  readonly rawDataBlocks: number;
}

/** What {@link buildAdtsHeader} needs. */
export interface AdtsHeaderOptions {
  /** audioObjectType of the core codec, 1..4. Default 2, LC. */
  readonly objectType?: number;
  /** Hz of the core codec: one of {@link AAC_SAMPLE_RATES}. */
  readonly sampleRate: number;
  /** channel_configuration, 0..7. */
  readonly channelConfiguration: number;
  /** Bytes of the frame behind the header, 0..8184. */
  readonly payloadLength: number;
  /** Default 4. */
  readonly mpegVersion?: 2 | 4;
}

/** Where an ADTS frame lies in the bytes it was found in. */
export interface AdtsFrame {
  readonly header: AdtsHeader;
  /** The header's first byte. */
  readonly start: number;
  /** The payload's first byte. */
  readonly payloadStart: number;
  /** One past the last byte. */
  readonly end: number;
}

/** Bytes of a header without CRC. */
export const ADTS_HEADER_BYTES = 7;
/** The most bytes that aac_frame_length can say. */
export const ADTS_MAX_FRAME_BYTES = 8191;

const VARIABLE_BIT_RATE = 0x7ff;

/**
 * Reads the ADTS header at `offset`.
 *
 * @returns undefined when fewer than 7 bytes are there, which is a normal answer.
 * @throws MediaError `bad-value` when the bytes are no ADTS header.
 */
export function parseAdtsHeader(bytes: Uint8Array, offset = 0): AdtsHeader | undefined {
  if (bytes.length - offset < ADTS_HEADER_BYTES) return undefined;
  const b1 = bytes[offset + 1] ?? 0;
  const b2 = bytes[offset + 2] ?? 0;
  const b3 = bytes[offset + 3] ?? 0;
  const b5 = bytes[offset + 5] ?? 0;
  const b6 = bytes[offset + 6] ?? 0;
  // syncword, layer
  if (!isAdtsSync(bytes, offset)) {
    throw new MediaError('bad-value', `no ADTS syncword with layer 0 at offset ${offset}`);
  }
  const mpegVersion = (b1 & 0x08) === 0 ? 4 : 2; // ID
  const crc = (b1 & 0x01) === 0; // protection_absent
  const objectType = (b2 >> 6) + 1; // profile_ObjectType
  const rateIndex = (b2 >> 2) & 0x0f; // sampling_frequency_index
  const sampleRate = AAC_SAMPLE_RATES[rateIndex];
  if (sampleRate === undefined) {
    throw new MediaError('bad-value', `sampling_frequency_index ${rateIndex} is reserved in ADTS`);
  }
  const channelConfiguration = ((b2 & 0x01) << 2) | (b3 >> 6); // channel_configuration
  const frameLength = ((b3 & 0x03) << 11) | ((bytes[offset + 4] ?? 0) << 3) | (b5 >> 5); // aac_frame_length
  const bufferFullness = ((b5 & 0x1f) << 6) | (b6 >> 2); // adts_buffer_fullness
  const rawDataBlocks = (b6 & 0x03) + 1; // number_of_raw_data_blocks_in_frame
  // With a CRC: raw_data_block_position for each block but the first, then crc_check.
  const headerLength = ADTS_HEADER_BYTES + (crc ? 2 * rawDataBlocks : 0);
  if (frameLength < headerLength) {
    throw new MediaError(
      'bad-value',
      `aac_frame_length is ${frameLength}, wanted at least the header's ${headerLength}`,
    );
  }
  return {
    mpegVersion,
    objectType,
    sampleRate,
    channelConfiguration,
    crc,
    headerLength,
    frameLength,
    bufferFullness,
    rawDataBlocks,
  };
}

/**
 * Builds the 7 bytes of an ADTS header of one raw data block, without CRC, as variable bit rate.
 *
 * @throws MediaError `unsupported` when ADTS cannot say the object type, rate or channels, `limit-exceeded` when the
 * payload is too long for a frame.
 */
export function buildAdtsHeader(options: AdtsHeaderOptions): Uint8Array {
  const { objectType = AacObjectType.lc, sampleRate, channelConfiguration, payloadLength } = options;
  const rateIndex = aacSampleRateIndex(sampleRate);
  if (rateIndex === undefined) throw new MediaError('unsupported', `ADTS has no index for ${sampleRate} Hz`);
  if (objectType < AacObjectType.main || objectType > AacObjectType.ltp) {
    throw new MediaError('unsupported', `ADTS has object types 1..4, got ${objectType}`);
  }
  if (!(Number.isInteger(channelConfiguration) && channelConfiguration >= 0 && channelConfiguration <= 7)) {
    throw new MediaError('unsupported', `ADTS has channel configurations 0..7, got ${channelConfiguration}`);
  }
  const frameLength = ADTS_HEADER_BYTES + payloadLength;
  if (frameLength > ADTS_MAX_FRAME_BYTES) {
    throw new MediaError(
      'limit-exceeded',
      `an ADTS frame holds ${ADTS_MAX_FRAME_BYTES} bytes, this one has ${frameLength}`,
    );
  }
  const id = options.mpegVersion === 2 ? 0x08 : 0;
  return Uint8Array.of(
    0xff, // syncword
    0xf1 | id, // syncword, ID, layer, protection_absent
    ((objectType - 1) << 6) | (rateIndex << 2) | (channelConfiguration >> 2), // profile_ObjectType …
    ((channelConfiguration & 0x03) << 6) | (frameLength >> 11), // … channel_configuration, aac_frame_length
    (frameLength >> 3) & 0xff,
    ((frameLength & 0x07) << 5) | (VARIABLE_BIT_RATE >> 6), // … adts_buffer_fullness
    (VARIABLE_BIT_RATE & 0x3f) << 2, // … number_of_raw_data_blocks_in_frame
  );
}

/**
 * The facts of an AudioSpecificConfig that an ADTS header tells: SBR and PS stay implicit, and `channels` is
 * undefined where the header leaves them to the frame.
 */
export function audioSpecificConfigFromAdts(header: AdtsHeader): AudioSpecificConfig {
  return {
    objectType: header.objectType,
    sampleRate: header.sampleRate,
    channelConfiguration: header.channelConfiguration,
    channels: aacChannels(header.channelConfiguration),
    frameLength: 1024,
    sbrSignalling: 'none',
    sbr: false,
    ps: false,
    extensionSampleRate: undefined,
  };
}

/** True when the bytes begin with an ADTS syncword and layer 0 (SRS's aac_is_adts). */
export function isAdtsSync(bytes: Uint8Array, offset = 0): boolean {
  return bytes[offset] === 0xff && ((bytes[offset + 1] ?? 0) & 0xf6) === 0xf0;
}

/**
 * Walks the whole ADTS frames of `bytes`; bytes between frames that are none are passed over. Ends at the first
 * frame that is not all there: the caller keeps what lies behind the last frame's `end` until more comes.
 */
export function* adtsFrames(bytes: Uint8Array): Generator<AdtsFrame, void> {
  let offset = 0;
  while (bytes.length - offset >= ADTS_HEADER_BYTES) {
    const header = tryHeader(bytes, offset);
    if (header === undefined) {
      const next = bytes.indexOf(0xff, offset + 1);
      if (next < 0) return;
      offset = next;
      continue;
    }
    const end = offset + header.frameLength;
    if (end > bytes.length) return;
    yield { header, start: offset, payloadStart: offset + header.headerLength, end };
    offset = end;
  }
}

function tryHeader(bytes: Uint8Array, offset: number): AdtsHeader | undefined {
  if (!isAdtsSync(bytes, offset)) return undefined;
  try {
    return parseAdtsHeader(bytes, offset);
  } catch (error) {
    if (error instanceof MediaError) return undefined;
    throw error;
  }
}
