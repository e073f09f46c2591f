import { randomBytes } from 'node:crypto';

/** A name for a connection: eight letters and digits, in every log line of it and in the API. */
export function newSessionId(): string {
  return randomBytes(5).readUIntBE(0, 5).toString(36).padStart(8, '0');
}
