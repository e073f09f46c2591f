import { buildAdtsHeader } from '../aac/index.ts';
import { buildLengthPrefixed } from '../avc/index.ts';
import { concatBytes, hexToBytes } from '../bytes/index.ts';
import {
  type TsAudioEvent,
  type TsAudioUnit,
  TsDemuxer,
  type TsDemuxerCounters,
  type TsDemuxerLimits,
  type TsEvent,
  TsMuxer,
  type TsVideoEvent,
  type TsVideoUnit,
} from './index.ts';

export const SPS: Uint8Array = hexToBytes('6764000cacd944');
export const PPS: Uint8Array = hexToBytes('68ebe3cb22c0');

export interface Demuxed {
  events: TsEvent[];
  video: TsVideoEvent[];
  audio: TsAudioEvent[];
  /** The counters that are not 0, packets left out. */
  losses: Partial<TsDemuxerCounters>;
  packets: number;
}

export function demux(bytes: Uint8Array, size = bytes.length, limits?: Partial<TsDemuxerLimits>): Demuxed {
  const demuxer = new TsDemuxer(limits);
  const events: TsEvent[] = [];
  for (let offset = 0; offset < bytes.length; offset += size) {
    events.push(...demuxer.write(bytes.subarray(offset, offset + size)));
  }
  events.push(...demuxer.end());
  const { packets, ...losses } = demuxer.counters;
  return {
    events,
    video: events.filter((event) => event.kind === 'video'),
    audio: events.filter((event) => event.kind === 'audio'),
    losses: Object.fromEntries(Object.entries(losses).filter(([, count]) => count > 0)),
    packets,
  };
}

/** The bytes of a stream of our own, and the packets in it. */
export class Stream {
  readonly muxer: TsMuxer;
  readonly parts: Uint8Array[] = [];

  constructor(muxer = new TsMuxer({ video: 'h264', audio: 'aac' })) {
    this.muxer = muxer;
  }

  tables(): this {
    return this.add(this.muxer.tablesSize(), (target) => this.muxer.writeTables(target, 0));
  }

  video(number: number, bytes = 300, over: Partial<TsVideoUnit> = {}): this {
    const unit: TsVideoUnit = {
      dts: 1000 + 40 * number,
      pts: 1000 + 40 * number,
      keyframe: number % 5 === 0,
      data: buildLengthPrefixed([picture(number, bytes)]),
      nalLengthSize: 4,
      parameterSets: [SPS, PPS],
      ...over,
    };
    return this.add(this.muxer.videoSize(unit), (target) => this.muxer.writeVideo(target, 0, unit));
  }

  audio(number: number, bytes = 100): this {
    const unit: TsAudioUnit = { pts: 1000 + 40 * number, pcr: false, pieces: adts(number, bytes) };
    return this.add(this.muxer.audioSize(unit), (target) => this.muxer.writeAudio(target, 0, unit));
  }

  add(size: number, write: (target: Uint8Array) => number): this {
    const target = new Uint8Array(size);
    write(target);
    this.parts.push(target);
    return this;
  }

  packets(): Uint8Array[] {
    const bytes = this.bytes();
    return Array.from({ length: bytes.length / 188 }, (_, index) =>
      bytes.subarray(index * 188, index * 188 + 188),
    );
  }

  bytes(): Uint8Array {
    return concatBytes(this.parts);
  }
}

/** A NAL unit that looks like a picture, and says which one. */
export function picture(number: number, bytes: number): Uint8Array {
  const unit = new Uint8Array(bytes).fill(0x80 + (number % 64));
  unit[0] = number % 5 === 0 ? 0x65 : 0x41;
  return unit;
}

export function adts(number: number, bytes: number): Uint8Array[] {
  return [
    buildAdtsHeader({ sampleRate: 44_100, channelConfiguration: 2, payloadLength: bytes }),
    new Uint8Array(bytes).fill(number),
  ];
}

/** Tables, and pictures and sound of this many numbers. */
export function sample(count = 12, pictureBytes = 300): Stream {
  const stream = new Stream();
  for (let number = 0; number < count; number++) {
    if (number % 5 === 0) stream.tables();
    stream.video(number, pictureBytes).audio(number);
  }
  return stream;
}

/** Which pictures came out, by their number. */
export function numbersOf(video: readonly TsVideoEvent[]): number[] {
  return video.map((event) => Math.round((event.dts / 90 - 1000) / 40));
}

export function isVideo(packet: Uint8Array): boolean {
  return ((packet[1] ?? 0) & 0x1f) === 1 && packet[2] === 0;
}
