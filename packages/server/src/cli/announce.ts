import { localAddresses, type SluiceServer } from '../app/index.ts';
import type { ListenAddress } from '../config/index.ts';
import type { Log } from '../log/index.ts';

/** Says where to publish and where to watch. */
export function announce(server: SluiceServer, log: Log): void {
  const { rtmp, http, api, rtmps, https, apiHttps } = server.addresses;
  const hosts = ['localhost', ...localAddresses()];
  const lines = [
    `Sluice ${server.version} is ready, pid ${process.pid}, ${server.config.vhosts.size} vhosts`,
  ];
  const add = (
    what: string,
    addresses: readonly ListenAddress[],
    [scheme, standard]: readonly [scheme: string, port: number],
    [path, mostHosts]: readonly [path: string, mostHosts: number],
  ): void => {
    for (const address of addresses) {
      for (const host of hostsOf(address, hosts).slice(0, mostHosts)) {
        lines.push(`${what.padEnd(11)} ${scheme}://${host}${portOf(address, standard)}${path}`);
      }
    }
  };
  add('publish to', rtmp, ['rtmp', 1935], ['/live/livestream', Infinity]);
  add('publish to', rtmps, ['rtmps', 443], ['/live/livestream', Infinity]);
  add('watch at', http, ['http', 80], ['/', Infinity]);
  add('watch at', https, ['https', 443], ['/', Infinity]);
  add('API at', api, ['http', 80], ['/api/v1/versions', 1]);
  add('API at', apiHttps, ['https', 443], ['/api/v1/versions', 1]);
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
