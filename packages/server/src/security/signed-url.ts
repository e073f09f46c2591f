import { createHmac, timingSafeEqual } from 'node:crypto';

import { parameterValues } from './parameters.ts';
import { type TokenProblem, type WantedGrant, wrongToken } from './token-problem.ts';

/** What a signed URL allows, and until when. */
export interface UrlGrant extends WantedGrant {
  /** Seconds since the epoch. */
  readonly expires: number;
}

/** How signed URLs are checked. */
export interface SignedUrlRules {
  /** Each of them makes good signatures. */
  readonly secrets: readonly string[];
  /** How far clocks may be apart, ms. */
  readonly leewayMs: number;
  /** How far ahead a URL may expire, ms; 0 is no limit. */
  readonly maxLifetimeMs: number;
}

/** Twelve digits last for 30,000 years. */
const EXPIRES = /^\d{1,12}$/;
const SIGNATURE = /^[0-9a-f]{64}$/i;

/** Whether a query has the parameters of a signed URL. */
export function looksSigned(query: string): boolean {
  return parameterValues(query, 'sign').length > 0;
}

/**
 * The query of a signed URL, `expires=SECONDS&sign=HEX`, without a `?`. `sign` is the HMAC-SHA256 (RFC 2104) in hex
 * of five lines: action, vhost, app, stream, expires, with a line feed between them and none at the end.
 */
export function signedQuery(secret: string, grant: UrlGrant): string {
  const expires = String(grant.expires);
  return `expires=${expires}&sign=${signature(secret, grant, expires).toString('hex')}`;
}

/**
 * What is wrong with a signed URL, or undefined.
 *
 * @param now - ms since the epoch
 */
export function signedUrlProblem(
  query: string,
  wanted: WantedGrant,
  rules: SignedUrlRules,
  now: number,
): TokenProblem | undefined {
  const [expires, ...moreExpires] = parameterValues(query, 'expires');
  const [sign, ...moreSigns] = parameterValues(query, 'sign');
  if (moreExpires.length > 0 || moreSigns.length > 0)
    return wrongToken('the URL has expires or sign more than once');
  if (expires === undefined || !EXPIRES.test(expires))
    return wrongToken('the URL has no expires in seconds since 1970');
  if (sign === undefined || !SIGNATURE.test(sign)) return wrongToken('the URL has no sign of 64 hex digits');
  // A line feed within a name could make one grant's lines those of another.
  if ([wanted.vhost, wanted.app, wanted.stream].some((name) => name.includes('\n')))
    return wrongToken('the names in the URL cannot be signed');
  if (!isSignedByOneOf(rules.secrets, wanted, expires, Buffer.from(sign, 'hex')))
    return wrongToken('the signature does not fit the URL');
  const expiresMs = Number(expires) * 1000;
  if (expiresMs <= now - rules.leewayMs)
    return wrongToken(`the URL expired at ${new Date(expiresMs).toISOString()}`);
  if (rules.maxLifetimeMs > 0 && expiresMs > now + rules.maxLifetimeMs + rules.leewayMs)
    return wrongToken('the URL expires later than max_lifetime allows');
  return undefined;
}

/** Takes the same time whichever of the secrets it is, and wherever the signatures differ. */
function isSignedByOneOf(
  secrets: readonly string[],
  wanted: WantedGrant,
  expires: string,
  given: Uint8Array,
): boolean {
  let good = false;
  for (const secret of secrets) {
    if (timingSafeEqual(signature(secret, wanted, expires), given)) good = true;
  }
  return good;
}

function signature(secret: string, { action, vhost, app, stream }: WantedGrant, expires: string): Buffer {
  return createHmac('sha256', secret).update([action, vhost, app, stream, expires].join('\n')).digest();
}
