import { type NalLengthSize, nalLengthSize } from '../avc/index.ts';
import { ByteReader, ByteWriter } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { HEVC_LIMITS } from './limits.ts';
import { HevcNalType } from './nal-type.ts';
import { CONSTRAINT_FLAG_BYTES, type HevcProfileTierLevel } from './profile-tier-level.ts';
import { parseHevcSps } from './sps.ts';

/** The parameter sets of one NAL unit type in a configuration. */
export interface HevcNalArray {
  /** NAL_unit_type: VPS, SPS, PPS or SEI. */
  readonly nalType: number;
  /** array_completeness: the stream itself has no units of this type. */
  readonly complete: boolean;
  /** NAL units; views of the parsed bytes. */
  readonly units: readonly Uint8Array[];
}

/** HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 clause 8.3.3.1): the HEVC sequence header of FLV and MP4. */
export interface HevcDecoderConfiguration extends HevcProfileTierLevel {
  /** 0..4095. */
  readonly minSpatialSegmentation: number;
  /** 0 unknown, 1 slices, 2 tiles, 3 wavefront. */
  readonly parallelismType: number;
  /** 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  readonly chromaFormat: number;
  /** Bits a luma sample, 8..15. */
  readonly bitDepthLuma: number;
  /** Bits a chroma sample, 8..15. */
  readonly bitDepthChroma: number;
  /** Frames in 256 seconds; 0 when not said. */
  readonly averageFrameRate: number;
  /** 0 not known, 1 constant, 2 constant in each temporal layer. */
  readonly constantFrameRate: number;
  /** Temporal layers; 0 when not known, 1 for none. */
  readonly temporalLayers: number;
  readonly temporalIdNested: boolean;
  /** Bytes of the length field in front of each NAL unit of the stream. */
  readonly lengthSize: NalLengthSize;
  readonly arrays: readonly HevcNalArray[];
}

const CONFIGURATION_VERSION = 1;

/**
 * Reads an HEVCDecoderConfigurationRecord.
 *
 * @returns facts, and flags and NAL units as views of `bytes`.
 * @throws MediaError `short-read` when it is cut, `bad-value` for a length size of 3, `unsupported` for a version
 * above 1, `limit-exceeded` for more NAL units than {@link HEVC_LIMITS} lets it have.
 */
export function parseHevcDecoderConfiguration(bytes: Uint8Array): HevcDecoderConfiguration {
  const reader = new ByteReader(bytes);
  const version = reader.u8(); // configurationVersion
  // Version 0 was written by muxers that came before the standard was final; the fields are the same.
  if (version > CONFIGURATION_VERSION) {
    throw new MediaError('unsupported', `HEVC configuration of version ${version}, wanted 1`);
  }
  const profile = reader.u8(); // general_profile_space, general_tier_flag, general_profile_idc
  const profileCompatibilityFlags = reader.u32(); // general_profile_compatibility_flags
  const constraintIndicatorFlags = reader.bytes(CONSTRAINT_FLAG_BYTES); // general_constraint_indicator_flags
  const levelIdc = reader.u8(); // general_level_idc
  const minSpatialSegmentation = reader.u16() & 0x0fff; // min_spatial_segmentation_idc
  const parallelismType = reader.u8() & 0x03; // parallelismType
  const chromaFormat = reader.u8() & 0x03; // chroma_format_idc
  const bitDepthLuma = 8 + (reader.u8() & 0x07); // bit_depth_luma_minus8
  const bitDepthChroma = 8 + (reader.u8() & 0x07); // bit_depth_chroma_minus8
  const averageFrameRate = reader.u16(); // avgFrameRate
  const layers = reader.u8(); // constantFrameRate, numTemporalLayers, temporalIdNested, lengthSizeMinusOne
  const lengthSize = nalLengthSize((layers & 0x03) + 1);
  const arrays = readArrays(reader);
  return {
    profileSpace: profile >> 6,
    highTier: (profile & 0x20) !== 0,
    profileIdc: profile & 0x1f,
    profileCompatibilityFlags,
    constraintIndicatorFlags,
    levelIdc,
    minSpatialSegmentation,
    parallelismType,
    chromaFormat,
    bitDepthLuma,
    bitDepthChroma,
    averageFrameRate,
    constantFrameRate: layers >> 6,
    temporalLayers: (layers >> 3) & 0x07,
    temporalIdNested: (layers & 0x04) !== 0,
    lengthSize,
    arrays,
  };
}

/**
 * Builds an HEVCDecoderConfigurationRecord as new bytes.
 *
 * @throws MediaError `bad-value` when a field does not fit, `limit-exceeded` for too many or too long NAL units.
 */
export function buildHevcDecoderConfiguration(configuration: HevcDecoderConfiguration): Uint8Array {
  const { constraintIndicatorFlags, arrays } = configuration;
  if (constraintIndicatorFlags.length !== CONSTRAINT_FLAG_BYTES) {
    throw new MediaError(
      'bad-value',
      `constraint flags of ${constraintIndicatorFlags.length} bytes, wanted ${CONSTRAINT_FLAG_BYTES}`,
    );
  }
  const tier = configuration.highTier ? 0x20 : 0;
  const nested = configuration.temporalIdNested ? 0x04 : 0;
  const writer = new ByteWriter();
  writer.u8(CONFIGURATION_VERSION); // configurationVersion
  writer.u8((configuration.profileSpace << 6) | tier | configuration.profileIdc);
  writer.u32(configuration.profileCompatibilityFlags); // general_profile_compatibility_flags
  writer.bytes(constraintIndicatorFlags); // general_constraint_indicator_flags
  writer.u8(configuration.levelIdc); // general_level_idc
  writer.u16(0xf000 | configuration.minSpatialSegmentation); // reserved, min_spatial_segmentation_idc
  writer.u8(0xfc | configuration.parallelismType); // reserved, parallelismType
  writer.u8(0xfc | configuration.chromaFormat); // reserved, chroma_format_idc
  writer.u8(0xf8 | (configuration.bitDepthLuma - 8)); // reserved, bit_depth_luma_minus8
  writer.u8(0xf8 | (configuration.bitDepthChroma - 8)); // reserved, bit_depth_chroma_minus8
  writer.u16(configuration.averageFrameRate); // avgFrameRate
  writer.u8(
    (configuration.constantFrameRate << 6) | // constantFrameRate
      (configuration.temporalLayers << 3) | // numTemporalLayers
      nested | // temporalIdNested
      (configuration.lengthSize - 1), // lengthSizeMinusOne
  );
  writer.u8(arrays.length); // numOfArrays
  for (const array of arrays) {
    writer.u8((array.complete ? 0x80 : 0) | array.nalType); // array_completeness, reserved, NAL_unit_type
    writer.u16(array.units.length); // numNalus
    for (const unit of array.units) {
      if (unit.length > 0xffff) {
        throw new MediaError(
          'limit-exceeded',
          `a parameter set of ${unit.length} bytes, the record holds 65535`,
        );
      }
      writer.u16(unit.length).bytes(unit); // nalUnitLength, nalUnit
    }
  }
  return writer.finish();
}

/**
 * The configuration that these parameter sets make, with the facts of the first SPS.
 *
 * @throws MediaError `bad-value` when there is no SPS, and whatever {@link parseHevcSps} throws.
 */
export function hevcConfigurationFromParameterSets(
  vps: readonly Uint8Array[],
  sps: readonly Uint8Array[],
  pps: readonly Uint8Array[],
  lengthSize: NalLengthSize = 4,
): HevcDecoderConfiguration {
  const first = sps[0];
  if (first === undefined) throw new MediaError('bad-value', 'an HEVC configuration needs an SPS, got none');
  const facts = parseHevcSps(first);
  return {
    ...facts.profileTierLevel,
    minSpatialSegmentation: 0,
    parallelismType: 0,
    chromaFormat: facts.chromaFormatIdc,
    bitDepthLuma: facts.bitDepthLuma,
    bitDepthChroma: facts.bitDepthChroma,
    averageFrameRate: 0,
    constantFrameRate: 0,
    temporalLayers: facts.maxSubLayers,
    temporalIdNested: facts.temporalIdNesting,
    lengthSize,
    arrays: [
      { nalType: HevcNalType.vps, complete: true, units: vps },
      { nalType: HevcNalType.sps, complete: true, units: sps },
      { nalType: HevcNalType.pps, complete: true, units: pps },
    ],
  };
}

/** All NAL units of one type in a configuration; views. */
export function hevcConfigurationUnits(
  configuration: HevcDecoderConfiguration,
  nalType: HevcNalType,
): readonly Uint8Array[] {
  return configuration.arrays.filter((array) => array.nalType === nalType).flatMap((array) => array.units);
}

function readArrays(reader: ByteReader): HevcNalArray[] {
  const arrays: HevcNalArray[] = [];
  const arrayCount = reader.u8(); // numOfArrays
  let unitCount = 0;
  for (let i = 0; i < arrayCount; i++) {
    const head = reader.u8(); // array_completeness, reserved, NAL_unit_type
    const count = reader.u16(); // numNalus
    unitCount += count;
    if (unitCount > HEVC_LIMITS.configurationUnits) {
      throw new MediaError(
        'limit-exceeded',
        `${unitCount} NAL units in an HEVC configuration, the limit is ${HEVC_LIMITS.configurationUnits}`,
      );
    }
    const units: Uint8Array[] = [];
    for (let j = 0; j < count; j++) units.push(reader.bytes(reader.u16())); // nalUnitLength, nalUnit
    arrays.push({ nalType: head & 0x3f, complete: (head & 0x80) !== 0, units });
  }
  return arrays;
}
