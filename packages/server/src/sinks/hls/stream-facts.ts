import { aacCodecString, parseAudioSpecificConfig } from '@sluice/media/aac';
import { avcCodecString, parseAvcDecoderConfiguration, parseAvcSps } from '@sluice/media/avc';
import { parseAudioTagHeader, parseVideoTagHeader } from '@sluice/media/flv';
import {
  hevcCodecString,
  hevcConfigurationUnits,
  HevcNalType,
  parseHevcDecoderConfiguration,
  parseHevcSps,
} from '@sluice/media/hevc';

import { type Frame, FrameKind } from '../../live/index.ts';

/** The name of MP3 in MPEG-2 TS for players (RFC 6381). */
const MP3_CODEC_STRING = 'mp4a.40.34';

/** What a master playlist needs to know of the tracks; read from sequence headers. */
export interface TrackFacts {
  /** As in RFC 6381; undefined while it isn't known. */
  readonly codec: string | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

const unknownTrack: TrackFacts = { codec: undefined };

/** The facts of a sequence header, or of a frame of a codec that has none. What can't be read is not known. */
export function trackFacts(frame: Frame): TrackFacts {
  try {
    if (frame.codec === 'mp3') return { codec: MP3_CODEC_STRING };
    if (!frame.sequenceHeader) return unknownTrack;
    return frame.kind === FrameKind.video ? videoTrack(frame) : audioTrack(frame);
  } catch {
    // The packer has its own say about a header that is broken.
    return unknownTrack;
  }
}

function videoTrack(frame: Frame): TrackFacts {
  const header = parseVideoTagHeader(frame.body);
  if (header?.packetType !== 'sequence-header') return unknownTrack;
  const bytes = frame.body.subarray(header.dataOffset);
  if (frame.codec === 'h264') {
    const configuration = parseAvcDecoderConfiguration(bytes);
    const [sps] = configuration.sps;
    return { codec: avcCodecString(configuration), ...size(() => sps && parseAvcSps(sps)) };
  }
  const configuration = parseHevcDecoderConfiguration(bytes);
  const [sps] = hevcConfigurationUnits(configuration, HevcNalType.sps);
  return { codec: hevcCodecString(configuration), ...size(() => sps && parseHevcSps(sps)) };
}

function audioTrack(frame: Frame): TrackFacts {
  const header = parseAudioTagHeader(frame.body);
  if (header === undefined || frame.codec !== 'aac') return unknownTrack;
  return { codec: aacCodecString(parseAudioSpecificConfig(frame.body.subarray(header.dataOffset))) };
}

/** The codec is worth knowing even where the parameter set can't be read. */
function size(
  read: () => { readonly width: number; readonly height: number } | undefined,
): Pick<TrackFacts, 'width' | 'height'> {
  try {
    const facts = read();
    return facts === undefined ? {} : { width: facts.width, height: facts.height };
  } catch {
    return {};
  }
}
