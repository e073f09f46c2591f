import { Av1ObuType } from '../av1/index.ts';
import { copyBytes } from '../bytes/index.ts';

/** Bytes that a leb128() value may have (AV1 clause 4.10.5). */
const MAX_LEB128_BYTES = 8;

/**
 * The OBUs of a temporal unit without its temporal delimiters, which neither MP4 nor RTP has: `bytes` itself where there
 * are none; a part of it when they are in front of all others, as encoders put them; else a copy. What can't be read is
 * left as it is.
 *
 * The cost is that of a few bytes for each OBU.
 */
export function av1Payload(bytes: Uint8Array): Uint8Array {
  let offset = 0;
  while (isDelimiter(bytes[offset])) {
    const end = obuEnd(bytes, offset);
    if (end === undefined) break;
    offset = end;
  }
  const rest = offset === 0 ? bytes : bytes.subarray(offset);
  return hasDelimiter(rest) ? withoutDelimiters(rest) : rest;
}

function hasDelimiter(bytes: Uint8Array): boolean {
  let offset: number | undefined = 0;
  while (offset !== undefined && offset < bytes.length) {
    const end = obuEnd(bytes, offset);
    if (end !== undefined && isDelimiter(bytes[offset])) return true;
    offset = end;
  }
  return false;
}

function withoutDelimiters(bytes: Uint8Array): Uint8Array {
  const target = copyBytes(bytes);
  let length = 0;
  let offset = 0;
  while (offset < bytes.length) {
    const end = obuEnd(bytes, offset);
    // An OBU that can't be read ends the walk.
    const next = end ?? bytes.length;
    if (end === undefined || !isDelimiter(bytes[offset])) {
      target.copyWithin(length, offset, next);
      length += next - offset;
    }
    offset = next;
  }
  return target.subarray(0, length);
}

function isDelimiter(head: number | undefined): boolean {
  // obu_forbidden_bit and obu_type
  return head !== undefined && head >> 3 === Av1ObuType.temporalDelimiter;
}

/** Where an OBU ends (AV1 clause 5.3); undefined when it is cut or can't be read. One without a size runs to the end. */
function obuEnd(bytes: Uint8Array, start: number): number | undefined {
  const head = bytes[start] ?? 0;
  if ((head & 0x80) !== 0) return undefined; // obu_forbidden_bit
  const sizeOffset = start + ((head & 0x04) !== 0 ? 2 : 1); // obu_extension_flag
  if ((head & 0x02) === 0) return bytes.length; // obu_has_size_field
  let size = 0;
  for (let index = 0; index < MAX_LEB128_BYTES; index += 1) {
    const byte = bytes[sizeOffset + index];
    if (byte === undefined) return undefined;
    size += (byte & 0x7f) * 2 ** (7 * index);
    if ((byte & 0x80) !== 0) continue;
    const end = sizeOffset + index + 1 + size;
    return end <= bytes.length ? end : undefined;
  }
  return undefined;
}
