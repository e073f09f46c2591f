/** The name of the vhost that takes every host without one of its own. */
const DEFAULT_VHOST = '__defaultVhost__';

/**
 * What the page's own URL asks for: `?vhost=&app=&stream=&server=&port=&autostart=`, as SRS's players take it.
 *
 * @param {URL} location
 */
export function readParameters(location) {
  const query = location.searchParams;
  const server = query.get('server') ?? '';
  const port = query.get('port') ?? '';
  const elsewhere = server !== '' && `${server}:${port || '8080'}` !== location.host;
  const stream = (query.get('stream') ?? '').replace(/\.flv$/, '');
  return {
    vhost: query.get('vhost') ?? '',
    app: query.get('app') || 'live',
    stream,
    autostart: ['true', 'on', '1', 'yes'].includes(query.get('autostart') ?? ''),
    /** Scheme, host and port of the server that is watched. */
    origin: elsewhere ? `${location.protocol}//${server}:${port || '8080'}` : location.origin,
    /** Its host alone. */
    host: elsewhere ? server : location.hostname,
  };
}

/**
 * The page's URL for a stream, so that it can be shared and survives a reload.
 *
 * @param {URL} location
 * @param {{vhost: string, app: string, name: string}} stream
 */
export function pageUrl(location, { vhost, app, name }) {
  const url = new URL(location.href);
  url.searchParams.set('app', app);
  url.searchParams.set('stream', name);
  if (vhost === '') {
    url.searchParams.delete('vhost');
  } else {
    url.searchParams.set('vhost', vhost);
  }
  return url;
}

/**
 * The vhost of a stream of the API: its `url` is `/app/stream` in the default vhost, else `vhost/app/stream`.
 *
 * @param {{url: string, app: string, name: string}} stream
 */
export function vhostOf({ url, app, name }) {
  const path = `/${app}/${name}`;
  const vhost = url.endsWith(path) ? url.slice(0, -path.length) : '';
  return vhost === DEFAULT_VHOST ? '' : vhost;
}

/**
 * Where a stream plays as FLV, by the server's mount template (`[vhost]/[app]/[stream].flv`).
 *
 * @param {{origin: string, flvMount: string, transport: 'http' | 'websocket'}} server
 * @param {{vhost: string, app: string, name: string}} stream
 */
export function flvUrl({ origin, flvMount, transport }, stream) {
  const url = mountedUrl(origin, flvMount, stream);
  return transport === 'websocket' ? url.replace(/^http/, 'ws') : url;
}

/**
 * Where a stream plays as HLS, by the server's template (`[vhost]/[app]/[stream].m3u8`).
 *
 * @param {{origin: string, hlsMount: string}} server
 * @param {{vhost: string, app: string, name: string}} stream
 */
export function hlsUrl({ origin, hlsMount }, stream) {
  return mountedUrl(origin, hlsMount, stream);
}

function mountedUrl(origin, mount, { vhost, app, name }) {
  const path = mount
    .slice(mount.indexOf('/'))
    .replaceAll('[vhost]', () => encodeURIComponent(vhost || DEFAULT_VHOST))
    .replaceAll('[app]', () => app.split('/').map(encodeURIComponent).join('/'))
    .replaceAll('[stream]', () => encodeURIComponent(name));
  const url = new URL(path, origin);
  if (vhost !== '') {
    url.searchParams.set('vhost', vhost);
  }
  return url.href;
}

/**
 * The RTMP address of an app, for encoders: the stream's name or key goes beside it.
 *
 * @param {{host: string, rtmpPort: number}} server
 * @param {{vhost: string, app: string}} place
 */
export function rtmpAppUrl({ host, rtmpPort }, { vhost, app }) {
  const port = rtmpPort === 1935 ? '' : `:${rtmpPort}`;
  return `rtmp://${host}${port}/${app}${vhost === '' ? '' : `?vhost=${vhost}`}`;
}

/**
 * The RTMP address of a stream, for players.
 *
 * @param {{host: string, rtmpPort: number}} server
 * @param {{vhost: string, app: string, name: string}} stream
 */
export function rtmpUrl(server, { vhost, app, name }) {
  return `${rtmpAppUrl(server, { vhost: '', app })}/${name}${vhost === '' ? '' : `?vhost=${vhost}`}`;
}
