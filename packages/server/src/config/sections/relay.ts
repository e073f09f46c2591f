import { Section } from './section.ts';
import { choice, flag, seconds, text, urls, words } from './values.ts';

/** `cluster{}` of a vhost. */
export const clusterSection = new Section('cluster', {
  mode: choice('mode', ['local', 'remote'], {
    default: 'local',
    means:
      '`remote` makes the vhost an edge: it fetches streams from the origins and takes publishers to them.',
  }),
  origins: words('origin', { shape: 'HOST[:PORT] …', means: "An edge's origins, used in turn." }),
  tokenTraverse: flag('token_traverse', {
    default: false,
    means: 'An edge asks the origin before it lets a client in.',
  }),
  vhost: text('vhost', {
    default: '[vhost]',
    shape: 'VHOST',
    means: 'The vhost that an edge asks the origin for.',
  }),
  debugUpnode: flag('debug_srs_upnode', {
    default: true,
    means: "Tells the next server this one's name and session, for tracing.",
  }),
  originCluster: flag('origin_cluster', { default: false, means: 'Shares the streams of several origins.' }),
  coworkers: words('coworkers', { shape: 'HOST:PORT …', means: 'The API addresses of the other origins.' }),
  protocol: choice('protocol', ['rtmp', 'flv'], {
    default: 'rtmp',
    means: 'How an edge fetches from the origin.',
  }),
  followClient: flag('follow_client', {
    default: false,
    means: "An edge fetches by the client's own protocol.",
  }),
});

/** `forward{}` of a vhost. */
export const forwardSection = new Section('forward', {
  enabled: flag('enabled', { default: false, means: 'Pushes each published stream on to other servers.' }),
  destinations: words('destination', { shape: 'HOST[:PORT] …', means: 'The servers to push to.' }),
  backend: text('backend', {
    default: '',
    shape: 'URL',
    means: 'Is asked for each stream where to push it.',
  }),
  rtmps: flag('rtmps', { default: false, means: 'Pushes over TLS.' }),
  api: flag('api', { default: false, means: 'Lets the API add servers and remove them.' }),
});

/** `http_hooks{}` of a vhost. */
export const httpHooksSection = new Section('http_hooks', {
  enabled: flag('enabled', { default: false, active: true, means: 'Calls HTTP URLs on events.' }),
  onConnect: urls('on_connect', { active: true, means: 'A client connects; may refuse it.' }),
  onConnectAt: choice('on_connect_at', ['connect', 'identified'], {
    default: 'connect',
    active: true,
    means:
      'When `on_connect` is asked: before `connect` is answered, or, as SRS 4 and later do, once the client has said what it plays or publishes.',
  }),
  onClose: urls('on_close', { active: true, means: 'A client went.' }),
  onPublish: urls('on_publish', { active: true, means: 'A publisher begins; may refuse it.' }),
  onUnpublish: urls('on_unpublish', { active: true, means: 'A publisher ended.' }),
  onPlay: urls('on_play', { active: true, means: 'A player begins; may refuse it.' }),
  onStop: urls('on_stop', { active: true, means: 'A player ended.' }),
  onDvr: urls('on_dvr', { active: true, means: 'A recording is finished.' }),
  onHls: urls('on_hls', { active: true, means: 'A segment is finished.' }),
  onHlsNotify: urls('on_hls_notify', {
    active: true,
    means: 'Is fetched for each segment, with `[app]`, `[stream]`, `[ts_url]` and `[param]`.',
  }),
  timeoutMs: seconds('timeout', {
    default: 5_000,
    min: 100,
    max: 60_000,
    active: true,
    means: 'How long each call may take; a client is refused when the answer is not there by then.',
  }),
  onForward: urls('on_forward', { means: 'Is asked where to push a stream.' }),
});

/** `exec{}` of a vhost. */
export const execSection = new Section('exec', {
  enabled: flag('enabled', { default: false, means: 'Starts programs on events.' }),
  publish: words('publish', { shape: 'PROGRAM ARGUMENT …', means: 'The program of each published stream.' }),
});
