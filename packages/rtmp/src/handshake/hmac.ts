/**
 * The only file outside `node/` that needs the runtime's own modules: HMAC-SHA256 and random bytes, which
 * `node:crypto` has in a form that answers at once. A port to another runtime replaces this file alone.
 */
import { createHmac, randomFillSync } from 'node:crypto';

/** Bytes of an HMAC-SHA256. */
export const hmacBytes = 32;

/** HMAC-SHA256 of the parts one after another. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('sha256', key);
  for (const part of parts) {
    hmac.update(part);
  }
  return hmac.digest();
}

/** Fills bytes at random, fit for keys. */
export function fillRandom(bytes: Uint8Array): void {
  randomFillSync(bytes);
}
