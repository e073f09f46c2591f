import { isSameTrack, type Packet } from '@sluice/media/model';

import type { HeaderPackets } from './recorded-file.ts';

const ON_META_DATA = new TextEncoder().encode('onMetaData');

/** What a recording knows of its stream: what stands at the head of each of its files. */
export class StreamHeaders {
  #packets: HeaderPackets = { others: [] };

  /** What is known now; never changed afterwards. */
  get packets(): HeaderPackets {
    return this.#packets;
  }

  get hasVideo(): boolean {
    return this.#packets.video !== undefined;
  }

  /** Whether the first track of each kind is known. */
  get hasBoth(): boolean {
    return this.hasVideo && this.#packets.audio !== undefined;
  }

  /** Takes metadata or a configuration, which replaces the last one. Cue points and the like are not kept. */
  take(packet: Packet): void {
    const { kind, primary } = packet.track;
    if (isMetadata(packet)) this.#packets = { ...this.#packets, metadata: packet.keep() };
    else if (kind === 'data') return;
    else if (primary) this.#packets = { ...this.#packets, [kind]: packet.keep() };
    else {
      const others = this.#packets.others.filter(({ track }) => !isSameTrack(track, packet.track));
      this.#packets = { ...this.#packets, others: [...others, packet.keep()] };
    }
  }

  /** The first media packet of a track stands for the configuration that its codec doesn't have. */
  note(packet: Packet): void {
    const { kind, primary } = packet.track;
    if (kind === 'data' || !primary || this.#packets[kind] !== undefined) return;
    this.#packets = { ...this.#packets, [kind]: packet.keep() };
  }
}

/** Whether a packet is an AMF 0 message with the name `onMetaData`. */
export function isMetadata({ body, track }: Packet): boolean {
  if (track.kind !== 'data') return false;
  if (body[0] !== 2 || body[1] !== 0 || body[2] !== ON_META_DATA.length) return false;
  return ON_META_DATA.every((byte, index) => body[index + 3] === byte);
}
