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

/** The text form of an address, as `parseListenAddress` reads it. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.host === undefined) return String(address.port);
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
