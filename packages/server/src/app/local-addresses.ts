import { networkInterfaces } from 'node:os';

/** IPv4 addresses of the machine that others may reach, in the order of its devices (G009). */
export function localAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => address.family === 'IPv4' && !address.internal)
    .map((address) => address.address);
}
