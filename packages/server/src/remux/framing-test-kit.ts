/** Every framing of live streams, and what its client makes of the bytes. */
import { chunkedFraming, type Framing, plainFraming, websocketFraming } from './framing.ts';

/** What a transport's client makes of the bytes: the body, and whether it ended in order. */
export interface Unwrapped {
  readonly body: Buffer;
  readonly ended: boolean;
  readonly units: number;
}

function unwrapPlain(bytes: Buffer): Unwrapped {
  return { body: bytes, ended: false, units: 1 };
}

/** RFC 9112, 7.1. */
function unwrapChunked(bytes: Buffer): Unwrapped {
  const pieces: Buffer[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const line = bytes.indexOf('\r\n', offset);
    const size = Number.parseInt(bytes.toString('latin1', offset, line), 16);
    if (!(size >= 0)) throw new Error(`no chunk size at ${offset}`);
    const end = line + 2 + size;
    if (bytes.toString('latin1', end, end + 2) !== '\r\n') throw new Error(`chunk at ${offset} has no end`);
    offset = end + 2;
    if (size === 0) {
      if (offset !== bytes.length) throw new Error('bytes behind the last chunk');
      return { body: Buffer.concat(pieces), ended: true, units: pieces.length };
    }
    pieces.push(bytes.subarray(line + 2, end));
  }
  return { body: Buffer.concat(pieces), ended: false, units: pieces.length };
}

/** RFC 6455, 5.2: whole, unmasked binary messages, and a close. */
function unwrapWebSocket(bytes: Buffer): Unwrapped {
  const pieces: Buffer[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const head = bytes[offset];
    let length = bytes[offset + 1] ?? 0;
    offset += 2;
    if (length === 126) {
      length = bytes.readUInt16BE(offset);
      offset += 2;
      if (length < 126) throw new Error('length is not in its shortest form');
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(offset));
      offset += 8;
      if (length < 65_536) throw new Error('length is not in its shortest form');
    }
    const payload = bytes.subarray(offset, offset + length);
    offset += length;
    if (head === 0x88) {
      if (offset !== bytes.length || payload.readUInt16BE(0) !== 1000) throw new Error('a bad close');
      return { body: Buffer.concat(pieces), ended: true, units: pieces.length };
    }
    if (head !== 0x82 || payload.length !== length) throw new Error('no whole binary message');
    pieces.push(payload);
  }
  return { body: Buffer.concat(pieces), ended: false, units: pieces.length };
}

/** Every framing and its client. */
export const framings: readonly (readonly [Framing['name'], Framing, (bytes: Buffer) => Unwrapped])[] = [
  ['plain', plainFraming, unwrapPlain],
  ['chunked', chunkedFraming, unwrapChunked],
  ['websocket', websocketFraming, unwrapWebSocket],
];
