import type { KeptPacket, Packet } from '@sluice/media/model';

import { MAX_AUDIO_CACHE_BYTES, MAX_AUDIO_CACHE_FRAMES } from './limits.ts';

/** The last seconds of audio, for listeners that join (`fast_cache`, H011). */
export class AudioCache {
  #durationMs: number;
  /** The first `#first` of them are too old, and are removed together with others. */
  #packets: KeptPacket[] = [];
  #first = 0;
  #bytes = 0;

  /** @param durationMs - how much audio is kept; 0 keeps none */
  constructor(durationMs: number) {
    this.#durationMs = durationMs;
  }

  /** Changes how much is kept, ms; what is too much goes with the next packet, or at once when nothing is kept. */
  limit(durationMs: number): void {
    this.#durationMs = durationMs;
    if (durationMs === 0) this.clear();
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The audio held, oldest first. */
  get packets(): readonly KeptPacket[] {
    return this.#packets.slice(this.#first);
  }

  /** Takes the next packet; its bytes are copied if it is media of the first audio track. */
  push(packet: Packet): void {
    const { track } = packet;
    if (this.#durationMs === 0 || track.kind !== 'audio' || !track.primary || packet.type !== 'media') return;
    const kept = packet.keep();
    this.#packets.push(kept);
    this.#bytes += kept.body.length;
    for (; this.#first < this.#packets.length; this.#first += 1) {
      const old = this.#packets[this.#first];
      if (old === undefined || this.#fits(old.timestamp, kept.timestamp)) break;
      this.#bytes -= old.body.length;
    }
    if (this.#first <= this.#packets.length / 2) return;
    this.#packets = this.#packets.slice(this.#first);
    this.#first = 0;
  }

  /** Whether the oldest packet may stay, now that there is one of `newest` ms. */
  #fits(oldest: number, newest: number): boolean {
    if (this.#packets.length - this.#first > MAX_AUDIO_CACHE_FRAMES) return false;
    return newest - oldest <= this.#durationMs && oldest <= newest && this.#bytes <= MAX_AUDIO_CACHE_BYTES;
  }

  clear(): void {
    this.#packets = [];
    this.#first = 0;
    this.#bytes = 0;
  }
}
