import { createPacket, type KeptPacket, type Packet, type Track } from '@sluice/media/model';

import { gopFrameLimit } from './limits.ts';
import { isTimed, startsGop } from './packet-roles.ts';

/** Audio frames without a video frame among them, after which a stream counts as pure audio (O004). */
export const PURE_AUDIO_FRAMES = 115;

/** How many frames from a GOP's start are looked at for its earliest timestamp. */
const BASE_FRAMES = 16;
/** Bytes of one block of memory; a longer body gets a block of its own. */
const BLOCK_BYTES = 16_384;
/** Blocks kept for the next GOP of a stream, so that memory once taken is used again. */
const MAX_SPARE_BLOCKS = 16;

/** Numbers kept of a packet, by their place in its record. */
const Field = {
  flags: 0,
  decodeTime: 1,
  block: 2,
  /** Of the message's bytes in the block. */
  offset: 3,
  length: 4,
  payloadStart: 5,
  payloadEnd: 6,
  compositionOffset: 7,
  track: 8,
} as const;
const FIELDS = 9;
/** What the numbers kept of a packet cost, bytes. */
const RECORD_BYTES = FIELDS * 8;
/** Flags of a packet: two bits, then which packet of its message it is, and how many the message makes. */
const KEYFRAME_BIT = 1;
const CONTROL_BIT = 2;
const PART_SHIFT = 8;
const PARTS_SHIFT = 16;

/**
 * The packets since the last keyframe of the first video track, those of other tracks between them included: what a
 * player that joins is given first.
 * Empty while the stream is pure audio, and from a GOP's overflow of a limit until its end.
 *
 * Most streams have a cache and few of them a player at a time, so bytes are copied into a few blocks that are
 * used again for the next GOP, and what else there is to a packet into one array of numbers: thousands of objects that
 * live for seconds would keep the garbage collector busier than all the rest of a publisher.
 */
export class GopCache {
  #maxBytes: number;
  #maxFrames: number;
  readonly #records: number[] = [];
  #tracks: Track[] = [];
  #count = 0;
  #blocks: Uint8Array[] = [];
  #spare: Uint8Array[] = [];
  #used = 0;
  #bytes = 0;
  #audiosSinceVideo = 0;
  #base: number | undefined;
  #zero: number | undefined;
  /** The body, as it came, of the message whose packets were stored last. */
  #messageBody: Uint8Array | undefined;
  /** Views of the present GOP's blocks are out, so they are not used again. */
  #lent = false;

  /**
   * @param maxBytes - most bytes that are held, what is kept of each packet besides its bytes included; 0 turns the
   * cache off
   * @param maxFrames - most packets that are held; 0 is the most that the engine allows
   */
  constructor(maxBytes: number, maxFrames = 0) {
    this.#maxBytes = maxBytes;
    this.#maxFrames = gopFrameLimit(maxFrames);
  }

  /** Changes the limits; a GOP beyond them is dropped. */
  limit(maxBytes: number, maxFrames = 0): void {
    this.#maxBytes = maxBytes;
    this.#maxFrames = gopFrameLimit(maxFrames);
    if (this.#isOver(this.#bytes, this.#count)) this.clear();
  }

  /** Packets held; 0 when there is nothing to start from. */
  get size(): number {
    return this.#count;
  }

  /** No video has come for so long that the stream counts as pure audio. */
  get pureAudio(): boolean {
    return this.#audiosSinceVideo > PURE_AUDIO_FRAMES;
  }

  /** Bytes of the bodies held. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The time, ms, that a player which starts with this GOP takes as its zero: the earliest among the GOP's
   * first frames, since audio that follows a keyframe may lie a little before it. Stays the same for the
   * GOP's life once asked for; undefined while the cache is empty.
   */
  get base(): number | undefined {
    if (this.#base !== undefined) return this.#base;
    for (let index = 0; index < this.#count && index < BASE_FRAMES; index += 1) {
      const timestamp = this.#timestampOf(index);
      if (this.#base === undefined || timestamp < this.#base) this.#base = timestamp;
    }
    return this.#base;
  }

  /**
   * The zero, ms, of all players that start with this GOP; undefined while the cache is empty.
   *
   * @param zeroOf - makes it of {@link base}; asked once
   */
  zero(zeroOf: (base: number) => number): number | undefined {
    const { base } = this;
    if (base !== undefined) this.#zero ??= zeroOf(base);
    return this.#zero;
  }

  /** The packets held, a keyframe first. */
  packets(): readonly KeptPacket[] {
    this.#lent = true;
    const packets: KeptPacket[] = [];
    let body: Uint8Array | undefined;
    for (let index = 0; index < this.#count; index += 1) {
      const flags = this.#field(index, Field.flags);
      const part = (flags >> PART_SHIFT) & 0xff;
      // Packets of one message share its bytes.
      if (part === 0 || body === undefined) body = this.#bodyOf(index);
      const track = this.#tracks[this.#field(index, Field.track)];
      if (body === undefined || track === undefined) break;
      const packet = {
        track,
        type: (flags & CONTROL_BIT) === 0 ? ('media' as const) : ('control' as const),
        decodeTime: this.#field(index, Field.decodeTime),
        compositionOffset: this.#field(index, Field.compositionOffset),
        keyframe: (flags & KEYFRAME_BIT) !== 0,
        body,
        payloadStart: this.#field(index, Field.payloadStart),
        payloadEnd: this.#field(index, Field.payloadEnd),
        part,
        parts: flags >> PARTS_SHIFT,
      };
      packets.push(createPacket(packet, false));
    }
    return packets;
  }

  /**
   * The bytes of the message of the packet that {@link push} has just stored, in the cache's own memory. They are never
   * changed afterwards.
   */
  get lastBody(): Uint8Array | undefined {
    if (this.#count === 0) return undefined;
    this.#lent = true;
    return this.#bodyOf(this.#count - 1);
  }

  /**
   * Takes the next timed packet (configurations and data are not the cache's) and copies its bytes.
   *
   * @returns whether it was stored
   */
  push(packet: Packet): boolean {
    if (packet.track.kind === 'video') {
      this.#audiosSinceVideo = 0;
      if (startsGop(packet)) this.clear();
    } else {
      this.#audiosSinceVideo += 1;
      if (this.pureAudio) this.clear();
    }
    if (this.#maxBytes === 0 || (this.#count === 0 && !startsGop(packet))) return false;
    const isOfLast = packet.part > 0 && this.#messageBody === packet.body;
    if (!isOfLast) this.#bytes += packet.flvSize;
    if (this.#isOver(this.#bytes, this.#count + 1)) {
      this.clear();
      return false;
    }
    this.#store(packet, isOfLast);
    return true;
  }

  #isOver(bytes: number, frames: number): boolean {
    return frames > this.#maxFrames || bytes + frames * RECORD_BYTES > this.#maxBytes;
  }

  clear(): void {
    if (!this.#lent) {
      for (const block of this.#blocks) {
        if (block.length === BLOCK_BYTES && this.#spare.length < MAX_SPARE_BLOCKS) this.#spare.push(block);
      }
    }
    this.#lent = false;
    this.#blocks = [];
    this.#used = 0;
    this.#count = 0;
    this.#bytes = 0;
    this.#tracks = [];
    this.#messageBody = undefined;
    this.#base = undefined;
    this.#zero = undefined;
  }

  #store(packet: Packet, isOfLast: boolean): void {
    const { flvHeader, parts, track } = packet;
    const length = packet.flvSize;
    if (!isOfLast) this.#copy(packet, length);
    const at = this.#count * FIELDS;
    this.#count += 1;
    const headerBytes = flvHeader?.length ?? 0;
    const keyframe = packet.keyframe ? KEYFRAME_BIT : 0;
    const control = packet.type === 'control' ? CONTROL_BIT : 0;
    const records = this.#records;
    records[at + Field.flags] = keyframe | control | (packet.part << PART_SHIFT) | (parts << PARTS_SHIFT);
    records[at + Field.decodeTime] = packet.decodeTime;
    records[at + Field.block] = this.#blocks.length - 1;
    records[at + Field.offset] = this.#used - length;
    records[at + Field.length] = length;
    records[at + Field.payloadStart] = packet.payloadStart + headerBytes;
    records[at + Field.payloadEnd] = packet.payloadEnd + headerBytes;
    records[at + Field.compositionOffset] = packet.compositionOffset;
    records[at + Field.track] = this.#trackIndex(track);
  }

  #copy({ body, flvHeader, parts }: Packet, length: number): void {
    let block = this.#blocks[this.#blocks.length - 1];
    if (block === undefined || this.#used + length > block.length) {
      block = length <= BLOCK_BYTES ? this.#spare.pop() : undefined;
      block ??= new Uint8Array(Math.max(length, BLOCK_BYTES));
      this.#blocks.push(block);
      this.#used = 0;
    }
    if (flvHeader !== undefined) block.set(flvHeader, this.#used);
    block.set(body, this.#used + (flvHeader?.length ?? 0));
    this.#used += length;
    this.#messageBody = parts > 1 ? body : undefined;
  }

  #field(index: number, field: number): number {
    return this.#records[index * FIELDS + field] ?? 0;
  }

  #bodyOf(index: number): Uint8Array | undefined {
    const offset = this.#field(index, Field.offset);
    return this.#blocks[this.#field(index, Field.block)]?.subarray(
      offset,
      offset + this.#field(index, Field.length),
    );
  }

  #timestampOf(index: number): number {
    const timescale = this.#tracks[this.#field(index, Field.track)]?.timescale ?? 1000;
    const time = this.#field(index, Field.decodeTime);
    return timescale === 1000 ? time : Math.round((time * 1000) / timescale);
  }

  #trackIndex(track: Track): number {
    const known = this.#tracks.lastIndexOf(track);
    return known >= 0 ? known : this.#tracks.push(track) - 1;
  }
}

/** The least timestamp, ms, among the first timed packets; undefined when there is none. */
export function earliestTimestamp(packets: readonly Packet[]): number | undefined {
  let least: number | undefined;
  for (let index = 0; index < packets.length && index < BASE_FRAMES; index += 1) {
    const packet = packets[index];
    if (packet === undefined || !isTimed(packet)) continue;
    if (least === undefined || packet.timestamp < least) least = packet.timestamp;
  }
  return least;
}
