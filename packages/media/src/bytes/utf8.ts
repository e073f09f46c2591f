/** Longer strings are left to TextDecoder, whose cost for one call equals about this many characters. */
const SHORT_STRING = 48;

// ignoreBOM: a leading U+FEFF is a character of the string like any other, so that strings round-trip.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * The text of `bytes[start, end)` read as UTF-8. Invalid sequences become U+FFFD: encoders in the field send
 * Latin-1 and cut characters, and a stream's name is not worth its stream. The caller has checked the range.
 */
export function decodeUtf8(bytes: Uint8Array, start = 0, end = bytes.length): string {
  if (end - start <= SHORT_STRING) {
    let text = '';
    let position = start;
    for (; position < end; position++) {
      const byte = bytes[position] ?? 0;
      if (byte > 0x7f) break;
      text += String.fromCharCode(byte);
    }
    if (position === end) return text;
  }
  return decoder.decode(bytes.subarray(start, end));
}

/** The UTF-8 bytes of a text, newly allocated. A lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * Writes a text as UTF-8 at `offset`. The caller has made sure of three bytes for each UTF-16 unit, the most
 * that a text can need.
 *
 * @returns The number of bytes written.
 */
export function encodeUtf8Into(text: string, target: Uint8Array, offset: number): number {
  if (text.length <= SHORT_STRING) {
    let index = 0;
    for (; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 0x7f) break;
      target[offset + index] = unit;
    }
    if (index === text.length) return index;
  }
  return encoder.encodeInto(text, target.subarray(offset)).written;
}
