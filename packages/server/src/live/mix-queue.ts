import type { KeptPacket } from '@sluice/media/model';

import { MAX_MIXED_BYTES, MAX_MIXED_FRAMES } from './limits.ts';

/**
 * Puts audio and video in the order of their timestamps (`mix_correct on`, P017): packets wait until two
 * videos and one audio are held, and leave sorted. Past a limit of packets or bytes the oldest leaves, whatever the rule
 * says.
 */
export class MixQueue {
  readonly #packets: KeptPacket[] = [];
  #audios = 0;
  #videos = 0;
  #bytes = 0;

  /** Takes a packet and returns those that may go out now, oldest first. */
  push(packet: KeptPacket): KeptPacket[] {
    let at = this.#packets.length;
    while (at > 0 && (this.#packets[at - 1]?.timestamp ?? 0) > packet.timestamp) at -= 1;
    this.#packets.splice(at, 0, packet);
    this.#count(packet, 1);
    const out: KeptPacket[] = [];
    while ((this.#videos >= 2 && this.#audios >= 1) || this.#isFull) {
      const first = this.#packets.shift();
      if (first === undefined) break;
      this.#count(first, -1);
      out.push(first);
    }
    return out;
  }

  get #isFull(): boolean {
    const { length } = this.#packets;
    return length > MAX_MIXED_FRAMES || (length > 1 && this.#bytes > MAX_MIXED_BYTES);
  }

  /** Empties the queue, oldest first. */
  drain(): KeptPacket[] {
    this.#audios = 0;
    this.#videos = 0;
    this.#bytes = 0;
    return this.#packets.splice(0);
  }

  #count({ body, track }: KeptPacket, by: number): void {
    this.#bytes += by * body.length;
    if (track.kind === 'audio') this.#audios += by;
    else if (track.kind === 'video') this.#videos += by;
  }
}
