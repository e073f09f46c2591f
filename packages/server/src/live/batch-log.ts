import type { KeptPacket } from '@sluice/media/model';

import type { EncodedBatch } from './fan-out-format.ts';
import { FRAME_COST_BYTES } from './limits.ts';
import { isPicture, startsGop } from './packet-roles.ts';

/** A batch in its group's log. */
export interface LoggedBatch extends EncodedBatch {
  readonly sequence: number;
  /** Timestamp, ms, of the last packet inside. */
  readonly lastTimestamp: number;
  /** Index of the last packet inside that starts a GOP, or -1. */
  readonly keyframe: number;
  /** The configurations that hold in front of its first packet. */
  readonly configurations: readonly KeptPacket[];
  /** How many pictures are inside. */
  readonly videoFrames: number;
  /** What all batches that were ever logged before this one have cost, bytes: see {@link BatchLog.costFrom}. */
  readonly position: number;
}

/**
 * The latest batches of a group, oldest first. Players are cursors into it: a player that can't take its
 * bytes yet holds no queue of its own, only a place here.
 */
export class BatchLog {
  #batches: LoggedBatch[] = [];
  #first = 0;
  #bytes = 0;
  /** What all batches that were ever logged have cost. */
  #total = 0;

  /** The sequence number that the next batch gets. */
  get head(): number {
    return this.#first + this.#batches.length;
  }

  /** Bytes of all batches held. */
  get bytes(): number {
    return this.#bytes;
  }

  get newest(): LoggedBatch | undefined {
    return this.#batches[this.#batches.length - 1];
  }

  at(sequence: number): LoggedBatch | undefined {
    return this.#batches[sequence - this.#first];
  }

  push(batch: EncodedBatch, configurations: readonly KeptPacket[] = []): LoggedBatch {
    let keyframe = -1;
    let videoFrames = 0;
    for (let index = 0; index < batch.packets.length; index += 1) {
      const packet = batch.packets[index];
      if (packet === undefined || !isPicture(packet)) continue;
      videoFrames += 1;
      if (startsGop(packet)) keyframe = index;
    }
    const logged: LoggedBatch = {
      bytes: batch.bytes,
      packets: batch.packets,
      offsets: batch.offsets,
      tracks: batch.tracks,
      restarts: batch.restarts,
      configurations,
      sequence: this.head,
      lastTimestamp: batch.packets[batch.packets.length - 1]?.timestamp ?? 0,
      keyframe,
      videoFrames,
      position: this.#total,
    };
    this.#batches.push(logged);
    this.#bytes += batch.bytes.length;
    this.#total += batch.bytes.length + batch.packets.length * FRAME_COST_BYTES;
    return logged;
  }

  /** What the batches from a sequence number to the head cost: their bytes, and what is kept of their packets. */
  costFrom(sequence: number): number {
    if (sequence >= this.head) return 0;
    const from = this.at(Math.max(sequence, this.#first));
    return from === undefined ? 0 : this.#total - from.position;
  }

  /** Forgets everything before a sequence number. */
  trim(before: number): void {
    const count = Math.min(before - this.#first, this.#batches.length);
    if (count <= 0) return;
    for (let index = 0; index < count; index += 1) this.#bytes -= this.#batches[index]?.bytes.length ?? 0;
    this.#batches = this.#batches.slice(count);
    this.#first += count;
  }
}
