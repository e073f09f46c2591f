import { Section } from './section.ts';
import { block } from './blocks.ts';
import { apiHttpsSection, serverHttpsSection } from './tls.ts';
import { addresses, choice, flag, integer, optionalFlag, path, text, words } from './values.ts';

const rawApiSection = new Section('raw_api', {
  enabled: flag('enabled', {
    default: false,
    active: true,
    means: 'Lets the API control the server, as far as the next three say.',
  }),
  allowReload: flag('allow_reload', {
    default: false,
    active: true,
    means: 'Lets the API reload the configuration.',
  }),
  allowQuery: flag('allow_query', {
    default: false,
    active: true,
    means: 'Lets the API list the changes that were made by it.',
  }),
  allowUpdate: flag('allow_update', {
    default: false,
    active: true,
    means:
      'Lets the API change settings: who may do so may have the server write and serve files where its user may, so give the API a password.',
  }),
});

const authSection = new Section('auth', {
  enabled: flag('enabled', { default: false, active: true, means: 'Asks for a name and a password.' }),
  type: choice('type', ['basic'], {
    default: 'basic',
    means: 'How: HTTP Basic authentication is the one way that there is.',
  }),
  username: text('username', { default: '', active: true, means: 'The name, without a colon.' }),
  password: text('password', { default: '', active: true, means: 'The password.' }),
});

function hostProblem(name: string): string | undefined {
  return /^[^\s:/@*[\]]+$/.test(name) ? undefined : `expected a host name without a port, not \`${name}\``;
}

function originProblem(origin: string): string | undefined {
  return /^https?:\/\/(?:\[[\da-f:.]+\]|[^\s:/@*[\]]+)(?::\d{1,5})?\/?$/i.test(origin)
    ? undefined
    : `expected scheme, host and port, such as \`https://console.example.com\`, not \`${origin}\``;
}

/** `http_api{}` of the root. */
export const httpApiSection = new Section('http_api', {
  enabled: flag('enabled', { default: false, active: true, means: 'Serves the HTTP API.' }),
  listen: addresses('listen', { default: [{ port: 1985 }], active: true, means: "The API's addresses." }),
  crossdomain: optionalFlag('crossdomain', {
    active: true,
    means:
      'Lets pages of other origins read the API (CORS); where it is not written, they may read the version only. They never change anything.',
  }),
  allowedHosts: words('allowed_hosts', {
    shape: 'NAME …',
    active: true,
    check: hostProblem,
    means:
      'Host names by which the API may be called to change something, besides `localhost`, addresses, the name of the machine and those of the vhosts.',
  }),
  allowedOrigins: words('allowed_origins', {
    shape: 'ORIGIN …',
    active: true,
    check: originProblem,
    means: 'Origins, such as `https://console.example.com`, whose pages may read and change everything.',
  }),
  rawApi: block('raw_api', rawApiSection, { active: true, means: 'Control of the server over the API.' }),
  auth: block('auth', authSection, { active: true, means: 'HTTP Basic authentication of the API.' }),
  https: block('https', apiHttpsSection, { active: true, means: 'The API over HTTPS.' }),
});

function publicUrlProblem(url: string): string | undefined {
  return url === '' || (/^https?:\/\/[^\s?#@]+$/i.test(url) && URL.canParse(url))
    ? undefined
    : `expected an address such as \`https://live.example.com/tv\`, without a query, not \`${url}\``;
}

function rtmpPublicUrlProblem(url: string): string | undefined {
  return url === '' || /^rtmps?:\/\/(?:\[[\da-f:.]+\]|[^\s:/?#@[\]]*)(?::\d{1,5})?\/?$/i.test(url)
    ? undefined
    : `expected scheme, host and port, such as \`rtmp://live.example.com:19350\`, not \`${url}\``;
}

/** `http_server{}` of the root. */
export const httpServerSection = new Section('http_server', {
  enabled: flag('enabled', {
    default: false,
    active: true,
    means: 'Serves files and live streams over HTTP.',
  }),
  listen: addresses('listen', {
    default: [{ port: 8080 }],
    active: true,
    means: "The HTTP server's addresses.",
  }),
  dir: path('dir', { default: './objs/nginx/html', active: true, means: 'The directory of the files.' }),
  crossdomain: flag('crossdomain', {
    default: true,
    means: 'Lets pages of other origins fetch from the HTTP server; this version always does.',
    asks: (value) => !value,
  }),
  listStreams: flag('list_streams', {
    default: true,
    active: true,
    means:
      'Lists the live streams at `/api/v1/streams` of this port, too, for the built-in page. Where no token is asked for, who knows the name of a stream may publish it.',
  }),
  publicUrl: text('public_url', {
    default: '',
    shape: 'URL',
    active: true,
    check: publicUrlProblem,
    means:
      'Where viewers reach this port, such as `https://live.example.com/tv`, when they do so by a proxy or a mapped port: the built-in page shows addresses by it. Without it they are those that the page itself was opened by.',
  }),
  rtmpPublicUrl: text('rtmp_public_url', {
    default: '',
    shape: 'URL',
    active: true,
    check: rtmpPublicUrlProblem,
    means:
      'Where RTMP is reached, such as `rtmp://live.example.com:19350` or `rtmps://live.example.com`, for the addresses on the built-in page; `rtmp://:19350` is that port of the host that the page was opened by.',
  }),
  https: block('https', serverHttpsSection, { active: true, means: 'The HTTP server over HTTPS.' }),
});

/** The forms of live streams over HTTP, by the extension of the mount. */
const MOUNT_EXTENSIONS = ['.flv', '.ts', '.aac', '.mp3'];

function mountProblem(mount: string): string | undefined {
  if (!MOUNT_EXTENSIONS.some((extension) => mount.endsWith(extension))) {
    return `the mount \`${mount}\` must end in ${MOUNT_EXTENSIONS.join(', ')}`;
  }
  if (mount.includes('..')) return `the mount \`${mount}\` must not have \`..\` in it`;
  return undefined;
}

/** `http_remux{}` of a vhost. */
export const httpRemuxSection = new Section('http_remux', {
  enabled: flag('enabled', {
    default: false,
    active: true,
    means: 'Serves the live streams over HTTP and WebSocket.',
  }),
  mounts: words('mount', {
    default: ['[vhost]/[app]/[stream].flv'],
    active: true,
    shape: 'TEMPLATE …',
    check: mountProblem,
    means:
      'Where the streams are: host and path with `[vhost]`, `[app]` and `[stream]`; the extension picks the format. Several may be given.',
  }),
  hstrs: flag('hstrs', {
    default: true,
    active: true,
    means: 'Lets a request wait for a stream that nobody publishes yet; off answers 404.',
  }),
  fastCacheSeconds: integer('fast_cache', {
    default: 0,
    max: 600,
    active: true,
    means: 'For audio mounts (`.aac`, `.mp3`): the seconds that a new listener gets at once.',
    shape: 'SECONDS',
  }),
  dropIfNotMatch: flag('drop_if_not_match', {
    default: true,
    means: "Drops frames that don't fit `has_audio` and `has_video`.",
  }),
  hasAudio: flag('has_audio', { default: true, means: 'Announces audio in the FLV header.' }),
  hasVideo: flag('has_video', { default: true, means: 'Announces video in the FLV header.' }),
  guessHasAv: flag('guess_has_av', {
    default: true,
    means: 'Guesses from the first frames what to announce.',
  }),
});

/** `http_static{}` of a vhost. */
export const httpStaticSection = new Section('http_static', {
  enabled: flag('enabled', {
    default: false,
    active: true,
    means: 'Serves a directory of files for this vhost.',
  }),
  mount: text('mount', {
    default: '[vhost]/',
    active: true,
    shape: 'TEMPLATE',
    means: 'Where the directory is: host and path; `[vhost]` is replaced by the name of the vhost.',
  }),
  dir: path('dir', { default: './objs/nginx/html', active: true, means: 'The directory of the files.' }),
});
