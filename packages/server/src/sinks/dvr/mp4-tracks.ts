import { parseAudioSpecificConfig } from '@sluice/media/aac';
import { copyBytes } from '@sluice/media/bytes';
import { parseAudioTagHeader, parseVideoTagHeader } from '@sluice/media/flv';
import { readMp3FrameHeader } from '@sluice/media/mp3';
import {
  MP4_MILLISECOND_TIMESCALE,
  MP4_OPUS_TIMESCALE,
  type Mp4AudioTrackConfig,
  type Mp4VideoTrackConfig,
} from '@sluice/media/mp4';

import { type Frame, FrameKind } from '../../live/index.ts';

/** The track numbers of our files. */
export const VIDEO_TRACK = 1;
export const AUDIO_TRACK = 2;

/** A track of a file, as its sequence header or first frame makes it. */
export interface RecordedTrack {
  readonly config: Mp4VideoTrackConfig | Mp4AudioTrackConfig;
  /** Ticks a second. */
  readonly timescale: number;
  /** Samples of each channel in an audio frame; undefined where they differ. */
  readonly frameSamples: number | undefined;
}

const OPUS_MAGIC_BYTES = 8;
const OPUS_HEAD_BYTES = 19;

/** Whether an MP4 file can hold the codec of a frame. */
export function fitsMp4({ codec }: Frame): boolean {
  switch (codec) {
    case 'h264':
    case 'hevc':
    case 'av1':
    case 'aac':
    case 'mp3':
    case 'opus':
      return true;
    default:
      return false;
  }
}

/**
 * The track that a sequence header, or a frame of MP3, begins.
 *
 * @returns undefined for a codec that MP4 can't hold, and for a frame of one that needs a sequence header first
 * @throws MediaError when the header can't be read
 */
export function trackOf(frame: Frame): RecordedTrack | undefined {
  return frame.kind === FrameKind.video ? videoTrackOf(frame) : audioTrackOf(frame);
}

function videoTrackOf({ codec, sequenceHeader, body }: Frame): RecordedTrack | undefined {
  if (codec !== 'h264' && codec !== 'hevc' && codec !== 'av1') return undefined;
  const header = parseVideoTagHeader(body);
  // The other form of a sequence header, that of MPEG-2 TS, has no place in MP4.
  if (!sequenceHeader || header?.packetType !== 'sequence-header') return undefined;
  const configuration = body.subarray(header.dataOffset);
  const timescale = MP4_MILLISECOND_TIMESCALE;
  return { config: { id: VIDEO_TRACK, codec, configuration, timescale }, timescale, frameSamples: undefined };
}

function audioTrackOf({ codec, sequenceHeader, body }: Frame): RecordedTrack | undefined {
  const data = body.subarray(parseAudioTagHeader(body)?.dataOffset ?? body.length);
  switch (codec) {
    case 'aac': {
      if (!sequenceHeader) return undefined;
      const { sampleRate, frameLength } = parseAudioSpecificConfig(data);
      const config = { id: AUDIO_TRACK, codec, configuration: data, timescale: sampleRate };
      return { config, timescale: sampleRate, frameSamples: frameLength };
    }
    case 'mp3': {
      const header = readMp3FrameHeader(data, 0);
      if (header === undefined) return undefined;
      const { sampleRate, channels, samples } = header;
      const config = { id: AUDIO_TRACK, codec, sampleRate, channels, timescale: sampleRate };
      return { config, timescale: sampleRate, frameSamples: samples };
    }
    case 'opus': {
      const configuration = sequenceHeader ? opusSpecificBox(data) : undefined;
      if (configuration === undefined) return undefined;
      const config = { id: AUDIO_TRACK, codec, configuration };
      return { config, timescale: MP4_OPUS_TIMESCALE, frameSamples: undefined };
    }
    default:
      return undefined;
  }
}

/**
 * The fields of `dOps` (Opus in ISOBMFF clause 4.3.2) of an OpusHead (RFC 7845 clause 5.1): the same ones, without the
 * magic, of version 0, and with numbers the other way round.
 */
function opusSpecificBox(head: Uint8Array): Uint8Array | undefined {
  if (head.length < OPUS_HEAD_BYTES) return undefined;
  const fields = copyBytes(head.subarray(OPUS_MAGIC_BYTES));
  const view = new DataView(fields.buffer);
  view.setUint8(0, 0); // Version
  view.setUint16(2, view.getUint16(2, true)); // PreSkip
  view.setUint32(4, view.getUint32(4, true)); // InputSampleRate
  view.setInt16(8, view.getInt16(8, true)); // OutputGain
  return fields;
}
