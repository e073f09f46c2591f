import type { Config, VhostConfig } from './types.ts';
import { DEFAULT_VHOST } from './vhost-names.ts';

/**
 * The vhost of a host name without its port (R034): the one of that name (host names know no case), else
 * `__defaultVhost__`, else undefined. A vhost with `enabled off` is as good as not there, and its host
 * doesn't fall to the default one.
 */
export function findVhost(config: Pick<Config, 'vhosts'>, host: string): VhostConfig | undefined {
  const vhost =
    config.vhosts.get(host) ?? config.vhosts.get(host.toLowerCase()) ?? config.vhosts.get(DEFAULT_VHOST);
  return vhost?.enabled === true ? vhost : undefined;
}

/** The vhost that a query names, by SRS's `vhost` or `domain`; undefined when it names none. */
export function vhostInQuery(query: URLSearchParams): string | undefined {
  for (const name of ['vhost', 'domain']) {
    const vhost = query.get(name);
    if (vhost !== null && vhost !== '') return vhost;
  }
  return undefined;
}
