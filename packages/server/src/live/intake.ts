import type { AmfValue } from '@sluice/media/amf';
import { bytesEqual, copyBytes } from '@sluice/media/bytes';

import { Timeline } from '../timing/index.ts';
import { type Unwrapped, unwrapAdts } from './adts-unwrapper.ts';
import type { StreamHeaders } from './fan-out-format.ts';
import { dataFrame, type Frame, FrameKind, mediaFrame } from './frame.ts';
import { PURE_AUDIO_FRAMES } from './gop-cache.ts';
import { InbandParameterSets } from './inband-parameter-sets.ts';
import { MAX_DATA_BYTES } from './limits.ts';
import type { LiveSettings } from './live-settings.ts';
import { readDataMessage } from './metadata.ts';
import { type AudioFacts, audioFacts, type VideoFacts, videoFacts } from './stream-facts.ts';
import type { StreamMeter } from './stream-meter.ts';

/**
 * Frames of one track after which the other one, announced in the metadata, is taken for one that never comes: as many as
 * SRS waits for a picture.
 */
const FRAMES_WITHOUT_ANNOUNCED = PURE_AUDIO_FRAMES;

/** Where frames go, and what is said of the messages that make none. */
export interface IntakeHome {
  /** The next audio or video frame, or sequence header. The body of media is the publisher's, and lent. */
  media(frame: Frame): void;
  /** Metadata, or another message; its body may be kept. */
  data(frame: Frame): void;
  /** Video of another configuration follows: what came before can't be begun with any more. */
  videoChanged(): void;
  /** A message was odd and is dropped; said once per kind for each publisher. */
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
  readonly #warned = new Set<string>();
  #settings: LiveSettings;
  #headers: Partial<Record<'metadata' | 'audio' | 'video', Frame>> = {};
  /** What the metadata announces. */
  #announced = { audio: false, video: false };
  /** The metadata says that the publisher's times are absolute. */
  #announcesAtc = false;
  #video: VideoFacts | undefined;
  #audio: AudioFacts | undefined;

  constructor(settings: LiveSettings, meter: StreamMeter, home: IntakeHome) {
    this.#settings = settings;
    this.#meter = meter;
    this.#home = home;
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
    this.#warned.clear();
    this.#timeline.restart();
  }

  /** The publisher has gone: what it said holds no longer. */
  forget(): void {
    this.#headers = {};
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
    if (kind === FrameKind.audio) this.#audio ??= audioFacts(frame);
    else if (frame.codec !== 'unknown') this.#video ??= videoFacts(frame, this.#settings.publish.parseSps);
    if (this.correctsTime) {
      const corrected = this.#timeline.correct(kind === FrameKind.video, timestamp);
      if (corrected !== timestamp) frame = { ...frame, timestamp: corrected };
    } else {
      this.#timeline.follow(kind === FrameKind.video, timestamp);
    }
    if (frame.keyframe) this.#followParameterSets(frame);
    this.#meter.frame(kind, frame.keyframe, frame.timestamp);
    this.#home.media(frame);
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
        audio: namesCodec(metadata.get('audiocodecid')),
        video: namesCodec(metadata.get('videocodecid')),
      };
      const atc = metadata.get('bravo_atc');
      if (atc === 'true' || atc === true) this.#announcesAtc = true;
    }
    this.#home.data(frame);
  }

  #warn(kind: string, error?: unknown, outcome = 'message dropped'): void {
    if (this.#warned.has(kind)) return;
    this.#warned.add(kind);
    const detail = error instanceof Error ? `: ${error.message}` : '';
    this.#home.warning(`${kind.replaceAll('-', ' ')}, ${outcome}${detail}`);
  }
}

/** Relays of streams without a track write its codec as 0, an empty text or null. */
function namesCodec(value: AmfValue): boolean {
  return (
    (typeof value === 'number' && value > 0) || (typeof value === 'string' && value !== '' && value !== '0')
  );
}
