/** Bytes up to and with PES_packet_length. */
const LENGTH_FIELD_END = 6;
/** The first memory of a packet whose length is not told. */
const FIRST_BYTES = 16 * 1024;

/** How a PES packet stands after bytes were added. */
export type TsPesState = 'open' | 'complete' | 'too-long';

/** Puts one PES packet at a time together from the payloads of one PID. */
export class TsPesAssembler {
  readonly #maxBytes: number;
  #buffer = new Uint8Array(0);
  #length = 0;
  /** Bytes of the whole packet, 0 when PES_packet_length does not tell; undefined before it is there. */
  #total: number | undefined;
  #open = false;
  #lastLength = FIRST_BYTES;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True between the start and the end of a packet. */
  get open(): boolean {
    return this.#open;
  }

  /** True when the packet's length is told, and it is not all there. */
  get cut(): boolean {
    return this.#open && (this.#total === undefined || this.#length < this.#total);
  }

  /** Begins a packet; one that was open is forgotten. */
  start(): void {
    this.#length = 0;
    this.#total = undefined;
    this.#open = true;
  }

  /** Forgets the open packet. */
  drop(): void {
    this.#open = false;
  }

  /** Adds bytes to the open packet. What goes over its told length is passed over. */
  append(bytes: Uint8Array, start: number, end: number): TsPesState {
    if (this.#length === 0 && end - start >= LENGTH_FIELD_END) this.#readTotal(bytes, start);
    const room = this.#told > 0 ? this.#told - this.#length : Infinity;
    const stop = Math.min(end, start + room);
    const length = this.#length + stop - start;
    if (length > this.#maxBytes) {
      this.#open = false;
      return 'too-long';
    }
    this.#reserve(length);
    this.#buffer.set(bytes.subarray(start, stop), this.#length);
    this.#length = length;
    if (this.#total === undefined && length >= LENGTH_FIELD_END) {
      this.#readTotal(this.#buffer, 0);
      if (this.#told > 0) this.#length = Math.min(length, this.#told);
    }
    return this.#told > 0 && this.#length === this.#told ? 'complete' : 'open';
  }

  /** The packet's bytes, whose memory now belongs to the caller. */
  take(): Uint8Array {
    const packet = this.#buffer.subarray(0, this.#length);
    this.#lastLength = this.#length;
    this.#buffer = new Uint8Array(0);
    this.#open = false;
    return packet;
  }

  /** Bytes of the whole packet; 0 when they are not told, or not yet. */
  get #told(): number {
    return this.#total ?? 0;
  }

  #readTotal(bytes: Uint8Array, offset: number): void {
    const length = ((bytes[offset + 4] ?? 0) << 8) | (bytes[offset + 5] ?? 0); // PES_packet_length
    this.#total = length === 0 ? 0 : LENGTH_FIELD_END + length;
  }

  /** The memory grows with what has come: the length that a packet claims costs little by itself. */
  #reserve(wanted: number): void {
    if (wanted <= this.#buffer.length) return;
    // A packet that does not tell its length is mostly about as long as the one before it.
    const first = this.#told > 0 ? FIRST_BYTES : Math.min(FIRST_BYTES, this.#lastLength);
    const size = Math.max(wanted, this.#buffer.length * 2, first);
    const larger = new Uint8Array(this.#told > 0 ? Math.min(size, this.#told) : size);
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}
