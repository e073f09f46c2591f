import { bytesEqual } from '@sluice/media/bytes';
import { configurationPacket, FlvPacketReader, type FlvTagType } from '@sluice/media/flv';
import {
  type AudioTrack,
  type DecoderConfiguration,
  type KeptPacket,
  type Packet,
  parseDecoderConfiguration,
  type VideoTrack,
  withConfiguration,
} from '@sluice/media/model';

import { Timeline } from '../timing/index.ts';
import { type Unwrapped, unwrapAdts } from './adts-unwrapper.ts';
import { codecName } from './codec-names.ts';
import type { StreamHeaders } from './fan-out-format.ts';
import { IncomingMetadata } from './incoming-metadata.ts';
import { type IncomingTrack, IncomingTracks } from './incoming-track.ts';
import { FRAMES_WITHOUT_TRACK, MAX_TRACKS_PER_KIND, STOPPED_TRACK_MS } from './limits.ts';
import type { LiveSettings } from './live-settings.ts';
import { MediaFaults } from './media-faults.ts';
import { isRecoveryPoint } from './recovery-point.ts';
import { type AudioInfo, audioInfo, type VideoInfo, videoInfo } from './stream-info.ts';
import type { StreamMeter } from './stream-meter.ts';

/** Frames of a track one after the other with one and the same time, from which on that is a fault: a picture may come in parts. */
const MAX_EQUAL_TIMES = 100;
/** Codecs whose frames can't be decoded without a configuration. */
const NEEDS_CONFIGURATION: ReadonlySet<string> = new Set(['aac', 'h264', 'hevc', 'vvc', 'av1']);
/** Enhanced RTMP: the bit of a video tag, and the sound format of an audio tag. */
const EX_VIDEO_BIT = 0x80;
const EX_SOUND_FORMAT = 9;

/** Where packets go, and what is said of the messages that make none. */
export interface IntakeDelegate {
  /** The next packet of audio or video: media, or a configuration. */
  media(packet: Packet): void;
  /** Metadata, or another message. */
  data(packet: KeptPacket): void;
  /** Video of another configuration follows: what came before can't be begun with any more. */
  videoChanged(): void;
  /** What is wrong with the publisher's messages; said once per kind for each publisher. */
  warning(message: string): void;
}

/**
 * What a publisher's messages become: packets on the stream's own timeline. What has been learnt of the stream from
 * them (tracks, configurations, metadata) is kept here while somebody publishes.
 */
export class Intake {
  readonly #delegate: IntakeDelegate;
  readonly #meter: StreamMeter;
  readonly #timeline: Timeline;
  readonly #reader: FlvPacketReader;
  /** What is wrong with the publisher's messages. */
  readonly faults: MediaFaults;
  #settings: LiveSettings;
  readonly #metadata = new IncomingMetadata();
  readonly #tracks = new IncomingTracks();
  /** Time of the message whose packets are taken, ms. */
  #messageTime = 0;

  constructor(settings: LiveSettings, meter: StreamMeter, delegate: IntakeDelegate) {
    this.#settings = settings;
    this.#meter = meter;
    this.#delegate = delegate;
    const { parseSps } = settings.publish;
    this.#reader = new FlvPacketReader({ parseSps, maxTracks: MAX_TRACKS_PER_KIND });
    this.faults = new MediaFaults((message) => {
      delegate.warning(message);
    });
    this.#timeline = new Timeline({
      onCorrection: (byMs) => {
        meter.correction(byMs);
      },
    });
  }

  get video(): VideoInfo | undefined {
    const { video } = this.#tracks;
    return video === undefined ? undefined : videoInfo(video.track);
  }

  get audio(): AudioInfo | undefined {
    const { audio } = this.#tracks;
    return audio === undefined ? undefined : audioInfo(audio.track);
  }

  /** The stream has video. */
  get hasVideo(): boolean {
    return this.#tracks.video !== undefined;
  }

  /** The tracks met so far: the first ones of their kind before others. */
  get tracks(): readonly (VideoTrack | AudioTrack)[] {
    return this.#tracks.all.map(({ track }) => track);
  }

  /** The configurations that hold: audio before video, first tracks before others. */
  get configurations(): readonly KeptPacket[] {
    return this.#tracks.configurations;
  }

  /** What a player is told before its first packet. */
  get headers(): StreamHeaders {
    const { audioFrames, videoFrames } = this.#meter;
    const { announced, packet: metadata } = this.#metadata;
    const expectsAudio = announced.audio && videoFrames < FRAMES_WITHOUT_TRACK;
    const expectsVideo = announced.video && audioFrames < FRAMES_WITHOUT_TRACK;
    const { audio, video } = this.#tracks;
    const hasAudio = audio === undefined ? expectsAudio : !this.#tracks.hasStopped(audio);
    const hasVideo = video === undefined ? expectsVideo : !this.#tracks.hasStopped(video);
    return { metadata, configurations: this.configurations, hasAudio, hasVideo };
  }

  /** Players begin at zero rather than at the publisher's times. */
  get rebases(): boolean {
    return this.#settings.play.timeJitter !== 'off' && !this.#atc;
  }

  /**
   * The time offset, ms, of a player whose first packets begin at a time: so early that what a track behind on the wire
   * still has to send is not before it.
   */
  timeOffsetOf(earliest: number): number {
    if (!this.rebases) return 0;
    if (!this.correctsTime) return earliest;
    return Math.min(earliest, this.#timeline.earliestToCome);
  }

  /** Timestamps are made to grow steadily. */
  get correctsTime(): boolean {
    return this.#settings.play.timeJitter === 'full' && !this.#atc;
  }

  /** What is added to the publisher's times while they are corrected, ms. */
  get offset(): number {
    return this.#timeline.offset;
  }

  /** Goes on by other settings. */
  configure(settings: LiveSettings): void {
    this.#settings = settings;
    this.#reader.parseSps = settings.publish.parseSps;
  }

  /** A publisher begins. */
  begin(): void {
    this.#meter.restart();
    this.#metadata.announcesAtc = false;
    this.faults.reset();
    this.#timeline.restart();
  }

  /** The publisher has gone: what it said holds no longer. */
  forget(): void {
    this.#reader.reset();
    this.#metadata.clear();
    this.faults.reset();
    this.#tracks.clear();
  }

  /**
   * Takes the publisher's next message. An odd one is dropped with a warning, never an exception.
   *
   * @param timestamp - the publisher's, ms
   * @param body - used during the call only
   */
  write(type: FlvTagType, timestamp: number, body: Uint8Array): void {
    const packets = this.#reader.read(type, timestamp, body);
    const { problem } = this.#reader;
    if (problem !== undefined) this.#warn(problem);
    if (packets.length > 1) this.#takeParts(packets);
    else for (const packet of packets) this.#take(packet);
  }

  /** Takes the next packet of a publisher that does not speak FLV, on its own times. */
  writePacket(packet: Packet): void {
    const { track } = packet;
    const held = track.kind === 'data' ? undefined : this.#tracks.of(track)?.track;
    // Its frames may have brought another configuration than it says.
    const isHeld = held?.codec === track.codec && packet.type !== 'configuration';
    this.#take(isHeld ? packet.of(held) : packet);
  }

  /** What the parts bring themselves has to be told before the message. */
  #takeParts(parts: readonly Packet[]): void {
    for (const packet of parts) {
      const { track } = packet;
      const incoming = track.kind === 'data' ? undefined : this.#tracks.of(track);
      if (!packet.keyframe || incoming?.track.codec !== track.codec) continue;
      const timestamp = this.correctsTime
        ? this.#timeline.latestOf(track.kind === 'video')
        : packet.timestamp;
      this.#followParameterSets(incoming, packet.at(timestamp));
    }
    for (const packet of parts) this.#take(packet);
  }

  #take(packet: Packet): void {
    const { track, type } = packet;
    if (track.kind === 'data') {
      this.#writeData(packet);
      return;
    }
    const incoming = this.#tracks.of(track);
    if (incoming === undefined) {
      this.#warn('too-many-tracks');
      return;
    }
    if (type === 'configuration') {
      this.#writeConfiguration(incoming, packet);
      return;
    }
    const unwrapped = track.codec === 'aac' ? unwrapAdts(packet) : undefined;
    if (unwrapped === undefined) this.#writeTimed(incoming, packet);
    else this.#writeUnwrapped(incoming, packet, unwrapped);
  }

  /** AAC that came with ADTS headers; they say what a configuration would, if there was none. */
  #writeUnwrapped(incoming: IncomingTrack, packet: Packet, { record, packets }: Unwrapped): void {
    if (incoming.configuration === undefined) {
      this.#hold(incoming, packet, parseDecoderConfiguration('aac', record), packet.timestamp);
    }
    for (const unwrapped of packets) this.#writeTimed(incoming, unwrapped.of(incoming.track));
  }

  #writeTimed(incoming: IncomingTrack, packet: Packet): void {
    const { track, timestamp } = packet;
    const isVideo = track.kind === 'video';
    if (track.codec !== incoming.track.codec && track.codec !== 'unknown')
      this.#changeCodec(incoming, packet);
    if (track.codec !== 'unknown' && track.kind !== 'data') incoming.track = track;
    if (incoming.equalTimes.next(timestamp) >= MAX_EQUAL_TIMES) this.#warnOfTimes(incoming, timestamp);
    const time =
      packet.parts === 1 && track.primary ? this.#correct(isVideo, timestamp) : this.#timeOf(packet);
    let timed = packet.at(time);
    this.#resume(incoming, timed.timestamp);
    if (isVideo && packet.parts === 1 && track.primary && !packet.keyframe && isRecoveryPoint(packet)) {
      timed = timed.asKeyframe();
    }
    if (timed.keyframe) timed = this.#followParameterSets(incoming, timed);
    else if (isVideo) incoming.parameterSets.note(packet);
    if (incoming.configuration === undefined) this.#noteUnconfigured(incoming);
    if (packet.part === 0) this.#meter.frame(track.kind, timed.keyframe && track.primary, timed.timestamp);
    this.#delegate.media(timed);
  }

  /** A track that had stopped goes on: players that came meanwhile were not told of it. */
  #resume(incoming: IncomingTrack, timestamp: number): void {
    const { configuration, frames, latest } = incoming;
    const isNext = frames > 0 && (latest === undefined || timestamp - latest <= STOPPED_TRACK_MS);
    const hadStopped = !isNext && this.#tracks.hasStopped(incoming);
    incoming.frames += 1;
    // Times that are not corrected may be of clocks that have nothing to do with each other.
    incoming.latest = this.correctsTime ? timestamp : undefined;
    if (!hadStopped || configuration === undefined) return;
    incoming.configuration = configuration.at(timestamp);
    this.#delegate.media(incoming.configuration);
  }

  /** A time of one of the first tracks on the stream's timeline, ms. */
  #correct(isVideo: boolean, timestamp: number): number {
    if (this.correctsTime) return this.#timeline.correct(isVideo, timestamp);
    this.#timeline.follow(isVideo, timestamp);
    return timestamp;
  }

  /** Time of a packet on the stream's timeline, ms. All packets of a message have the same. */
  #timeOf({ part, timestamp, track }: Packet): number {
    if (part > 0) return this.#messageTime;
    if (track.primary) this.#messageTime = this.#correct(track.kind === 'video', timestamp);
    // Other tracks go by the clock of the first ones.
    else this.#messageTime = this.correctsTime ? Math.max(0, timestamp + this.#timeline.offset) : timestamp;
    return this.#messageTime;
  }

  /** A track goes on with another codec: the configuration of the one before holds no longer. */
  #changeCodec(incoming: IncomingTrack, packet: Packet): void {
    const { kind, primary } = incoming.track;
    if (incoming.configuration !== undefined) {
      incoming.configuration = undefined;
      incoming.parameterSets.forget();
      if (kind === 'video' && primary) this.#delegate.videoChanged();
    }
    // A codec that the track had before comes again.
    const { configuration } = packet.track;
    if (configuration === undefined) return;
    const timestamp = this.correctsTime ? this.#timeline.latestOf(kind === 'video') : packet.timestamp;
    if (kind === 'video') incoming.parameterSets.hold(configuration);
    this.#hold(incoming, packet, configuration, timestamp);
  }

  #noteUnconfigured({ name, track: { codec } }: IncomingTrack): void {
    if (!NEEDS_CONFIGURATION.has(codec)) return;
    this.faults.raise(`headerless-${name}`, 'missing-header', () => {
      const without = `${name} of codec ${codecName(codec)} came without its sequence header`;
      return `${without}: it can't be decoded until the publisher sends one`;
    });
  }

  #warnOfTimes({ name }: IncomingTrack, timestamp: number): void {
    this.faults.raise(`equal-times-${name}`, 'bad-times', () => {
      const same = `${MAX_EQUAL_TIMES} ${name} frames in turn have the timestamp ${timestamp}`;
      return `${same}: ${this.correctsTime ? 'the times of arrival are used' : 'players get them as they are'}`;
    });
  }

  get #atc(): boolean {
    const { atc, atcAuto } = this.#settings.play;
    return atc || (atcAuto && this.#metadata.announcesAtc);
  }

  #writeConfiguration(incoming: IncomingTrack, packet: Packet): void {
    const { track } = packet;
    const { configuration } = track;
    if (track.kind === 'data' || configuration === undefined) return;
    const isVideo = track.kind === 'video';
    if (isVideo && packet.part === 0) this.#meter.videoHeaders += 1;
    const known = incoming.configuration;
    const overruled = isVideo && incoming.parameterSets.overrules(configuration.record);
    // The reader goes by what the publisher said last.
    if (overruled && incoming.track.kind !== 'video') return;
    if (overruled) this.#reader.configure(incoming.track);
    const isSame =
      known?.track.codec === track.codec &&
      known.track.configuration !== undefined &&
      bytesEqual(known.track.configuration.record, configuration.record);
    const timestamp = this.correctsTime ? this.#timeline.latestOf(isVideo) : packet.timestamp;
    if (known !== undefined && (overruled || isSame)) {
      if (this.#settings.play.reduceSequenceHeader) return;
      incoming.configuration = known.at(timestamp);
      this.#delegate.media(incoming.configuration);
      return;
    }
    if (isVideo) incoming.parameterSets.hold(configuration);
    this.faults.clear(`headerless-${incoming.name}`);
    this.#hold(incoming, packet, configuration, timestamp);
  }

  /** A keyframe with other parameter sets than the configuration that holds gets a configuration of its own in front. */
  #followParameterSets(incoming: IncomingTrack, keyframe: Packet): Packet {
    let changed: DecoderConfiguration | undefined;
    try {
      changed = incoming.parameterSets.changeIn(keyframe, this.#settings.publish.parseSps);
    } catch (error) {
      this.#warn('bad-parameter-sets', error, 'ignored');
    }
    if (changed === undefined) return keyframe;
    this.#hold(incoming, keyframe, changed, keyframe.timestamp);
    return keyframe.of(incoming.track);
  }

  /**
   * A configuration holds from now on.
   *
   * @param packet - which it came with
   * @param timestamp - on the stream's timeline, ms
   */
  #hold(
    incoming: IncomingTrack,
    packet: Packet,
    configuration: DecoderConfiguration,
    timestamp: number,
  ): void {
    const { track } = packet;
    if (track.kind === 'data') return;
    const known = incoming.configuration;
    const isVideo = track.kind === 'video';
    const next = withConfiguration(track, configuration);
    // Nobody can begin with frames of another configuration than the one that is told first.
    if (isVideo && track.primary && known !== undefined) this.#delegate.videoChanged();
    const isOwnMessage = packet.type === 'configuration' && packet.parts === 1;
    const told = isOwnMessage
      ? packet.of(next).keep().at(timestamp)
      : configurationPacket(next, packet.at(timestamp).decodeTime, isEnhanced(packet));
    if (told === undefined) return;
    incoming.configuration = told;
    if (configuration.readable) {
      incoming.track = next;
      this.#reader.configure(next);
    }
    if (configuration.problem !== undefined) {
      const { problem } = configuration;
      this.faults.raise(`bad-${incoming.name}-sequence-header`, 'bad-media', () => {
        return `bad ${incoming.name} sequence header, message dropped: ${problem}`;
      });
    }
    this.#delegate.media(told);
  }

  #writeData(packet: Packet): void {
    // A data message doesn't move the timeline.
    const time = this.correctsTime ? this.#timeline.latest : packet.timestamp;
    let told: KeptPacket | undefined;
    try {
      told = this.#metadata.read(packet, this.#settings.metadata, time);
    } catch (error) {
      this.#warn('bad-data-message', error);
      return;
    }
    if (told === undefined) this.#warn('bad-data-message');
    else this.#delegate.data(told);
  }

  #warn(kind: string, error?: unknown, outcome = 'message dropped'): void {
    this.faults.raise(kind, 'bad-media', () => {
      const detail = error instanceof Error ? `: ${error.message}` : '';
      return `${kind.replaceAll('-', ' ')}, ${outcome}${detail}`;
    });
  }
}

/** Whether a packet came as a tag of Enhanced RTMP; undefined where it did not come as FLV. */
function isEnhanced({ body, flvHeader, track }: Packet): boolean | undefined {
  if (flvHeader !== undefined) return undefined;
  const first = body[0] ?? 0;
  return track.kind === 'video' ? (first & EX_VIDEO_BIT) !== 0 : first >> 4 === EX_SOUND_FORMAT;
}
