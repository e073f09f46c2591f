import { ADTS_HEADER_BYTES } from '@sluice/media/aac';
import type { KeptPacket } from '@sluice/media/model';
import { AdtsFramer, copyInto } from '@sluice/media/remux';

import {
  type EncodedBatch,
  type FanOutFamily,
  type FanOutFormat,
  type StreamHeaders,
  TrackBit,
  type TrackState,
} from '../live/index.ts';
import { BATCH_BYTES, framedTail } from './batch.ts';
import type { Framing } from './framing.ts';

/** Room for the longest prefix of a framing. */
const PREFIX_BYTES = 16;

/** Writes the bytes of media packets of one codec. */
interface AudioWriter {
  /** Bytes of a frame; undefined when it can't be written. */
  size(packet: KeptPacket): number | undefined;
  /** Writes a packet whose size was asked for just before. */
  write(target: Uint8Array, offset: number, packet: KeptPacket): void;
  /** What a listener gets before everything else. */
  readonly fileHeader: Uint8Array | undefined;
}

/** AAC in ADTS frames as a fan-out form (H010): the first audio track of a stream alone, shared by all its listeners. */
export function aacFamily(framing: Framing): FanOutFamily {
  return family('aac', framing, () => new AacWriter());
}

/** MP3 frames behind an ID3v2 header as a fan-out form (H010). */
export function mp3Family(framing: Framing): FanOutFamily {
  return family('mp3', framing, () => new Mp3Writer());
}

function family(name: string, framing: Framing, writer: () => AudioWriter): FanOutFamily {
  return {
    key: `${name}/${framing.name}`,
    rebased: false,
    video: false,
    create: () => new AudioFormat(framing, writer()),
  };
}

class AudioFormat implements FanOutFormat {
  readonly rebased = false;
  readonly trailer: Uint8Array | undefined;
  readonly #framing: Framing;
  readonly #writer: AudioWriter;

  constructor(framing: Framing, writer: AudioWriter) {
    this.#framing = framing;
    this.#writer = writer;
    this.trailer = framing.trailer;
  }

  encode(packets: readonly KeptPacket[], from: number): { batch: EncodedBatch | undefined; next: number } {
    const { suffix } = this.#framing;
    const { most, next } = mostBytes(packets, from);
    if (most === 0) return { batch: undefined, next };
    const target = Buffer.allocUnsafeSlow(PREFIX_BYTES + most + suffix.length);
    const taken: KeptPacket[] = [];
    const offsets: number[] = [];
    let offset = PREFIX_BYTES;
    for (let index = from; index < next; index += 1) {
      const packet = packets[index];
      if (packet === undefined) break;
      const size = this.#write(target, offset, packet);
      if (size === 0) continue;
      taken.push(packet);
      offsets.push(offset);
      offset += size;
    }
    if (taken.length === 0) return { batch: undefined, next };
    const head = this.#framing.prefix(offset - PREFIX_BYTES);
    const start = PREFIX_BYTES - head.length;
    target.set(head, start);
    target.set(suffix, offset);
    for (let index = 0; index < offsets.length; index += 1) offsets[index] = (offsets[index] ?? 0) - start;
    const bytes = target.subarray(start, offset + suffix.length);
    return { batch: { bytes, packets: taken, offsets, tracks: TrackBit.audio, restarts: 0 }, next };
  }

  preamble(_headers: StreamHeaders, _first: number, state: TrackState, fresh: boolean): Uint8Array {
    state.unstarted = 0;
    const { fileHeader } = this.#writer;
    if (!fresh || fileHeader === undefined) return new Uint8Array(0);
    const framing = this.#framing;
    return Buffer.concat([framing.prefix(fileHeader.length), fileHeader, framing.suffix]);
  }

  tail(batch: EncodedBatch, index: number, state: TrackState): Uint8Array[] {
    state.unstarted = 0;
    return framedTail(this.#framing, batch, index);
  }

  /** Writes a packet and returns its size; 0 when it is not for this form. */
  #write(target: Uint8Array, offset: number, packet: KeptPacket): number {
    const { track, type } = packet;
    if (track.kind !== 'audio' || !track.primary || type !== 'media') return 0;
    const size = this.#writer.size(packet);
    if (size === undefined) return 0;
    this.#writer.write(target, offset, packet);
    return size;
  }
}

/** The most bytes that a batch can have, and where it ends. */
function mostBytes(packets: readonly KeptPacket[], from: number): { most: number; next: number } {
  let most = 0;
  let next = from;
  for (; next < packets.length && most < BATCH_BYTES; next += 1) {
    const packet = packets[next];
    if (packet?.track.kind === 'audio') most += ADTS_HEADER_BYTES + packet.payloadSize;
  }
  return { most, next };
}

class AacWriter implements AudioWriter {
  readonly fileHeader = undefined;
  #framer: AdtsFramer | undefined;
  /** The AudioSpecificConfig that {@link #framer} was made of. */
  #record: Uint8Array | undefined;

  size({ payloadSize, track }: KeptPacket): number | undefined {
    if (track.codec !== 'aac') return undefined;
    const record = track.configuration?.record;
    if (record !== this.#record) {
      this.#record = record;
      const framer = record === undefined ? undefined : AdtsFramer.of(record);
      this.#framer = typeof framer === 'string' ? undefined : framer;
    }
    return this.#framer?.sizeOf(payloadSize);
  }

  write(target: Uint8Array, offset: number, { body, payloadStart, payloadEnd }: KeptPacket): void {
    this.#framer?.write(target, offset, body, payloadStart, payloadEnd);
  }
}

class Mp3Writer implements AudioWriter {
  readonly fileHeader = id3Header();

  size({ payloadSize, track }: KeptPacket): number | undefined {
    return track.codec === 'mp3' && payloadSize > 0 ? payloadSize : undefined;
  }

  write(target: Uint8Array, offset: number, { body, payloadStart, payloadEnd }: KeptPacket): void {
    copyInto(target, offset, body, payloadStart, payloadEnd);
  }
}

/** An ID3v2.3 tag (id3.org, ID3 tag version 2.3.0, clauses 3.1 and 4.2.1) that names the software. */
function id3Header(): Uint8Array {
  const text = Buffer.from('Sluice', 'latin1');
  const frameBytes = 1 + text.length;
  return Buffer.concat([
    Buffer.from('ID3', 'latin1'),
    // Version 2.3.0, no flags, the size behind these ten bytes in 4 x 7 bits.
    Buffer.from([3, 0, 0, 0, 0, 0, 10 + frameBytes]),
    // TSSE, its size in 32 bits, no flags, ISO 8859-1.
    Buffer.from('TSSE', 'latin1'),
    Buffer.from([0, 0, 0, frameBytes, 0, 0, 0]),
    text,
  ]);
}
