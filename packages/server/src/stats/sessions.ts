import { Rate } from './rate.ts';

/** Kinds of clients, as SRS names them (spec 5.1). */
export type SessionType =
  | 'rtmp-play'
  | 'flv-play'
  | 'ts-play'
  | 'aac-play'
  | 'mp3-play'
  | 'hls-play'
  | 'fmle-publish'
  | 'flash-publish'
  | 'haivision-publish'
  | 'unknown';

/** What is known of a connection while it plays or publishes. */
export interface Session {
  readonly id: string;
  readonly ip: string;
  readonly type: SessionType;
  readonly publish: boolean;
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
  readonly tcUrl: string;
  readonly pageUrl: string;
  readonly swfUrl: string;
  /** When it was accepted, ms since the epoch. */
  readonly startedAt: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Frames skipped for a player that fell behind. */
  readonly droppedFrames: number;
}

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

/** The connections that play or publish now, in the order they began, and what goes over their streams. */
export class Sessions {
  readonly #byId = new Map<string, SessionEntry>();
  readonly #streams = new Map<string, StreamTraffic>();

  /** A session begins to play or publish the stream that it names. */
  add(session: Session): void {
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

  /** Sessions now, and the bytes of publishers in and of players out that they have moved so far. */
  totals(): { publishers: number; players: number; bytesIn: number; bytesOut: number } {
    const totals = { publishers: 0, players: 0, bytesIn: 0, bytesOut: 0 };
    for (const traffic of this.#streams.values()) {
      totals.bytesIn += traffic.bytesIn;
      totals.bytesOut += traffic.bytesOut;
      for (const session of traffic.sessions) totals[session.publish ? 'publishers' : 'players'] += 1;
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
