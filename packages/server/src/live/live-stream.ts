import type { AudioTrack, KeptPacket, Packet, VideoTrack } from '@sluice/media/model';

import { AudioCache } from './audio-cache.ts';
import { StreamBusyError } from './errors.ts';
import { FanOut } from './fan-out.ts';
import { type MediaFault, MediaFaults } from './media-faults.ts';
import { GopCache } from './gop-cache.ts';
import { Intake } from './intake.ts';
import { type FanOutSettings, fanOutSettings, type LiveSettings } from './live-settings.ts';
import { MixQueue } from './mix-queue.ts';
import type { PacketSubscriber } from './packet-subscriber.ts';
import { isTimed } from './packet-roles.ts';
import type { Player, PlayerOptions } from './player.ts';
import type { Publication, PublisherEnd, PublisherOptions } from './publication.ts';
import { type StreamId, streamKey } from './stream-id.ts';
import type { AudioInfo, VideoInfo } from './stream-info.ts';
import { type LiveTotals, StreamMeter } from './stream-meter.ts';
import { SubscriberList } from './subscriber-list.ts';

/** What a stream tells those who keep it. */
export interface LiveStreamHome {
  /** What all streams have counted. */
  readonly totals: LiveTotals;
  /** A publisher begins: sinks may be attached. */
  onPublish(stream: LiveStream): void;
  /** Nobody publishes or plays the stream any more. */
  onIdle(stream: LiveStream): void;
}

/** One live stream: at most one publisher, any number of players, in any output form. */
export class LiveStream {
  readonly id: StreamId;
  /** `vhost/app/stream`. */
  readonly key: string;
  /** What has been counted, of the present publisher and of the flushes to players. */
  readonly meter: StreamMeter;
  /** What is wrong with the stream as MPEG-TS over HTTP; noted by those who make it. */
  readonly tsFaults: MediaFaults;
  #settings: LiveSettings;
  #fanOutSettings: FanOutSettings;
  readonly #home: LiveStreamHome;
  readonly #intake: Intake;
  readonly #gop: GopCache;
  readonly #audioCache: AudioCache;
  #mix: MixQueue | undefined;
  readonly #subscribers: SubscriberList;
  readonly #fanOut: FanOut;
  #publisher: PublisherOptions | undefined;
  /** The message with several tracks that was copied last. */
  #message: { readonly body: Uint8Array; readonly kept: Uint8Array } | undefined;
  #publishedAt = 0;
  /** Since when nobody publishes, ms of the monotonic clock. */
  #unpublishedAt = performance.now();
  #sourceId: string | undefined;

  constructor(id: StreamId, settings: LiveSettings, home: LiveStreamHome) {
    // A session may stand behind the name that was given: only the name is kept.
    this.id = { vhost: id.vhost, app: id.app, stream: id.stream };
    this.key = streamKey(id);
    this.#settings = settings;
    this.#fanOutSettings = fanOutSettings(settings);
    this.#home = home;
    this.meter = new StreamMeter(home.totals);
    this.tsFaults = new MediaFaults((message) => this.#publisher?.onWarning(message));
    this.#intake = new Intake(settings, this.meter, {
      media: (packet) => {
        this.#sort(packet);
      },
      data: (packet) => {
        this.#subscribers.write(packet);
        this.#fanOut.push(packet);
      },
      videoChanged: () => {
        this.#forgetGop();
      },
      warning: (message) => {
        this.#publisher?.onWarning(message);
      },
    });
    const { play } = settings;
    this.#gop = new GopCache(play.gopCache ? play.gopCacheMaxBytes : 0, play.gopCacheMaxFrames);
    this.#audioCache = new AudioCache(settings.fastCacheMs);
    this.#mix = play.mixCorrect ? new MixQueue() : undefined;
    this.#subscribers = new SubscriberList((message) => this.#publisher?.onWarning(message));
    this.#fanOut = new FanOut({
      settings: () => this.#fanOutSettings,
      gop: this.#gop,
      audioCache: this.#audioCache,
      headers: () => this.#intake.headers,
      hasVideo: () => this.#intake.hasVideo && !this.#gop.pureAudio,
      rebases: () => this.#intake.rebases,
      zeroOf: (earliest) => this.#intake.timeOffsetOf(earliest),
      flushed: (ms) => {
        this.meter.flush(ms);
      },
      onEmpty: () => {
        this.#checkIdle();
      },
    });
  }

  /** The publisher's session id; undefined while nobody publishes. */
  get publisherId(): string | undefined {
    return this.#publisher?.id;
  }

  /** The session id of the present publisher, or else of the last one: whose frames players have. */
  get sourceId(): string | undefined {
    return this.#sourceId;
  }

  /** Since when the stream is published, ms of the monotonic clock; 0 while it isn't. */
  get publishedAt(): number {
    return this.#publisher === undefined ? 0 : this.#publishedAt;
  }

  get players(): number {
    return this.#fanOut.size;
  }

  /** Video messages taken from the present publisher: frames and, as SRS counts them, sequence headers. */
  get videoFrames(): number {
    return this.meter.videoFrames + this.meter.videoHeaders;
  }

  get video(): VideoInfo | undefined {
    return this.#intake.video;
  }

  get audio(): AudioInfo | undefined {
    return this.#intake.audio;
  }

  /** What is wrong with what is published: as it comes in, and as MPEG-TS over HTTP. */
  get mediaFaults(): readonly (MediaFault & { readonly sink: 'input' | 'ts' })[] {
    return [
      ...this.#intake.faults.current.map((fault) => ({ ...fault, sink: 'input' as const })),
      ...this.tsFaults.current.map((fault) => ({ ...fault, sink: 'ts' as const })),
    ];
  }

  /** The tracks of the present publisher, as they are now: audio before video, the first ones of their kind before others. */
  get tracks(): readonly (VideoTrack | AudioTrack)[] {
    return this.#intake.tracks;
  }

  /** The configurations that hold now, for a form whose bytes depend on them; changes come among the packets. */
  get configurations(): readonly KeptPacket[] {
    return this.#intake.configurations;
  }

  /** Bytes held for players that join and for players that are behind. */
  get heldBytes(): number {
    return this.#gop.bytes + this.#audioCache.bytes + this.#fanOut.bytes;
  }

  /** True when the caller may forget the stream. */
  get idle(): boolean {
    return this.#publisher === undefined && this.players === 0;
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
    this.#sourceId = publisher.id;
    this.#publishedAt = performance.now();
    this.#intake.begin();
    this.tsFaults.reset();
    this.#home.onPublish(this);
    return {
      id: publisher.id,
      meter: this.meter,
      write: (type, timestamp, body) => {
        if (this.#publisher === publisher) this.#intake.write(type, timestamp, body);
      },
      writePacket: (packet) => {
        if (this.#publisher === publisher) this.#intake.writePacket(packet);
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
    const { correctsTime, rebases } = this.#intake;
    // What waits for its order was counted in the old way.
    if (this.#mix !== undefined) for (const packet of this.#mix.drain()) this.#accept(packet);
    this.#settings = settings;
    this.#fanOutSettings = fanOutSettings(settings);
    this.#intake.configure(settings);
    const { play, fastCacheMs } = settings;
    this.#mix = play.mixCorrect ? (this.#mix ?? new MixQueue()) : undefined;
    this.#audioCache.limit(fastCacheMs);
    const hadGop = this.#gop.size > 0;
    this.#gop.limit(play.gopCache ? play.gopCacheMaxBytes : 0, play.gopCacheMaxFrames);
    if (hadGop && this.#gop.size === 0) this.#fanOut.forgetGop();
    this.#fanOut.reconfigured();
    const stopsCorrecting = correctsTime && !this.#intake.correctsTime;
    if (stopsCorrecting || (rebases && !this.#intake.rebases)) {
      this.#moveZeros(stopsCorrecting ? this.#intake.offset : 0);
    }
  }

  /** Adds a player. It gets its first bytes at once when there is something to start from. */
  play(options: PlayerOptions): Player {
    return this.#fanOut.play(options);
  }

  /**
   * Gives every packet from now on to a subscriber; one that subscribes while somebody publishes gets the metadata and
   * the configurations first (L023). It is taken off when the publisher goes.
   *
   * @returns takes the subscriber off; harmless when it is off already
   */
  subscribe(subscriber: PacketSubscriber): () => void {
    const { metadata, configurations } = this.#intake.headers;
    this.#subscribers.add(
      subscriber,
      metadata === undefined ? configurations : [metadata, ...configurations],
    );
    return () => {
      this.#subscribers.remove(subscriber);
    };
  }

  /**
   * Ends the players that have waited for a publisher for longer than `wait_timeout`.
   *
   * @param now - ms of the monotonic clock
   */
  endWaiting(now: number): void {
    const { waitTimeoutMs } = this.#settings.play;
    if (this.#publisher !== undefined || waitTimeoutMs === 0 || now - this.#unpublishedAt < waitTimeoutMs)
      return;
    this.#fanOut.endWaiting(now - waitTimeoutMs);
  }

  /** Ends the present publisher, because what has to be done with its stream can't be done (L009). */
  endPublisher(reason: PublisherEnd, detail: string): void {
    const publisher = this.#publisher;
    if (publisher === undefined) return;
    this.#unpublish(publisher, false);
    publisher.onEnd(reason, detail);
  }

  #sort(packet: Packet): void {
    if (this.#mix === undefined) this.#accept(packet);
    else for (const mixed of this.#mix.push(this.#keep(packet))) this.#accept(mixed);
  }

  #accept(packet: Packet): void {
    this.#subscribers.write(packet);
    if (!isTimed(packet)) {
      this.#fanOut.push(packet.keep());
      return;
    }
    const had = this.#gop.size > 0;
    const stored = this.#gop.push(packet);
    this.#audioCache.push(packet);
    if (had && this.#gop.size === 0) this.#fanOut.forgetGop();
    if (!this.#fanOut.wantsPackets) return;
    // The publisher's bytes are lent: players get the GOP cache's copy, or one of their own.
    const body = stored ? this.#gop.lastBody : undefined;
    this.#fanOut.push(body === undefined ? this.#keep(packet) : packet.keptAs(body));
  }

  /** A packet in memory of its own; all packets of a message share it. */
  #keep(packet: Packet): KeptPacket {
    if (packet.parts === 1) return packet.keep();
    const message = this.#message;
    const kept =
      packet.part > 0 && message?.body === packet.body ? packet.keptAs(message.kept) : packet.keep();
    this.#message = { body: packet.body, kept: kept.body };
    return kept;
  }

  /** Players go on by the publisher's times; those that keep a zero of their own see no step. */
  #moveZeros(offset: number): void {
    const { rebases } = this.#intake;
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
    for (const packet of this.#mix?.drain() ?? []) this.#accept(packet);
    this.#fanOut.flushAll();
    this.#publisher = undefined;
    this.#message = undefined;
    this.#subscribers.removeAll((message) => {
      publisher.onWarning(message);
    });
    this.#forgetGop();
    this.#audioCache.clear();
    this.#intake.forget();
    this.tsFaults.reset();
    // A stream that is taken over is not idle, though nobody has it for a moment.
    if (handOver) return;
    this.#unpublishedAt = performance.now();
    this.#fanOut.endWithPublisher();
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.idle) this.#home.onIdle(this);
  }
}
