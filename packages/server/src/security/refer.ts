import type { ReferConfig } from '../config/index.ts';

/**
 * Whether a page may use the server (R035): its host must be one of the listed names or below one of them.
 * Names are matched on label borders, so `evilgithub.com` is not below `github.com`. Lists that are empty
 * allow everyone.
 *
 * @param what - the list asked besides the one for all
 * @param pageUrl - the page that the player sits in; empty when the client names none
 */
export function referAllows(config: ReferConfig, what: 'all' | 'play' | 'publish', pageUrl: string): boolean {
  if (!config.enabled) return true;
  const list = config[what];
  if (list.length === 0) return true;
  const host = pageHost(pageUrl);
  return list.some((name) => {
    const wanted = name.toLowerCase().replace(/^\./, '');
    return host === wanted || host.endsWith(`.${wanted}`);
  });
}

function pageHost(pageUrl: string): string {
  try {
    return new URL(pageUrl).hostname.toLowerCase();
  } catch {
    return '';
  }
}

/** The page that a player of HTTP sits in; empty when the client names none. */
export function pageUrlOf({
  referer,
  origin,
}: {
  readonly referer?: string | undefined;
  readonly origin?: string | undefined;
}): string {
  return referer ?? origin ?? '';
}
