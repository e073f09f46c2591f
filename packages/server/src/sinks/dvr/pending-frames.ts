import type { Frame } from '../../live/index.ts';
import type { BlockPool } from './block-pool.ts';
import { PENDING_FRAME_COST_BYTES } from './limits.ts';

/** A frame that waits for its file to be opened. */
export interface PendingFrame {
  readonly frame: Frame;
  /** On the recording's timeline, ms; undefined for what has no time of its own. */
  readonly time: number | undefined;
}

/** The frames that wait for a file, counted among what all recordings let wait. */
export class PendingFrames {
  readonly #pool: BlockPool;
  #frames: PendingFrame[] = [];
  #bytes = 0;

  constructor(pool: BlockPool) {
    this.#pool = pool;
  }

  /** What they cost, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The one that has waited longest. */
  get first(): PendingFrame | undefined {
    return this.#frames[0];
  }

  /** Adds a frame whose body belongs to it. */
  add(pending: PendingFrame): void {
    const cost = pending.frame.body.length + PENDING_FRAME_COST_BYTES;
    this.#pool.count(cost);
    this.#bytes += cost;
    this.#frames.push(pending);
  }

  /** All of them: none waits any more. */
  take(): PendingFrame[] {
    const frames = this.#frames;
    this.#pool.count(-this.#bytes);
    this.#frames = [];
    this.#bytes = 0;
    return frames;
  }
}
