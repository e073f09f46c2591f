/**
 * Connections from one local address before the next one is used. The system has about 28,000 ports for each, and
 * Linux takes those of one parity first: when these 14,000 are out, every further connect() looks through all of
 * them in vain before it finds a port of the other parity, which costs a millisecond of the load's time.
 */
const CONNECTIONS_PER_LOCAL_ADDRESS = 12_000;
const LOCAL_ADDRESSES = 250;

/**
 * The local address for connection `index` to `address`: loopback connections beyond what one address has
 * ports for come from 127.0.0.2, 127.0.0.3 and so on; undefined leaves the choice to the system.
 */
export function localAddressOf(address: string, index: number): string | undefined {
  const block = Math.floor(index / CONNECTIONS_PER_LOCAL_ADDRESS);
  return block > 0 && address.startsWith('127.') ? `127.0.0.${1 + (block % LOCAL_ADDRESSES)}` : undefined;
}
