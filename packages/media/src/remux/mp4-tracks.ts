import { parseAudioSpecificConfig } from '../aac/index.ts';
import { copyBytes } from '../bytes/index.ts';
import { parseAudioTagHeader, parseVideoTagHeader } from '../flv/index.ts';
import { readMp3FrameHeader } from '../mp3/index.ts';
import {
  MP4_MILLISECOND_TIMESCALE,
  MP4_OPUS_TIMESCALE,
  type Mp4AudioTrackConfig,
  type Mp4VideoTrackConfig,
} from '../mp4/index.ts';

/** An MP4 track, as an FLV sequence header or, for MP3, a frame makes it. */
export interface Mp4TrackOfFlv {
  readonly config: Mp4VideoTrackConfig | Mp4AudioTrackConfig;
  /** Ticks a second: those of {@link config}. */
  readonly timescale: number;
  /** Samples of each channel in an audio frame; undefined where they differ, and for video. */
  readonly frameSamples: number | undefined;
}

const OPUS_MAGIC_BYTES = 8;
const OPUS_HEAD_BYTES = 19;

/**
 * The MP4 track that a video tag begins.
 *
 * @param body The tag's body; borrowed by the configuration.
 * @returns undefined for a tag that is not a sequence header, and for a codec that MP4 can't hold.
 */
export function mp4VideoTrack(id: number, body: Uint8Array): Mp4TrackOfFlv | undefined {
  const header = parseVideoTagHeader(body);
  // The other form of a sequence header, that of MPEG-2 TS, has no place in MP4.
  if (header?.packetType !== 'sequence-header') return undefined;
  const { codec } = header;
  if (codec !== 'h264' && codec !== 'hevc' && codec !== 'av1') return undefined;
  const configuration = body.subarray(header.dataOffset);
  const timescale = MP4_MILLISECOND_TIMESCALE;
  return { config: { id, codec, configuration, timescale }, timescale, frameSamples: undefined };
}

/**
 * The MP4 track that an audio tag begins: a sequence header, or a frame of MP3.
 *
 * @param body The tag's body; borrowed by the configuration.
 * @returns undefined for a codec that MP4 can't hold, and for a frame of one that needs a sequence header first.
 * @throws MediaError when the header can't be read.
 */
export function mp4AudioTrack(id: number, body: Uint8Array): Mp4TrackOfFlv | undefined {
  const header = parseAudioTagHeader(body);
  if (header === undefined) return undefined;
  const isSequenceHeader = header.packetType === 'sequence-header';
  const data = body.subarray(header.dataOffset);
  switch (header.codec) {
    case 'aac': {
      if (!isSequenceHeader) return undefined;
      const { sampleRate, frameLength } = parseAudioSpecificConfig(data);
      const config = { id, codec: 'aac', configuration: data, timescale: sampleRate } as const;
      return { config, timescale: sampleRate, frameSamples: frameLength };
    }
    case 'mp3': {
      const frame = readMp3FrameHeader(data, 0);
      if (frame === undefined) return undefined;
      const { sampleRate, channels, samples } = frame;
      const config = { id, codec: 'mp3', sampleRate, channels, timescale: sampleRate } as const;
      return { config, timescale: sampleRate, frameSamples: samples };
    }
    case 'opus': {
      const configuration = isSequenceHeader ? opusSpecificBox(data) : undefined;
      if (configuration === undefined) return undefined;
      const config = { id, codec: 'opus', configuration } as const;
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
