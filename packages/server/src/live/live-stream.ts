import { bytesEqual } from '@sluice/media/bytes';

import type { PlayConfig, PublishConfig } from '../config/index.ts';
import { StreamBusyError } from './errors.ts';
import type { FanOutFamily, StreamHeaders } from './fan-out-format.ts';
import { FanOutGroup, type FanOutHome, type FanOutLimits } from './fan-out-group.ts';
import { dataFrame, type Frame, FrameKind, mediaFrame } from './frame.ts';
import { earliestTimestamp, GopCache } from './gop-cache.ts';
import { readDataMessage } from './metadata.ts';
import { MixQueue } from './mix-queue.ts';
import { Player, type PlayerEnd, type PlayerHome, type PlayerOptions } from './player.ts';
import { type AudioFacts, audioFacts, type VideoFacts, videoFacts } from './stream-facts.ts';
import { Timeline } from './timeline.ts';

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
}

/** Who publishes, as the engine sees it. */
export interface PublisherOptions {
  /** Session id of the connection. */
  readonly id: string;
  /** Another publisher has taken the stream over: close the connection. */
  onTakeover(): void;
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
   * @param body - kept by the engine: the caller must not write to it again
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
  readonly #settings: LiveSettings;
  readonly #onIdle: (stream: LiveStream) => void;
  readonly #timeline = new Timeline();
  readonly #gop: GopCache;
  readonly #mix: MixQueue | undefined;
  readonly #groups = new Map<string, FanOutGroup>();
  readonly #waiting = new Set<Player>();
  readonly #members = new Map<Player, FanOutGroup>();
  readonly #groupHome: FanOutHome;
  readonly #playerHome: PlayerHome;
  readonly #warned = new Set<string>();
  #pending: Frame[] = [];
  /** Frames of `#pending` that a group made since the last flush has encoded already. */
  readonly #alreadyEncoded = new Map<FanOutGroup, number>();
  #publisher: PublisherOptions | undefined;
  #headers: Partial<Record<'metadata' | 'audio' | 'video', Frame>> = {};
  /** What the metadata announces. */
  #announced = { audio: false, video: false };
  #atcByMetadata = false;
  #timer: NodeJS.Timeout | undefined;
  #lastFlush = 0;
  #publishedAt = 0;
  #videoFrames = 0;
  #video: VideoFacts | undefined;
  #audio: AudioFacts | undefined;

  constructor(id: StreamId, settings: LiveSettings, onIdle: (stream: LiveStream) => void) {
    this.id = id;
    this.key = streamKey(id);
    this.#settings = settings;
    this.#onIdle = onIdle;
    const { play } = settings;
    const gopMaxBytes = play.gopCache ? play.gopCacheMaxBytes : 0;
    this.#gop = new GopCache(gopMaxBytes);
    this.#mix = play.mixCorrect ? new MixQueue() : undefined;
    const limits: FanOutLimits = {
      queueLengthMs: play.queueLengthMs,
      queueMaxBytes: play.queueMaxBytes,
      gopMaxBytes,
    };
    this.#groupHome = {
      limits,
      headers: () => this.#streamHeaders(),
      hasVideo: () => this.#video !== undefined,
      ended: (player, reason) => {
        this.#end(player, reason);
      },
    };
    this.#playerHome = {
      leave: (player) => {
        this.#leave(player);
      },
      drained: (player) => {
        this.#members.get(player)?.drained(player);
      },
      pause: (player) => {
        this.#detach(player);
        player.paused = true;
        this.#waiting.delete(player);
      },
      resume: (player) => {
        player.paused = false;
        this.#rejoin(player);
      },
      change: (player, family) => {
        player.family = family;
        if (this.#members.has(player)) {
          this.#detach(player);
          this.#rejoin(player);
        }
      },
    };
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
    return this.#members.size + this.#waiting.size;
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

  /** Bytes held for players that join and for players that are behind. */
  get heldBytes(): number {
    let bytes = this.#gop.bytes;
    for (const group of this.#groups.values()) bytes += group.bytes;
    return bytes;
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
      busy.onTakeover();
    }
    this.#publisher = publisher;
    this.#publishedAt = Date.now();
    this.#videoFrames = 0;
    this.#atcByMetadata = false;
    this.#warned.clear();
    this.#timeline.restart();
    // Streams that start together are flushed apart.
    this.#lastFlush = performance.now() - Math.random() * this.#settings.play.mergedWriteLatencyMs;
    return {
      id: publisher.id,
      write: (kind, timestamp, body) => {
        if (this.#publisher === publisher) this.#write(kind, timestamp, body);
      },
      flush: () => {
        if (this.#publisher === publisher) this.#flushIfDue();
      },
      end: () => {
        this.#unpublish(publisher, false);
      },
    };
  }

  /** Adds a player. It gets its first bytes at once when there is something to start from. */
  play(options: PlayerOptions): Player {
    const player = new Player(options, this.#playerHome);
    if (!this.#start(player)) this.#waiting.add(player);
    return player;
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
    if (kind === FrameKind.video) this.#video ??= videoFacts(frame, this.#settings.publish.parseSps);
    else this.#audio ??= audioFacts(frame);
    if (this.#correctsTime) {
      const corrected = this.#timeline.correct(kind, timestamp);
      if (corrected !== timestamp) frame = { ...frame, timestamp: corrected };
    }
    if (this.#mix === undefined) this.#accept(frame);
    else for (const mixed of this.#mix.push(frame)) this.#accept(mixed);
  }

  get #atc(): boolean {
    return this.#settings.play.atc || this.#atcByMetadata;
  }

  get #correctsTime(): boolean {
    return this.#settings.play.timeJitter === 'full' && !this.#atc;
  }

  /** Players start at zero, unless the stream's own times are asked for. */
  get #rebases(): boolean {
    return this.#settings.play.timeJitter !== 'off' && !this.#atc;
  }

  #writeSequenceHeader(header: Frame): void {
    const slot = header.kind === FrameKind.video ? 'video' : 'audio';
    const known = this.#headers[slot];
    const repeated = known !== undefined && bytesEqual(known.body, header.body);
    if (repeated && this.#settings.play.reduceSequenceHeader) return;
    // A header outlives its neighbours in the reader's slab, so it gets memory of its own.
    const body = repeated ? known.body : header.body.slice();
    const frame: Frame = { ...header, body, timestamp: this.#now(header.timestamp) };
    this.#headers[slot] = frame;
    if (!repeated) {
      try {
        if (slot === 'video') this.#video = videoFacts(frame, this.#settings.publish.parseSps);
        else this.#audio = audioFacts(frame);
      } catch (error) {
        this.#warn(`bad-${slot}-sequence-header`, error);
      }
    }
    this.#queue(frame);
  }

  #writeData(timestamp: number, body: Uint8Array): void {
    let message;
    try {
      message = readDataMessage(body, this.#settings.metadata);
    } catch (error) {
      this.#warn('bad-data-message', error);
      return;
    }
    if (message === undefined) {
      this.#warn('bad-data-message');
      return;
    }
    const frame = dataFrame(this.#now(timestamp), message.body);
    if (message.metadata !== undefined) {
      this.#headers.metadata = frame;
      const { metadata } = message;
      this.#announced = { audio: metadata.has('audiocodecid'), video: metadata.has('videocodecid') };
      const { atcAuto } = this.#settings.play;
      const atc = metadata.get('bravo_atc');
      if (atcAuto && (atc === 'true' || atc === true)) this.#atcByMetadata = true;
    }
    this.#queue(frame);
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
    const had = this.#gop.size > 0;
    this.#gop.push(frame);
    if (had && this.#gop.size === 0) for (const group of this.#groups.values()) group.forgetGop();
    this.#queue(frame);
  }

  #queue(frame: Frame): void {
    if (this.#groups.size > 0 || this.#waiting.size > 0) this.#pending.push(frame);
  }

  #flushIfDue(): void {
    if (this.#pending.length === 0 || this.#timer !== undefined) return;
    const { play, minLatency } = this.#settings;
    if (minLatency && play.sendMinIntervalMs === 0) {
      this.#flush(this.#pending.length);
      return;
    }
    const interval = play.sendMinIntervalMs > 0 ? play.sendMinIntervalMs : play.mergedWriteLatencyMs;
    const wait = this.#lastFlush + interval - performance.now();
    if (wait > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#flushPaced();
      }, wait);
    } else {
      this.#flushPaced();
    }
  }

  /** With `send_min_interval`, one message leaves at a time. */
  #flushPaced(): void {
    const { play } = this.#settings;
    if (play.sendMinIntervalMs === 0) {
      this.#flush(this.#pending.length);
      return;
    }
    this.#boundPending();
    this.#flush(1);
    this.#flushIfDue();
  }

  /** Paced slower than published: everything before the next keyframe goes, as for any queue (O005). */
  #boundPending(): void {
    const newest = this.#pending[this.#pending.length - 1]?.timestamp ?? 0;
    const { queueLengthMs } = this.#settings.play;
    while (newest - (this.#pending[0]?.timestamp ?? newest) > queueLengthMs) {
      const next = this.#pending.findIndex((frame, index) => index > 0 && frame.keyframe);
      this.#pending.splice(0, next < 0 ? this.#pending.length : next);
      this.#alreadyEncoded.clear();
    }
  }

  #flush(count: number): void {
    const frames = count >= this.#pending.length ? this.#pending : this.#pending.slice(0, count);
    this.#pending = count >= this.#pending.length ? [] : this.#pending.slice(count);
    this.#lastFlush = performance.now();
    for (const group of this.#groups.values()) {
      const encoded = this.#alreadyEncoded.get(group) ?? 0;
      if (encoded === 0) {
        group.append(frames);
      } else {
        this.#alreadyEncoded.set(group, Math.max(0, encoded - frames.length));
        if (encoded < frames.length) group.append(frames.slice(encoded));
      }
    }
    if (this.#pending.length === 0) this.#alreadyEncoded.clear();
    if (this.#waiting.size > 0) this.#startWaiting(frames);
  }

  #startWaiting(frames: readonly Frame[]): void {
    for (const player of this.#waiting) {
      if (this.#start(player, frames)) this.#waiting.delete(player);
    }
  }

  /**
   * Starts a player at the newest GOP or, where there is none, with the frames of the flush that has just
   * been. Returns false when neither holds anything to start from.
   */
  #start(player: Player, flushed: readonly Frame[] = []): boolean {
    if (this.#publisher === undefined) return false;
    const fromGop = this.#gop.size > 0;
    const base = fromGop ? this.#gop.base : earliestTimestamp(flushed);
    if (base === undefined) return false;
    player.base = this.#rebases ? base : 0;
    let group = this.#group(player);
    if (group === undefined) {
      group = this.#createGroup(player.family, player.base);
      group.prime(fromGop ? this.#gop.frames() : flushed);
      if (this.#pending.length > 0) this.#alreadyEncoded.set(group, fromGop ? this.#pending.length : 0);
    }
    const joined = fromGop ? group.joinAtGop(player) : group.joinAtNewest(player);
    if (!joined) {
      this.#dropIfEmpty(group);
      return false;
    }
    this.#members.set(player, group);
    return true;
  }

  /** A player that has watched before goes on with what comes next, on its own time. */
  #rejoin(player: Player): void {
    if (!player.started) {
      if (!this.#start(player)) this.#waiting.add(player);
      return;
    }
    const group = this.#group(player) ?? this.#createGroup(player.family, player.base);
    group.joinAtHead(player, this.#video !== undefined);
    this.#members.set(player, group);
    if (this.#pending.length > 0 && group.size === 1) this.#alreadyEncoded.set(group, this.#pending.length);
  }

  #group(player: Player): FanOutGroup | undefined {
    return this.#groups.get(groupKey(player.family, player.base));
  }

  #createGroup(family: FanOutFamily, base: number): FanOutGroup {
    const key = groupKey(family, base);
    const group = new FanOutGroup(key, family.create(base), this.#groupHome);
    this.#groups.set(key, group);
    return group;
  }

  #leave(player: Player): void {
    this.#waiting.delete(player);
    this.#detach(player);
    this.#checkIdle();
  }

  #detach(player: Player): void {
    const group = this.#members.get(player);
    if (group === undefined) return;
    this.#members.delete(player);
    group.remove(player);
    this.#dropIfEmpty(group);
  }

  #dropIfEmpty(group: FanOutGroup): void {
    if (group.size > 0) return;
    this.#groups.delete(group.key);
    this.#alreadyEncoded.delete(group);
    if (this.#groups.size === 0 && this.#waiting.size === 0) this.#stopFlushing();
  }

  #stopFlushing(): void {
    this.#pending = [];
    this.#alreadyEncoded.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #end(player: Player, reason: PlayerEnd): void {
    this.#leave(player);
    player.options.onEnd(reason);
  }

  /** @param handOver - another publisher follows at once: nobody is told that this one went */
  #unpublish(publisher: PublisherOptions, handOver: boolean): void {
    if (this.#publisher !== publisher) return;
    for (const frame of this.#mix?.drain() ?? []) this.#accept(frame);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending.length > 0) this.#flush(this.#pending.length);
    this.#publisher = undefined;
    this.#gop.clear();
    this.#headers = {};
    this.#announced = { audio: false, video: false };
    this.#video = undefined;
    this.#audio = undefined;
    for (const group of this.#groups.values()) group.forgetGop();
    if (!handOver) {
      const members = [...this.#members, ...[...this.#waiting].map((player) => [player, undefined] as const)];
      for (const [player, group] of members) {
        if (!player.options.endsWithPublisher) continue;
        group?.finish(player);
        this.#end(player, 'publisher-gone');
      }
    }
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.idle) this.#onIdle(this);
  }

  #warn(kind: string, error?: unknown): void {
    if (this.#warned.has(kind)) return;
    this.#warned.add(kind);
    const detail = error instanceof Error ? `: ${error.message}` : '';
    this.#publisher?.onWarning(`${kind.replaceAll('-', ' ')}, message dropped${detail}`);
  }
}

/** A stream's name as one string. */
export function streamKey(id: StreamId): string {
  return `${id.vhost}/${id.app}/${id.stream}`;
}

function groupKey(family: FanOutFamily, base: number): string {
  return family.rebased ? `${family.key}@${base}` : family.key;
}
