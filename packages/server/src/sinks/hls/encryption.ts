import { createCipheriv, randomBytes } from 'node:crypto';

import type { HlsName } from './paths.ts';
import type { SegmentEncryption, SegmentKey } from './segment.ts';

/** Bytes of an AES-128 key, and of its IV. */
const BLOCK_BYTES = 16;

/** The keys of one stream: a new one after so many segments. */
export class KeyRing {
  readonly #segmentsPerKey: number;
  #key: SegmentKey | undefined;
  #used = 0;

  constructor(segmentsPerKey: number) {
    this.#segmentsPerKey = segmentsPerKey;
  }

  /**
   * Key and IV of the next segment. The IV is random, and another one for each segment: the first block of all
   * segments is the same, and would look the same.
   *
   * @param nameOf - names a new key's file
   */
  next(nameOf: () => HlsName): SegmentEncryption {
    let key = this.#key;
    if (key === undefined || this.#used >= this.#segmentsPerKey) {
      key = { name: nameOf(), bytes: randomBytes(BLOCK_BYTES) };
      this.#key = key;
      this.#used = 0;
    }
    this.#used += 1;
    return { key, iv: randomBytes(BLOCK_BYTES) };
  }
}

/** Encrypts a whole segment into shared memory: AES-128-CBC with PKCS #7 padding (RFC 8216 clause 4.3.2.4). */
export function encrypt(bytes: Uint8Array, key: Uint8Array, iv: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-128-cbc', key, iv);
  const size = bytes.length - (bytes.length % BLOCK_BYTES) + BLOCK_BYTES;
  const encrypted = new Uint8Array(new SharedArrayBuffer(size));
  const body = cipher.update(bytes);
  encrypted.set(body);
  encrypted.set(cipher.final(), body.length);
  return encrypted;
}
