import { open } from 'node:fs/promises';

import {
  type CompactJWSHeaderParameters,
  createLocalJWKSet,
  type CryptoKey,
  errors,
  type LocalJWKSet,
} from 'jose';
import { Agent } from 'undici';

import { background } from '../background.ts';
import type { OutboundLimit, OutboundRule } from './outbound.ts';

/** The largest set that is read, bytes. */
const MAX_JWKS_BYTES = 256 * 1024;
/** The most keys of a set. */
const MAX_JWKS_KEYS = 100;
/** The most keys that one token is tried with. */
const MAX_CANDIDATES = 8;
/** The least time between two readings, ms: tokens with made-up key ids don't make more of them. */
const RETRY_MS = 10_000;
/** How long a set is used on when it can't be read again, ms. */
const STALE_MS = 3_600_000;

/** The keys can't be had: the fault is ours or of the key server, not the client's. */
export class JwksError extends Error {
  readonly code = 'jwks-unavailable';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'JwksError';
  }
}

/** Reads the text of a set; rejects when it can't, or when `signal` says that it took too long. */
export type ReadJwks = (source: string, signal: AbortSignal) => Promise<string>;

/** Where a set comes from. */
export interface JwksSourceOptions {
  /** A file, or an http(s) URL. */
  readonly source: string;
  /** After so long, ms, a set is read again. */
  readonly refreshMs: number;
  /** How long reading may take, ms. */
  readonly timeoutMs: number;
  /** Ms of a clock that doesn't jump. */
  readonly now: () => number;
  /** Told when reading failed. */
  readonly onProblem: (message: string) => void;
  /** Default: the file system and the network. */
  readonly read?: ReadJwks | undefined;
}

/**
 * A JSON Web Key Set (RFC 7517, 5) in a file or at a URL. It is read when it is first needed, again after a while
 * in the background, and at once when a token names a key that it doesn't have; two readings are at least 10 s
 * apart. A set that can't be read again is used for one more hour.
 */
export class JwksSource {
  readonly #options: JwksSourceOptions;
  #keys: LocalJWKSet | undefined;
  #readAt = 0;
  #triedAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(options: JwksSourceOptions) {
    this.#options = options;
  }

  /**
   * The keys that a token with this header may be signed with, 8 at the most.
   *
   * @throws JwksError when there is no set
   */
  async keysFor(header: CompactJWSHeaderParameters): Promise<readonly CryptoKey[]> {
    const { now, source } = this.#options;
    const age = now() - this.#readAt;
    const { refreshMs } = this.#options;
    if (this.#keys === undefined || age >= refreshMs + STALE_MS) {
      this.#keys = undefined;
      await this.#readAgain();
    } else if (age >= refreshMs) {
      background('reading keys', this.#readAgain());
    }
    let keys = this.#keys;
    if (keys === undefined) throw new JwksError(`the keys of ${placeOf(source)} cannot be had`);
    const found = await matchingKeys(keys, header);
    if (found.length > 0) return found;
    await this.#readAgain();
    keys = this.#keys;
    return keys === undefined ? [] : matchingKeys(keys, header);
  }

  /** Reads the set, unless that was tried a short time ago; never rejects. */
  async #readAgain(): Promise<void> {
    const { now } = this.#options;
    if (this.#reading === undefined) {
      if (now() - this.#triedAt < RETRY_MS) return;
      this.#triedAt = now();
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined;
      });
    }
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { source, timeoutMs, now, onProblem, read = readText } = this.#options;
    try {
      const text = await read(source, AbortSignal.timeout(timeoutMs));
      this.#keys = keySet(text);
      this.#readAt = now();
    } catch (error) {
      const kept = this.#keys === undefined ? '' : '; the keys read before are used on';
      onProblem(`JWKS ${placeOf(source)}: ${reasonOf(error)}${kept}`);
    }
  }
}

function keySet(text: string): LocalJWKSet {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || !('keys' in value) || !Array.isArray(value.keys)) {
    throw new TypeError('it is no JSON Web Key Set: an object with a list `keys` was expected');
  }
  const keys: readonly unknown[] = value.keys;
  if (keys.length > MAX_JWKS_KEYS) {
    throw new RangeError(`it has ${keys.length} keys, more than ${MAX_JWKS_KEYS}`);
  }
  return createLocalJWKSet({ keys: keys.filter((key) => typeof key === 'object' && key !== null) });
}

async function matchingKeys(
  keys: LocalJWKSet,
  header: CompactJWSHeaderParameters,
): Promise<readonly CryptoKey[]> {
  try {
    return [await keys(header)];
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return [];
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    const found: CryptoKey[] = [];
    for await (const key of error) {
      found.push(key);
      if (found.length === MAX_CANDIDATES) break;
    }
    return found;
  }
}

/** Reads files, and http(s) URLs; those that are not the administrator's by the rule for URLs of others. */
export function jwksReader(outbound: OutboundLimit | undefined): ReadJwks {
  return (source, signal) => {
    if (outbound?.isLimited(source) === true) return readLimitedUrl(source, signal, outbound.rule);
    return readText(source, signal);
  };
}

function readText(source: string, signal: AbortSignal): Promise<string> {
  return /^https?:\/\//i.test(source) ? readUrl(source, signal) : readFile(source, signal);
}

async function readLimitedUrl(url: string, signal: AbortSignal, rule: OutboundRule): Promise<string> {
  const problem = rule.urlProblem(url);
  if (problem !== undefined) throw new Error(problem);
  const agent = new Agent({ connect: { lookup: rule.lookup } });
  try {
    const { statusCode, body } = await agent.request({
      origin: new URL(url).origin,
      path: new URL(url).pathname + new URL(url).search,
      method: 'GET',
      headers: { accept: 'application/json' },
      signal,
    });
    return await textOf(statusCode, body);
  } finally {
    await agent.destroy();
  }
}

async function readUrl(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new Error(`the answer was ${response.status}, not 200`);
  }
  return textOf(response.status, response.body);
}

async function textOf(status: number, body: AsyncIterable<unknown>): Promise<string> {
  if (status !== 200) throw new Error(`the answer was ${status}, not 200`);
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body) {
    const bytes = part as Uint8Array;
    length += bytes.length;
    if (length > MAX_JWKS_BYTES) throw new RangeError(`it is larger than ${MAX_JWKS_BYTES} bytes`);
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString('utf8');
}

async function readFile(path: string, signal: AbortSignal): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > MAX_JWKS_BYTES) throw new RangeError(`it is larger than ${MAX_JWKS_BYTES} bytes`);
    return await file.readFile({ encoding: 'utf8', signal });
  } finally {
    await file.close();
  }
}

/** A source for people: an address without its user, its password and its query. */
function placeOf(source: string): string {
  return source.replace(/^(https?:\/\/)(?:[^/]*@)?([^?#]*).*$/is, '$1$2');
}

/** What went wrong; `fetch` hides it in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof SyntaxError) return 'it is not JSON';
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
