import { maskSecrets } from './mask.ts';
import { parameterValues } from './parameters.ts';

/**
 * A URL that a client sent, for others to see: of its query the vhost is left, since the rest may be what let the
 * client in.
 */
export function publicUrl(url: string): string {
  const query = url.indexOf('?');
  if (query === -1) return maskSecrets(url);
  const [vhost] = ['vhost', 'domain'].flatMap((name) => parameterValues(url.slice(query), name));
  const left = vhost === undefined ? '' : `?vhost=${encodeURIComponent(vhost)}`;
  return maskSecrets(`${url.slice(0, query)}${left}`);
}
