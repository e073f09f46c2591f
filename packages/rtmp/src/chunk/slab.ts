/** Bytes of one slab. */
const slabBytes = 16_384;
/** Payloads up to this size are cut from a slab; longer ones get memory of their own. */
export const largestSlabPayload = slabBytes / 2;

/**
 * Memory for small payloads: many share one ArrayBuffer, since each ArrayBuffer costs the runtime more than a
 * small payload itself. The first is made when it is needed. Bytes are handed out once and never again; a slab lives as long as one of its payloads.
 */
export class PayloadSlab {
  #buffer: ArrayBuffer | undefined;
  #used = 0;

  /** @param length bytes, 1..{@link largestSlabPayload} */
  allocate(length: number): Uint8Array {
    let buffer = this.#buffer;
    let start = this.#used;
    if (buffer === undefined || start + length > slabBytes) {
      buffer = new ArrayBuffer(slabBytes);
      this.#buffer = buffer;
      start = 0;
    }
    this.#used = start + length;
    return new Uint8Array(buffer, start, length);
  }
}
