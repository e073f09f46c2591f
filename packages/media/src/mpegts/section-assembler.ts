import type { TsDemuxerCounters } from './events.ts';
import { TS_MAX_SECTION_BYTES, TS_SECTION_HEADER_BYTES } from './psi.ts';

/** table_id of the stuffing behind the last section of a packet. */
const STUFFING = 0xff;

/** Puts the sections of one PID together from the payloads of its packets (ISO/IEC 13818-1 clause 2.4.4.1). */
export class TsSectionAssembler {
  readonly #onSection: (section: Uint8Array) => void;
  readonly #counters: TsDemuxerCounters;
  readonly #buffer = new Uint8Array(TS_MAX_SECTION_BYTES);
  #length = 0;
  /** Bytes of the whole section, or of its header as long as that is not there. 0: no section is begun. */
  #wanted = 0;

  /** @param onSection Takes a whole section, whose CRC is not checked; the bytes are lent for the call. */
  constructor(onSection: (section: Uint8Array) => void, counters: TsDemuxerCounters) {
    this.#onSection = onSection;
    this.#counters = counters;
  }

  /** Takes the payload of a packet; `unitStart` is its payload_unit_start_indicator. */
  write(bytes: Uint8Array, start: number, end: number, unitStart: boolean): void {
    if (!unitStart) {
      if (this.#wanted > 0) this.#append(bytes, start, end);
      return;
    }
    const first = start + 1 + (bytes[start] ?? 0); // pointer_field
    if (start >= end || first > end) {
      this.#counters.malformedPackets++;
      this.#wanted = 0;
      return;
    }
    if (this.#wanted > 0) this.#append(bytes, start + 1, first);
    if (this.#wanted > 0) this.#refuse();
    let offset = first;
    while (offset < end && bytes[offset] !== STUFFING) {
      this.#length = 0;
      this.#wanted = TS_SECTION_HEADER_BYTES;
      offset = this.#append(bytes, offset, end);
    }
  }

  /** Forgets a begun section: a part of it is lost. */
  reset(): void {
    this.#wanted = 0;
  }

  #append(bytes: Uint8Array, start: number, end: number): number {
    let offset = start;
    while (offset < end && this.#length < this.#wanted) {
      const taken = Math.min(this.#wanted - this.#length, end - offset);
      this.#buffer.set(bytes.subarray(offset, offset + taken), this.#length);
      this.#length += taken;
      offset += taken;
      if (this.#length === TS_SECTION_HEADER_BYTES) {
        const length = (((this.#buffer[1] ?? 0) & 0x0f) << 8) | (this.#buffer[2] ?? 0); // section_length
        this.#wanted = TS_SECTION_HEADER_BYTES + length;
        if (this.#wanted > TS_MAX_SECTION_BYTES) {
          this.#refuse();
          return end;
        }
      }
    }
    if (this.#length === this.#wanted) {
      this.#wanted = 0;
      this.#onSection(this.#buffer.subarray(0, this.#length));
    }
    return offset;
  }

  #refuse(): void {
    this.#counters.badSections++;
    this.#wanted = 0;
  }
}
