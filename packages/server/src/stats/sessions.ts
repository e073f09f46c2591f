import { EndedSessions } from './ended-sessions.ts';
import { Rate, type Rates, SAMPLES_PER_LONG_SAMPLE } from './rate.ts';
import { Reused } from './reused.ts';
import type { Session } from './session.ts';
import { StreamTraffic, Traffic } from './traffic.ts';

/** A session and its rates. */
export class SessionEntry {
  readonly session: Session;
  readonly #rate: Rate;

  constructor(session: Session) {
    this.session = session;
    this.#rate = new Rate(session);
  }

  rates(): Rates {
    return this.#rate.read(this.session);
  }

  /** See {@link Rate.sample}. */
  sample(long: boolean): void {
    this.#rate.sample(this.session, long);
  }
}

/** All sessions together. What is counted since the start never gets less. */
export interface SessionTotals {
  /** Now. */
  readonly publishers: number;
  /** Now. */
  readonly players: number;
  /** Sessions that have begun to play or publish since the start. */
  readonly begun: number;
  /** From publishers, since the start. */
  readonly bytesIn: number;
  /** To players, since the start. */
  readonly bytesOut: number;
  /** Frames of video from publishers, since the start. */
  readonly videoFrames: number;
  /** Frames skipped for players that fell behind, since the start. */
  readonly droppedFrames: number;
}

/** The connections that play or publish now, in the order they began, and what goes over their streams. */
export class Sessions {
  readonly #byId = new Map<string, SessionEntry>();
  readonly #streams = new Map<string, StreamTraffic>();
  /** The connections that ended last. Sessions get there by their owners, who know the reason. */
  readonly ended = new EndedSessions();
  /** Of streams that are gone. */
  readonly #past = new Traffic();
  readonly #rate = new Rate(this.#past);
  readonly #all = new Reused(() => this.#sum());
  #begun = 0;
  #publishers = 0;
  #samples = 0;

  /** A session begins to play or publish the stream that it names. */
  add(session: Session): void {
    this.#begun += 1;
    if (session.publish) this.#publishers += 1;
    this.#byId.set(session.id, new SessionEntry(session));
    const key = streamOf(session);
    let traffic = this.#streams.get(key);
    if (traffic === undefined) {
      traffic = new StreamTraffic();
      this.#streams.set(key, traffic);
    }
    traffic.enter(session);
  }

  /** It ends; harmless when it never began. Call it before the session forgets what it was. */
  remove(session: Session): void {
    if (!this.#byId.delete(session.id)) return;
    if (session.publish) this.#publishers -= 1;
    const key = streamOf(session);
    const traffic = this.#streams.get(key);
    if (traffic === undefined) return;
    traffic.leave(session);
    if (traffic.clients > 0) return;
    this.#past.add(traffic.totals());
    this.#streams.delete(key);
  }

  get(id: string): SessionEntry | undefined {
    return this.#byId.get(id);
  }

  all(): IterableIterator<SessionEntry> {
    return this.#byId.values();
  }

  get size(): number {
    return this.#byId.size;
  }

  traffic(streamKey: string): StreamTraffic | undefined {
    return this.#streams.get(streamKey);
  }

  totals(): SessionTotals {
    const publishers = this.#publishers;
    const players = this.#byId.size - publishers;
    const { bytesIn, bytesOut, videoFrames, droppedFrames } = this.#all.get();
    return { publishers, players, begun: this.#begun, bytesIn, bytesOut, videoFrames, droppedFrames };
  }

  /** Of the whole server. */
  rates(): Rates {
    return this.#rate.read(this.#all.get());
  }

  /**
   * Notes where all of it stands, for the rates. Call it every {@link SAMPLE_INTERVAL_MS}.
   *
   * @returns whether it was one of the long rates, as each tenth is
   */
  sample(): boolean {
    this.#samples += 1;
    const long = this.#samples % SAMPLES_PER_LONG_SAMPLE === 0;
    for (const entry of this.#byId.values()) entry.sample(long);
    const all = new Traffic();
    all.add(this.#past);
    for (const traffic of this.#streams.values()) all.add(traffic.sample(long));
    this.#rate.sample(all, long);
    return long;
  }

  #sum(): Traffic {
    const all = new Traffic();
    all.add(this.#past);
    for (const traffic of this.#streams.values()) all.add(traffic.totals());
    return all;
  }
}

function streamOf(session: Session): string {
  return `${session.vhost}/${session.app}/${session.stream}`;
}
