import type { KeptPacket } from '@sluice/media/model';

import { BatchLog } from './batch-log.ts';
import { configurationsAfter } from './configurations.ts';
import type { EncodedBatch, FanOutFormat } from './fan-out-format.ts';
import type { FanOutHome } from './fan-out-home.ts';

/** Where the newest GOP begins in a group's log. */
export interface GopStart {
  readonly sequence: number;
  /** Its keyframe's place among the batch's packets. */
  readonly index: number;
}

/** What a group has encoded: the latest batches, and where in them a player that joins can start. */
export class GroupLog {
  readonly batches = new BatchLog();
  readonly #format: FanOutFormat;
  readonly #home: FanOutHome;
  #gop: GopStart | undefined;
  /** From the batch on in which the GOP begins. */
  #gopBytes = 0;
  #gopFrames = 0;
  #hadKeyframe = false;
  /** Those that hold behind the last packet. */
  #configurations: readonly KeptPacket[];

  /** @param configurations - those that hold in front of the first packet */
  constructor(format: FanOutFormat, home: FanOutHome, configurations: readonly KeptPacket[]) {
    this.#format = format;
    this.#home = home;
    this.#configurations = configurations;
  }

  /** Undefined while there is nothing that a player can start with. */
  get gop(): GopStart | undefined {
    return this.#gop;
  }

  /**
   * Encodes packets.
   *
   * @param full - the group takes no more players, so nobody needs anything to start with
   * @returns whether any of them are for this form
   */
  append(packets: readonly KeptPacket[], full: boolean): boolean {
    let some = false;
    for (let from = 0; from < packets.length;) {
      const { batch, next } = this.#format.encode(packets, from);
      const before = this.#configurations;
      this.#configurations = configurationsAfter(before, packets, from, next);
      from = next;
      if (batch === undefined) continue;
      some = true;
      const { sequence, keyframe } = this.batches.push(batch, before);
      this.#followGop(sequence, keyframe, batch, full);
    }
    return some;
  }

  /** Keeps nothing for players that join until the next keyframe. */
  forgetGop(): void {
    this.#gop = undefined;
  }

  /** Other limits hold: forgets a GOP that is beyond them. */
  limitGop(): void {
    if (this.#isOver()) this.#gop = undefined;
  }

  #isOver(): boolean {
    const { gopMaxBytes, gopMaxFrames } = this.#home.settings();
    return this.#gopBytes > gopMaxBytes || this.#gopFrames > gopMaxFrames;
  }

  #followGop(sequence: number, keyframe: number, batch: EncodedBatch, full: boolean): void {
    const { gopMaxBytes } = this.#home.settings();
    if (gopMaxBytes === 0 || full) {
      this.#gop = undefined;
      return;
    }
    if (keyframe >= 0) {
      // Players that join later have another zero: where it is in the bytes, the group's GOP is of no use to them.
      const useful = !this.#hadKeyframe || !this.#format.rebased || !this.#home.rebases();
      this.#gop = useful ? { sequence, index: keyframe } : undefined;
      this.#gopBytes = 0;
      this.#gopFrames = 0;
      this.#hadKeyframe = true;
    }
    if (this.#gop === undefined) return;
    this.#gopBytes += batch.bytes.length;
    this.#gopFrames += batch.packets.length;
    if (this.#isOver()) this.#gop = undefined;
  }
}
