import { ByteReader, ByteWriter } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import type { NalLengthSize } from './nal-units.ts';
import { parseAvcSps } from './sps.ts';

/** What a high-profile configuration says besides (ISO/IEC 14496-15 clause 5.3.3.1.2). */
export interface AvcHighProfileExtension {
  /** 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  readonly chromaFormat: number;
  /** Bits a luma sample, 8..15. */
  readonly bitDepthLuma: number;
  /** Bits a chroma sample, 8..15. */
  readonly bitDepthChroma: number;
  /** Sequence parameter set extension NAL units. */
  readonly spsExtensions: readonly Uint8Array[];
}

/** AVCDecoderConfigurationRecord (ISO/IEC 14496-15 clause 5.3.3.1): the H.264 sequence header of FLV and MP4. */
export interface AvcDecoderConfiguration {
  readonly profileIndication: number;
  /** The byte of constraint flags between profile and level in the SPS. */
  readonly profileCompatibility: number;
  readonly levelIndication: number;
  /** Bytes of the length field in front of each NAL unit of the stream. */
  readonly lengthSize: NalLengthSize;
  /** SPS NAL units, 0..31 of them; views of the parsed bytes. */
  readonly sps: readonly Uint8Array[];
  /** PPS NAL units, 0..255 of them; views of the parsed bytes. */
  readonly pps: readonly Uint8Array[];
  /** Only in profiles other than Baseline, Main and Extended, and not always there. */
  readonly highProfile: AvcHighProfileExtension | undefined;
}

const CONFIGURATION_VERSION = 1;
const MAX_SPS = 31;
const MAX_PPS = 255;

/**
 * Reads an AVCDecoderConfigurationRecord.
 *
 * @returns facts, and NAL units as views of `bytes`.
 * @throws MediaError `short-read` when it is cut, `bad-value` for a length size of 3, `unsupported` for a version
 * other than 1.
 */
export function parseAvcDecoderConfiguration(bytes: Uint8Array): AvcDecoderConfiguration {
  const reader = new ByteReader(bytes);
  const version = reader.u8(); // configurationVersion
  if (version !== CONFIGURATION_VERSION) {
    throw new MediaError('unsupported', `AVC configuration of version ${version}, wanted 1`);
  }
  const profileIndication = reader.u8(); // AVCProfileIndication
  const profileCompatibility = reader.u8(); // profile_compatibility
  const levelIndication = reader.u8(); // AVCLevelIndication
  const lengthSize = nalLengthSize((reader.u8() & 0x03) + 1); // lengthSizeMinusOne
  const sps = readUnits(reader, reader.u8() & 0x1f); // numOfSequenceParameterSets
  const pps = readUnits(reader, reader.u8()); // numOfPictureParameterSets
  // Many muxers leave the extension out, or pad the record with a byte or two.
  const highProfile =
    hasHighProfileExtension(profileIndication) && reader.remaining >= 4
      ? readHighProfileExtension(reader)
      : undefined;
  return { profileIndication, profileCompatibility, levelIndication, lengthSize, sps, pps, highProfile };
}

/**
 * Builds an AVCDecoderConfigurationRecord as new bytes.
 *
 * @throws MediaError `limit-exceeded` for over 31 SPS, over 255 PPS, or a NAL unit over 65535 bytes.
 */
export function buildAvcDecoderConfiguration(configuration: AvcDecoderConfiguration): Uint8Array {
  const { sps, pps, highProfile } = configuration;
  const writer = new ByteWriter();
  writer.u8(CONFIGURATION_VERSION); // configurationVersion
  writer.u8(configuration.profileIndication); // AVCProfileIndication
  writer.u8(configuration.profileCompatibility); // profile_compatibility
  writer.u8(configuration.levelIndication); // AVCLevelIndication
  writer.u8(0xfc | (configuration.lengthSize - 1)); // reserved, lengthSizeMinusOne
  writer.u8(0xe0 | checkedCount(sps, MAX_SPS, 'SPS')); // reserved, numOfSequenceParameterSets
  writeUnits(writer, sps);
  writer.u8(checkedCount(pps, MAX_PPS, 'PPS')); // numOfPictureParameterSets
  writeUnits(writer, pps);
  if (highProfile !== undefined) {
    writer.u8(0xfc | highProfile.chromaFormat); // reserved, chroma_format
    writer.u8(0xf8 | (highProfile.bitDepthLuma - 8)); // reserved, bit_depth_luma_minus8
    writer.u8(0xf8 | (highProfile.bitDepthChroma - 8)); // reserved, bit_depth_chroma_minus8
    writer.u8(checkedCount(highProfile.spsExtensions, 255, 'SPS extension')); // numOfSequenceParameterSetExt
    writeUnits(writer, highProfile.spsExtensions);
  }
  return writer.finish();
}

/**
 * The configuration that these parameter sets make: profile, level and high-profile extension from the first SPS.
 *
 * @throws MediaError `bad-value` when there is no SPS, and whatever {@link parseAvcSps} throws.
 */
export function avcConfigurationFromParameterSets(
  sps: readonly Uint8Array[],
  pps: readonly Uint8Array[],
  lengthSize: NalLengthSize = 4,
): AvcDecoderConfiguration {
  const first = sps[0];
  if (first === undefined) throw new MediaError('bad-value', 'an AVC configuration needs an SPS, got none');
  const facts = parseAvcSps(first);
  return {
    profileIndication: facts.profileIdc,
    profileCompatibility: facts.constraintFlags,
    levelIndication: facts.levelIdc,
    lengthSize,
    sps,
    pps,
    highProfile: hasHighProfileExtension(facts.profileIdc)
      ? {
          chromaFormat: facts.chromaFormatIdc,
          bitDepthLuma: facts.bitDepthLuma,
          bitDepthChroma: facts.bitDepthChroma,
          spsExtensions: [],
        }
      : undefined,
  };
}

/** The codec's name in MIME types and WebCodecs, for example `avc1.64001f` (RFC 6381 clause 3.3). */
export function avcCodecString(
  configuration: Pick<
    AvcDecoderConfiguration,
    'profileIndication' | 'profileCompatibility' | 'levelIndication'
  >,
): string {
  const { profileIndication, profileCompatibility, levelIndication } = configuration;
  const digits = [profileIndication, profileCompatibility, levelIndication].map((byte) =>
    byte.toString(16).padStart(2, '0'),
  );
  return `avc1.${digits.join('')}`;
}

/**
 * Checks the size of the length field (ISO/IEC 14496-15 clauses 5.3.3.1.2 and 8.3.3.1.3).
 *
 * @throws MediaError `bad-value` for 3, which is not allowed.
 */
export function nalLengthSize(size: number): NalLengthSize {
  if (size === 1 || size === 2 || size === 4) return size;
  throw new MediaError('bad-value', `NAL unit lengths of ${size} bytes, wanted 1, 2 or 4`);
}

/** Every profile but Baseline (66), Main (77) and Extended (88) has the extension. */
function hasHighProfileExtension(profileIndication: number): boolean {
  return profileIndication !== 66 && profileIndication !== 77 && profileIndication !== 88;
}

function readHighProfileExtension(reader: ByteReader): AvcHighProfileExtension {
  const chromaFormat = reader.u8() & 0x03; // chroma_format
  const bitDepthLuma = 8 + (reader.u8() & 0x07); // bit_depth_luma_minus8
  const bitDepthChroma = 8 + (reader.u8() & 0x07); // bit_depth_chroma_minus8
  const spsExtensions = readUnits(reader, reader.u8()); // numOfSequenceParameterSetExt
  return { chromaFormat, bitDepthLuma, bitDepthChroma, spsExtensions };
}

function readUnits(reader: ByteReader, count: number): Uint8Array[] {
  const units: Uint8Array[] = [];
  for (let i = 0; i < count; i++) units.push(reader.bytes(reader.u16()));
  return units;
}

function writeUnits(writer: ByteWriter, units: readonly Uint8Array[]): void {
  for (const unit of units) {
    if (unit.length > 0xffff) {
      throw new MediaError(
        'limit-exceeded',
        `a parameter set of ${unit.length} bytes, the record holds 65535`,
      );
    }
    writer.u16(unit.length).bytes(unit);
  }
}

function checkedCount(units: readonly Uint8Array[], maximum: number, name: string): number {
  if (units.length > maximum) {
    throw new MediaError('limit-exceeded', `${units.length} ${name} units, the record holds ${maximum}`);
  }
  return units.length;
}
