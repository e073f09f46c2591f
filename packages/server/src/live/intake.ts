import { bytesEqual, copyBytes } from '@sluice/media/bytes';

import { Timeline } from '../timing/index.ts';
import { type Unwrapped, unwrapAdts } from './adts-unwrapper.ts';
import { codecName } from './codec-names.ts';
import type { StreamHeaders } from './fan-out-format.ts';
import { dataFrame, type Frame, FrameKind, mediaFrame } from './frame.ts';
import { PURE_AUDIO_FRAMES } from './gop-cache.ts';
import { InbandParameterSets } from './inband-parameter-sets.ts';
import { MAX_DATA_BYTES } from './limits.ts';
import type { LiveSettings } from './live-settings.ts';
import { MediaFaults } from './media-faults.ts';
import { announcesCodec, readDataMessage } from './metadata.ts';
import { type AudioFacts, audioFacts, type VideoFacts, videoFacts } from './stream-facts.ts';
import type { StreamMeter } from './stream-meter.ts';

/**
 * Frames of one track after which the other one, announced in the metadata, is taken for one that never comes: as many as
 * SRS waits for a picture.
 */
const FRAMES_WITHOUT_ANNOUNCED = PURE_AUDIO_FRAMES;
/** Frames of a track one after the other with one and the same time, from which on that is a fault: a picture may come in parts. */
const MAX_EQUAL_TIMES = 100;
/** Codecs whose frames can't be decoded without a sequence header. */
const NEEDS_HEADER: ReadonlySet<string> = new Set(['aac', 'h264', 'hevc', 'vvc', 'av1']);

/** Where frames go, and what is said of the messages that make none. */
export interface IntakeHome {
  /** The next audio or video frame, or sequence header. The body of media is the publisher's, and lent. */
  media(frame: Frame): void;
  /** Metadata, or another message; its body may be kept. */
  data(frame: Frame): void;
  /** Video of another configuration follows: what came before can't be begun with any more. */
  videoChanged(): void;
  /** What is wrong with the publisher's messages; said once per kind for each publisher. */
  warning(message: string): void;
}

/**
 * What a publisher's messages become: frames on the stream's own timeline. What has been learnt of the stream from
 * them (headers, codecs, pictures) is kept here while somebody publishes.
 */
export class Intake {
  readonly #home: IntakeHome;
  readonly #meter: StreamMeter;
  readonly #timeline: Timeline;
  readonly #inband = new InbandParameterSets();
  /** What is wrong with the publisher's messages. */
  readonly faults: MediaFaults;
  #settings: LiveSettings;
  #headers: Partial<Record<'metadata' | 'audio' | 'video', Frame | undefined>> = {};
  /** What the metadata announces. */
  #announced = { audio: false, video: false };
  /** The metadata says that the publisher's times are absolute. */
  #announcesAtc = false;
  #video: VideoFacts | undefined;
  #audio: AudioFacts | undefined;
  #audioTimes = new EqualTimes();
  #videoTimes = new EqualTimes();

  constructor(settings: LiveSettings, meter: StreamMeter, home: IntakeHome) {
    this.#settings = settings;
    this.#meter = meter;
    this.#home = home;
    this.faults = new MediaFaults((message) => {
      home.warning(message);
    });
    this.#timeline = new Timeline({
      onCorrection: (byMs) => {
        meter.correction(byMs);
      },
    });
  }

  get video(): VideoFacts | undefined {
    return this.#video;
  }

  get audio(): AudioFacts | undefined {
    return this.#audio;
  }

  /** What a player is told before its first frame. */
  get headers(): StreamHeaders {
    const { audioFrames, videoFrames } = this.#meter;
    const expectsAudio = this.#announced.audio && videoFrames < FRAMES_WITHOUT_ANNOUNCED;
    const expectsVideo = this.#announced.video && audioFrames < FRAMES_WITHOUT_ANNOUNCED;
    const hasAudio = this.#audio !== undefined || expectsAudio;
    const hasVideo = this.#video !== undefined || expectsVideo;
    return { ...this.#headers, hasAudio, hasVideo };
  }

  /** Players begin at zero rather than at the publisher's times. */
  get rebases(): boolean {
    return this.#settings.play.timeJitter !== 'off' && !this.#atc;
  }

  /**
   * The zero, ms, of a player whose first frames begin at a time: so early that what a track behind on the wire still
   * has to send is not before it.
   */
  zeroOf(earliest: number): number {
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
  }

  /** A publisher begins. */
  begin(): void {
    this.#meter.restart();
    this.#announcesAtc = false;
    this.faults.reset();
    this.#audioTimes = new EqualTimes();
    this.#videoTimes = new EqualTimes();
    this.#timeline.restart();
  }

  /** The publisher has gone: what it said holds no longer. */
  forget(): void {
    this.#headers = {};
    this.faults.reset();
    this.#inband.forget();
    this.#announced = { audio: false, video: false };
    this.#video = undefined;
    this.#audio = undefined;
  }

  /**
   * Takes the publisher's next message. An odd one is dropped with a warning, never an exception.
   *
   * @param timestamp - the publisher's, ms
   * @param body - used during the call only
   */
  write(kind: FrameKind, timestamp: number, body: Uint8Array): void {
    if (kind === FrameKind.data) {
      this.#writeData(timestamp, body);
      return;
    }
    const frame = mediaFrame(kind, timestamp, body);
    if (frame === undefined) {
      this.#warn(kind === FrameKind.video ? 'bad-video-header' : 'bad-audio-header');
      return;
    }
    if (frame.sequenceHeader) {
      this.#writeSequenceHeader(frame);
      return;
    }
    const unwrapped = frame.codec === 'aac' ? unwrapAdts(frame) : undefined;
    if (unwrapped === undefined) this.#writeCoded(frame);
    else this.#writeUnwrapped(unwrapped);
  }

  /** AAC that came with ADTS headers; they say what a sequence header would, if there was none. */
  #writeUnwrapped({ header, frames }: Unwrapped): void {
    if (this.#headers.audio === undefined) {
      const [first] = frames;
      if (first !== undefined) this.#writeSequenceHeader({ ...first, sequenceHeader: true, body: header });
    }
    for (const frame of frames) this.#writeCoded(frame);
  }

  #writeCoded(coded: Frame): void {
    let frame = coded;
    const { kind, timestamp } = frame;
    const isVideo = kind === FrameKind.video;
    if (isVideo) this.#noteVideo(frame);
    else if (this.#audio?.codec !== frame.codec) this.#noteAudio(frame);
    if ((isVideo ? this.#videoTimes : this.#audioTimes).next(timestamp) >= MAX_EQUAL_TIMES) {
      this.#warnOfTimes(isVideo, timestamp);
    }
    if (this.correctsTime) {
      const corrected = this.#timeline.correct(isVideo, timestamp);
      if (corrected !== timestamp) frame = { ...frame, timestamp: corrected };
    } else {
      this.#timeline.follow(isVideo, timestamp);
    }
    if (frame.keyframe) this.#followParameterSets(frame);
    else if (isVideo) this.#inband.note(frame);
    if (this.#headers[isVideo ? 'video' : 'audio'] === undefined) this.#noteHeaderless(frame);
    this.#meter.frame(kind, frame.keyframe, frame.timestamp);
    this.#home.media(frame);
  }

  /** Pictures without a sequence header say their size themselves, and may change it. */
  #noteVideo(frame: Frame): void {
    const { codec } = frame;
    if (codec === 'unknown') return;
    if (this.#video?.codec !== codec) {
      this.#forgetHeader('video', codec);
      this.#video = videoFacts(frame, this.#settings.publish.parseSps);
    } else if (frame.keyframe && this.#headers.video === undefined) {
      this.#video = videoFacts(frame, this.#settings.publish.parseSps);
    }
  }

  #noteAudio(frame: Frame): void {
    this.#forgetHeader('audio', frame.codec);
    this.#audio = audioFacts(frame);
  }

  /** A track goes on with another codec: the sequence header of the one before holds no longer. */
  #forgetHeader(slot: 'audio' | 'video', codec: Frame['codec']): void {
    const known = this.#headers[slot];
    if (known === undefined || known.codec === codec) return;
    this.#headers[slot] = undefined;
    if (slot === 'audio') return;
    this.#inband.forget();
    this.#home.videoChanged();
  }

  #noteHeaderless({ kind, codec }: Frame): void {
    if (!NEEDS_HEADER.has(codec)) return;
    const track = kind === FrameKind.video ? 'video' : 'audio';
    this.faults.raise(`headerless-${track}`, 'missing-header', () => {
      const without = `${track} of codec ${codecName(codec)} came without its sequence header`;
      return `${without}: it can't be decoded until the publisher sends one`;
    });
  }

  #warnOfTimes(isVideo: boolean, timestamp: number): void {
    const track = isVideo ? 'video' : 'audio';
    this.faults.raise(`equal-times-${track}`, 'bad-times', () => {
      const same = `${MAX_EQUAL_TIMES} ${track} frames in turn have the timestamp ${timestamp}`;
      return `${same}: ${this.correctsTime ? 'the times of arrival are used' : 'players get them as they are'}`;
    });
  }

  get #atc(): boolean {
    const { atc, atcAuto } = this.#settings.play;
    return atc || (atcAuto && this.#announcesAtc);
  }

  #writeSequenceHeader(header: Frame): void {
    const slot = header.kind === FrameKind.video ? 'video' : 'audio';
    if (slot === 'video') this.#meter.videoHeaders += 1;
    const known = this.#headers[slot];
    const overruled = slot === 'video' && this.#inband.overrules(header.body);
    const repeated = known !== undefined && (overruled || bytesEqual(known.body, header.body));
    if (repeated && this.#settings.play.reduceSequenceHeader) return;
    // The publisher's bytes are lent, and a header outlives them.
    const body = repeated ? known.body : copyBytes(header.body);
    const timestamp = this.correctsTime ? this.#timeline.latestOf(slot === 'video') : header.timestamp;
    const frame: Frame = { ...header, body, timestamp };
    if (slot === 'video' && !repeated) this.#inband.hold(frame);
    this.faults.clear(`headerless-${slot}`);
    this.#holdHeader(slot, frame, repeated);
  }

  /** A keyframe with other parameter sets than the sequence header that holds gets a sequence header of its own. */
  #followParameterSets(keyframe: Frame): void {
    let body;
    try {
      body = this.#inband.changeIn(keyframe);
    } catch (error) {
      this.#warn('bad-parameter-sets', error, 'ignored');
    }
    if (body === undefined) return;
    this.#holdHeader('video', { ...keyframe, keyframe: false, sequenceHeader: true, body }, false);
  }

  #holdHeader(slot: 'audio' | 'video', frame: Frame, repeated: boolean): void {
    const known = this.#headers[slot];
    this.#headers[slot] = frame;
    if (!repeated) {
      // Nobody can begin with frames of another configuration than the one that is told first.
      if (slot === 'video' && known !== undefined) this.#home.videoChanged();
      try {
        if (slot === 'video') this.#video = videoFacts(frame, this.#settings.publish.parseSps);
        else this.#audio = audioFacts(frame);
      } catch (error) {
        this.#warn(`bad-${slot}-sequence-header`, error);
      }
    }
    this.#home.media(frame);
  }

  #writeData(timestamp: number, body: Uint8Array): void {
    let message;
    try {
      message = readDataMessage(body, this.#settings.metadata);
    } catch (error) {
      this.#warn('bad-data-message', error);
      return;
    }
    if (message === undefined || message.body.length > MAX_DATA_BYTES) {
      this.#warn('bad-data-message');
      return;
    }
    // A data message doesn't move the timeline.
    const time = this.correctsTime ? this.#timeline.latest : timestamp;
    const frame = dataFrame(time, message.body, timestamp);
    if (message.metadata !== undefined) {
      this.#headers.metadata = frame;
      const { metadata } = message;
      this.#announced = {
        audio: announcesCodec(metadata.get('audiocodecid')),
        video: announcesCodec(metadata.get('videocodecid')),
      };
      const atc = metadata.get('bravo_atc');
      if (atc === 'true' || atc === true) this.#announcesAtc = true;
    }
    this.#home.data(frame);
  }

  #warn(kind: string, error?: unknown, outcome = 'message dropped'): void {
    this.faults.raise(kind, 'bad-media', () => {
      const detail = error instanceof Error ? `: ${error.message}` : '';
      return `${kind.replaceAll('-', ' ')}, ${outcome}${detail}`;
    });
  }
}

/** How often one time came in turn on a track. */
class EqualTimes {
  #latest = Number.NaN;
  #count = 0;

  next(timestamp: number): number {
    this.#count = timestamp === this.#latest ? this.#count + 1 : 1;
    this.#latest = timestamp;
    return this.#count;
  }
}
