import { networkInterfaces } from 'node:os';

import type { SluiceServer } from '../app/index.ts';
import type { ListenAddress } from '../config/index.ts';
import type { Log } from '../log/index.ts';

/** Says where to publish and where to watch. */
export function announce(server: SluiceServer, log: Log): void {
  const { rtmp, http, api } = server.addresses;
  const hosts = ['localhost', ...localAddresses()];
  const lines = [
    `Sluice ${server.version} is ready, pid ${process.pid}, ${server.config.vhosts.size} vhosts`,
  ];
  for (const address of rtmp) {
    for (const host of hostsOf(address, hosts)) {
      lines.push(`publish to  rtmp://${host}${portOf(address, 1935)}/live/livestream`);
    }
  }
  for (const address of http) {
    for (const host of hostsOf(address, hosts))
      lines.push(`watch at    http://${host}${portOf(address, 80)}/`);
  }
  for (const address of api) {
    const [host = 'localhost'] = hostsOf(address, hosts);
    lines.push(`API at      http://${host}${portOf(address, 80)}/api/v1/versions`);
  }
  for (const line of lines) log.info(line);
}

function hostsOf(address: ListenAddress, all: readonly string[]): readonly string[] {
  const { host } = address;
  if (host === undefined || host === '0.0.0.0' || host === '::') return all;
  return [host.includes(':') ? `[${host}]` : host];
}

function portOf(address: ListenAddress, standard: number): string {
  return address.port === standard ? '' : `:${address.port}`;
}

/** IPv4 addresses of the machine that others may reach (G009). */
function localAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => address.family === 'IPv4' && !address.internal)
    .map((address) => address.address);
}
