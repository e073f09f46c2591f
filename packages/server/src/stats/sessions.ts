import { EndedSessions } from './ended-sessions.ts';
import { Rate } from './rate.ts';
import type { Session } from './session.ts';

/** A session and its bit rates. */
export interface SessionEntry {
  readonly session: Session;
  readonly rate: Rate;
}

/** How often {@link Sessions.sample} is to be called, ms: three samples span the 30 s of the rates. */
export const SAMPLE_INTERVAL_MS = 10_000;

/** What goes in and out of one stream, over all its sessions. */
export class StreamTraffic {
  readonly rate = new Rate();
  readonly startedAt = Date.now();
  readonly sessions = new Set<Session>();
  #endedIn = 0;
  #endedOut = 0;

  /** Bytes from publishers. */
  get bytesIn(): number {
    let bytes = this.#endedIn;
    for (const session of this.sessions) if (session.publish) bytes += session.bytesIn;
    return bytes;
  }

  /** Bytes to players. */
  get bytesOut(): number {
    let bytes = this.#endedOut;
    for (const session of this.sessions) if (!session.publish) bytes += session.bytesOut;
    return bytes;
  }

  leave(session: Session): void {
    if (!this.sessions.delete(session)) return;
    if (session.publish) this.#endedIn += session.bytesIn;
    else this.#endedOut += session.bytesOut;
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
  /** Frames skipped for players that fell behind, since the start. */
  readonly droppedFrames: number;
}

/** The connections that play or publish now, in the order they began, and what goes over their streams. */
export class Sessions {
  readonly #byId = new Map<string, SessionEntry>();
  readonly #streams = new Map<string, StreamTraffic>();
  /** The connections that ended last. Sessions get there by their owners, who know the reason. */
  readonly ended = new EndedSessions();
  readonly #past = { begun: 0, bytesIn: 0, bytesOut: 0, droppedFrames: 0 };

  /** A session begins to play or publish the stream that it names. */
  add(session: Session): void {
    this.#past.begun += 1;
    // What it has moved before is not of this session; without it, the sums go on from where they are.
    account(this.#past, session, -1);
    this.#byId.set(session.id, { session, rate: new Rate() });
    const key = streamOf(session);
    let traffic = this.#streams.get(key);
    if (traffic === undefined) {
      traffic = new StreamTraffic();
      this.#streams.set(key, traffic);
    }
    traffic.sessions.add(session);
  }

  /** It ends; harmless when it never began. Call it before the session forgets what it was. */
  remove(session: Session): void {
    if (!this.#byId.delete(session.id)) return;
    account(this.#past, session, 1);
    const key = streamOf(session);
    const traffic = this.#streams.get(key);
    traffic?.leave(session);
    if (traffic?.sessions.size === 0) this.#streams.delete(key);
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
    const totals = { publishers: 0, players: 0, ...this.#past };
    for (const { session } of this.#byId.values()) {
      totals[session.publish ? 'publishers' : 'players'] += 1;
      account(totals, session, 1);
    }
    return totals;
  }

  /** Notes where every session and stream stands, for the rates. */
  sample(): void {
    const now = Date.now();
    for (const { session, rate } of this.#byId.values()) rate.sample(now, session.bytesIn, session.bytesOut);
    for (const traffic of this.#streams.values()) traffic.rate.sample(now, traffic.bytesIn, traffic.bytesOut);
  }
}

function streamOf(session: Session): string {
  return `${session.vhost}/${session.app}/${session.stream}`;
}

/** Adds what a session has moved in its own direction, or takes it away again. */
function account(
  sums: { bytesIn: number; bytesOut: number; droppedFrames: number },
  session: Session,
  sign: 1 | -1,
): void {
  if (session.publish) sums.bytesIn += sign * session.bytesIn;
  else sums.bytesOut += sign * session.bytesOut;
  sums.droppedFrames += sign * session.droppedFrames;
}
