import type { FastifyInstance, FastifyPluginCallback } from 'fastify';
import type { HttpApiConfig } from '../config/types.ts';
import { type AnswerHead, addList, addRoute } from './answers.ts';
import { API_CODE } from './codes.ts';
import { type ChangeVhost, configRoutes } from './config-routes.ts';
import { docsRoutes } from './docs-routes.ts';
import { type DvrControl, dvrRoutes } from './dvrs.ts';
import { type ApiDenial, type GuardOptions, guardRoutes } from './guard.ts';
import { infoRoutes } from './info-routes.ts';
import { Pages } from './pages.ts';
import { rawRoutes } from './raw-routes.ts';
import { type ApiStream, MAX_PAGE, pagingSchema, searchSchema } from './schemas.ts';
import {
  clientShape,
  endedShape,
  ownStreamShape,
  publicStreamShape,
  versionShape,
  vhostShape,
} from './shapes.ts';
import type { ApiControl, ApiSource, StreamView } from './source.ts';
import type { TurnBudget } from './turn-budget.ts';

/** How the API is served. */
export interface ApiOptions {
  readonly source: ApiSource;
  /**
   * `all`: the API's own port. `public`: versions (H015) and streams only, for the http_server port, where
   * everyone may look and nobody is told the clients' addresses. Default `all`.
   */
  readonly scope?: 'all' | 'public';
  /** Recordings, which are seen and steered on the API's own port only. Default: there are none. */
  readonly dvrs?: DvrControl | undefined;
  /** What the API may do to the server. Default: nothing. */
  readonly control?: ApiControl | undefined;
  /** How `http_api{}` is set, asked at each request: its password, its `raw_api{}`, its CORS. Default: nothing is. */
  readonly settings?: (() => HttpApiConfig) | undefined;
  /** Whether `scope: 'public'` lists the streams. Default true. */
  readonly listStreams?: boolean | undefined;
  /** Whether a host name (lower case) is one of the machine or of a vhost. Default: none is. */
  readonly isOwnName?: GuardOptions['isOwnName'];
  /** Tells at `/` where the API is. Not for a server that has pages of its own. Default false. */
  readonly atRoot?: boolean;
  /** Told of each request that is not let in. */
  readonly onDenied?: ((denial: ApiDenial) => void) | undefined;
  /** What long pages may take of the event loop; one for all that serve pages. Default: one of its own. */
  readonly budget?: TurnBudget | undefined;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

const ROOT_INDEX = { api: 'the api root' };

const INDEX = { v1: 'the api version 1.0' };

const V1_INDEX = {
  versions: 'the version of the server',
  summaries: 'the figures of server and machine at a glance',
  rusages: 'the resources that the server has used',
  self_proc_stats: 'the process as the kernel sees it',
  system_proc_stats: 'the CPUs as the kernel sees them',
  meminfos: 'the memory of the machine',
  authors: 'who made the server',
  features: 'what the server can do',
  requests: 'the request itself, for debugging',
  vhosts: 'all vhosts, or one by its id; PATCH changes its settings',
  config: {
    changes: 'what was changed by this API; DELETE takes changes back; PATCH of config changes settings',
  },
  streams: 'all streams, or one by its id',
  clients: 'all publishers and players, or one by its id; DELETE disconnects it',
  ended: 'the connections that ended last, and why',
  dvrs: 'all recordings, or one by its id; POST starts one, DELETE stops it',
  raw: 'control of the server: rpc=raw, rpc=reload, rpc=reload-fetch',
  'openapi.json': 'this API as an OpenAPI document; /api/docs shows it to people',
  tests: { requests: 'the request itself', errors: 'an error', redirects: 'a redirect to the error' },
};

const listPaging = pagingSchema(MAX_PAGE);
const clientPaging = pagingSchema(10);

/** The HTTP API as routes for a fastify server (SRS's shapes, 5.1). */
export function apiRoutes(options: ApiOptions): FastifyPluginCallback {
  const { source, scope = 'all', dvrs, control, settings, now = Date.now } = options;
  const head = {
    code: 0,
    server: source.serverId,
    service: source.serviceId,
    pid: String(source.pid),
  };
  const pages = new Pages(head, { budget: options.budget });
  return (app, _options, done) => {
    guardRoutes(app, {
      settings,
      asksForPassword: scope === 'all',
      onDenied: options.onDenied,
      isOwnName: options.isOwnName,
      readsByOwnNames: options.atRoot === true,
    });
    const version = versionShape(source.version);
    addRoute(app, '/api/v1/versions', () => ({ ...head, data: version }));
    if (scope === 'all') streamRoutes(app, source, { head, pages }, ownStreamShape);
    else if (options.listStreams !== false) streamRoutes(app, source, { head, pages }, publicStreamShape);
    if (scope === 'all') {
      if (options.atRoot === true) addRoute(app, '/', () => ({ ...head, urls: ROOT_INDEX }));
      for (const slash of ['', '/']) {
        addRoute(app, `/api${slash}`, () => ({ ...head, urls: INDEX }));
        addRoute(app, `/api/v1${slash}`, () => ({ ...head, urls: V1_INDEX }));
      }
      clientRoutes(app, source, control, { head, pages });
      vhostRoutes(app, source, { head, pages }, configRoutes(app, { control, settings, head, pages, now }));
      for (const path of ['/api/v1/ended', '/api/v1/ended/']) {
        addRoute(app, path, ({ query }, reply) => {
          const paging = clientPaging.parse(query);
          return pages.send(reply, { name: 'ended', views: source.ended(), paging, shape: endedShape });
        });
      }
      infoRoutes(app, source, head, now);
      rawRoutes(app, control, settings, head);
      if (dvrs !== undefined) dvrRoutes(app, dvrs, { head, pages });
      docsRoutes(app, source.version);
      app.all('/api/*', (_request, reply) => reply.code(404).send({ code: API_CODE.notFound }));
    }
    done();
  };
}

/** What answers are made with. */
interface Answers {
  readonly head: AnswerHead;
  readonly pages: Pages;
}

function streamRoutes(
  app: FastifyInstance,
  source: ApiSource,
  { head, pages }: Answers,
  shape: (view: StreamView) => Partial<ApiStream>,
): void {
  addList(app, '/api/v1/streams', {
    list: ({ query }, reply) => {
      const { search } = searchSchema.parse(query);
      const matches = search === '' ? undefined : (view: StreamView) => isFound(view, search);
      const paging = listPaging.parse(query);
      return pages.send(reply, { name: 'streams', views: source.streams(), paging, matches, shape });
    },
    one: (id) => {
      const view = source.stream(id);
      return view === undefined ? { code: API_CODE.streamNotFound } : { ...head, stream: shape(view) };
    },
  });
}

/** @param search - in lower case */
function isFound({ url }: StreamView, search: string): boolean {
  return url.toLowerCase().includes(search);
}

function clientRoutes(
  app: FastifyInstance,
  source: ApiSource,
  control: ApiControl | undefined,
  { head, pages }: Answers,
): void {
  const unknown = { code: API_CODE.clientNotFound };
  addList(app, '/api/v1/clients', {
    list: ({ query }, reply) => {
      const paging = clientPaging.parse(query);
      return pages.send(reply, { name: 'clients', views: source.clients(), paging, shape: clientShape });
    },
    one: (id) => {
      const view = source.client(id);
      return view === undefined ? unknown : { ...head, client: clientShape(view) };
    },
    remove: control === undefined ? undefined : (id) => (control.kick(id) ? head : unknown),
  });
}

function vhostRoutes(
  app: FastifyInstance,
  source: ApiSource,
  { head, pages }: Answers,
  changeVhost: ChangeVhost,
): void {
  addList(app, '/api/v1/vhosts', {
    change: (id, request, reply) => changeVhost(source.vhost(id)?.name ?? id, request, reply),
    list: ({ query }, reply) => {
      const paging = listPaging.parse(query);
      return pages.send(reply, { name: 'vhosts', views: source.vhosts(), paging, shape: vhostShape });
    },
    one: (id) => {
      const view = source.vhost(id);
      return view === undefined ? { code: API_CODE.vhostNotFound } : { ...head, vhost: vhostShape(view) };
    },
  });
}
