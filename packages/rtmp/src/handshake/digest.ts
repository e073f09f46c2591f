import { bytesEqual, concatBytes, encodeUtf8, hexToBytes } from '@sluice/media/bytes';
import { fillRandom, hmacBytes, hmacSha256 } from './hmac.ts';

/** Bytes of C1, S1, C2 and S2 (Adobe RTMP 1.0, 5.2.3). */
export const handshakePartBytes = 1536;

/**
 * Layouts of the complex handshake's C1 and S1 behind time and version: schema 0 has the key block first,
 * schema 1 the digest block.
 */
export const handshakeSchemas = [0, 1] as const;

/** A layout of the complex handshake. */
export type HandshakeSchema = (typeof handshakeSchemas)[number];

/** Each block has this length; time and version stand before the first. */
const blockBytes = 764;
const blocksStart = 8;
/** The sum of a block's 4 offset bytes places its content, which must fit with the offset into the block. */
const offsetBytes = 4;
const keyBytes = 128;

/** What stands behind both texts in the keys of the complex handshake; the same in every implementation. */
const keyTail = hexToBytes('f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae');

/** A key of the complex handshake: the text alone for C1 and S1, text and tail for C2 and S2. */
export interface HandshakeKey {
  readonly short: Uint8Array;
  readonly long: Uint8Array;
}

/** The client's key. */
export const playerKey: HandshakeKey = makeKey('Genuine Adobe Flash Player 001');
/** The server's key. */
export const serverKey: HandshakeKey = makeKey('Genuine Adobe Flash Media Server 001');

/** Where the 32 bytes of the digest stand in a C1 or S1. */
export function digestOffset(part: Uint8Array, schema: HandshakeSchema): number {
  const block = blocksStart + (schema === 0 ? blockBytes : 0);
  return block + offsetBytes + (offsetSum(part, block) % (blockBytes - offsetBytes - hmacBytes));
}

/** Where the 128 bytes of the Diffie-Hellman public key stand in a C1 or S1. */
export function keyOffset(part: Uint8Array, schema: HandshakeSchema): number {
  const block = blocksStart + (schema === 0 ? 0 : blockBytes);
  const offsetField = block + blockBytes - offsetBytes;
  return block + (offsetSum(part, offsetField) % (blockBytes - offsetBytes - keyBytes));
}

/** The digest that a C1 or S1 should carry: over all its bytes but the digest's own. */
export function computeDigest(part: Uint8Array, offset: number, key: HandshakeKey): Uint8Array {
  return hmacSha256(
    key.short,
    part.subarray(0, offset),
    part.subarray(offset + hmacBytes, handshakePartBytes),
  );
}

/** A digest that was found, and the layout it was found in. */
export interface FoundDigest {
  readonly schema: HandshakeSchema;
  /** View of the part. */
  readonly digest: Uint8Array;
}

/** Looks for a valid digest in a C1 or S1, schema 0 first; `undefined` when the part is a simple one. */
export function findDigest(part: Uint8Array, key: HandshakeKey): FoundDigest | undefined {
  for (const schema of handshakeSchemas) {
    const offset = digestOffset(part, schema);
    const digest = part.subarray(offset, offset + hmacBytes);
    if (bytesEqual(digest, computeDigest(part, offset, key))) {
      return { schema, digest };
    }
  }
  return undefined;
}

/**
 * Fills a C1 or S1 at random behind time and version, and for the complex handshake puts its digest in. The
 * random bytes are its Diffie-Hellman public key too: that key serves encryption only, which neither side of
 * this library speaks, so no peer computes anything from it.
 *
 * @returns the digest, a view of the part; `undefined` without schema
 */
export function fillPart(
  part: Uint8Array,
  time: number,
  version: number,
  schema: HandshakeSchema | undefined,
  key: HandshakeKey,
): Uint8Array | undefined {
  fillRandom(part.subarray(blocksStart));
  writeUint32(part, 0, time);
  writeUint32(part, 4, version);
  if (schema === undefined) {
    return undefined;
  }
  const offset = digestOffset(part, schema);
  part.set(computeDigest(part, offset, key), offset);
  return part.subarray(offset, offset + hmacBytes);
}

/** Fills a C2 or S2 of the complex handshake: random bytes, signed by way of the peer's digest. */
export function fillAnswer(part: Uint8Array, peerDigest: Uint8Array, key: HandshakeKey): void {
  const signed = part.subarray(0, handshakePartBytes - hmacBytes);
  fillRandom(signed);
  part.set(hmacSha256(hmacSha256(key.long, peerDigest), signed), signed.length);
}

/** Whether a C2 or S2 answers the digest that was sent. */
export function isAnswer(part: Uint8Array, ownDigest: Uint8Array, key: HandshakeKey): boolean {
  const signed = part.subarray(0, handshakePartBytes - hmacBytes);
  const expected = hmacSha256(hmacSha256(key.long, ownDigest), signed);
  return bytesEqual(expected, part.subarray(handshakePartBytes - hmacBytes, handshakePartBytes));
}

function makeKey(text: string): HandshakeKey {
  const short = encodeUtf8(text);
  return { short, long: concatBytes([short, keyTail]) };
}

function offsetSum(part: Uint8Array, at: number): number {
  return (part[at] ?? 0) + (part[at + 1] ?? 0) + (part[at + 2] ?? 0) + (part[at + 3] ?? 0);
}

function writeUint32(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value >>> 24;
  target[offset + 1] = value >>> 16;
  target[offset + 2] = value >>> 8;
  target[offset + 3] = value;
}
