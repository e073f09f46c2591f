const LOCAL_ADDRESSES = 250;

/**
 * The local address for connection `index` to `address`: those over loopback come from 127.0.0.2, 127.0.0.3 and so
 * on, one after the other; undefined leaves the choice to the system.
 *
 * One address has about 28,000 ports, for a minute after the end of a connection, too, and the closer it comes to
 * having none left, the longer Linux looks for one: up to a millisecond of the load's time for each connection.
 */
export function localAddressOf(address: string, index: number): string | undefined {
  return address.startsWith('127.') ? `127.0.0.${2 + (index % LOCAL_ADDRESSES)}` : undefined;
}
