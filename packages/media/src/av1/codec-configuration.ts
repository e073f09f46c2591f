import { ByteReader } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';

/** AV1CodecConfigurationRecord (AV1 in ISO-BMFF clause 2.3.3): the AV1 sequence header of FLV and MP4. */
export interface Av1CodecConfiguration {
  /** seq_profile: 0 Main, 1 High, 2 Professional. */
  readonly profile: number;
  /** seq_level_idx_0; level 2.0 is 0, 31 means no limit. */
  readonly levelIndex: number;
  /** seq_tier_0: true for the high tier. */
  readonly highTier: boolean;
  /** Bits a sample: 8, 10 or 12. */
  readonly bitDepth: number;
  readonly monochrome: boolean;
  readonly subsamplingX: boolean;
  readonly subsamplingY: boolean;
  /** chroma_sample_position: 0 unknown, 1 vertical, 2 colocated. */
  readonly chromaSamplePosition: number;
  /** initial_presentation_delay_minus_one + 1, 1..16, when said. */
  readonly initialPresentationDelay: number | undefined;
  /** OBUs, a sequence header among them; a view of the parsed bytes. May be empty. */
  readonly configObus: Uint8Array;
}

const MARKER_AND_VERSION = 0x81;

/**
 * Reads an AV1CodecConfigurationRecord.
 *
 * @throws MediaError `short-read` when it is cut, `unsupported` for another version.
 */
export function parseAv1CodecConfiguration(bytes: Uint8Array): Av1CodecConfiguration {
  const reader = new ByteReader(bytes);
  const head = reader.u8(); // marker, version
  if (head !== MARKER_AND_VERSION) {
    throw new MediaError(
      'unsupported',
      `AV1 configuration begins with ${head}, wanted marker 1 and version 1`,
    );
  }
  const profileAndLevel = reader.u8(); // seq_profile, seq_level_idx_0
  const flags = reader.u8();
  const delay = reader.u8(); // reserved, initial_presentation_delay_present, initial_presentation_delay_minus_one
  const highBitDepth = (flags & 0x40) !== 0; // high_bitdepth
  const twelveBit = (flags & 0x20) !== 0; // twelve_bit
  return {
    profile: profileAndLevel >> 5,
    levelIndex: profileAndLevel & 0x1f,
    highTier: (flags & 0x80) !== 0, // seq_tier_0
    bitDepth: highBitDepth ? (twelveBit ? 12 : 10) : 8,
    monochrome: (flags & 0x10) !== 0, // monochrome
    subsamplingX: (flags & 0x08) !== 0, // chroma_subsampling_x
    subsamplingY: (flags & 0x04) !== 0, // chroma_subsampling_y
    chromaSamplePosition: flags & 0x03, // chroma_sample_position
    initialPresentationDelay: (delay & 0x10) !== 0 ? (delay & 0x0f) + 1 : undefined,
    configObus: reader.bytes(reader.remaining),
  };
}

/** Builds an AV1CodecConfigurationRecord as new bytes. @throws MediaError `bad-value` when a field does not fit. */
export function buildAv1CodecConfiguration(configuration: Av1CodecConfiguration): Uint8Array {
  const { bitDepth, initialPresentationDelay, configObus } = configuration;
  if (bitDepth !== 8 && bitDepth !== 10 && bitDepth !== 12) {
    throw new MediaError('bad-value', `${bitDepth} bits a sample, wanted 8, 10 or 12`);
  }
  const result = new Uint8Array(4 + configObus.length);
  result[0] = MARKER_AND_VERSION; // marker, version
  result[1] =
    field(configuration.profile, 2, 'seq_profile', 5) |
    field(configuration.levelIndex, 31, 'seq_level_idx_0', 0);
  result[2] =
    (configuration.highTier ? 0x80 : 0) | // seq_tier_0
    (bitDepth > 8 ? 0x40 : 0) | // high_bitdepth
    (bitDepth === 12 ? 0x20 : 0) | // twelve_bit
    (configuration.monochrome ? 0x10 : 0) | // monochrome
    (configuration.subsamplingX ? 0x08 : 0) | // chroma_subsampling_x
    (configuration.subsamplingY ? 0x04 : 0) | // chroma_subsampling_y
    field(configuration.chromaSamplePosition, 3, 'chroma_sample_position', 0);
  // initial_presentation_delay_present, initial_presentation_delay_minus_one
  result[3] =
    initialPresentationDelay === undefined
      ? 0
      : 0x10 | field(initialPresentationDelay - 1, 15, 'initial_presentation_delay_minus_one', 0);
  result.set(configObus, 4); // configOBUs
  return result;
}

/** The codec's name in MIME types and WebCodecs, for example `av01.0.04M.08` (AV1 in ISO-BMFF clause 5). */
export function av1CodecString(
  facts: Pick<Av1CodecConfiguration, 'profile' | 'levelIndex' | 'highTier' | 'bitDepth'>,
): string {
  const level = String(facts.levelIndex).padStart(2, '0');
  const bitDepth = String(facts.bitDepth).padStart(2, '0');
  return `av01.${facts.profile}.${level}${facts.highTier ? 'H' : 'M'}.${bitDepth}`;
}

function field(value: number, maximum: number, name: string, shift: number): number {
  if (!(Number.isInteger(value) && value >= 0 && value <= maximum)) {
    throw new MediaError('bad-value', `${name} is ${value}, wanted 0..${maximum}`);
  }
  return value << shift;
}
