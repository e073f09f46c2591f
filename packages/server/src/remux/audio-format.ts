import { ADTS_HEADER_BYTES } from '@sluice/media/aac';
import { type AudioTagHeader, parseAudioTagHeader } from '@sluice/media/flv';
import { AdtsFramer, copyInto } from '@sluice/media/remux';

import {
  type EncodedBatch,
  type FanOutFamily,
  type FanOutFormat,
  type Frame,
  FrameKind,
  type StreamHeaders,
  TrackBit,
  type TrackState,
} from '../live/index.ts';
import { BATCH_BYTES, framedTail } from './batch.ts';
import type { Framing } from './framing.ts';

/** Room for the longest prefix of a framing. */
const PREFIX_BYTES = 16;

/** Writes one frame's bytes; undefined for what the form has no words for. */
interface AudioWriter {
  /** Reads a sequence header, or a frame of another codec, which is passed over. */
  skip(frame: Frame, header: AudioTagHeader): void;
  /** Bytes of a coded frame; undefined when it can't be written. */
  size(frame: Frame, header: AudioTagHeader): number | undefined;
  write(target: Uint8Array, offset: number, frame: Frame, header: AudioTagHeader): void;
  /** What a listener gets before everything else. */
  readonly fileHeader: Uint8Array | undefined;
}

/**
 * AAC in ADTS frames as a fan-out form (H010): the audio of a stream alone, shared by all its listeners.
 *
 * @param headers - the sequence headers that hold when a group begins
 */
export function aacFamily(framing: Framing, headers: () => readonly Frame[]): FanOutFamily {
  return family('aac', framing, () => {
    const writer = new AacWriter();
    for (const frame of headers()) {
      const header = frame.kind === FrameKind.audio ? parseAudioTagHeader(frame.body) : undefined;
      if (header !== undefined) writer.skip(frame, header);
    }
    return writer;
  });
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

  encode(frames: readonly Frame[], from: number): { batch: EncodedBatch | undefined; next: number } {
    const { suffix } = this.#framing;
    const { most, next } = mostBytes(frames, from);
    if (most === 0) return { batch: undefined, next };
    const target = Buffer.allocUnsafeSlow(PREFIX_BYTES + most + suffix.length);
    const taken: Frame[] = [];
    const offsets: number[] = [];
    let offset = PREFIX_BYTES;
    for (let index = from; index < next; index += 1) {
      const frame = frames[index];
      if (frame === undefined) break;
      const size = this.#write(target, offset, frame);
      if (size === 0) continue;
      taken.push(frame);
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
    return { batch: { bytes, frames: taken, offsets, tracks: TrackBit.audio, restarts: 0 }, next };
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

  /** Writes a frame and returns its size; 0 when it is not for this form. */
  #write(target: Uint8Array, offset: number, frame: Frame): number {
    if (frame.kind !== FrameKind.audio) return 0;
    const header = parseAudioTagHeader(frame.body);
    if (header === undefined) return 0;
    const size = this.#writer.size(frame, header);
    if (size === undefined) {
      this.#writer.skip(frame, header);
      return 0;
    }
    this.#writer.write(target, offset, frame, header);
    return size;
  }
}

/** The most bytes that a batch can have, and where it ends. */
function mostBytes(frames: readonly Frame[], from: number): { most: number; next: number } {
  let most = 0;
  let next = from;
  for (; next < frames.length && most < BATCH_BYTES; next += 1) {
    const frame = frames[next];
    if (frame?.kind === FrameKind.audio) most += ADTS_HEADER_BYTES + frame.body.length;
  }
  return { most, next };
}

class AacWriter implements AudioWriter {
  readonly fileHeader = undefined;
  #framer: AdtsFramer | undefined;

  skip(frame: Frame, header: AudioTagHeader): void {
    if (frame.codec !== 'aac' || header.packetType !== 'sequence-header') return;
    const framer = AdtsFramer.of(frame.body.subarray(header.dataOffset));
    this.#framer = typeof framer === 'string' ? undefined : framer;
  }

  size({ body, codec }: Frame, { dataOffset, packetType }: AudioTagHeader): number | undefined {
    if (codec !== 'aac' || packetType !== 'raw') return undefined;
    return this.#framer?.sizeOf(body.length - dataOffset);
  }

  write(target: Uint8Array, offset: number, { body }: Frame, { dataOffset }: AudioTagHeader): void {
    this.#framer?.write(target, offset, body, dataOffset);
  }
}

class Mp3Writer implements AudioWriter {
  readonly fileHeader = id3Header();

  skip(): void {
    // MP3 frames tell all that there is to know by themselves.
  }

  size({ body, codec }: Frame, { dataOffset, packetType }: AudioTagHeader): number | undefined {
    return codec === 'mp3' && packetType === 'raw' && body.length > dataOffset
      ? body.length - dataOffset
      : undefined;
  }

  write(target: Uint8Array, offset: number, { body }: Frame, { dataOffset }: AudioTagHeader): void {
    copyInto(target, offset, body, dataOffset);
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
