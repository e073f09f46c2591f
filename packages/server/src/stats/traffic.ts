import { Rate, type Rates } from './rate.ts';
import type { Session } from './session.ts';

/** What has been moved by a server or a stream. None of it ever gets less, but for what is taken away again. */
export class Traffic {
  /** From publishers. */
  bytesIn = 0;
  /** To players. */
  bytesOut = 0;
  /** Frames of video from publishers. */
  videoFrames = 0;
  /** Frames skipped for players that fell behind. */
  droppedFrames = 0;

  /** Adds what a session has moved in its own direction, or takes it away again. */
  account(session: Session, sign: 1 | -1): void {
    if (session.publish) {
      this.bytesIn += sign * session.bytesIn;
      this.videoFrames += sign * session.videoFrames;
    } else {
      this.bytesOut += sign * session.bytesOut;
    }
    this.droppedFrames += sign * session.droppedFrames;
  }

  /** Adds what somebody else has moved. */
  add({ bytesIn, bytesOut, videoFrames, droppedFrames }: Traffic): void {
    this.bytesIn += bytesIn;
    this.bytesOut += bytesOut;
    this.videoFrames += videoFrames;
    this.droppedFrames += droppedFrames;
  }
}

/** What goes in and out of one stream, over all its sessions. */
export class StreamTraffic {
  /** When it came to be, ms of the monotonic clock. */
  readonly since = performance.now();
  readonly #sessions = new Set<Session>();
  readonly #past = new Traffic();
  readonly #rate = new Rate(this.#past);
  #publishers = 0;

  /** Publishers and players. */
  get clients(): number {
    return this.#sessions.size;
  }

  get players(): number {
    return this.#sessions.size - this.#publishers;
  }

  /** Those that have gone included. */
  totals(): Traffic {
    const totals = new Traffic();
    totals.add(this.#past);
    for (const session of this.#sessions) totals.account(session, 1);
    return totals;
  }

  /** @param totals - as {@link totals} has just told them */
  rates(totals: Traffic): Rates {
    return this.#rate.read(totals);
  }

  enter(session: Session): void {
    // What it has moved before is not of this stream; without it, the sums go on from where they are.
    this.#past.account(session, -1);
    this.#sessions.add(session);
    if (session.publish) this.#publishers += 1;
  }

  leave(session: Session): void {
    if (!this.#sessions.delete(session)) return;
    this.#past.account(session, 1);
    if (session.publish) this.#publishers -= 1;
  }

  /** See {@link Rate.sample}. Returns the totals that were noted. */
  sample(long: boolean): Traffic {
    const totals = this.totals();
    this.#rate.sample(totals, long);
    return totals;
  }
}
