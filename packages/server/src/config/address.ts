import { isIPv4 } from 'node:net';

/** A TCP or UDP address to listen on. */
export interface ListenAddress {
  /** Host or IP address; absent means every address of the machine. */
  readonly host?: string;
  /** 1–65535; 0 (a free port that the system picks) only from `resolveConfig`, never from a file. */
  readonly port: number;
}

const MAX_PORT = 65_535;

/**
 * Reads `port`, `host:port`, `:port`, `*:port` or `[IPv6]:port`.
 * @param leastPort 0 allows a free port that the system picks
 * @returns the address, or a sentence part that says what is wrong with the text.
 */
export function parseListenAddress(text: string, leastPort: 0 | 1 = 1): ListenAddress | string {
  const bracketed = /^\[([0-9a-fA-F:.%a-z]+)\]:(\d+)$/.exec(text);
  const plain = bracketed ?? /^(?:([^:[\]\s/]*):)?(\d+)$/.exec(text);
  const portText = plain?.[2];
  if (portText === undefined) return 'expected `port`, `ip:port` or `[ipv6]:port`';
  const port = Number(portText);
  if (port < leastPort || port > MAX_PORT) {
    return `port ${portText} is out of range: ${leastPort} to ${MAX_PORT}`;
  }
  const host = plain?.[1];
  return host === undefined || host === '' || host === '*' ? { port } : { host, port };
}

/**
 * Leaves out addresses that others of the list have in them, which the system would refuse as in use: `1935` is every
 * address, so `1935 [::]:1935` (as SRS has it for IPv4 and IPv6) is `1935`, and so is `0.0.0.0:1935 [::]:1935`.
 */
export function distinctAddresses(addresses: readonly ListenAddress[]): ListenAddress[] {
  const distinct: ListenAddress[] = [];
  for (const address of addresses) {
    const { port } = address;
    const hosts = addresses.filter((other) => other.port === port).map(({ host }) => host);
    const isAny = hosts.includes(undefined) || (hosts.includes('0.0.0.0') && hosts.includes('::'));
    const one = isAny && port !== 0 ? { port } : address;
    const isCovered = distinct.some((other) => port !== 0 && covers(other, one));
    if (!isCovered) distinct.push(one);
  }
  return distinct.filter((one) => !distinct.some((other) => other !== one && covers(other, one)));
}

function covers(wide: ListenAddress, narrow: ListenAddress): boolean {
  if (wide.port !== narrow.port || wide.port === 0) return false;
  if (wide.host === narrow.host) return true;
  // The system takes IPv4 on `::`, too.
  if (wide.host === undefined || wide.host === '::') return true;
  return wide.host === '0.0.0.0' && narrow.host !== undefined && isIPv4(narrow.host);
}

/** The text form of an address, as `parseListenAddress` reads it. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.host === undefined) return String(address.port);
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
