import { MediaError } from '../errors.ts';

/** MPEG version of an audio frame; 2.5 is the extension for rates of 8 to 12 kHz. */
export type Mp3Version = 1 | 2 | 2.5;

/** How the channels of a frame are coded, by the field's value (ISO/IEC 11172-3 clause 2.4.2.3). */
export const Mp3ChannelMode = {
  stereo: 0,
  jointStereo: 1,
  dualChannel: 2,
  mono: 3,
} as const;

/** A value of {@link Mp3ChannelMode}. */
export type Mp3ChannelMode = (typeof Mp3ChannelMode)[keyof typeof Mp3ChannelMode];

/** The header of an MPEG audio frame, layers I to III (ISO/IEC 11172-3 and 13818-3 clause 2.4.2.3). */
export interface Mp3FrameHeader {
  readonly version: Mp3Version;
  readonly layer: 1 | 2 | 3;
  /** True when a CRC of two bytes follows the header (protection_bit is 0). */
  readonly crc: boolean;
  /** Bits a second; undefined for the free format. */
  readonly bitrate: number | undefined;
  /** Hz. */
  readonly sampleRate: number;
  readonly padding: boolean;
  readonly channelMode: Mp3ChannelMode;
  /** mode_extension, 0..3: what joint stereo joins. */
  readonly modeExtension: number;
  /** 1 or 2. */
  readonly channels: 1 | 2;
  /** private_bit. */
  readonly privateBit: boolean;
  readonly copyright: boolean;
  readonly original: boolean;
  /** emphasis: 0 none, 1 50/15 us, 3 CCITT J.17. */
  readonly emphasis: number;
  /** Samples of each channel: 384, 576 or 1152. */
  readonly samples: number;
  /** Bytes of the whole frame, header included; undefined for the free format. */
  readonly frameSize: number | undefined;
}

/** What {@link buildMp3FrameHeader} needs. */
export interface Mp3FrameHeaderOptions {
  /** Default 1. */
  readonly version?: Mp3Version;
  /** Default 3. */
  readonly layer?: 1 | 2 | 3;
  /** Bits a second; undefined for the free format. */
  readonly bitrate: number | undefined;
  /** Hz. */
  readonly sampleRate: number;
  /** Default `stereo`. */
  readonly channelMode?: Mp3ChannelMode;
  /** Default 0. */
  readonly modeExtension?: number;
  /** Default false. */
  readonly crc?: boolean;
  /** Default false. */
  readonly padding?: boolean;
  /** Default false. */
  readonly privateBit?: boolean;
  /** Default false. */
  readonly copyright?: boolean;
  /** Default false. */
  readonly original?: boolean;
  /** Default 0. */
  readonly emphasis?: number;
}

/** Bytes of a frame header. */
export const MP3_HEADER_BYTES = 4;

/** Versions by ID, two bits with the one of MPEG 2.5; 1 is reserved. */
const VERSIONS = [2.5, undefined, 2, 1] as const;

/** Hz by version and sampling_frequency. */
const SAMPLE_RATES: Readonly<Record<Mp3Version, readonly number[]>> = {
  1: [44100, 48000, 32000],
  2: [22050, 24000, 16000],
  2.5: [11025, 12000, 8000],
};

/** kbit/s by bitrate_index 1..14 (ISO/IEC 11172-3 clause 2.4.2.3, 13818-3 clause 2.4.2.3). */
const BITRATES = {
  version1: {
    1: [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    2: [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    3: [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  },
  version2: {
    1: [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    2: [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    3: [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  },
} as const;

const RESERVED_BITRATE_INDEX = 15;

/**
 * Reads the MPEG audio frame header at `offset`.
 *
 * @returns undefined when fewer than 4 bytes are there, which is a normal answer.
 * @throws MediaError `bad-value` when the bytes are no frame header.
 */
export function parseMp3FrameHeader(bytes: Uint8Array, offset = 0): Mp3FrameHeader | undefined {
  if (bytes.length - offset < MP3_HEADER_BYTES) return undefined;
  const header = readMp3FrameHeader(bytes, offset);
  if (header === undefined) {
    const digits = [...bytes.subarray(offset, offset + MP3_HEADER_BYTES)].map((byte) =>
      byte.toString(16).padStart(2, '0'),
    );
    throw new MediaError('bad-value', `no MPEG audio frame header at offset ${offset}: ${digits.join('')}`);
  }
  return header;
}

/** The frame header at `offset`, or undefined when the bytes there are none or too few. */
export function readMp3FrameHeader(bytes: Uint8Array, offset: number): Mp3FrameHeader | undefined {
  if (offset < 0 || bytes.length - offset < MP3_HEADER_BYTES) return undefined;
  const b1 = bytes[offset + 1] ?? 0;
  const b2 = bytes[offset + 2] ?? 0;
  const b3 = bytes[offset + 3] ?? 0;
  if (bytes[offset] !== 0xff || (b1 & 0xe0) !== 0xe0) return undefined; // syncword
  const version = VERSIONS[(b1 >> 3) & 0x03]; // ID
  const layer = layerOf((b1 >> 1) & 0x03); // layer
  const bitrateIndex = b2 >> 4; // bitrate_index
  if (version === undefined || layer === undefined || bitrateIndex === RESERVED_BITRATE_INDEX)
    return undefined;
  const sampleRate = SAMPLE_RATES[version][(b2 >> 2) & 0x03]; // sampling_frequency
  const channelMode = channelModeOf(b3 >> 6); // mode
  if (sampleRate === undefined) return undefined;
  const bitrate = bitrateIndex === 0 ? undefined : bitratesOf(version, layer)[bitrateIndex - 1];
  const padding = (b2 & 0x02) !== 0; // padding_bit
  const kilobits = bitrate ?? 0;
  return {
    version,
    layer,
    crc: (b1 & 0x01) === 0, // protection_bit
    bitrate: bitrate === undefined ? undefined : bitrate * 1000,
    sampleRate,
    padding,
    channelMode,
    modeExtension: (b3 >> 4) & 0x03, // mode_extension
    channels: channelMode === Mp3ChannelMode.mono ? 1 : 2,
    privateBit: (b2 & 0x01) !== 0, // private_bit
    copyright: (b3 & 0x08) !== 0, // copyright
    original: (b3 & 0x04) !== 0, // original/copy
    emphasis: b3 & 0x03, // emphasis
    samples: samplesOf(version, layer),
    frameSize:
      bitrate === undefined ? undefined : frameSizeOf(version, layer, kilobits * 1000, sampleRate, padding),
  };
}

/**
 * Builds the 4 bytes of a frame header.
 *
 * @throws MediaError `unsupported` when the version and layer have no such bitrate or sample rate.
 */
export function buildMp3FrameHeader(options: Mp3FrameHeaderOptions): Uint8Array {
  const { version = 1, layer = 3, bitrate, sampleRate, channelMode = Mp3ChannelMode.stereo } = options;
  const { modeExtension = 0, emphasis = 0 } = options;
  const bitrates: readonly number[] = bitratesOf(version, layer);
  const bitrateIndex = bitrate === undefined ? 0 : bitrates.indexOf(bitrate / 1000) + 1;
  if (bitrate !== undefined && bitrateIndex === 0) {
    throw new MediaError('unsupported', `MPEG ${version} layer ${layer} has no bitrate of ${bitrate} bit/s`);
  }
  const rateIndex = SAMPLE_RATES[version].indexOf(sampleRate);
  if (rateIndex < 0)
    throw new MediaError('unsupported', `MPEG ${version} audio has no rate of ${sampleRate} Hz`);
  const id = VERSIONS.indexOf(version);
  return Uint8Array.of(
    0xff, // syncword
    0xe0 | (id << 3) | ((4 - layer) << 1) | (options.crc === true ? 0 : 1), // syncword, ID, layer, protection_bit
    (bitrateIndex << 4) | // bitrate_index
      (rateIndex << 2) | // sampling_frequency
      (options.padding === true ? 0x02 : 0) | // padding_bit
      (options.privateBit === true ? 0x01 : 0), // private_bit
    (channelMode << 6) | // mode
      ((modeExtension & 0x03) << 4) | // mode_extension
      (options.copyright === true ? 0x08 : 0) | // copyright
      (options.original === true ? 0x04 : 0) | // original/copy
      (emphasis & 0x03), // emphasis
  );
}

function layerOf(bits: number): 1 | 2 | 3 | undefined {
  switch (bits) {
    case 1:
      return 3;
    case 2:
      return 2;
    case 3:
      return 1;
    default:
      return undefined;
  }
}

function channelModeOf(bits: number): Mp3ChannelMode {
  switch (bits) {
    case 0:
      return Mp3ChannelMode.stereo;
    case 1:
      return Mp3ChannelMode.jointStereo;
    case 2:
      return Mp3ChannelMode.dualChannel;
    default:
      return Mp3ChannelMode.mono;
  }
}

function bitratesOf(version: Mp3Version, layer: 1 | 2 | 3): readonly number[] {
  return version === 1 ? BITRATES.version1[layer] : BITRATES.version2[layer];
}

function samplesOf(version: Mp3Version, layer: 1 | 2 | 3): number {
  if (layer === 1) return 384;
  return layer === 3 && version !== 1 ? 576 : 1152;
}

/** Bytes of a frame (ISO/IEC 11172-3 clause 2.4.3.1); a slot is four bytes in layer I, one in the others. */
function frameSizeOf(
  version: Mp3Version,
  layer: 1 | 2 | 3,
  bitrate: number,
  sampleRate: number,
  padding: boolean,
): number {
  const slotBytes = layer === 1 ? 4 : 1;
  const slots = Math.floor((samplesOf(version, layer) * bitrate) / (8 * slotBytes * sampleRate));
  return (slots + (padding ? 1 : 0)) * slotBytes;
}
