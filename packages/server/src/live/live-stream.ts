import { bytesEqual, copyBytes } from '@sluice/media/bytes';

import type { PlayConfig, PublishConfig } from '../config/index.ts';
import { AudioCache } from './audio-cache.ts';
import { StreamBusyError } from './errors.ts';
import { FanOut } from './fan-out.ts';
import type { StreamHeaders } from './fan-out-format.ts';
import type { FanOutSettings } from './fan-out-home.ts';
import { dataFrame, type Frame, FrameKind, mediaFrame } from './frame.ts';
import type { FrameSink } from './frame-sink.ts';
import { GopCache } from './gop-cache.ts';
import { readDataMessage } from './metadata.ts';
import { MixQueue } from './mix-queue.ts';
import type { Player, PlayerOptions } from './player.ts';
import { type AudioFacts, audioFacts, type VideoFacts, videoFacts } from './stream-facts.ts';
import { Timeline } from './timeline.ts';

/** The longest body that RTMP and FLV can say; a data message that is written anew may grow past it. */
const MAX_BODY_BYTES = 0xffffff;

/** Name of a live stream: unique in a server. */
export interface StreamId {
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
}

/** What the engine takes from a vhost's configuration. */
export interface LiveSettings {
  readonly minLatency: boolean;
  readonly play: PlayConfig;
  readonly publish: Pick<PublishConfig, 'parseSps' | 'conflict'>;
  /** Properties added to `onMetaData`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** `fast_cache`: how much audio a new listener of an audio form gets at once, ms. */
  readonly fastCacheMs: number;
}

/** What a stream tells those who keep it. */
export interface LiveStreamHome {
  /** A publisher begins: sinks may be attached. */
  onPublish(stream: LiveStream): void;
  /** Nobody publishes or plays the stream any more. */
  onIdle(stream: LiveStream): void;
}

/** Why the engine ends a publisher: another one has taken the stream over, or a sink can't go on (L009). */
export type PublisherEnd = 'taken-over' | 'sink-failed';

/** Who publishes, as the engine sees it. */
export interface PublisherOptions {
  /** Session id of the connection. */
  readonly id: string;
  /** The publication was ended by the stream: close the connection. */
  onEnd(reason: PublisherEnd, detail?: string): void;
  /** Something odd in what is published, said once per kind. */
  onWarning(message: string): void;
}

/** A publisher's hold on its stream. */
export interface Publication {
  readonly id: string;
  /**
   * Takes one message. An odd one is dropped with a warning, never an exception.
   *
   * @param kind - FLV tag type: 8 audio, 9 video, 18 data (AMF0)
   * @param timestamp - the publisher's, ms
   * @param body - used during the call only: the engine copies what it keeps
   */
  write(kind: FrameKind, timestamp: number, body: Uint8Array): void;
  /** Say after each batch of messages: players of `min_latency` streams get theirs now. */
  flush(): void;
  /** Ends the publication. Harmless when it has ended already. */
  end(): void;
}

/** One live stream: at most one publisher, any number of players, in any output form. */
export class LiveStream {
  readonly id: StreamId;
  /** `vhost/app/stream`. */
  readonly key: string;
  #settings: LiveSettings;
  #fanOutSettings: FanOutSettings;
  readonly #home: LiveStreamHome;
  readonly #timeline = new Timeline();
  readonly #gop: GopCache;
  readonly #audioCache: AudioCache;
  #mix: MixQueue | undefined;
  readonly #fanOut: FanOut;
  readonly #warned = new Set<string>();
  #publisher: PublisherOptions | undefined;
  /** Never changed in place: a sink may be detached while the frame goes round. */
  #sinks: readonly FrameSink[] = [];
  #headers: Partial<Record<'metadata' | 'audio' | 'video', Frame>> = {};
  /** What the metadata announces. */
  #announced = { audio: false, video: false };
  /** The metadata says that the publisher's times are absolute. */
  #announcesAtc = false;
  #publishedAt = 0;
  #videoFrames = 0;
  #video: VideoFacts | undefined;
  #audio: AudioFacts | undefined;

  constructor(id: StreamId, settings: LiveSettings, home: LiveStreamHome) {
    // A session may stand behind the name that was given: only the name is kept.
    this.id = { vhost: id.vhost, app: id.app, stream: id.stream };
    this.key = streamKey(id);
    this.#settings = settings;
    this.#fanOutSettings = fanOutSettings(settings);
    this.#home = home;
    const { play } = settings;
    this.#gop = new GopCache(play.gopCache ? play.gopCacheMaxBytes : 0);
    this.#audioCache = new AudioCache(settings.fastCacheMs);
    this.#mix = play.mixCorrect ? new MixQueue() : undefined;
    this.#fanOut = new FanOut({
      settings: () => this.#fanOutSettings,
      gop: this.#gop,
      audioCache: this.#audioCache,
      headers: () => this.#streamHeaders(),
      hasVideo: () => this.#video !== undefined && !this.#gop.pureAudio,
      rebases: () => this.#rebases,
      onEmpty: () => {
        this.#checkIdle();
      },
    });
  }

  /** The publisher's session id; undefined while nobody publishes. */
  get publisherId(): string | undefined {
    return this.#publisher?.id;
  }

  /** Since when the stream is published, ms since the epoch; 0 while it isn't. */
  get publishedAt(): number {
    return this.#publisher === undefined ? 0 : this.#publishedAt;
  }

  get players(): number {
    return this.#fanOut.size;
  }

  /** Video messages taken from the present publisher. */
  get videoFrames(): number {
    return this.#videoFrames;
  }

  get video(): VideoFacts | undefined {
    return this.#video;
  }

  get audio(): AudioFacts | undefined {
    return this.#audio;
  }

  /** The sequence headers that hold now, for a form whose bytes depend on them; changes come among the frames. */
  get sequenceHeaders(): readonly Frame[] {
    return [this.#headers.audio, this.#headers.video].filter((header) => header !== undefined);
  }

  /** Bytes held for players that join and for players that are behind. */
  get heldBytes(): number {
    return this.#gop.bytes + this.#audioCache.bytes + this.#fanOut.bytes;
  }

  /**
   * Begins to publish.
   *
   * @throws StreamBusyError when somebody does already and the vhost says `conflict reject`
   */
  publish(publisher: PublisherOptions): Publication {
    const busy = this.#publisher;
    if (busy !== undefined) {
      if (this.#settings.publish.conflict === 'reject') throw new StreamBusyError(this.key);
      this.#unpublish(busy, true);
      busy.onEnd('taken-over');
    }
    this.#publisher = publisher;
    this.#publishedAt = Date.now();
    this.#videoFrames = 0;
    this.#announcesAtc = false;
    this.#warned.clear();
    this.#timeline.restart();
    this.#home.onPublish(this);
    return {
      id: publisher.id,
      write: (kind, timestamp, body) => {
        if (this.#publisher === publisher) this.#write(kind, timestamp, body);
      },
      flush: () => {
        if (this.#publisher === publisher) this.#fanOut.flushIfDue();
      },
      end: () => {
        this.#unpublish(publisher, false);
      },
    };
  }

  /**
   * Goes on with other settings, as a reload gives them; what they don't concern feels nothing. Players of a stream
   * whose times are counted otherwise from now on lose no frame, but see a step in time.
   */
  configure(settings: LiveSettings): void {
    if (settings === this.#settings) return;
    const before = { corrects: this.#correctsTime, rebases: this.#rebases };
    // What waits for its order was counted in the old way.
    if (this.#mix !== undefined) for (const frame of this.#mix.drain()) this.#accept(frame);
    this.#settings = settings;
    this.#fanOutSettings = fanOutSettings(settings);
    const { play, fastCacheMs } = settings;
    this.#mix = play.mixCorrect ? (this.#mix ?? new MixQueue()) : undefined;
    this.#audioCache.limit(fastCacheMs);
    const hadGop = this.#gop.size > 0;
    this.#gop.limit(play.gopCache ? play.gopCacheMaxBytes : 0);
    if (hadGop && this.#gop.size === 0) this.#fanOut.forgetGop();
    this.#fanOut.reconfigured();
    const stopsCorrecting = before.corrects && !this.#correctsTime;
    if (stopsCorrecting || (before.rebases && !this.#rebases)) {
      this.#moveZeros(stopsCorrecting ? this.#timeline.offset : 0);
    }
  }

  /** Adds a player. It gets its first bytes at once when there is something to start from. */
  play(options: PlayerOptions): Player {
    return this.#fanOut.play(options);
  }

  /**
   * Gives every frame from now on to a sink; one that is attached while somebody publishes gets the metadata and
   * the sequence headers first (L023). It is detached when the publisher goes.
   *
   * @returns detaches the sink; harmless when it is detached already
   */
  attach(sink: FrameSink): () => void {
    this.#sinks = [...this.#sinks, sink];
    const { metadata, audio, video } = this.#headers;
    for (const header of [metadata, audio, video]) if (header !== undefined) this.#writeTo(sink, header);
    return () => {
      this.#detach(sink);
    };
  }

  /** Ends the present publisher, because what has to be done with its stream can't be done (L009). */
  endPublisher(reason: PublisherEnd, detail: string): void {
    const publisher = this.#publisher;
    if (publisher === undefined) return;
    this.#unpublish(publisher, false);
    publisher.onEnd(reason, detail);
  }

  /** True when the caller may forget the stream. */
  get idle(): boolean {
    return this.#publisher === undefined && this.players === 0;
  }

  #write(kind: FrameKind, timestamp: number, body: Uint8Array): void {
    if (kind === FrameKind.data) {
      this.#writeData(timestamp, body);
      return;
    }
    let frame = mediaFrame(kind, timestamp, body);
    if (frame === undefined) {
      this.#warn(kind === FrameKind.video ? 'bad-video-header' : 'bad-audio-header');
      return;
    }
    if (kind === FrameKind.video) this.#videoFrames += 1;
    if (frame.sequenceHeader) {
      this.#writeSequenceHeader(frame);
      return;
    }
    if (kind === FrameKind.audio) this.#audio ??= audioFacts(frame);
    else if (frame.codec !== 'unknown') this.#video ??= videoFacts(frame, this.#settings.publish.parseSps);
    if (this.#correctsTime) {
      const corrected = this.#timeline.correct(kind, timestamp);
      if (corrected !== timestamp) frame = { ...frame, timestamp: corrected };
    } else {
      this.#timeline.follow(kind, timestamp);
    }
    this.#sort(frame);
  }

  #sort(frame: Frame): void {
    if (this.#mix === undefined) {
      this.#accept(frame);
      return;
    }
    const kept = frame.sequenceHeader ? frame : { ...frame, body: copyBytes(frame.body) };
    for (const mixed of this.#mix.push(kept)) this.#accept(mixed);
  }

  get #atc(): boolean {
    const { atc, atcAuto } = this.#settings.play;
    return atc || (atcAuto && this.#announcesAtc);
  }

  /** Players begin at zero rather than at the publisher's times. */
  get #rebases(): boolean {
    return this.#settings.play.timeJitter !== 'off' && !this.#atc;
  }

  get #correctsTime(): boolean {
    return this.#settings.play.timeJitter === 'full' && !this.#atc;
  }

  #writeSequenceHeader(header: Frame): void {
    const slot = header.kind === FrameKind.video ? 'video' : 'audio';
    const known = this.#headers[slot];
    const repeated = known !== undefined && bytesEqual(known.body, header.body);
    if (repeated && this.#settings.play.reduceSequenceHeader) return;
    // The publisher's bytes are lent, and a header outlives them.
    const body = repeated ? known.body : copyBytes(header.body);
    const timestamp = this.#correctsTime ? this.#timeline.latestOf(header.kind) : header.timestamp;
    const frame: Frame = { ...header, body, timestamp };
    this.#headers[slot] = frame;
    if (!repeated) {
      // Nobody can begin with frames of another configuration than the one that is told first.
      if (slot === 'video' && known !== undefined) this.#forgetGop();
      try {
        if (slot === 'video') this.#video = videoFacts(frame, this.#settings.publish.parseSps);
        else this.#audio = audioFacts(frame);
      } catch (error) {
        this.#warn(`bad-${slot}-sequence-header`, error);
      }
    }
    this.#sort(frame);
  }

  #writeData(timestamp: number, body: Uint8Array): void {
    let message;
    try {
      message = readDataMessage(body, this.#settings.metadata);
    } catch (error) {
      this.#warn('bad-data-message', error);
      return;
    }
    if (message === undefined || message.body.length > MAX_BODY_BYTES) {
      this.#warn('bad-data-message');
      return;
    }
    const frame = dataFrame(this.#now(timestamp), message.body, timestamp);
    if (message.metadata !== undefined) {
      this.#headers.metadata = frame;
      const { metadata } = message;
      this.#announced = { audio: metadata.has('audiocodecid'), video: metadata.has('videocodecid') };
      const atc = metadata.get('bravo_atc');
      if (atc === 'true' || atc === true) this.#announcesAtc = true;
    }
    this.#writeToSinks(frame);
    this.#fanOut.push(frame);
  }

  #streamHeaders(): StreamHeaders {
    const hasAudio = this.#audio !== undefined || this.#announced.audio;
    const hasVideo = this.#video !== undefined || this.#announced.video;
    return { ...this.#headers, hasAudio, hasVideo };
  }

  /** The time of a frame that doesn't move the timeline. */
  #now(timestamp: number): number {
    return this.#correctsTime ? this.#timeline.latest : timestamp;
  }

  #accept(frame: Frame): void {
    this.#writeToSinks(frame);
    if (frame.sequenceHeader) {
      this.#fanOut.push(frame);
      return;
    }
    const had = this.#gop.size > 0;
    const stored = this.#gop.push(frame);
    this.#audioCache.push(frame);
    if (had && this.#gop.size === 0) this.#fanOut.forgetGop();
    if (!this.#fanOut.wantsFrames) return;
    // The publisher's bytes are lent: players get the GOP cache's copy, or one of their own.
    const body = (stored ? this.#gop.lastBody : undefined) ?? copyBytes(frame.body);
    this.#fanOut.push({ ...frame, body });
  }

  /** Players go on by the publisher's times; those that keep a zero of their own see no step. */
  #moveZeros(offset: number): void {
    const rebases = this.#rebases;
    this.#fanOut.moveZeros((zero) => (rebases ? zero - offset : 0));
    this.#forgetGop();
    this.#audioCache.clear();
  }

  /** Players that join begin with the next keyframe. */
  #forgetGop(): void {
    this.#gop.clear();
    this.#fanOut.forgetGop();
  }

  /** @param handOver - another publisher follows at once: nobody is told that this one went */
  #unpublish(publisher: PublisherOptions, handOver: boolean): void {
    if (this.#publisher !== publisher) return;
    for (const frame of this.#mix?.drain() ?? []) this.#accept(frame);
    this.#fanOut.flushAll();
    this.#publisher = undefined;
    for (const sink of this.#sinks) this.#detach(sink);
    this.#forgetGop();
    this.#audioCache.clear();
    this.#headers = {};
    this.#announced = { audio: false, video: false };
    this.#video = undefined;
    this.#audio = undefined;
    // A stream that is taken over is not idle, though nobody has it for a moment.
    if (handOver) return;
    this.#fanOut.endWithPublisher();
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.idle) this.#home.onIdle(this);
  }

  #writeToSinks(frame: Frame): void {
    for (const sink of this.#sinks) this.#writeTo(sink, frame);
  }

  /** A sink that breaks is let go; the stream and its players go on. */
  #writeTo(sink: FrameSink, frame: Frame): void {
    try {
      sink.write(frame);
    } catch (error) {
      this.#publisher?.onWarning(`a sink failed and is detached: ${describe(error)}`);
      this.#detach(sink);
    }
  }

  #detach(sink: FrameSink): void {
    if (!this.#sinks.includes(sink)) return;
    this.#sinks = this.#sinks.filter((other) => other !== sink);
    try {
      sink.end();
    } catch (error) {
      this.#publisher?.onWarning(`a sink failed at its end: ${describe(error)}`);
    }
  }

  #warn(kind: string, error?: unknown): void {
    if (this.#warned.has(kind)) return;
    this.#warned.add(kind);
    const detail = error instanceof Error ? `: ${error.message}` : '';
    this.#publisher?.onWarning(`${kind.replaceAll('-', ' ')}, message dropped${detail}`);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** A stream's name as one string. */
export function streamKey(id: StreamId): string {
  return `${id.vhost}/${id.app}/${id.stream}`;
}

function fanOutSettings({ minLatency, play }: LiveSettings): FanOutSettings {
  const paced = play.sendMinIntervalMs > 0;
  const merged = minLatency ? 0 : play.mergedWriteLatencyMs;
  return {
    flushIntervalMs: paced ? play.sendMinIntervalMs : merged,
    onePerFlush: paced,
    queueLengthMs: play.queueLengthMs,
    queueMaxBytes: play.queueMaxBytes,
    gopMaxBytes: play.gopCache ? play.gopCacheMaxBytes : 0,
  };
}
