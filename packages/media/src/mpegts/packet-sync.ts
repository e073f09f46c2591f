import { MediaError } from '../errors.ts';
import { TS_PACKET_BYTES, TS_SYNC_BYTE } from './constants.ts';
import type { TsDemuxerCounters } from './events.ts';

/** Packets alone; with a time stamp of 4 bytes in front (M2TS); with 16 bytes of Reed-Solomon parity behind (DVB). */
const STRIDES = [TS_PACKET_BYTES, 192, 204] as const;
const LONGEST_STRIDE = 204;
/** A sync byte is believed when as many stand in a row, one packet apart. */
const SYNC_BYTES_IN_A_ROW = 5;
/** More than any candidate needs to be judged. */
const CARRY_BYTES = 2 * SYNC_BYTES_IN_A_ROW * LONGEST_STRIDE;

/** Takes a packet: 188 bytes at `offset`, lent for the call. */
export type TsPacketHandler = (bytes: Uint8Array, offset: number) => void;

/** Finds packets in bytes that are cut anywhere, and finds them again after damage. */
export class TsPacketSync {
  readonly #onPacket: TsPacketHandler;
  readonly #counters: TsDemuxerCounters;
  readonly #maxUnsyncedBytes: number;
  /** Bytes from packet to packet; 0 while they are searched for. */
  #stride = 0;
  /** A begun packet, or what is being searched. */
  readonly #carry = new Uint8Array(CARRY_BYTES);
  #carryLength = 0;
  #unsynced = 0;

  constructor(onPacket: TsPacketHandler, counters: TsDemuxerCounters, maxUnsyncedBytes: number) {
    this.#onPacket = onPacket;
    this.#counters = counters;
    this.#maxUnsyncedBytes = maxUnsyncedBytes;
  }

  /** Bytes from packet to packet: 188, 192 or 204; undefined while they are searched for. */
  get packetBytes(): number | undefined {
    return this.#stride === 0 ? undefined : this.#stride;
  }

  /** Takes the next bytes. @throws MediaError `bad-value` when too many hold no packets. */
  write(bytes: Uint8Array): void {
    let offset = 0;
    while (offset < bytes.length) {
      if (this.#stride === 0) offset = this.#search(bytes, offset);
      else if (this.#carryLength > 0) offset = this.#complete(bytes, offset);
      else offset = this.#walk(bytes, offset);
    }
  }

  /** Gives what can be told of the last bytes, fewer than make a sync certain, and forgets them. */
  end(): void {
    const carry = this.#carry;
    let at = 0;
    if (this.#stride === 0) {
      while (at < this.#carryLength && this.#strideAt(at, true) <= 0) at++;
      if (at < this.#carryLength) this.#stride = this.#strideAt(at, true);
    }
    // The parity behind the last packet may be missing.
    while (this.#carryLength - at >= TS_PACKET_BYTES && carry[at] === TS_SYNC_BYTE) {
      this.#onPacket(carry, at);
      at += Math.min(this.#stride, this.#carryLength - at);
    }
    this.#counters.skippedBytes += this.#carryLength - at;
    this.#carryLength = 0;
    this.#stride = 0;
  }

  /** Whole packets, straight from the bytes written. */
  #walk(bytes: Uint8Array, from: number): number {
    const stride = this.#stride;
    let offset = from;
    while (bytes.length - offset >= stride) {
      if (bytes[offset] !== TS_SYNC_BYTE) {
        this.#loseSync();
        return offset;
      }
      this.#onPacket(bytes, offset);
      offset += stride;
    }
    return this.#keep(bytes, offset, stride);
  }

  /** The rest of a packet that was begun. */
  #complete(bytes: Uint8Array, from: number): number {
    const offset = this.#keep(bytes, from, this.#stride);
    if (this.#carryLength < this.#stride) return offset;
    if (this.#carry[0] === TS_SYNC_BYTE) {
      this.#onPacket(this.#carry, 0);
      this.#carryLength = 0;
    } else {
      this.#loseSync();
    }
    return offset;
  }

  #search(bytes: Uint8Array, from: number): number {
    const offset = this.#keep(bytes, from, CARRY_BYTES);
    const carry = this.#carry;
    let at = 0;
    while (at < this.#carryLength) {
      const stride = this.#strideAt(at, false);
      if (stride < 0) break;
      if (stride > 0) {
        this.#stride = stride;
        break;
      }
      at++;
    }
    this.#counters.skippedBytes += at;
    this.#unsynced += at;
    if (this.#unsynced > this.#maxUnsyncedBytes) {
      throw new MediaError(
        'bad-value',
        `no MPEG transport stream: no packets in ${this.#unsynced} bytes, the limit is ${this.#maxUnsyncedBytes}`,
      );
    }
    if (this.#stride > 0) {
      this.#unsynced = 0;
      while (this.#carryLength - at >= this.#stride && carry[at] === TS_SYNC_BYTE) {
        this.#onPacket(carry, at);
        at += this.#stride;
      }
      if (this.#carryLength - at >= this.#stride) this.#loseSync();
    }
    carry.copyWithin(0, at, this.#carryLength);
    this.#carryLength -= at;
    return offset;
  }

  /**
   * The distance of packets if one begins at `at` of the carry: 0 when none can begin there, -1 when more bytes have to
   * come to tell. With `short`, as many sync bytes as there are bytes for are enough.
   */
  #strideAt(at: number, short: boolean): number {
    const carry = this.#carry;
    if (carry[at] !== TS_SYNC_BYTE) return 0;
    let open = false;
    for (const stride of STRIDES) {
      let inRow = 1;
      let position = at + stride;
      while (
        inRow < SYNC_BYTES_IN_A_ROW &&
        position < this.#carryLength &&
        carry[position] === TS_SYNC_BYTE
      ) {
        inRow++;
        position += stride;
      }
      if (inRow === SYNC_BYTES_IN_A_ROW) return stride;
      if (position < this.#carryLength) continue;
      if (short && at + TS_PACKET_BYTES <= this.#carryLength) return stride;
      open = true;
    }
    return open && !short ? -1 : 0;
  }

  #loseSync(): void {
    this.#stride = 0;
    this.#counters.syncLosses++;
  }

  /** Puts bytes into the carry until it holds `wanted`. */
  #keep(bytes: Uint8Array, offset: number, wanted: number): number {
    const end = Math.min(bytes.length, offset + wanted - this.#carryLength);
    this.#carry.set(bytes.subarray(offset, end), this.#carryLength);
    this.#carryLength += end - offset;
    return end;
  }
}
