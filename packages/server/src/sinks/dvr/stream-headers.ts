import { isSameTrack, type KeptPacket, type Packet } from '@sluice/media/model';

import type { HeaderPackets } from './recorded-file.ts';

const ON_META_DATA = new TextEncoder().encode('onMetaData');

/** What a recording knows of its stream: what stands at the head of each of its files. */
export class StreamHeaders {
  #packets: HeaderPackets;

  /** @param packets - what is known already */
  constructor(packets: HeaderPackets = { others: [] }) {
    this.#packets = packets;
  }

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

  /** The first media packet of a track, or of another codec of it, stands for the configuration that the codec doesn't have. */
  note(packet: Packet): void {
    const { codec, kind, primary } = packet.track;
    if (
      kind === 'data' ||
      !primary ||
      packet.type !== 'media' ||
      this.#packets[kind]?.track.codec === codec
    ) {
      return;
    }
    this.#packets = { ...this.#packets, [kind]: packet.keep() };
  }
}

/** Whether a packet is an AMF 0 message with the name `onMetaData`. */
export function isMetadata({ body, track }: Packet): boolean {
  if (track.kind !== 'data') return false;
  if (body[0] !== 2 || body[1] !== 0 || body[2] !== ON_META_DATA.length) return false;
  return ON_META_DATA.every((byte, index) => body[index + 3] === byte);
}

/** What a file begins with: what held in front of its first packet; of tracks without a configuration there, what is known now. */
export function headersOf(start: HeaderPackets, now: HeaderPackets): HeaderPackets {
  const { audio, video } = start;
  return {
    metadata: now.metadata,
    audio: isReadable(audio) ? audio : now.audio,
    video: isReadable(video) ? video : now.video,
    others: now.others.map((one) => start.others.find(({ track }) => isSameTrack(track, one.track)) ?? one),
  };
}

function isReadable(packet: KeptPacket | undefined): boolean {
  return packet?.type === 'configuration' && packet.track.configuration?.readable === true;
}

/** The configurations that a file begins with; audio before video, first tracks before others. */
export function configurationsOf({ audio, video, others }: HeaderPackets): readonly KeptPacket[] {
  const known = [audio, video, ...others].filter((packet) => packet !== undefined);
  return known.filter(({ type }) => type === 'configuration');
}
