import { type EndReason, endReasons, isFault } from './end-reason.ts';
import type { Session, SessionType } from './session.ts';

/** How many ended sessions are remembered. */
export const MAX_ENDED_SESSIONS = 1_000;
/** A detail may hold a peer's words: so many characters of it are kept. */
const MAX_DETAIL_LENGTH = 256;

/** A connection that has ended, as it was then. */
export interface EndedSession {
  readonly id: string;
  readonly ip: string;
  readonly type: SessionType;
  readonly publish: boolean;
  /** Empty when it never came so far as to name one; `app` and `stream`, too. */
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
  /** When it was accepted, ms since the epoch. */
  readonly startedAt: number;
  /** ms since the epoch. */
  readonly endedAt: number;
  readonly reason: EndReason;
  /** What exactly went wrong, where there is more to say than the reason's own words; 256 characters at most. */
  readonly detail: string | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly droppedFrames: number;
}

/** The connections that ended last, and how many have ended for each reason. */
export class EndedSessions {
  /** A ring: the oldest one is replaced. */
  readonly #ended: EndedSession[] = [];
  readonly #counts: Record<EndReason, number>;
  #next = 0;
  #faults = 0;

  constructor() {
    const reasons = Object.keys(endReasons) as EndReason[];
    this.#counts = Object.fromEntries(reasons.map((reason) => [reason, 0])) as Record<EndReason, number>;
  }

  /** How many have ended, by reason; every reason is there. */
  get counts(): Readonly<Record<EndReason, number>> {
    return this.#counts;
  }

  /** How many have ended by something that should not be, see {@link isFault}. */
  get faults(): number {
    return this.#faults;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#ended.length;
  }

  /** A connection ends. Call it once for each, while it still knows what it was. */
  record(session: Session, reason: EndReason, detail?: string): void {
    const { id, ip, type, publish, vhost, app, stream, startedAt, bytesIn, bytesOut, droppedFrames } =
      session;
    this.#counts[reason] += 1;
    if (isFault(reason)) this.#faults += 1;
    this.#ended[this.#next] = {
      id,
      ip,
      type,
      publish,
      vhost,
      app,
      stream,
      startedAt,
      endedAt: Date.now(),
      reason,
      detail: detail?.slice(0, MAX_DETAIL_LENGTH),
      bytesIn,
      bytesOut,
      droppedFrames,
    };
    this.#next = (this.#next + 1) % MAX_ENDED_SESSIONS;
  }

  /** Those that are remembered, the newest first. */
  *latest(): Generator<EndedSession> {
    const { length } = this.#ended;
    for (let back = 1; back <= length; back += 1) {
      const ended = this.#ended[(this.#next - back + length) % length];
      if (ended !== undefined) yield ended;
    }
  }
}
