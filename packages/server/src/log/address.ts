/** An address for people: an IPv4 peer of a dual-stack socket (`::ffff:192.0.2.1`) as plain IPv4. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
