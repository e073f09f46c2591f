import { isSameTrack, type KeptPacket } from '@sluice/media/model';

import { MAX_PENDING_BYTES, MAX_PENDING_FRAMES } from './limits.ts';
import { isTimed, startsGop } from './packet-roles.ts';

/** The packets that wait for a group's next flush. */
export class PendingPackets {
  #packets: KeptPacket[] = [];
  #bytes = 0;

  /** So many packets or bytes wait that they have to be flushed before their time. */
  get full(): boolean {
    return this.#packets.length >= MAX_PENDING_FRAMES || this.#bytes >= MAX_PENDING_BYTES;
  }

  get size(): number {
    return this.#packets.length;
  }

  push(packet: KeptPacket): void {
    this.#packets.push(packet);
    this.#bytes += costOf(packet);
  }

  /** Takes all of them. */
  takeAll(): readonly KeptPacket[] {
    const packets = this.#packets;
    this.#packets = [];
    this.#bytes = 0;
    return packets;
  }

  /** Takes the oldest message: one packet, or all of those that it makes. */
  takeMessage(): readonly KeptPacket[] {
    let count = Math.min(1, this.#packets.length);
    while ((this.#packets[count]?.part ?? 0) > 0) count += 1;
    const packets = this.#packets.splice(0, count);
    for (const packet of packets) this.#bytes -= costOf(packet);
    return packets;
  }

  /**
   * Flushed slower than published: everything before the newest keyframe that is within the limit is dropped, as for
   * any queue (O005). When too many packets or bytes wait, all media is.
   *
   * @param lengthMs - the most stream time that may wait
   */
  limit(lengthMs: number): void {
    const newest = this.#packets[this.#packets.length - 1]?.timestamp ?? 0;
    const { full } = this;
    if (!full && newest - (this.#packets.find(isTimed)?.timestamp ?? newest) <= lengthMs) return;
    const from = full
      ? -1
      : this.#packets.findIndex((packet) => startsGop(packet) && newest - packet.timestamp <= lengthMs);
    // Configurations and metadata stay: what follows is of no use without them.
    const kept = this.#packets.filter((packet, index) => (from >= 0 && index >= from) || !isTimed(packet));
    // A publisher may send nothing but them.
    this.#packets = kept.slice(-MAX_PENDING_FRAMES / 2);
    this.#bytes = this.#packets.reduce((sum, packet) => sum + costOf(packet), 0);
  }

  /** How many of the last of these packets wait, too. */
  countAmong(packets: readonly KeptPacket[]): number {
    let count = 0;
    for (let at = this.#packets.length - 1; at >= 0 && count < packets.length; at -= 1) {
      const last = packets[packets.length - 1 - count];
      const waiting = this.#packets[at];
      if (waiting === undefined || last === undefined) break;
      const isOfTrack = isSameTrack(waiting.track, last.track);
      if (isOfTrack && isTimed(waiting) && waiting.timestamp === last.timestamp) count += 1;
    }
    return count;
  }
}

/** Packets of one message share its bytes. */
function costOf({ body, part }: KeptPacket): number {
  return part === 0 ? body.length : 0;
}
