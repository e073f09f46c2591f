import type { Packet } from '@sluice/media/model';

import type { DvrConfig } from '../../config/types.ts';
import { isTimed, type MediaFault, MediaFaults, type PacketSubscriber } from '../../live/index.ts';
import type { Log } from '../../log/index.ts';
import { DiskError, Fault, type FaultState } from '../disk/index.ts';
import { BackgroundWork } from './background-work.ts';
import type { BlockPool } from './block-pool.ts';
import { KeyframeGate } from './keyframe-gate.ts';
import {
  MAX_WAITING_BYTES,
  PRESENCE_INTERVAL_MS,
  REFRESH_INTERVAL_MS,
  RETRY_INTERVAL_MS,
  SECOND_TRACK_WAIT_MS,
} from './limits.ts';
import type { HeaderPackets } from './recorded-file.ts';
import { RecordingClock } from './recording-clock.ts';
import type { OpenedFile, RecordingFiles } from './recording-files.ts';
import { containerOf, type RecordingNames } from './recording-paths.ts';
import { fitsMp4 } from './mp4-tracks.ts';
import { isCutAt } from './segment-cut.ts';
import { configurationsOf, headersOf, isMetadata, StreamHeaders } from './stream-headers.ts';
import { type WaitingPacket, WaitingPackets } from './waiting-packets.ts';

/** How a stream is recorded. */
export interface RecordingSettings extends Pick<
  DvrConfig,
  'plan' | 'durationMs' | 'waitKeyframe' | 'timeJitter'
> {
  /** The template of the files, as `fileTemplate` gives it. */
  readonly template: string;
}

/** What a recording shares with the others. */
export interface RecordingHome {
  readonly log: Log;
  readonly files: RecordingFiles;
  readonly pool: BlockPool;
  /** Whether a file is still there. */
  readonly isPresent: (path: string) => Promise<boolean>;
  /** ms since the epoch. */
  readonly now: () => number;
}

/** `waiting`: for a publisher, a keyframe or its file; `fault`: the disk failed, and is tried again. */
export type RecordingState = 'waiting' | 'recording' | 'fault';

/**
 * One publish of a stream as it goes to files: decides where a file begins and ends, and what becomes of frames
 * while the disk can't take them. {@link write} only copies bytes; whatever touches the disk goes on beside it.
 */
export class Recording implements PacketSubscriber {
  readonly names: RecordingNames;
  readonly settings: RecordingSettings;
  /** When it began, ms since the epoch. */
  readonly since: number;
  readonly fault: Fault;
  readonly #media: MediaFaults;
  readonly #isMp4: boolean;
  readonly #home: RecordingHome;
  readonly #onEnd: () => void;
  readonly #clock: RecordingClock;
  readonly #gate: KeyframeGate;
  readonly #headers = new StreamHeaders();
  readonly #pending: WaitingPackets;
  /** What held in front of the first packet that waits. */
  #startHeaders: HeaderPackets = { others: [] };
  #opened: OpenedFile | undefined;
  #opening = false;
  #ended = false;
  #failed = false;
  #retryAt = 0;
  #checkedAt = 0;
  #refreshedAt = 0;
  #videoAt = 0;
  #headersLost = false;
  #dropped = 0;
  #bytesDone = 0;
  #msDone = 0;
  /** What goes on beside the frames: files that are opened, closed or mended. */
  readonly #work = new BackgroundWork();

  /**
   * @param fresh - the publisher has sent nothing yet: all that it sends is recorded from the start
   * @param onEnd - told once that no more frames come
   */
  constructor(
    names: RecordingNames,
    settings: RecordingSettings,
    home: RecordingHome,
    fresh: boolean,
    onEnd: () => void,
  ) {
    this.names = names;
    this.settings = settings;
    this.#home = home;
    this.#onEnd = onEnd;
    this.since = home.now();
    this.#clock = new RecordingClock(settings.timeJitter, fresh);
    this.fault = new Fault(home.log, `dvr ${names.app}/${names.stream}`);
    this.#media = new MediaFaults((message) => {
      home.log.warn(`dvr ${names.app}/${names.stream}: ${message}`);
    }, home.now);
    this.#isMp4 = containerOf(settings.template) === 'mp4';
    this.#gate = new KeyframeGate(fresh);
    this.#pending = new WaitingPackets(home.pool);
  }

  get state(): RecordingState {
    if (this.fault.current !== undefined) return 'fault';
    return this.#opened === undefined ? 'waiting' : 'recording';
  }

  /** What is wrong now, as far as something is. */
  get faultState(): FaultState | undefined {
    return this.fault.current;
  }

  /** What is wrong with the stream's media, as far as the files are concerned. */
  get mediaFaults(): readonly MediaFault[] {
    return this.#media.current;
  }

  /** The file that is being written, by its final name. */
  get file(): string | undefined {
    return this.#opened?.file.path;
  }

  /** Bytes written since it began, in all files. */
  get bytes(): number {
    return this.#bytesDone + (this.#opened?.file.bytes ?? 0);
  }

  /** How much was recorded since it began, ms. */
  get durationMs(): number {
    return this.#msDone + (this.#opened === undefined ? 0 : this.#clock.fileElapsedMs);
  }

  /** Whether nothing is under way any more. */
  get isIdle(): boolean {
    return this.#work.isIdle;
  }

  /** MP4 takes the first tracks of their kind; FLV takes all, and a message with several tracks with its first packet. */
  write(packet: Packet): void {
    if (this.#ended) return;
    const { kind, primary } = packet.track;
    if (kind !== 'data' && !(this.#isMp4 ? primary : packet.part === 0)) return;
    if (!isTimed(packet)) {
      this.#writeBeside(packet);
      return;
    }
    const time = this.#clock.advance(packet);
    this.#note(packet);
    if (this.#isMp4) this.#noteLeftOut(packet);
    if (this.#failed || !this.#admits(packet)) {
      this.#dropped += 1;
      return;
    }
    const opened = this.#opened;
    if (opened !== undefined) {
      const accepted = opened.file.accepts(packet);
      if (accepted && !this.#isCutAt(packet)) {
        this.#put(opened, packet, this.#clock.fileTime(packet, time));
        return;
      }
      this.#close(opened);
      if (!accepted) {
        this.#gate.shut();
        if (!this.#admits(packet)) return;
      }
    }
    this.#await({ packet: packet.keep(), time }, this.#headers);
  }

  /** The publisher has gone: what was taken is written, and the file is finished. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#opened !== undefined) this.#close(this.#opened);
    else if (this.#pending.first !== undefined && !this.#opening) this.#open();
    this.#onEnd();
  }

  /** Waits until everything that is under way is done. */
  async idle(): Promise<void> {
    await this.#work.idle();
  }

  /** Called every now and then: gives the disk what has gathered, and looks after what is wrong. */
  tick(): void {
    const now = this.#home.now();
    const opened = this.#opened;
    if (opened === undefined) {
      if (this.#failed && now >= this.#retryAt) this.#failed = false;
      return;
    }
    opened.file.flush();
    if (this.settings.plan === 'append' && now - this.#refreshedAt >= REFRESH_INTERVAL_MS) {
      this.#refreshedAt = now;
      opened.file.refresh();
    }
    if (now - this.#checkedAt >= PRESENCE_INTERVAL_MS) {
      this.#checkedAt = now;
      this.#work.add(this.#checkPresence(opened));
    }
  }

  /** Metadata, sequence headers, cue points. */
  #writeBeside(packet: Packet): void {
    this.#headers.take(packet);
    // A file has its metadata at its head, and nowhere else.
    if (isMetadata(packet) || this.#failed) return;
    const opened = this.#opened;
    if (opened !== undefined) {
      if (opened.file.accepts(packet)) {
        this.#put(opened, packet, this.#clock.headerTime(packet));
        return;
      }
      // Another configuration begins another file, with the keyframe that follows it.
      this.#close(opened);
      this.#gate.shut();
    } else if (this.#pending.first !== undefined) {
      this.#pend({ packet: packet.keep(), time: undefined });
    }
  }

  /** Remembers what a timed packet says of the stream. */
  #note(packet: Packet): void {
    if (packet.track.kind === 'video') this.#videoAt = this.#clock.elapsedMs;
    this.#headers.note(packet);
  }

  /** What MP4 can't hold, or not without a configuration that can be read. */
  #noteLeftOut(packet: Packet): void {
    const { track } = packet;
    const { codec, configuration, kind } = track;
    // A command of Enhanced RTMP names no codec.
    if (!fitsMp4(codec) && (kind === 'audio' || codec !== 'unknown')) this.#media.unsupported('MP4', track);
    if (configuration?.problem !== undefined) this.#media.broken('MP4', packet);
  }

  #admits(packet: Packet): boolean {
    return this.#gate.admits(packet, this.#clock.elapsedMs, this.#headers.hasVideo);
  }

  /** Whether the file ends in front of this packet. */
  #isCutAt(packet: Packet): boolean {
    if (this.settings.plan !== 'segment') return false;
    const { elapsedMs, fileElapsedMs } = this.#clock;
    const { hasVideo } = this.#headers;
    const situation = { elapsedMs: fileElapsedMs, hasVideo, videoSilentMs: elapsedMs - this.#videoAt };
    return isCutAt(packet, this.settings, situation);
  }

  #put(opened: OpenedFile, packet: Packet, timestamp: number): void {
    const { file } = opened;
    if (this.#isTooSlow(file.waitingBytes)) {
      this.#overflow(file.path);
      return;
    }
    if (this.#headersLost) this.#putHeaders(opened, timestamp);
    file.write(packet, timestamp);
  }

  #putHeaders({ file }: OpenedFile, timestamp: number): void {
    this.#headersLost = false;
    for (const header of configurationsOf(this.#headers.packets)) {
      if (file.accepts(header)) file.write(header, timestamp);
    }
  }

  #isTooSlow(waiting: number): boolean {
    return waiting > MAX_WAITING_BYTES || this.#home.pool.isOver;
  }

  /** The disk can't keep up: goes on with a keyframe, once there is room. */
  #overflow(path: string): void {
    this.#dropped += 1;
    // A header may have been among what was dropped.
    this.#headersLost = true;
    this.#gate.shut();
    const message = `${path}: the disk is too slow for what is recorded, frames are dropped`;
    this.fault.raise(new DiskError('too-slow', path, message));
  }

  #pend(pending: WaitingPacket): void {
    if (this.#isTooSlow(this.#pending.bytes + pending.packet.body.length)) {
      this.#overflow(this.settings.template);
      return;
    }
    this.#pending.add(pending);
  }

  /** A timed packet waits for its file, which begins with the first one. */
  #await(waiting: WaitingPacket, headers: StreamHeaders): void {
    if (this.#pending.first === undefined) {
      this.#clock.markStart(waiting.packet);
      this.#startHeaders = headers.packets;
    }
    this.#pend(waiting);
    this.#openIfReady();
  }

  /** An MP4 names its tracks at its head: the second one is waited for a moment. */
  #openIfReady(): void {
    if (this.#opening) return;
    const first = this.#pending.first?.time ?? this.#clock.elapsedMs;
    const ready = this.#headers.hasBoth || !this.#isMp4;
    if (ready || this.#clock.elapsedMs - first >= SECOND_TRACK_WAIT_MS) this.#open();
  }

  #open(): void {
    this.#opening = true;
    this.#work.add(this.#openFile());
  }

  async #openFile(): Promise<void> {
    const { plan, durationMs: segmentMs, template } = this.settings;
    const headers = headersOf(this.#startHeaders, this.#headers.packets);
    let failure: { readonly error: unknown } | undefined;
    let opened: OpenedFile | undefined;
    const onFailure = (error: unknown): void => {
      if (opened === undefined) failure = { error };
      else this.#lose(opened, error);
    };
    const onWritten = (): void => {
      this.#onWritten();
    };
    const onBroken = (packet: Packet): void => {
      this.#media.broken('MP4', packet);
    };
    const events = { onFailure, onWritten, onBroken };
    try {
      opened = await this.#home.files.open({ names: this.names, template, plan, segmentMs, headers, events });
    } catch (error) {
      this.#opening = false;
      this.#pending.take();
      this.#fail(error);
      return;
    }
    this.#opening = false;
    this.#opened = opened;
    this.#refreshedAt = this.#checkedAt = this.#home.now();
    this.#begin(opened, headers, this.#pending.take());
    if (failure !== undefined) this.#lose(opened, failure.error);
    else if (this.#ended && this.#opened === opened) this.#close(opened);
    else this.#openForRest();
  }

  /** What changed while a file was opened, in a stream that has ended, goes to another one. */
  #openForRest(): void {
    if (this.#ended && !this.#opening && this.#pending.first !== undefined) this.#open();
  }

  /** Writes the head of a file, and what has come while it was opened. */
  #begin(opened: OpenedFile, headers: HeaderPackets, pending: readonly WaitingPacket[]): void {
    const first = pending.find(({ time }) => time !== undefined);
    if (first?.time === undefined) return;
    const clock = this.#clock;
    const { file } = opened;
    clock.beginFile(first.packet, first.time, file.startTimestamp);
    const startTime = clock.fileTime(first.packet, first.time);
    for (const header of configurationsOf(headers)) file.write(header, startTime);
    let frames = 0;
    for (const [index, { packet, time }] of pending.entries()) {
      if (!file.accepts(packet)) {
        // Before the first frame it is nothing that another file could begin with.
        if (frames === 0) continue;
        this.#close(opened);
        this.#gate.shut();
        this.#awaitAgain(pending.slice(0, index), pending.slice(index));
        return;
      }
      if (time !== undefined) frames += 1;
      this.#put(opened, packet, time === undefined ? clock.headerTime(packet) : clock.fileTime(packet, time));
    }
  }

  /** The stream has changed while its file was opened: what came from then on is the next file's. */
  #awaitAgain(written: readonly WaitingPacket[], rest: readonly WaitingPacket[]): void {
    const headers = new StreamHeaders(this.#startHeaders);
    const take = ({ packet, time }: WaitingPacket): void => {
      if (time === undefined) headers.take(packet);
      else headers.note(packet);
    };
    for (const waiting of written) take(waiting);
    for (const waiting of rest) {
      take(waiting);
      const { packet, time } = waiting;
      if (time === undefined) {
        if (this.#pending.first !== undefined) this.#pend(waiting);
      } else if (this.#admits(packet)) {
        this.#await(waiting, headers);
      } else {
        this.#dropped += 1;
      }
    }
  }

  #close(opened: OpenedFile): void {
    this.#forget(opened);
    opened.lock.closing();
    this.#work.add(
      this.#home.files.finish(opened).catch((error: unknown) => {
        this.fault.raise(error);
      }),
    );
  }

  /** The file is lost as far as it is not on the disk; the next one is tried in a while. */
  #lose(opened: OpenedFile, error: unknown): void {
    if (this.#opened !== opened) return;
    this.#forget(opened);
    this.#work.add(this.#home.files.salvage(opened));
    this.#fail(error);
  }

  #fail(error: unknown): void {
    this.fault.raise(error);
    this.#failed = true;
    this.#retryAt = this.#home.now() + RETRY_INTERVAL_MS;
    this.#gate.shut();
  }

  #forget(opened: OpenedFile): void {
    this.#bytesDone += opened.file.bytes;
    this.#msDone += this.#clock.fileElapsedMs;
    this.#opened = undefined;
  }

  #onWritten(): void {
    if (this.fault.current === undefined || this.#gate.isShut) return;
    this.fault.clear();
    // What could not be mended on the failing disk can be now.
    this.#work.add(this.#home.files.mendAgain());
    if (this.#dropped === 0) return;
    this.#home.log.info(
      `dvr ${this.names.app}/${this.names.stream}: ${this.#dropped} frames were not recorded`,
    );
    this.#dropped = 0;
  }

  async #checkPresence(opened: OpenedFile): Promise<void> {
    const { workPath } = opened.file;
    if (this.#opened !== opened || (await this.#home.isPresent(workPath))) return;
    if (this.#opened !== opened) return;
    this.#lose(
      opened,
      new DiskError('missing', workPath, `${workPath}: the file was removed while it was written`),
    );
    // Nothing is wrong with the disk: a new file can be begun at once.
    this.#retryAt = 0;
  }
}
