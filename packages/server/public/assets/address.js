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
    /** The address of the server that is watched, when it is not that of the page. */
    elsewhere: elsewhere ? `${location.protocol}//${server}:${port || '8080'}/` : undefined,
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
 * @param {{base: string, flvMount: string, transport: 'http' | 'websocket'}} server
 * @param {{vhost: string, app: string, name: string}} stream
 */
export function flvUrl({ base, flvMount, transport }, stream) {
  const url = mountedUrl(base, flvMount, stream);
  return transport === 'websocket' ? url.replace(/^http/, 'ws') : url;
}

/**
 * Where a stream plays as HLS, by the server's template (`[vhost]/[app]/[stream].m3u8`).
 *
 * @param {{base: string, hlsMount: string}} server
 * @param {{vhost: string, app: string, name: string}} stream
 */
export function hlsUrl({ base, hlsMount }, stream) {
  return mountedUrl(base, hlsMount, stream);
}

/** @param {string} base - address of the server's root, which may be below a path; ends with a slash */
function mountedUrl(base, mount, { vhost, app, name }) {
  const path = mount
    .slice(mount.indexOf('/'))
    .replaceAll('[vhost]', () => encodeURIComponent(vhost || DEFAULT_VHOST))
    .replaceAll('[app]', () => app.split('/').map(encodeURIComponent).join('/'))
    .replaceAll('[stream]', () => encodeURIComponent(name));
  const url = new URL(`.${path}`, base);
  if (vhost !== '') {
    url.searchParams.set('vhost', vhost);
  }
  return url.href;
}

/**
 * The address that the page shows for what is reached over HTTP.
 *
 * @param {{base: string, publicUrl?: string}} server
 */
export function shownBase({ base, publicUrl }) {
  return publicUrl === undefined ? base : `${publicUrl.replace(/\/+$/, '')}/`;
}

/**
 * The RTMP address of an app, for encoders: the stream's name or key goes beside it.
 *
 * @param {{host: string, rtmpPort: number, rtmpsPort?: number, publicUrl?: string, rtmpPublicUrl?: string}} server
 * @param {{vhost: string, app: string}} place
 * @param {'rtmp' | 'rtmps'} scheme
 */
function rtmpAppUrl(server, { vhost, app }, scheme = rtmpSchemes(server)[0]) {
  return `${rtmpOrigin(server, scheme)}/${app}${vhost === '' ? '' : `?vhost=${vhost}`}`;
}

/**
 * The RTMP address of a stream, for players.
 *
 * @param {{vhost: string, app: string, name: string}} stream
 */
function rtmpUrl(server, { vhost, app, name }, scheme = rtmpSchemes(server)[0]) {
  return `${rtmpOrigin(server, scheme)}/${app}/${name}${vhost === '' ? '' : `?vhost=${vhost}`}`;
}

/** The ways to publish and play over RTMP, the recommended one first: with TLS where the server has it. */
function rtmpSchemes({ rtmpsPort, rtmpPublicUrl }) {
  if (rtmpPublicUrl !== undefined) {
    return [rtmpPublicUrl.toLowerCase().startsWith('rtmps:') ? 'rtmps' : 'rtmp'];
  }
  return rtmpsPort === undefined ? ['rtmp'] : ['rtmps', 'rtmp'];
}

function rtmpOrigin({ host, rtmpPort, rtmpsPort, publicUrl, rtmpPublicUrl }, scheme) {
  const pageHost = publicUrl === undefined ? host : new URL(publicUrl).hostname;
  if (rtmpPublicUrl !== undefined) {
    const [, name, port] = /^rtmps?:\/\/(\[[^\]]*\]|[^:/]*)(?::(\d+))?/i.exec(rtmpPublicUrl) ?? [];
    return originOf(scheme, name || pageHost, port === undefined ? undefined : Number(port));
  }
  return originOf(scheme, pageHost, scheme === 'rtmps' ? rtmpsPort : rtmpPort);
}

function originOf(scheme, host, port) {
  const standard = scheme === 'rtmps' ? 443 : 1935;
  return `${scheme}://${host}${port === undefined || port === standard ? '' : `:${port}`}`;
}

/**
 * Where a stream plays, for people to copy.
 *
 * @param {object} server - as the page reaches it
 * @param {object} shown - as others reach it
 * @param {{vhost: string, app: string, name: string}} stream
 * @returns {{label: string, value: string}[]}
 */
export function streamAddresses(server, shown, stream) {
  const rtmp = rtmpSchemes(server).map((scheme) => ({
    label: scheme.toUpperCase(),
    value: rtmpUrl(server, stream, scheme),
  }));
  return [
    ...rtmp,
    ...(server.flvMount === undefined
      ? []
      : [
          { label: 'HTTP-FLV', value: flvUrl({ ...shown, transport: 'http' }, stream) },
          { label: 'WebSocket-FLV', value: flvUrl({ ...shown, transport: 'websocket' }, stream) },
        ]),
    ...(server.hlsMount === undefined ? [] : [{ label: 'HLS', value: hlsUrl(shown, stream) }]),
  ];
}

/**
 * What encoders are told, for people to copy.
 *
 * @param {object} server - as the page reaches it
 * @param {{vhost: string, app: string, stream: string}} asked - by the page's own URL
 */
export function publishAddresses(server, { vhost, app, stream }) {
  const name = stream || 'livestream';
  const obs = rtmpSchemes(server).map((scheme, index) => ({
    label: index === 0 ? 'Server' : 'Server, without TLS',
    value: rtmpAppUrl(server, { vhost, app }, scheme),
  }));
  const url = rtmpUrl(server, { vhost, app, name });
  return {
    obs: [...obs, { label: 'Stream key', value: name }],
    ffmpeg: [{ label: 'Command', value: `ffmpeg -re -i input.mp4 -c:v libx264 -c:a aac -f flv ${url}` }],
  };
}
