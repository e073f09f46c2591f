import { vhostInQuery } from '../../config/index.ts';

/** The query parameter that tells viewers apart, as in SRS. */
const PARAMETER = 'hls_ctx';

/** Ids of ours have 8 letters and digits, those of other servers may have more. */
const IN_QUERY = /[?&]hls_ctx=([0-9A-Za-z]{8,64})(?=&|$)/;

/** The viewer's id in a query; undefined when there is none, or when it is not well-formed. */
export function viewerIdOf(search: string): string | undefined {
  return search === '' ? undefined : IN_QUERY.exec(search)?.[1];
}

/** The query with the viewer's id in it; its other parameters stay as they are. */
export function withViewerId(search: string, id: string): string {
  const others = search
    .slice(1)
    .split('&')
    .filter((parameter) => parameter !== '' && parameter.split('=', 1)[0] !== PARAMETER);
  return `?${[...others, `${PARAMETER}=${id}`].join('&')}`;
}

/**
 * The query of the segments in a viewer's playlist: the id, and the vhost when the viewer named one, without
 * which the segments would be looked for in another vhost's directories.
 */
export function segmentQuery(search: string, id: string | undefined): string {
  const vhost = /vhost=|domain=/.test(search) ? vhostInQuery(new URLSearchParams(search)) : undefined;
  const parameters = [];
  if (vhost !== undefined) parameters.push(`vhost=${encodeURIComponent(vhost)}`);
  if (id !== undefined) parameters.push(`${PARAMETER}=${id}`);
  return parameters.length === 0 ? '' : `?${parameters.join('&')}`;
}
