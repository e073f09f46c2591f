import { bytesEqual, copyBytes } from '../bytes/index.ts';
import {
  type AudioCodec,
  type AudioTrack,
  createAudioTrack,
  createDataTrack,
  createPacket,
  createVideoTrack,
  type DataTrack,
  type DecoderConfiguration,
  type DecoderConfigurationOptions,
  type LentPacket,
  Packet,
  type PacketType,
  parseDecoderConfiguration,
  type Track,
  unreadConfiguration,
  type VideoCodec,
  type VideoTrack,
  withConfiguration,
} from '../model/index.ts';
import { type AudioPacketType, type AudioTagHeader, parseAudioTagHeader } from './audio.ts';
import { MAX_TAG_TRACKS, type TagTracks } from './multitrack.ts';
import { flvPictureSize } from './picture-size.ts';
import { FlvTagType } from './tag.ts';
import { parseVideoTagHeader, VideoFrameType, type VideoPacketType, type VideoTagHeader } from './video.ts';

/** What a {@link FlvPacketReader} may be told. */
export interface FlvPacketReaderOptions extends DecoderConfigurationOptions {
  /** The most tracks of each kind; packets of more are left out. 1..256, default 16. */
  readonly maxTracks?: number;
}

/** Why a message made no packets, or not all of them. */
export type FlvPacketProblem =
  'bad-audio-header' | 'bad-video-header' | 'configuration-too-large' | 'too-many-tracks';

/** Where a packet's payload is in its message. */
interface Part<Codec> {
  readonly codec: Codec;
  readonly trackId: number;
  readonly compositionTime: number;
  readonly dataOffset: number;
  readonly dataEnd: number;
}

const DEFAULT_MAX_TRACKS = 16;
/**
 * The longest configuration that is kept. Those of encoders have a few hundred bytes; a message may have millions, and
 * each track keeps two.
 */
const MAX_CONFIGURATION_BYTES = 256 * 1024;
const NO_PACKETS: readonly LentPacket[] = [];

/** Video tags of H.264 as FLV 10.1 E.4.3.1 has them, frame type aside: CodecID 7, AVCPacketType 1 behind it. */
const AVC_MASK = 0x8f;
const AVC_CODEC = 0x07;
const AVC_NALU = 1;
const AVC_HEADER_BYTES = 5;
/** Audio tags of AAC as FLV 10.1 E.4.2.1 has them: SoundFormat 10, AACPacketType 1 behind it. */
const AAC_SOUND_FORMAT = 10;
const AAC_RAW = 1;
const AAC_HEADER_BYTES = 2;

/**
 * Makes packets of FLV tags, or RTMP messages, legacy or Enhanced RTMP with any number of tracks. It remembers which
 * tracks there are and what configuration each of them has.
 */
export class FlvPacketReader {
  readonly #maxTracks: number;
  #parseSps: boolean;
  readonly #video = new Map<number, VideoTrack>();
  readonly #audio = new Map<number, AudioTrack>();
  /** Those with the id 0, which nearly all tags are of. */
  #video0: VideoTrack | undefined;
  #audio0: AudioTrack | undefined;
  /** The latest configured track of another codec of each track, by kind and id: its frames may come again. */
  readonly #former = new Map<string, VideoTrack | AudioTrack>();
  readonly #data: DataTrack = createDataTrack();
  #problem: FlvPacketProblem | undefined;
  /** What {@link read} returns for one packet. */
  readonly #one: [LentPacket] = [
    createPacket({ track: this.#data, decodeTime: 0, body: new Uint8Array(0) }, true),
  ];

  constructor(options: FlvPacketReaderOptions = {}) {
    this.#maxTracks = options.maxTracks ?? DEFAULT_MAX_TRACKS;
    this.#parseSps = options.parseSps ?? true;
  }

  /** Why the last message made no packets, or not all; undefined when it made them all. */
  get problem(): FlvPacketProblem | undefined {
    return this.#problem;
  }

  /** The tracks met so far, as they are now: those of video first, the first of each kind being its primary one. */
  get tracks(): readonly (VideoTrack | AudioTrack)[] {
    return [...this.#video.values(), ...this.#audio.values()];
  }

  /** Whether later configurations have their SPS read. */
  set parseSps(parseSps: boolean) {
    this.#parseSps = parseSps;
  }

  /** Packets of this track are decoded by another configuration from now on: one that the frames brought themselves. */
  configure(track: VideoTrack | AudioTrack): void {
    if (track.kind === 'video') this.#setVideo(track);
    else this.#setAudio(track);
  }

  /** Forgets all tracks. */
  reset(): void {
    this.#video.clear();
    this.#audio.clear();
    this.#video0 = undefined;
    this.#audio0 = undefined;
    this.#former.clear();
    this.#problem = undefined;
  }

  /**
   * Reads one tag.
   *
   * @param timestamp - ms
   * @param body - the packets' bytes are views of it
   * @returns one packet, more for a tag of several tracks, and none when {@link problem} says why; the list is that of
   * the reader, until the next call
   */
  read(type: FlvTagType, timestamp: number, body: Uint8Array): readonly LentPacket[] {
    this.#problem = undefined;
    switch (type) {
      case FlvTagType.video:
        return this.#readVideo(timestamp, body);
      case FlvTagType.audio:
        return this.#readAudio(timestamp, body);
      case FlvTagType.script:
        return this.#listOf(
          createPacket({ track: this.#data, type: 'data', decodeTime: timestamp, body }, true),
        );
    }
  }

  #listOf(packet: LentPacket): readonly LentPacket[] {
    this.#one[0] = packet;
    return this.#one;
  }

  #readVideo(timestamp: number, body: Uint8Array): readonly LentPacket[] {
    // Nearly all tags are these, so they have a way of their own.
    const first = body[0] ?? 0;
    if ((first & AVC_MASK) === AVC_CODEC && body[1] === AVC_NALU && body.length >= AVC_HEADER_BYTES) {
      const track = this.#video0;
      const frameType = first >> 4;
      if (track?.codec === 'h264' && frameType >= VideoFrameType.key && frameType < VideoFrameType.command) {
        return this.#listOf(avcPacket(track, frameType, timestamp, body));
      }
    }
    const header = parseVideoTagHeader(body);
    if (header === undefined || !isValid(header)) {
      this.#problem = 'bad-video-header';
      return NO_PACKETS;
    }
    if (header.multitrack === undefined) {
      const packet = this.#videoPacket(header, partOf(header, body, header.compositionTime), timestamp, body);
      return packet === undefined ? NO_PACKETS : this.#listOf(packet);
    }
    const packets: LentPacket[] = [];
    const { tracks } = header.multitrack;
    for (const part of tracks) {
      const packet = this.#videoPacket(header, part, timestamp, body, packets.length, tracks.length);
      if (packet !== undefined) packets.push(packet);
    }
    this.#checkComplete(header.multitrack, 'bad-video-header');
    return packets;
  }

  #videoPacket(
    header: VideoTagHeader,
    part: Part<VideoCodec>,
    timestamp: number,
    body: Uint8Array,
    index = 0,
    parts = 1,
  ): LentPacket | undefined {
    const packetType = header.multitrack?.packetType ?? header.packetType;
    const type = videoPacketType(packetType);
    const { codec, trackId, compositionTime, dataOffset, dataEnd } = part;
    if (this.#isTooLarge(type, dataEnd - dataOffset)) return undefined;
    let track = this.#video.get(trackId);
    if (packetType === 'command') {
      // It goes along with what there is, and says nothing of a track: that of Enhanced RTMP names no codec.
      const [primary] = this.#video.values();
      track ??= primary ?? createVideoTrack(codec, { id: trackId });
    } else if (codec === 'unknown') {
      this.#problem = 'bad-video-header';
      return undefined;
    } else if (track?.codec !== codec) {
      if (track === undefined && this.#isFull(this.#video)) return undefined;
      const primary = track?.primary ?? this.#video.size === 0;
      track = this.#formerTrack(track, codec) ?? createVideoTrack(codec, { id: trackId, primary });
      this.#setVideo(track);
    }
    if (type === 'configuration') {
      const isRecord = packetType === 'sequence-header';
      const before = track;
      track = this.#configured(track, body.subarray(dataOffset, dataEnd), isRecord);
      if (replaces(track, before)) this.#setVideo(track);
    } else if (header.keyframe && track.configuration?.width === undefined) {
      track = this.#sized(track, body.subarray(dataOffset, dataEnd));
    }
    return createPacket(
      {
        track,
        type,
        decodeTime: timestamp,
        compositionOffset: compositionTime,
        keyframe: header.keyframe,
        body,
        payloadStart: dataOffset,
        payloadEnd: dataEnd,
        part: index,
        parts,
        nanoseconds: header.nanoseconds,
      },
      true,
    );
  }

  /** Pictures without a configuration may say their size themselves. */
  #sized(track: VideoTrack, picture: Uint8Array): VideoTrack {
    const size = flvPictureSize(track.codec, picture);
    if (size === undefined || (size.width === track.width && size.height === track.height)) return track;
    const sized = { ...track, ...size };
    this.#setVideo(sized);
    return sized;
  }

  #readAudio(timestamp: number, body: Uint8Array): readonly LentPacket[] {
    if ((body[0] ?? 0) >> 4 === AAC_SOUND_FORMAT && body[1] === AAC_RAW) {
      const track = this.#audio0;
      if (track?.codec === 'aac') return this.#listOf(aacPacket(track, timestamp, body));
    }
    const header = parseAudioTagHeader(body);
    if (header === undefined) {
      this.#problem = 'bad-audio-header';
      return NO_PACKETS;
    }
    if (header.multitrack === undefined) {
      const packet = this.#audioPacket(header, partOf(header, body, 0), timestamp, body);
      return packet === undefined ? NO_PACKETS : this.#listOf(packet);
    }
    const packets: LentPacket[] = [];
    const { tracks } = header.multitrack;
    for (const part of tracks) {
      const packet = this.#audioPacket(header, part, timestamp, body, packets.length, tracks.length);
      if (packet !== undefined) packets.push(packet);
    }
    this.#checkComplete(header.multitrack, 'bad-audio-header');
    return packets;
  }

  #audioPacket(
    header: AudioTagHeader,
    part: Part<AudioCodec>,
    timestamp: number,
    body: Uint8Array,
    index = 0,
    parts = 1,
  ): LentPacket | undefined {
    const type = audioPacketType(header.multitrack?.packetType ?? header.packetType);
    const { codec, trackId, dataOffset, dataEnd } = part;
    if (this.#isTooLarge(type, dataEnd - dataOffset)) return undefined;
    // AAC's rate and channels are in its configuration, whatever the tag's header says.
    const sampleRate = codec === 'aac' ? undefined : header.sampleRate;
    const channels = codec === 'aac' ? undefined : header.channels;
    let track = this.#audio.get(trackId);
    if (track?.codec !== codec) {
      if (track === undefined && this.#isFull(this.#audio)) return undefined;
      const primary = track?.primary ?? this.#audio.size === 0;
      track =
        this.#formerTrack(track, codec) ??
        createAudioTrack(codec, { id: trackId, primary, sampleRate, channels });
      this.#setAudio(track);
    } else if (
      sampleRate !== undefined &&
      (track.sampleRate !== sampleRate || track.channels !== channels) &&
      track.configuration?.sampleRate === undefined
    ) {
      track = { ...track, sampleRate, channels };
      this.#setAudio(track);
    }
    if (type === 'configuration') {
      const before = track;
      track = this.#configured(track, body.subarray(dataOffset, dataEnd), true);
      if (replaces(track, before)) this.#setAudio(track);
    }
    return createPacket(
      {
        track,
        type,
        decodeTime: timestamp,
        body,
        payloadStart: dataOffset,
        payloadEnd: dataEnd,
        part: index,
        parts,
        nanoseconds: header.nanoseconds,
      },
      true,
    );
  }

  /** A track goes on with another codec: what it was when it last had that one, if that is known. */
  #formerTrack<T extends VideoTrack | AudioTrack>(track: T | undefined, codec: T['codec']): T | undefined {
    if (track === undefined) return undefined;
    const key = `${track.kind} ${track.id}`;
    const former = this.#former.get(key);
    if (track.configuration !== undefined) this.#former.set(key, track);
    return former?.codec === codec ? (former as T) : undefined;
  }

  /** The track with a configuration, of which the bytes are lent. One that says the same again changes nothing. */
  #configured<T extends VideoTrack | AudioTrack>(track: T, record: Uint8Array, isRecord: boolean): T {
    const { codec, configuration } = track;
    if (configuration !== undefined && bytesEqual(configuration.record, record)) return track;
    const copy = copyBytes(record);
    const read: DecoderConfiguration = isRecord
      ? parseDecoderConfiguration(codec, copy, { parseSps: this.#parseSps })
      : unreadConfiguration(codec, copy);
    return withConfiguration(track, read);
  }

  #setVideo(track: VideoTrack): void {
    this.#video.set(track.id, track);
    if (track.id === 0) this.#video0 = track;
  }

  #setAudio(track: AudioTrack): void {
    this.#audio.set(track.id, track);
    if (track.id === 0) this.#audio0 = track;
  }

  #isTooLarge(type: PacketType, bytes: number): boolean {
    if (type !== 'configuration' || bytes <= MAX_CONFIGURATION_BYTES) return false;
    this.#problem = 'configuration-too-large';
    return true;
  }

  #checkComplete({ complete, tracks }: TagTracks<unknown, unknown>, damage: FlvPacketProblem): void {
    if (!complete) this.#problem ??= tracks.length < MAX_TAG_TRACKS ? damage : 'too-many-tracks';
  }

  #isFull(tracks: ReadonlyMap<number, Track>): boolean {
    if (tracks.size < this.#maxTracks) return false;
    this.#problem = 'too-many-tracks';
    return true;
  }
}

/** Whether the packets that follow are decoded by a configuration; one that can't be read changes nothing. */
function replaces({ configuration }: Track, before: Track): boolean {
  return configuration?.readable === true || before.configuration === undefined;
}

function avcPacket(track: VideoTrack, frameType: number, decodeTime: number, body: Uint8Array): LentPacket {
  const isKey = frameType === VideoFrameType.key || frameType === VideoFrameType.generatedKey;
  // CompositionTime: SI24
  const high = (body[2] ?? 0) << 24;
  const compositionTime = (high | ((body[3] ?? 0) << 16) | ((body[4] ?? 0) << 8)) >> 8;
  const start = AVC_HEADER_BYTES;
  const { length } = body;
  return new Packet(
    true,
    track,
    'media',
    isKey,
    decodeTime,
    decodeTime,
    compositionTime,
    body,
    start,
    length,
    undefined,
  );
}

function aacPacket(track: AudioTrack, decodeTime: number, body: Uint8Array): LentPacket {
  const start = AAC_HEADER_BYTES;
  const { length } = body;
  return new Packet(true, track, 'media', false, decodeTime, decodeTime, 0, body, start, length, undefined);
}

/** A tag of one track as the one part of it. */
function partOf<Codec>(
  { codec, dataOffset }: { readonly codec: Codec; readonly dataOffset: number },
  body: Uint8Array,
  compositionTime: number,
): Part<Codec> {
  return { codec, trackId: 0, compositionTime, dataOffset, dataEnd: body.length };
}

/** Whether the header names a frame type and a codec that exist (FLV 10.1 E.4.3.1); tracks name their own codecs. */
function isValid({ codec, enhanced, frameType, multitrack, packetType }: VideoTagHeader): boolean {
  if (frameType < VideoFrameType.key || frameType > VideoFrameType.command) return false;
  return codec !== 'unknown' || multitrack !== undefined || (enhanced && packetType === 'command');
}

function videoPacketType(packetType: VideoPacketType): PacketType {
  if (packetType === 'coded-frames') return 'media';
  return packetType === 'sequence-header' || packetType === 'mpeg2ts-sequence-header'
    ? 'configuration'
    : 'control';
}

function audioPacketType(packetType: AudioPacketType): PacketType {
  if (packetType === 'raw') return 'media';
  return packetType === 'sequence-header' ? 'configuration' : 'control';
}
