import { createHash, timingSafeEqual } from 'node:crypto';

const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i;

/**
 * Whether an `Authorization` header carries this name and password (RFC 7617). It takes the same time whatever is
 * wrong. An empty password lets nobody in.
 *
 * @param header - the header as it came
 */
export function basicAuthMatches(header: string | undefined, username: string, password: string): boolean {
  const given = BASIC.exec(header ?? '')?.[1];
  const credentials = Buffer.from(given ?? '', 'base64');
  // Digests have one length, so that not even the length of the password shows.
  const same = timingSafeEqual(digest(credentials), digest(Buffer.from(`${username}:${password}`)));
  // More than the credentials, such as a character behind them that no byte comes of, is not the credentials.
  const isExact = credentials.toString('base64').replace(/=+$/, '') === given?.replace(/=+$/, '');
  return same && isExact && password !== '';
}

/** The name that an `Authorization` header gives; undefined when it gives none. */
export function userOf(header: string | undefined): string | undefined {
  const given = BASIC.exec(header ?? '')?.[1];
  return given === undefined ? undefined : Buffer.from(given, 'base64').toString('utf8').split(':', 1)[0];
}

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
