import { MediaError } from '../errors.ts';
import {
  type AudioTrack,
  createPacket,
  NAL_LENGTH_BYTES,
  type Packet,
  type Track,
  type TrackKind,
  type VideoTrack,
} from '../model/index.ts';
import { buildAudioTagHeader } from './audio.ts';
import { FlvTagType } from './tag.ts';
import { buildVideoTagHeader, VideoFrameType } from './video.ts';

/** What {@link mediaPacket} makes a packet of. */
export interface MediaPacketOptions {
  readonly track: VideoTrack | AudioTrack;
  /** Ticks of the track's timescale. */
  readonly decodeTime: number;
  /** Presentation time minus decode time, ticks. Default 0. */
  readonly compositionOffset?: number;
  /** A decoder can start here. Default false. */
  readonly keyframe?: boolean;
  /** In its codec's one form; kept by reference. */
  readonly payload: Uint8Array;
  /**
   * Nanoseconds, 0..999999, that are added to the presentation time. Default 0. They are the packet's only: the FLV
   * header does not say them, since few players read such a header.
   */
  readonly nanoseconds?: number;
}

/** Enhanced RTMP: the bit of a video header, and the sound format of an audio header. */
const EX_VIDEO = 0x80;
const EX_AUDIO = 0x90;
const MULTITRACK_VIDEO = 6;
const MULTITRACK_AUDIO = 5;
const MP3_FLV_RATES: ReadonlySet<number> = new Set([8000, 11025, 22050, 44100]);

/** The type of a tag, or RTMP message, of a track's packets. */
export function flvTagTypeOf(kind: TrackKind): FlvTagType {
  if (kind === 'video') return FlvTagType.video;
  return kind === 'audio' ? FlvTagType.audio : FlvTagType.script;
}

/**
 * Makes a packet of media that did not come as FLV. The few bytes that stand in front of the payload in FLV and RTMP
 * are made here, once; the payload is not copied.
 *
 * @param lent - whether the payload's memory is used again after the call that the packet is given to
 * @throws MediaError `unsupported` for a codec that FLV can't name, and for a composition time of one that has none there;
 * `bad-value` for a composition time beyond 24 bits of ms, for a sample rate or channels that the codec can't have in FLV,
 * and for a configuration that says NAL lengths of 1 or 2 bytes (see `recordWithLongLengths`).
 */
export function mediaPacket<Lent extends boolean>(options: MediaPacketOptions, lent: Lent): Packet<Lent> {
  const { track, payload, keyframe = false, compositionOffset = 0, decodeTime, nanoseconds } = options;
  const flvHeader =
    track.kind === 'video'
      ? videoHeader(track, keyframe, compositionTimeOf(track, decodeTime, compositionOffset))
      : audioHeader(track, 'raw');
  const lengthSize = track.configuration?.nalLengthSize ?? NAL_LENGTH_BYTES;
  if (lengthSize !== NAL_LENGTH_BYTES) {
    throw new MediaError('bad-value', `a configuration of ${lengthSize}-byte NAL lengths, payloads have 4`);
  }
  const times = { decodeTime, compositionOffset, ...(nanoseconds === undefined ? {} : { nanoseconds }) };
  return createPacket({ track, ...times, keyframe, body: payload, flvHeader }, lent);
}

/**
 * Makes the packet that tells players a track's configuration.
 *
 * @param decodeTime - ticks of the track's timescale
 * @param enhanced - write an Enhanced RTMP header. Default: only for codecs that have no id in the FLV specification,
 * and for tracks of another id than 0, which only a message of several tracks can say
 * @returns undefined for a track that has none
 * @throws MediaError `unsupported` for a codec that FLV can't name.
 */
export function configurationPacket(
  track: VideoTrack | AudioTrack,
  decodeTime: number,
  enhanced?: boolean,
): Packet<false> | undefined {
  const { configuration } = track;
  if (configuration === undefined) return undefined;
  const flvHeader =
    track.kind === 'video'
      ? videoConfigurationHeader(track, enhanced)
      : audioHeader(track, 'sequence-header', enhanced);
  const { record } = configuration;
  return createPacket({ track, type: 'configuration', decodeTime, body: record, flvHeader }, false).keep();
}

/**
 * Makes a message of its own of a packet that shares its message with other tracks, in the Enhanced RTMP form of such
 * messages. The payload is not copied.
 *
 * @returns undefined for what is not media, and for a codec that FLV can't name
 */
export function singleTrackPacket<Lent extends boolean>(packet: Packet<Lent>): Packet<Lent> | undefined {
  const { track, keyframe, compositionOffset, decodeTime, nanoseconds, sourceTimestamp } = packet;
  if (packet.type !== 'media' || track.kind === 'data' || track.codec === 'unknown') return undefined;
  // Messages with several tracks came as FLV: their times are ms.
  const flvHeader =
    track.kind === 'video'
      ? videoHeader(track, keyframe, compositionOffset, true)
      : audioHeader(track, 'raw', true);
  const times = { decodeTime, sourceTimestamp, compositionOffset, nanoseconds };
  return createPacket({ track, ...times, keyframe, body: packet.rawPayload, flvHeader }, packet.lent);
}

function videoHeader(
  track: VideoTrack,
  keyframe: boolean,
  compositionTime: number,
  enhanced?: boolean,
): Uint8Array {
  const frameType = keyframe ? VideoFrameType.key : VideoFrameType.inter;
  const { codec } = track;
  if (track.id === 0) return buildVideoTagHeader({ codec, frameType, compositionTime, ...form(enhanced) });
  return ofTrack(
    track,
    buildVideoTagHeader({ codec, frameType, compositionTime, enhanced: true }),
    EX_VIDEO | (frameType << 4) | MULTITRACK_VIDEO,
  );
}

function videoConfigurationHeader(track: VideoTrack, enhanced: boolean | undefined): Uint8Array {
  const options = {
    codec: track.codec,
    frameType: VideoFrameType.key,
    packetType: 'sequence-header',
  } as const;
  if (track.id === 0) return buildVideoTagHeader({ ...options, ...form(enhanced) });
  const header = buildVideoTagHeader({ ...options, enhanced: true });
  return ofTrack(track, header, EX_VIDEO | (VideoFrameType.key << 4) | MULTITRACK_VIDEO);
}

function audioHeader(
  track: AudioTrack,
  packetType: 'raw' | 'sequence-header',
  enhanced?: boolean,
): Uint8Array {
  const { codec } = track;
  const sound = codec === 'aac' ? {} : soundOf(track);
  if (track.id === 0) return buildAudioTagHeader({ codec, packetType, ...sound, ...form(enhanced) });
  const header = buildAudioTagHeader({ codec, packetType, enhanced: true });
  return ofTrack(track, header, EX_AUDIO | MULTITRACK_AUDIO);
}

function form(enhanced: boolean | undefined): { enhanced?: boolean } {
  return enhanced === undefined ? {} : { enhanced };
}

function soundOf({ codec, sampleRate, channels }: AudioTrack): { sampleRate?: number; channels?: number } {
  // MP3's frames say their rate themselves, which may be one that FLV can't say.
  const isUnsaid = sampleRate === undefined || (codec === 'mp3' && !MP3_FLV_RATES.has(sampleRate));
  return {
    ...(isUnsaid ? {} : { sampleRate }),
    ...(channels === undefined ? {} : { channels }),
  };
}

/** An enhanced header as that of a tag with one track (Enhanced RTMP v2, AvMultitrackType.OneTrack). */
function ofTrack({ id }: Track, enhanced: Uint8Array, first: number): Uint8Array {
  const result = new Uint8Array(enhanced.length + 2);
  result[0] = first;
  result[1] = (enhanced[0] ?? 0) & 0x0f; // AvMultitrackType 0, the packet type
  result.set(enhanced.subarray(1, 5), 2); // FourCC
  result[6] = id;
  result.set(enhanced.subarray(5), 7); // composition time
  return result;
}

/** FLV has the decode time and this in whole ms: the sum of both is the presentation time's nearest one. */
function compositionTimeOf({ timescale }: Track, decodeTime: number, offset: number): number {
  if (timescale === 1000) return offset;
  const millisecondsOf = (ticks: number): number => Math.round((ticks * 1000) / timescale);
  return millisecondsOf(decodeTime + offset) - millisecondsOf(decodeTime);
}
