const POLYNOMIAL = 0x04c11db7;

const table = buildTable();

function buildTable(): Uint32Array {
  const entries = new Uint32Array(256);
  for (let index = 0; index < 256; index++) {
    let remainder = index << 24;
    for (let bit = 0; bit < 8; bit++) {
      remainder = (remainder << 1) ^ (remainder < 0 ? POLYNOMIAL : 0);
    }
    entries[index] = remainder;
  }
  return entries;
}

/**
 * The CRC-32 of MPEG-2 program tables (ISO/IEC 13818-1 annex A): not reflected, started with all ones, not
 * inverted at the end. A section with its CRC_32 field at its end gives 0.
 *
 * @param start First byte to sum.
 * @param end One past the last.
 * @param initial The result of the bytes before, to sum in pieces.
 */
export function crc32Mpeg(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
  initial = 0xffffffff,
): number {
  let crc = initial | 0;
  for (let at = start; at < end; at++) {
    crc = (crc << 8) ^ (table[(crc >>> 24) ^ (bytes[at] ?? 0)] ?? 0);
  }
  return crc >>> 0;
}
