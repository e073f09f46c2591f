import type { FastifyRequest } from 'fastify';
import { isIP } from 'node:net';

/**
 * Who makes a request:
 *
 * - `program`: not a browser (curl, a script, a server). It cannot be steered by a web page.
 * - `own-page`: a page of this server or of an allowed origin, or a person who typed the address.
 * - `foreign-page`: a page of another origin.
 * - `unknown-page`: a browser that does not say whose page asks. Over plain HTTP browsers send neither `Origin` nor
 *   Fetch Metadata with a GET.
 */
export type Asker = 'program' | 'own-page' | 'foreign-page' | 'unknown-page';

/**
 * Classifies a request by the headers that a page cannot change (`Origin`, `Sec-Fetch-*`) and by those that each browser
 * sends and a page cannot remove (`Accept-Language`).
 *
 * @param allowedOrigins - origins that count as own, e.g. `https://console.example.com`
 */
export function askerOf(request: FastifyRequest, allowedOrigins: readonly string[]): Asker {
  const { 'sec-fetch-site': site, origin } = request.headers;
  if (origin !== undefined) {
    if (allowedOrigins.some((allowed) => sameOrigin(allowed, origin))) return 'own-page';
    const isOwn = isOriginOf(origin, request.host) && site !== 'cross-site';
    return isOwn ? 'own-page' : 'foreign-page';
  }
  if (site !== undefined) return site === 'same-origin' || site === 'none' ? 'own-page' : 'foreign-page';
  return isBrowser(request) ? 'unknown-page' : 'program';
}

function isBrowser({ headers }: FastifyRequest): boolean {
  // Browsers send Sec-Fetch-Mode together with Sec-Fetch-Site; fetch of Node.js sends it alone. No page can set it.
  if (headers['sec-fetch-mode'] !== undefined) return false;
  const { 'accept-language': language, 'user-agent': agent = '', cookie, referer } = headers;
  if (language !== undefined || cookie !== undefined || referer !== undefined) return true;
  // PowerShell's Invoke-WebRequest calls itself Mozilla, too.
  return agent.startsWith('Mozilla/') && !agent.includes('PowerShell');
}

/** Whether an `Origin` header has this value; the scheme and the host are not case-sensitive. */
export function sameOrigin(left: string, right: string): boolean {
  return left.toLowerCase().replace(/\/$/, '') === right.toLowerCase();
}

/** The scheme may differ: a proxy may end TLS. */
function isOriginOf(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

/**
 * Whether a `Host` cannot be the name of an attacker (DNS rebinding): localhost, an IP address, or one of our own names.
 * A page whose host is an address comes from that address, so any address is good. A request without a host (HTTP/1.0)
 * comes from no browser.
 *
 * @param isOwnName - told the name in lower case, without port and final dot
 */
export function isOwnHost(host: string | undefined, isOwnName: (name: string) => boolean): boolean {
  if (host === undefined || host === '') return true;
  const name = nameOf(host);
  if (name === undefined) return false;
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  return isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0 || isOwnName(name);
}

function nameOf(host: string): string | undefined {
  const match = /^(\[[\da-f:.]+\]|[^:/@[\]\s]+)(?::\d{1,5})?$/i.exec(host);
  return match?.[1]?.toLowerCase().replace(/\.$/, '');
}

/** Whether an address of a peer is the machine's own loopback address. */
export function isLoopback(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}
