import {
  FLV_TAG_HEADER_BYTES,
  flvTagSize,
  flvTagTypeOf,
  writeFlvPreviousTagSize,
  writeFlvTagHeader,
} from '@sluice/media/flv';
import { HDS_FRAGMENT_HEADER_BYTES, writeHdsFragmentHeader } from '@sluice/media/hds';
import type { Packet } from '@sluice/media/model';

const INITIAL_BYTES = 64 * 1024;

/** A fragment in the making: FLV tags behind room for the box's header, in one growing buffer. */
export class FragmentBuffer {
  #bytes: Uint8Array = new Uint8Array(0);
  #length = HDS_FRAGMENT_HEADER_BYTES;
  /** What the last fragment needed. */
  #wanted = INITIAL_BYTES;

  /** Bytes so far, the box's header included. */
  get length(): number {
    return this.#length;
  }

  /** Copies a packet into a tag. */
  append({ body, flvHeader, flvSize, track }: Packet, timestamp: number): void {
    const end = this.#length + flvTagSize(flvSize);
    if (end > this.#bytes.length) this.#grow(Math.max(end, this.#wanted, 2 * this.#length));
    writeFlvTagHeader(this.#bytes, this.#length, flvTagTypeOf(track.kind), flvSize, timestamp);
    const bodyStart = this.#length + FLV_TAG_HEADER_BYTES;
    if (flvHeader !== undefined) this.#bytes.set(flvHeader, bodyStart);
    this.#bytes.set(body, bodyStart + flvSize - body.length);
    writeFlvPreviousTagSize(this.#bytes, end - 4, flvSize);
    this.#length = end;
  }

  /** The whole fragment, whose memory is the caller's; the next one begins empty. */
  take(): Uint8Array {
    const fragment = this.#bytes.subarray(0, this.#length);
    writeHdsFragmentHeader(fragment, 0, this.#length - HDS_FRAGMENT_HEADER_BYTES);
    this.#wanted = Math.max(INITIAL_BYTES, Math.ceil(this.#length * 1.125));
    this.#bytes = new Uint8Array(0);
    this.#length = HDS_FRAGMENT_HEADER_BYTES;
    return fragment;
  }

  #grow(size: number): void {
    const larger = Buffer.allocUnsafeSlow(size);
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
