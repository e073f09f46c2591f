import type { LookupFunction } from 'node:net';

import { FlvTagType } from '@sluice/media/flv';
import { RtmpError } from '@sluice/rtmp';

import { background } from '../../background.ts';
import { type Clock, type LiveTag, openMediaFile, playFile, systemClock } from '../../files/index.ts';
import { PublishLink } from './publish-link.ts';
import { retryDelay, type RetryPolicy } from './retry-policy.ts';

/** What a push does; only `file` and `url` have no default. */
export interface FilePushOptions {
  /** Path of an FLV or MP4 file. */
  readonly file: string;
  /** `rtmp://` or `rtmps://`, with a stream name. */
  readonly url: string;
  /** How often the file is played; Infinity is for ever. Default 1. */
  readonly rounds?: number;
  /** See `PaceOptions`. Default 1. */
  readonly speed?: number;
  /** Default: the first failure of the connection ends the push. */
  readonly retry?: RetryPolicy;
  /** ms for each step of a connection, and for a server that takes nothing any more. Default 10,000. */
  readonly timeoutMs?: number;
  /** Resolves the host name of the URL. Default: the system's. */
  readonly lookup?: LookupFunction | undefined;
  /** Told what goes on, in order. */
  readonly onEvent?: (event: FilePushEvent) => void;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** What a push tells. */
export type FilePushEvent =
  /** A part of the file is not sent. */
  | { readonly kind: 'skipped'; readonly what: string }
  /** Media is being sent from now on, for the first time or again. */
  | { readonly kind: 'publishing' }
  /** The connection failed; the next attempt comes after `delayMs`. */
  | { readonly kind: 'retry'; readonly error: RtmpError; readonly delayMs: number };

/** What was sent so far. */
export interface FilePushTotals {
  /** Video frames and pieces of audio, headers and metadata left out. */
  readonly videoFrames: number;
  readonly audioFrames: number;
  /** Bytes of all bodies. */
  readonly bytes: number;
  /** Time on the stream's clock, ms. */
  readonly mediaMs: number;
  /** Whole rounds. */
  readonly rounds: number;
  /** Connections behind the first. */
  readonly reconnects: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Plays a file to an RTMP server in real time. One push has one connection at a time; while it is away the file
 * waits, and after it comes back the stream goes on from there with its headers and the next keyframe.
 */
export class FilePush {
  readonly #options: FilePushOptions;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #abort = new AbortController();
  /** The latest metadata and sequence headers by kind, for a connection that comes later. */
  readonly #headers = new Map<FlvTagType, LiveTag>();
  #link: PublishLink | undefined;
  #connections = 0;
  #failures = 0;
  #hasVideo = false;
  #awaitsKeyframe = false;
  #totals = { videoFrames: 0, audioFrames: 0, bytes: 0, mediaMs: 0, rounds: 0 };

  constructor(options: FilePushOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  get totals(): FilePushTotals {
    return { ...this.#totals, reconnects: Math.max(0, this.#connections - 1) };
  }

  /**
   * Sends the file; call it once. Fulfilled when all rounds are sent and the stream is closed, or soon after
   * {@link stop}.
   *
   * @throws MediaFileError the file can't be used
   * @throws RtmpError the connection failed and is not tried again
   */
  async run(): Promise<void> {
    const { onEvent } = this.#options;
    const file = await openMediaFile(this.#options.file);
    try {
      for (const what of file.skipped) onEvent?.({ kind: 'skipped', what });
      // The clock starts when there is somebody to send to.
      await this.#connected();
      const { rounds = 1, speed = 1 } = this.#options;
      const batches = playFile(file, {
        rounds,
        speed,
        signal: this.#abort.signal,
        clock: this.#clock,
        onRound: (count) => {
          this.#totals.rounds = count;
        },
      });
      for await (const batch of batches) {
        for (const tag of batch) await this.#send(tag);
      }
      await this.#finish();
    } finally {
      background('closing an ingest', Promise.resolve(this.#link?.close()));
      await file.close();
    }
  }

  /** Ends the stream in order. {@link run} is fulfilled soon after. */
  stop(): void {
    this.#abort.abort();
  }

  get #stopped(): boolean {
    return this.#abort.signal.aborted;
  }

  async #finish(): Promise<void> {
    const link = this.#link;
    if (link === undefined) return;
    const { failure } = link;
    await link.close();
    // A server that went away just before the end has not got everything.
    if (failure !== undefined && !this.#stopped) throw failure;
  }

  async #send(tag: LiveTag): Promise<void> {
    if (tag.role === 'sequence-header' || tag.role === 'data') this.#headers.set(tag.type, tag);
    else if (tag.type === FlvTagType.video) this.#hasVideo = true;
    while (!this.#stopped) {
      try {
        const link = await this.#connected();
        if (link === undefined) return;
        if (this.#awaitsKeyframe && tag.role === 'media') return;
        if (tag.role === 'keyframe') this.#awaitsKeyframe = false;
        await link.send(tag);
        this.#count(tag);
        return;
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  /** The connection, made when there is none. Undefined when the push was stopped meanwhile. */
  async #connected(): Promise<PublishLink | undefined> {
    while (!this.#stopped) {
      const link = this.#link;
      if (link === undefined) {
        try {
          await this.#connect();
        } catch (error) {
          await this.#recover(error);
        }
      } else if (link.failure === undefined) {
        return link;
      } else {
        await this.#recover(link.failure);
      }
    }
    return undefined;
  }

  async #connect(): Promise<void> {
    const link = await PublishLink.open(this.#options.url, {
      timeoutMs: this.#timeoutMs,
      signal: this.#abort.signal,
      clock: this.#clock,
      lookup: this.#options.lookup,
    });
    if (link === undefined) return;
    this.#link = link;
    this.#connections += 1;
    if (this.#connections > 1) {
      // Metadata stands before the sequence headers, as at a stream's beginning.
      const headers = [...this.#headers.values()].sort((left, right) => right.type - left.type);
      for (const header of headers) await link.send({ ...header, timestamp: this.#totals.mediaMs });
      this.#awaitsKeyframe = this.#hasVideo;
    }
    this.#options.onEvent?.({ kind: 'publishing' });
  }

  /** Waits for the next attempt, or throws the error when there is none. */
  async #recover(error: unknown): Promise<void> {
    background('closing an ingest', Promise.resolve(this.#link?.close()));
    this.#link = undefined;
    if (this.#stopped) return;
    const { retry } = this.#options;
    this.#failures += 1;
    const delayMs = retryDelay(retry, this.#failures);
    if (!(error instanceof RtmpError) || delayMs === undefined) throw error;
    if (error.code === 'tc-url' || error.code === 'stream-name') throw error;
    this.#options.onEvent?.({ kind: 'retry', error, delayMs });
    await this.#clock.sleep(delayMs, this.#abort.signal);
  }

  #count(tag: LiveTag): void {
    const totals = this.#totals;
    totals.bytes += tag.body.length;
    totals.mediaMs = Math.max(totals.mediaMs, tag.timestamp);
    if (tag.role !== 'media' && tag.role !== 'keyframe') return;
    if (tag.type === FlvTagType.video) totals.videoFrames += 1;
    else totals.audioFrames += 1;
    this.#failures = 0;
  }
}
