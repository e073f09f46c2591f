import { AmfObject } from '@sluice/media/amf';

import { BANDWIDTH_TICK_MS, BandwidthCall } from './names.ts';
import { bytesAt, Padding } from './padding.ts';

/** What a test found; times in ms. */
export interface BandwidthResult {
  /** Kbit/s from server to client. */
  readonly playKbps: number;
  /** Kbit/s from client to server. */
  readonly publishKbps: number;
  readonly playBytes: number;
  readonly publishBytes: number;
  readonly playMs: number;
  readonly publishMs: number;
}

/** How a test ends: with its result, or because the client said nothing. */
export type BandwidthEnd =
  | { readonly kind: 'tested'; readonly result: BandwidthResult }
  | { readonly kind: 'silent'; readonly waitedFor: BandwidthCall };

/** The connection of a test, as far as it is asked for. */
export interface BandwidthLink {
  /** Sends a call of the connection: name, transaction 0, null, data. */
  readonly send: (name: BandwidthCall, data: AmfObject) => void;
  /** Bytes received so far. */
  readonly bytesIn: () => number;
  /** Bytes sent so far, those that wait included. */
  readonly bytesOut: () => number;
  /** Bytes sent that the operating system hasn't taken yet. */
  readonly waitingBytes: () => number;
  /** Stops or goes on reading, to hold a client to the limit. */
  readonly holdReading: (hold: boolean) => void;
}

/** What a test needs. */
export interface BandwidthTestOptions {
  readonly link: BandwidthLink;
  /** Kbit/s that each phase uses at most. */
  readonly limitKbps: number;
  /** A Flash client does not confirm what it has stopped (B002). */
  readonly flash: boolean;
  /** Called once. */
  readonly onEnd: (end: BandwidthEnd) => void;
  /** ms of each phase. Default 3,000. */
  readonly durationMs?: number;
  /** ms that the client has for each answer. Default 10,000. */
  readonly answerMs?: number;
}

const DEFAULT_DURATION_MS = 3_000;
const DEFAULT_ANSWER_MS = 10_000;
/** A client may be so many ms ahead of the limit before it is held. */
const AHEAD_MS = 200;

/** What a phase measured. */
interface Measure {
  readonly ms: number;
  readonly bytes: number;
}

/** What goes on: an answer is waited for, or a phase runs. */
type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'answer'; readonly to: BandwidthCall; readonly since: number; readonly then: () => void }
  | { readonly kind: 'playing'; readonly since: number; readonly from: number; readonly padding: Padding }
  | { readonly kind: 'publishing'; readonly since: number; readonly from: number };

/**
 * The server's side of a bandwidth test (B002, spec 5.4), without I/O: the client's calls go in by `receive()`,
 * the time by `tick()`, each {@link BANDWIDTH_TICK_MS}.
 */
export class BandwidthTest {
  readonly #options: BandwidthTestOptions;
  readonly #link: BandwidthLink;
  readonly #durationMs: number;
  #state: State = { kind: 'idle' };
  #now: number;
  #begin: number;
  #played: Measure = { ms: 0, bytes: 0 };
  #holding = false;
  #over = false;

  /** @param now - ms of a monotonic clock, as for all calls */
  constructor(options: BandwidthTestOptions, now: number) {
    this.#options = options;
    this.#link = options.link;
    this.#durationMs = options.durationMs ?? DEFAULT_DURATION_MS;
    this.#now = now;
    this.#begin = now;
  }

  /** Begins; call it once, when `connect` is answered. */
  start(now: number): void {
    this.#now = now;
    this.#begin = now;
    this.#link.send(BandwidthCall.startPlay, this.#terms());
    this.#await(BandwidthCall.startingPlay, () => {
      const padding = new Padding(
        {
          send: (data) => {
            this.#link.send(BandwidthCall.playing, data);
          },
          waitingBytes: this.#link.waitingBytes,
        },
        this.#options.limitKbps,
      );
      this.#state = { kind: 'playing', since: this.#now, from: this.#delivered(), padding };
    });
  }

  /** Takes a call of the client. Returns false for one that is no part of a test. */
  receive(name: string, now: number): boolean {
    this.#now = now;
    const state = this.#state;
    if (state.kind === 'answer' && name === state.to) state.then();
    return CLIENT_CALLS.has(name);
  }

  /** Goes on in time. */
  tick(now: number): void {
    this.#now = now;
    const state = this.#state;
    const elapsed = state.kind === 'idle' ? 0 : now - state.since;
    switch (state.kind) {
      case 'idle':
        return;
      case 'answer':
        if (elapsed < (this.#options.answerMs ?? DEFAULT_ANSWER_MS)) return;
        this.#end({ kind: 'silent', waitedFor: state.to });
        return;
      case 'playing':
        if (elapsed < this.#durationMs) state.padding.fill(elapsed);
        else this.#stopPlaying(elapsed, state.from);
        return;
      case 'publishing':
        if (elapsed < this.#durationMs) this.#holdToLimit(elapsed, state.from);
        else this.#stopPublishing(elapsed, state.from);
        return;
    }
  }

  /** Ends it without a result: the connection is over. */
  close(): void {
    this.#over = true;
    this.#state = { kind: 'idle' };
  }

  #stopPlaying(ms: number, from: number): void {
    this.#played = { ms, bytes: this.#delivered() - from };
    this.#link.send(BandwidthCall.stopPlay, this.#terms(this.#played));
    this.#confirm(BandwidthCall.stoppedPlay, () => {
      this.#link.send(BandwidthCall.startPublish, this.#terms());
      this.#await(BandwidthCall.startingPublish, () => {
        this.#state = { kind: 'publishing', since: this.#now, from: this.#link.bytesIn() };
      });
    });
  }

  #stopPublishing(ms: number, from: number): void {
    const published: Measure = { ms, bytes: this.#link.bytesIn() - from };
    this.#hold(false);
    this.#link.send(BandwidthCall.stopPublish, this.#terms(published));
    this.#confirm(BandwidthCall.stoppedPublish, () => {
      this.#finish(published);
    });
  }

  #finish(published: Measure): void {
    const played = this.#played;
    const result = {
      playKbps: kbpsOf(played),
      publishKbps: kbpsOf(published),
      playBytes: played.bytes,
      publishBytes: published.bytes,
      playMs: Math.round(played.ms),
      publishMs: Math.round(published.ms),
    };
    const data = AmfObject.from({
      code: 0,
      start_time: Math.round(this.#begin),
      end_time: Math.round(this.#now),
      play_kbps: result.playKbps,
      publish_kbps: result.publishKbps,
      play_bytes: result.playBytes,
      publish_bytes: result.publishBytes,
      play_time: result.playMs,
      publish_time: result.publishMs,
    });
    this.#link.send(BandwidthCall.finished, data);
    this.#confirm(BandwidthCall.final, () => {
      this.#end({ kind: 'tested', result });
    });
  }

  /** Goes on when the client has answered. */
  #await(to: BandwidthCall, then: () => void): void {
    this.#state = { kind: 'answer', to, since: this.#now, then };
  }

  /** Like {@link #await}, but for what a Flash client does not answer. */
  #confirm(to: BandwidthCall, then: () => void): void {
    if (this.#options.flash) then();
    else this.#await(to, then);
  }

  #holdToLimit(elapsedMs: number, from: number): void {
    const received = this.#link.bytesIn() - from;
    this.#hold(received > bytesAt(this.#options.limitKbps, elapsedMs + AHEAD_MS));
  }

  #hold(hold: boolean): void {
    if (hold === this.#holding) return;
    this.#holding = hold;
    this.#link.holdReading(hold);
  }

  /** Bytes that the operating system has taken. */
  #delivered(): number {
    return this.#link.bytesOut() - this.#link.waitingBytes();
  }

  #terms(measure?: Measure): AmfObject {
    const terms = AmfObject.from({
      limit_kbps: this.#options.limitKbps,
      duration_ms: this.#durationMs,
      interval_ms: BANDWIDTH_TICK_MS,
    });
    if (measure === undefined) return terms;
    terms.set('duration_delta', Math.round(measure.ms));
    terms.set('bytes_delta', measure.bytes);
    return terms;
  }

  #end(end: BandwidthEnd): void {
    if (this.#over) return;
    this.close();
    this.#options.onEnd(end);
  }
}

const CLIENT_CALLS: ReadonlySet<string> = new Set([
  BandwidthCall.startingPlay,
  BandwidthCall.stoppedPlay,
  BandwidthCall.startingPublish,
  BandwidthCall.publishing,
  BandwidthCall.stoppedPublish,
  BandwidthCall.final,
]);

function kbpsOf({ ms, bytes }: Measure): number {
  return Math.round((bytes * 8) / Math.max(1, ms));
}
