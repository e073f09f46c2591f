import { MediaError } from '../errors.ts';

/** obu_type (AV1 bitstream specification clause 6.2.2). */
export const Av1ObuType = {
  sequenceHeader: 1,
  temporalDelimiter: 2,
  frameHeader: 3,
  tileGroup: 4,
  metadata: 5,
  frame: 6,
  redundantFrameHeader: 7,
  tileList: 8,
  padding: 15,
} as const;

/** A value of {@link Av1ObuType}. */
export type Av1ObuType = (typeof Av1ObuType)[keyof typeof Av1ObuType];

/** Where an OBU lies in the bytes it was found in. */
export interface Av1ObuRange {
  /** obu_type, 0..15: a value of {@link Av1ObuType} or a reserved one. */
  readonly type: number;
  /** The header's first byte. */
  readonly start: number;
  /** The payload's first byte. */
  readonly payloadStart: number;
  /** One past the payload's last byte. */
  readonly end: number;
}

/** Bytes that a leb128() value may have (AV1 clause 4.10.5). */
const MAX_LEB128_BYTES = 8;

/**
 * Walks the OBUs of a temporal unit or of configOBUs (AV1 clause 5.3). An OBU without a size field runs to the end.
 *
 * @throws MediaError `short-read` when an OBU is cut, `bad-value` when its header is not one.
 */
export function* av1Obus(bytes: Uint8Array): Generator<Av1ObuRange, void> {
  let offset = 0;
  while (offset < bytes.length) {
    const start = offset;
    const head = bytes[offset++] ?? 0;
    // obu_forbidden_bit
    if ((head & 0x80) !== 0) throw new MediaError('bad-value', `OBU at ${start}: obu_forbidden_bit is 1`);
    const type = (head >> 3) & 0x0f; // obu_type
    if ((head & 0x04) !== 0) offset++; // obu_extension_flag: temporal_id, spatial_id
    if (offset > bytes.length)
      throw new MediaError('short-read', `OBU at ${start}: its extension byte is cut`);
    let payloadStart = offset;
    let end = bytes.length;
    // obu_has_size_field
    if ((head & 0x02) !== 0) {
      const size = readLeb128(bytes, offset);
      payloadStart = offset + size.bytes;
      end = payloadStart + size.value;
      if (end > bytes.length) {
        throw new MediaError(
          'short-read',
          `OBU at ${start}: ${size.value} bytes wanted, ${bytes.length - payloadStart} there`,
        );
      }
    }
    offset = end;
    yield { type, start, payloadStart, end };
  }
}

function readLeb128(bytes: Uint8Array, offset: number): { readonly value: number; readonly bytes: number } {
  let value = 0;
  for (let i = 0; i < MAX_LEB128_BYTES; i++) {
    const byte = bytes[offset + i];
    if (byte === undefined)
      throw new MediaError('short-read', `leb128 at ${offset}: it is cut after ${i} bytes`);
    value += (byte & 0x7f) * 2 ** (7 * i);
    if ((byte & 0x80) !== 0) continue;
    if (value > 0xffffffff) break;
    return { value, bytes: i + 1 };
  }
  throw new MediaError('bad-value', `leb128 at ${offset}: over 32 bits`);
}
