import { parseAudioSpecificConfig } from '../aac/index.ts';
import { copyBytes } from '../bytes/index.ts';
import { type Packet, recordWithLongLengths, type VideoTrack } from '../model/index.ts';
import { readMp3FrameHeader } from '../mp3/index.ts';
import {
  MP4_MILLISECOND_TIMESCALE,
  MP4_OPUS_TIMESCALE,
  type Mp4AudioTrackConfig,
  type Mp4VideoTrackConfig,
} from '../mp4/index.ts';

/** The track of an MP4 file that a track of a stream becomes. */
export interface Mp4StreamTrack {
  readonly config: Mp4VideoTrackConfig | Mp4AudioTrackConfig;
  /** Ticks a second: those of {@link config}. */
  readonly timescale: number;
  /** Samples of each channel in an audio frame; undefined where they differ, and for video. */
  readonly frameSamples: number | undefined;
}

const OPUS_MAGIC_BYTES = 8;

/**
 * The MP4 track that a packet begins: one of a track whose configuration is known, or a frame of MP3.
 *
 * @param id - the track's number in the file
 * @returns undefined for a codec that MP4 can't hold, for a track whose configuration is not known yet or can't be read,
 * and for data
 */
export function mp4TrackOf(id: number, packet: Packet): Mp4StreamTrack | undefined {
  const { track } = packet;
  if (track.kind === 'data') return undefined;
  if (track.kind === 'video') return videoTrack(id, track);
  const { configuration } = track;
  if (track.codec === 'mp3') return packet.type === 'media' ? mp3Track(id, packet.payload) : undefined;
  if (configuration?.readable !== true) return undefined;
  switch (track.codec) {
    case 'aac': {
      const { sampleRate, frameLength } = parseAudioSpecificConfig(configuration.record);
      const config = {
        id,
        codec: 'aac',
        configuration: configuration.record,
        timescale: sampleRate,
      } as const;
      return { config, timescale: sampleRate, frameSamples: frameLength };
    }
    case 'opus': {
      const config = { id, codec: 'opus', configuration: opusSpecificBox(configuration.record) } as const;
      return { config, timescale: MP4_OPUS_TIMESCALE, frameSamples: undefined };
    }
    default:
      return undefined;
  }
}

function videoTrack(id: number, { codec, configuration }: VideoTrack): Mp4StreamTrack | undefined {
  if (codec !== 'h264' && codec !== 'hevc' && codec !== 'av1') return undefined;
  if (configuration?.readable !== true) return undefined;
  const timescale = MP4_MILLISECOND_TIMESCALE;
  const config = { id, codec, configuration: recordWithLongLengths(configuration), timescale };
  return { config, timescale, frameSamples: undefined };
}

function mp3Track(id: number, frame: Uint8Array): Mp4StreamTrack | undefined {
  const header = readMp3FrameHeader(frame, 0);
  if (header === undefined) return undefined;
  const { sampleRate, channels, samples } = header;
  const config = { id, codec: 'mp3', sampleRate, channels, timescale: sampleRate } as const;
  return { config, timescale: sampleRate, frameSamples: samples };
}

/**
 * The fields of `dOps` (Opus in ISOBMFF clause 4.3.2) of an OpusHead (RFC 7845 clause 5.1): the same ones, without the
 * magic, of version 0, and with numbers the other way round.
 */
function opusSpecificBox(head: Uint8Array): Uint8Array {
  const fields = copyBytes(head.subarray(OPUS_MAGIC_BYTES));
  const view = new DataView(fields.buffer);
  view.setUint8(0, 0); // Version
  view.setUint16(2, view.getUint16(2, true)); // PreSkip
  view.setUint32(4, view.getUint32(4, true)); // InputSampleRate
  view.setInt16(8, view.getInt16(8, true)); // OutputGain
  return fields;
}
