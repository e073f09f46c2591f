/** Ticks a second of PTS, DTS and program_clock_reference_base (ISO/IEC 13818-1 clause 2.4.2). */
export const TS_CLOCK_RATE = 90_000;
/** How many values a PTS, DTS or PCR base can have: 33 bits. */
export const TS_CLOCK_WRAP = 2 ** 33;
/** Bytes of a PTS or DTS field in a PES header. */
export const TS_TIMESTAMP_BYTES = 5;
/** Bytes of a PCR field in an adaptation field. */
export const TS_PCR_BYTES = 6;

const TICKS_PER_MS = TS_CLOCK_RATE / 1000;
const LOW_BITS = 2 ** 30;

/** Milliseconds as ticks of 33 bits; a time below 0 counts as 0, since the first times of a stream have no past. */
export function ticksOfMs(ms: number): number {
  return ms > 0 ? Math.round(ms * TICKS_PER_MS) % TS_CLOCK_WRAP : 0;
}

/**
 * Writes a PTS or DTS field (ISO/IEC 13818-1 clause 2.4.3.6).
 *
 * @param prefix The four bits in front: 2 for a PTS alone, 3 for a PTS that a DTS follows, 1 for that DTS.
 * @param ticks 0..2^33-1.
 */
export function writeTimestamp(target: Uint8Array, offset: number, prefix: number, ticks: number): void {
  const high = Math.floor(ticks / LOW_BITS); // bits 32..30
  const low = ticks % LOW_BITS;
  target[offset] = (prefix << 4) | (high << 1) | 1;
  target[offset + 1] = low >>> 22;
  target[offset + 2] = (low >>> 14) | 1;
  target[offset + 3] = low >>> 7;
  target[offset + 4] = (low << 1) | 1;
}

/**
 * Reads a PTS or DTS field. The caller has seen that its 5 bytes are there.
 *
 * @returns ticks, 0..2^33-1, or undefined when a marker bit is not 1.
 */
export function readTimestamp(bytes: Uint8Array, offset: number): number | undefined {
  const b0 = bytes[offset] ?? 0;
  const b2 = bytes[offset + 2] ?? 0;
  const b4 = bytes[offset + 4] ?? 0;
  if ((b0 & b2 & b4 & 1) === 0) return undefined; // marker_bit, three times
  const middle = ((bytes[offset + 1] ?? 0) << 7) | (b2 >> 1); // bits 29..15
  const low = ((bytes[offset + 3] ?? 0) << 7) | (b4 >> 1); // bits 14..0
  return ((b0 >> 1) & 0x07) * LOW_BITS + middle * 0x8000 + low;
}

/** Writes a PCR field whose extension is 0 (ISO/IEC 13818-1 clause 2.4.3.5). `ticks`: 0..2^33-1. */
export function writePcr(target: Uint8Array, offset: number, ticks: number): void {
  const high = Math.floor(ticks / 2); // bits 32..1
  target[offset] = high >>> 24;
  target[offset + 1] = high >>> 16;
  target[offset + 2] = high >>> 8;
  target[offset + 3] = high;
  target[offset + 4] = ((ticks % 2) << 7) | 0x7e; // reserved, program_clock_reference_extension
  target[offset + 5] = 0;
}

/** Reads the base of a PCR field, 0..2^33-1 ticks of 90 kHz. The caller has seen that its 6 bytes are there. */
export function readPcr(bytes: Uint8Array, offset: number): number {
  const high =
    (((bytes[offset] ?? 0) << 24) |
      ((bytes[offset + 1] ?? 0) << 16) |
      ((bytes[offset + 2] ?? 0) << 8) |
      (bytes[offset + 3] ?? 0)) >>>
    0;
  return high * 2 + ((bytes[offset + 4] ?? 0) >> 7);
}

/**
 * Turns times of 33 bits, which begin again every 26.5 hours, into times that go on growing: each one is put next to
 * the one before it, at most half the range away.
 */
export class TsClock {
  #last: number | undefined;

  /** The time on the growing timeline, in ticks. The first one is taken as it is. */
  unwrap(ticks: number): number {
    const time = this.#last === undefined ? ticks : this.nearest(ticks);
    this.#last = time;
    return time;
  }

  /** As {@link unwrap}, without moving the clock on: for a PTS beside the DTS that does. */
  nearest(ticks: number): number {
    const last = this.#last;
    if (last === undefined) return ticks;
    const turns = Math.round((last - ticks) / TS_CLOCK_WRAP);
    return ticks + turns * TS_CLOCK_WRAP;
  }
}
