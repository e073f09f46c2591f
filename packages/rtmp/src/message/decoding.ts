import { ByteReader } from '@sluice/media/bytes';
import { RtmpError } from '../errors.ts';

/**
 * Runs one body decoder; whatever it throws becomes RtmpError `bad-message` that names the message.
 *
 * @throws RtmpError `bad-message`
 */
export function decodeBody<Value>(
  name: string,
  payload: Uint8Array,
  decode: (reader: ByteReader) => Value,
): Value {
  try {
    return decode(new ByteReader(payload));
  } catch (error) {
    if (error instanceof RtmpError) {
      throw error;
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new RtmpError('bad-message', `${name} of ${payload.length} bytes: ${reason}`, { cause: error });
  }
}

/** A body of one 32-bit field, as most protocol control messages have. */
export function encodeUint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}
