import { aacOutputChannels, aacOutputSampleRate, parseAudioSpecificConfig } from '@sluice/media/aac';
import { findAv1SequenceHeader, parseAv1CodecConfiguration } from '@sluice/media/av1';
import { parseAvcDecoderConfiguration, parseAvcSps } from '@sluice/media/avc';
import {
  type AudioCodec,
  flvPictureSize,
  parseAudioTagHeader,
  parseVideoTagHeader,
  type VideoCodec,
} from '@sluice/media/flv';
import {
  HevcNalType,
  hevcConfigurationUnits,
  parseHevcDecoderConfiguration,
  parseHevcSps,
} from '@sluice/media/hevc';

import type { Frame } from './frame.ts';

/** What is known of a stream's video. */
export interface VideoFacts {
  readonly codec: VideoCodec;
  /** The codec's own profile number (H.264 profile_idc, HEVC general_profile_idc, AV1 seq_profile). */
  readonly profile?: number;
  /** The codec's own level number (H.264 level_idc, HEVC general_level_idc, AV1 seq_level_idx). */
  readonly level?: number;
  /** Pixels shown. */
  readonly width?: number;
  readonly height?: number;
}

/** What is known of a stream's audio. */
export interface AudioFacts {
  readonly codec: AudioCodec;
  /** Hz. */
  readonly sampleRate?: number;
  readonly channels?: number;
  /** AAC: the MPEG-4 audio object type. */
  readonly profile?: number;
}

/**
 * Reads a video frame's facts: of most codecs from the sequence header, of those that have none the size from the
 * picture.
 *
 * @param parseSps - look into the parameter sets for the picture's size (P012)
 * @throws MediaError for a configuration or parameter set that is broken
 */
export function videoFacts(frame: Frame, parseSps: boolean): VideoFacts {
  const header = parseVideoTagHeader(frame.body);
  const codec = header?.codec ?? 'unknown';
  if (header === undefined) return { codec };
  if (header.packetType === 'coded-frames') {
    return { codec, ...flvPictureSize(codec, frame.body.subarray(header.dataOffset)) };
  }
  if (!frame.sequenceHeader || header.packetType !== 'sequence-header') return { codec };
  const configuration = frame.body.subarray(header.dataOffset);
  if (codec === 'h264') return avcFacts(configuration, parseSps);
  if (codec === 'hevc') return hevcFacts(configuration, parseSps);
  if (codec === 'av1') return av1Facts(configuration);
  return { codec };
}

/**
 * Reads an audio frame's facts: of AAC from its sequence header, of others from the tag's header.
 *
 * @throws MediaError for an AudioSpecificConfig that is broken
 */
export function audioFacts(frame: Frame): AudioFacts {
  const header = parseAudioTagHeader(frame.body);
  if (header === undefined) return { codec: 'unknown' };
  const { codec, sampleRate, channels } = header;
  if (codec === 'aac') {
    if (!frame.sequenceHeader) return { codec };
    const config = parseAudioSpecificConfig(frame.body.subarray(header.dataOffset));
    const output = aacOutputChannels(config);
    return {
      codec,
      sampleRate: aacOutputSampleRate(config),
      profile: config.objectType,
      ...(output === undefined ? {} : { channels: output }),
    };
  }
  return {
    codec,
    ...(sampleRate === undefined ? {} : { sampleRate }),
    ...(channels === undefined ? {} : { channels }),
  };
}

function avcFacts(bytes: Uint8Array, parseSps: boolean): VideoFacts {
  const configuration = parseAvcDecoderConfiguration(bytes);
  const facts = {
    codec: 'h264',
    profile: configuration.profileIndication,
    level: configuration.levelIndication,
  } as const;
  const sps = configuration.sps[0];
  if (!parseSps || sps === undefined) return facts;
  const { width, height } = parseAvcSps(sps);
  return { ...facts, width, height };
}

function hevcFacts(bytes: Uint8Array, parseSps: boolean): VideoFacts {
  const configuration = parseHevcDecoderConfiguration(bytes);
  const facts = { codec: 'hevc', profile: configuration.profileIdc, level: configuration.levelIdc } as const;
  const [sps] = hevcConfigurationUnits(configuration, HevcNalType.sps);
  if (!parseSps || sps === undefined) return facts;
  const { width, height } = parseHevcSps(sps);
  return { ...facts, width, height };
}

function av1Facts(bytes: Uint8Array): VideoFacts {
  const configuration = parseAv1CodecConfiguration(bytes);
  const facts = { codec: 'av1', profile: configuration.profile, level: configuration.levelIndex } as const;
  const header = findAv1SequenceHeader(configuration.configObus);
  return header === undefined ? facts : { ...facts, width: header.width, height: header.height };
}
