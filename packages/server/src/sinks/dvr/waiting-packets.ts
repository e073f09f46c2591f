import type { KeptPacket } from '@sluice/media/model';

import type { BlockPool } from './block-pool.ts';
import { PENDING_FRAME_COST_BYTES } from './limits.ts';

/** A packet that waits for its file to be opened. */
export interface WaitingPacket {
  readonly packet: KeptPacket;
  /** On the recording's timeline, ms; undefined for what has no time of its own. */
  readonly time: number | undefined;
}

/** The packets that wait for a file, counted among what all recordings let wait. */
export class WaitingPackets {
  readonly #pool: BlockPool;
  #packets: WaitingPacket[] = [];
  #bytes = 0;

  constructor(pool: BlockPool) {
    this.#pool = pool;
  }

  /** What they cost, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The one that has waited longest. */
  get first(): WaitingPacket | undefined {
    return this.#packets[0];
  }

  add(waiting: WaitingPacket): void {
    const cost = waiting.packet.body.length + PENDING_FRAME_COST_BYTES;
    this.#pool.count(cost);
    this.#bytes += cost;
    this.#packets.push(waiting);
  }

  /** All of them: none waits any more. */
  take(): WaitingPacket[] {
    const packets = this.#packets;
    this.#pool.count(-this.#bytes);
    this.#packets = [];
    this.#bytes = 0;
    return packets;
  }
}
