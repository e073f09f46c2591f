/** Spells a FourCC read as one big-endian number, for example 0x61766331 as `avc1`. */
export function fourCCToString(fourCC: number): string {
  return String.fromCharCode(fourCC >>> 24, (fourCC >>> 16) & 0xff, (fourCC >>> 8) & 0xff, fourCC & 0xff);
}

/** The u32 of a FourCC's four ASCII characters, first character in the top byte. */
export function fourCCToNumber(fourCC: string): number {
  let value = 0;
  for (let i = 0; i < 4; i++) value = (value << 8) | (fourCC.charCodeAt(i) & 0xff);
  return value >>> 0;
}

/** Reads the u32 at `offset`; the caller has checked that four bytes are there. */
export function readFourCC(bytes: Uint8Array, offset: number): number {
  return (readU24(bytes, offset) * 256 + (bytes[offset + 3] ?? 0)) >>> 0;
}

/** Reads the u24 at `offset`; the caller has checked that three bytes are there. */
export function readU24(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 16) | ((bytes[offset + 1] ?? 0) << 8) | (bytes[offset + 2] ?? 0);
}

/** Writes the four characters of a FourCC at `offset`. */
export function writeFourCC(target: Uint8Array, offset: number, fourCC: string): void {
  for (let i = 0; i < 4; i++) target[offset + i] = fourCC.charCodeAt(i);
}
