import { isIP } from 'node:net';

/** An address as 16-bit words: two for IPv4, eight for IPv6. */
export type AddressWords = readonly number[];

/** The addresses whose first `bits` bits are those of `words`. */
export interface AddressRange {
  readonly words: AddressWords;
  readonly bits: number;
}

const WORD_BITS = 16;
const IPV4_WORDS = 2;
const IPV6_WORDS = 8;
/** Bits before the IPv4 address in an IPv4-mapped one (RFC 4291, 2.5.5.2). */
const MAPPED_BITS = 96;

/**
 * An address in words; undefined when it is none. A zone (`fe80::1%eth0`) is left aside, and an IPv4-mapped IPv6
 * address (`::ffff:192.0.2.1`) is the IPv4 address that it stands for.
 */
export function parseAddress(text: string): AddressWords | undefined {
  const words = wordsOf(text);
  return words !== undefined && isMapped(words) ? words.slice(-IPV4_WORDS) : words;
}

/** A range from `ADDRESS` or `ADDRESS/BITS` (RFC 4632, 3.1; RFC 4291, 2.3); undefined when it is none. */
export function parseRange(text: string): AddressRange | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const words = wordsOf(address);
  if (words === undefined || rest.length > 0) return undefined;
  const most = words.length * WORD_BITS;
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return undefined;
  const bits = prefix === undefined ? most : Number(prefix);
  if (bits > most) return undefined;
  const mapped = isMapped(words) && bits >= MAPPED_BITS;
  return mapped ? { words: words.slice(-IPV4_WORDS), bits: bits - MAPPED_BITS } : { words, bits };
}

/** Whether an address lies in a range; one of the other IP version never does. */
export function inRange(address: AddressWords, range: AddressRange): boolean {
  if (address.length !== range.words.length) return false;
  let left = range.bits;
  for (let index = 0; left > 0; index += 1) {
    const counted = Math.min(left, WORD_BITS);
    const differing = (address[index] ?? 0) ^ (range.words[index] ?? 0);
    if (differing >>> (WORD_BITS - counted) !== 0) return false;
    left -= counted;
  }
  return true;
}

/**
 * Whose limits an address counts against: an IPv4 address stands for itself; an IPv6 address for its /64, since
 * one subscriber has at least that many.
 */
export function addressOwner(ip: string): string {
  if (!ip.includes(':')) return ip;
  const words = parseAddress(ip);
  if (words === undefined) return ip;
  if (words.length === IPV4_WORDS) return words.map((word) => `${word >> 8}.${word & 0xff}`).join('.');
  const network = words.slice(0, IPV6_WORDS / 2).map((word) => word.toString(16));
  return `${network.join(':')}::/64`;
}

function isMapped(words: AddressWords): boolean {
  return words.length === IPV6_WORDS && words[5] === 0xffff && words.slice(0, 5).every((word) => word === 0);
}

function wordsOf(text: string): AddressWords | undefined {
  const version = isIP(text);
  if (version === 0) return undefined;
  if (version === 4) return ipv4Words(text);
  const [address = ''] = text.split('%', 1);
  const [head = '', tail] = address.split('::');
  const before = ipv6Words(head);
  if (tail === undefined) return before;
  const after = ipv6Words(tail);
  const zeros = new Array<number>(IPV6_WORDS - before.length - after.length).fill(0);
  return [...before, ...zeros, ...after];
}

function ipv4Words(text: string): readonly number[] {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return [(a << 8) | b, (c << 8) | d];
}

/** Words between colons; the last ones may be written as an IPv4 address. */
function ipv6Words(text: string): readonly number[] {
  if (text === '') return [];
  return text
    .split(':')
    .flatMap((field) => (field.includes('.') ? ipv4Words(field) : [Number.parseInt(field, 16)]));
}
