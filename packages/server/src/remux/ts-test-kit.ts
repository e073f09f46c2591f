/** What the tests of MPEG-TS forms share: a reader that knows no more than ISO/IEC 13818-1 says, and frames that hold up. */
import { FlvTagType } from '@sluice/media/flv';
import { crc32Mpeg } from '@sluice/media/bytes';
import type { Packet } from '@sluice/media/model';

import { ConfigurationLinker } from '../live/packet-test-kit.ts';
import { numberIn } from './test-kit.ts';
import { type PackResult, TsPacker } from './ts-packer.ts';

/** A PMT as it was read. */
export interface ReadPmt {
  readonly version: number;
  readonly pcrPid: number;
  /** Stream type by PID. */
  readonly streams: Readonly<Record<number, number>>;
}

/** A PES packet as it was read. */
export interface ReadPes {
  readonly pid: number;
  /** ms. */
  readonly pts: number;
  /** ms; the PTS where the packet has no DTS. */
  readonly dts: number;
  readonly randomAccess: boolean;
  readonly pcr: boolean;
  readonly payload: Buffer;
}

/** Everything in a transport stream, in order. */
export interface ReadTs {
  readonly pats: number;
  readonly pmts: readonly ReadPmt[];
  readonly pes: readonly ReadPes[];
  /** PIDs of the packets in order, `pat` and `pmt` by name. */
  readonly order: readonly (number | 'pat' | 'pmt')[];
  /** PIDs of media whose continuity counter jumped. */
  readonly gaps: readonly number[];
}

/** Reads a transport stream; throws where it is none. */
export function readTs(bytes: Uint8Array): ReadTs {
  const data = Buffer.from(bytes);
  if (data.length % 188 !== 0) throw new Error(`${data.length} bytes are no whole packets`);
  let pmtPid = -1;
  let pats = 0;
  const pmts: ReadPmt[] = [];
  const order: (number | 'pat' | 'pmt')[] = [];
  const gaps: number[] = [];
  const counters = new Map<number, number>();
  const open = new Map<number, { parts: Buffer[]; randomAccess: boolean; pcr: boolean }>();
  const pes: ReadPes[] = [];
  const close = (pid: number): void => {
    const unit = open.get(pid);
    open.delete(pid);
    if (unit !== undefined) pes.push(readPes(pid, Buffer.concat(unit.parts), unit.randomAccess, unit.pcr));
  };
  for (let at = 0; at < data.length; at += 188) {
    const packet = data.subarray(at, at + 188);
    if (packet[0] !== 0x47) throw new Error(`no sync byte at ${at}`);
    const pid = packet.readUInt16BE(1) & 0x1fff;
    const start = ((packet[1] ?? 0) & 0x40) !== 0;
    const control = (packet[3] ?? 0) >> 4;
    const counter = (packet[3] ?? 0) & 0x0f;
    const adaptation = (control & 2) === 0 ? 0 : 1 + (packet[4] ?? 0);
    const flags = adaptation > 1 ? (packet[5] ?? 0) : 0;
    const payload = packet.subarray(4 + adaptation);
    if (pid === 0) {
      pats += 1;
      order.push('pat');
      pmtPid = readSection(payload).readUInt16BE(10) & 0x1fff;
      continue;
    }
    if (pid === pmtPid) {
      order.push('pmt');
      pmts.push(readPmt(readSection(payload)));
      continue;
    }
    order.push(pid);
    const last = counters.get(pid);
    if (last !== undefined && counter !== ((last + 1) & 0x0f)) gaps.push(pid);
    counters.set(pid, counter);
    if (start) {
      close(pid);
      open.set(pid, { parts: [], randomAccess: (flags & 0x40) !== 0, pcr: (flags & 0x10) !== 0 });
    }
    open.get(pid)?.parts.push(payload);
  }
  for (const pid of [...open.keys()]) close(pid);
  return { pats, pmts, pes, order, gaps };
}

function readSection(payload: Buffer): Buffer {
  const from = 1 + (payload[0] ?? 0);
  const section = payload.subarray(from, from + 3 + (payload.readUInt16BE(from + 1) & 0x0fff));
  if (crc32Mpeg(section) !== 0) throw new Error('a section has a wrong CRC');
  return section;
}

function readPmt(section: Buffer): ReadPmt {
  const streams: Record<number, number> = {};
  let at = 12 + (section.readUInt16BE(10) & 0x0fff);
  for (; at < section.length - 4; at += 5 + (section.readUInt16BE(at + 3) & 0x0fff)) {
    streams[section.readUInt16BE(at + 1) & 0x1fff] = section[at] ?? 0;
  }
  return { version: ((section[5] ?? 0) >> 1) & 0x1f, pcrPid: section.readUInt16BE(8) & 0x1fff, streams };
}

function readPes(pid: number, bytes: Buffer, randomAccess: boolean, pcr: boolean): ReadPes {
  if (bytes.readUIntBE(0, 3) !== 1) throw new Error('a PES has no start code');
  const length = bytes.readUInt16BE(4);
  if (length !== 0 && length !== bytes.length - 6) throw new Error(`PES of ${bytes.length}, says ${length}`);
  const flags = bytes[7] ?? 0;
  const pts = readTime(bytes, 9);
  const dts = (flags & 0x40) === 0 ? pts : readTime(bytes, 14);
  return { pid, pts, dts, randomAccess, pcr, payload: bytes.subarray(9 + (bytes[8] ?? 0)) };
}

function readTime(bytes: Buffer, at: number): number {
  const high = ((bytes[at] ?? 0) >> 1) & 0x07;
  const middle = bytes.readUInt16BE(at + 1) >> 1;
  const low = bytes.readUInt16BE(at + 3) >> 1;
  return (high * 2 ** 30 + middle * 2 ** 15 + low) / 90;
}

/** NAL units of an access unit in Annex B. */
export function nalUnits(payload: Buffer): Buffer[] {
  const starts: number[] = [];
  for (let at = 0; at + 3 <= payload.length; at += 1) {
    if (payload[at] === 0 && payload[at + 1] === 0 && payload[at + 2] === 1) starts.push(at + 3);
  }
  return starts.map((start, index) => {
    let end = (starts[index + 1] ?? payload.length + 3) - 3;
    if (index + 1 < starts.length) while (payload[end - 1] === 0) end -= 1;
    return payload.subarray(start, end);
  });
}

/** ADTS frames: their header's bytes and payloads. */
export function adtsPayloads(payload: Buffer): { header: Buffer; body: Buffer }[] {
  const frames = [];
  for (let at = 0; at < payload.length;) {
    const size =
      (((payload[at + 3] ?? 0) & 3) << 11) | ((payload[at + 4] ?? 0) << 3) | ((payload[at + 5] ?? 0) >> 5);
    if (size < 7) throw new Error('an ADTS frame is too short');
    frames.push({ header: payload.subarray(at, at + 7), body: payload.subarray(at + 7, at + size) });
    at += size;
  }
  return frames;
}

/** A packer that gives packets made apart the configuration that was written before them, as a live stream does. */
export class LinkedTsPacker extends TsPacker {
  readonly #linker = new ConfigurationLinker();

  override write(packet: Packet): PackResult {
    return super.write(this.#linker.link(packet));
  }
}

/** An H.264 tag body with one slice that carries a number. */
export function avcBody(number: number, { key = false, size = 40, cts = 0 } = {}): Uint8Array {
  const slice = Buffer.alloc(Math.max(6, size), 0x55);
  slice[0] = key ? 0x65 : 0x41;
  slice[1] = 0xa5;
  // Never two zero bytes and something small behind each other.
  for (let index = 0; index < 4; index += 1) slice[2 + index] = 0x80 | ((number >> (7 * (3 - index))) & 0x7f);
  return avcTag(key, [slice], cts);
}

/** An H.264 tag body of these NAL units. */
export function avcTag(key: boolean, units: readonly Uint8Array[], cts = 0): Uint8Array {
  const parts = [Buffer.from([key ? 0x17 : 0x27, 1, (cts >> 16) & 0xff, (cts >> 8) & 0xff, cts & 0xff])];
  for (const unit of units) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(unit.length);
    parts.push(length, Buffer.from(unit));
  }
  return Buffer.concat(parts);
}

/** The number in an access unit of {@link avcBody}, or -1. */
export function numberOfPicture(payload: Buffer): number {
  const slice = nalUnits(payload).find(([head]) => head === 0x65 || head === 0x41);
  if (slice?.[1] !== 0xa5) return -1;
  return slice.subarray(2, 6).reduce((number, byte) => number * 128 + (byte & 0x7f), 0);
}

/** The number in a raw AAC or MP3 payload of the kit's `audio()` body, or -1. */
export function numberOfSound(payload: Uint8Array, head: readonly number[] = [0xaf, 1]): number {
  return numberIn(FlvTagType.audio, Buffer.concat([Buffer.from(head), payload]));
}

/** What a player sees: `v12`, `V12` for a keyframe, `a12`, in the order of the packets that begin them. */
export function briefTs(bytes: Uint8Array): string[] {
  return readTs(bytes).pes.flatMap(({ pid, payload, randomAccess }) => {
    if (pid === 0x100) return [`${randomAccess ? 'V' : 'v'}${numberOfPicture(payload)}`];
    if (pid === 0x102) return [`a${numberOfSound(payload, [0x2f])}`];
    return adtsPayloads(payload).map(({ body }) => `a${numberOfSound(body)}`);
  });
}
