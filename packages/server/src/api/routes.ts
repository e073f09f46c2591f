import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { type DvrControl, dvrRoutes } from './dvrs.ts';
import { MAX_PAGE, pagingSchema } from './schemas.ts';
import { clientShape, ownStreamShape, streamShape, versionShape } from './shapes.ts';
import type { ApiSource } from './source.ts';

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
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

/**
 * The codes of answers that are not 0. The first two are SRS's (5.2) and come with HTTP status 200, as SRS
 * sends them; the others equal their HTTP status.
 */
const API_ERROR = {
  streamNotFound: 2048,
  clientNotFound: 2049,
  notFound: 404,
  methodNotAllowed: 405,
} as const;

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

const INDEX = { v1: 'the api version 1.0' };

const V1_INDEX = {
  versions: 'the version of the server',
  streams: 'all streams, or one by its id',
  clients: 'all publishers and players, or one by its id',
  dvrs: 'all recordings, or one by its id; POST starts one, DELETE stops it',
};

const streamPaging = pagingSchema(MAX_PAGE);
const clientPaging = pagingSchema(10);

/** The HTTP API as routes for a fastify server (SRS's shapes, 5.1). */
export function apiRoutes(options: ApiOptions): FastifyPluginCallback {
  const { source, scope = 'all', dvrs, now = Date.now } = options;
  const head = {
    code: 0,
    server: source.serverId,
    service: source.serviceId,
    pid: String(source.pid),
  };
  const version = versionShape(source.version);
  const shapeOf = scope === 'all' ? ownStreamShape : streamShape;

  return (app, _options, done) => {
    function route(path: string, handler: Handler): void {
      app.all(path, (request, reply) => {
        if (request.method !== 'GET' && request.method !== 'HEAD') {
          return reply.code(405).header('allow', 'GET, HEAD').send({ code: API_ERROR.methodNotAllowed });
        }
        return reply.header('cache-control', 'no-store').send(handler(request, reply));
      });
    }

    function routeList(path: string, list: Handler, one: (id: string) => unknown): void {
      route(path, list);
      route(`${path}/*`, (request, reply) => {
        const id = (request.params as Readonly<Record<string, string>>)['*'] ?? '';
        return id === '' ? list(request, reply) : one(id);
      });
    }

    route('/api/v1/versions', () => ({ ...head, data: version }));
    routeList(
      '/api/v1/streams',
      (request) => {
        const time = now();
        const streams = page(source.streams(), streamPaging.parse(request.query), (view) =>
          shapeOf(view, time),
        );
        return { ...head, streams };
      },
      (id) => {
        const view = source.stream(id);
        return view === undefined
          ? { code: API_ERROR.streamNotFound }
          : { ...head, stream: shapeOf(view, now()) };
      },
    );
    if (scope === 'all') {
      route('/api', () => ({ ...head, urls: INDEX }));
      route('/api/', () => ({ ...head, urls: INDEX }));
      route('/api/v1', () => ({ ...head, urls: V1_INDEX }));
      route('/api/v1/', () => ({ ...head, urls: V1_INDEX }));
      routeList(
        '/api/v1/clients',
        (request) => ({
          ...head,
          clients: page(source.clients(), clientPaging.parse(request.query), clientShape),
        }),
        (id) => {
          const view = source.client(id);
          return view === undefined
            ? { code: API_ERROR.clientNotFound }
            : { ...head, client: clientShape(view) };
        },
      );
      if (dvrs !== undefined) dvrRoutes(app, dvrs, head);
      route('/api/*', (_request, reply) => {
        reply.code(404);
        return { code: API_ERROR.notFound };
      });
    }
    done();
  };
}

function page<View, Shape>(
  views: Iterable<View>,
  { start, count }: { readonly start: number; readonly count: number },
  shape: (view: View) => Shape,
): Shape[] {
  const shapes: Shape[] = [];
  let index = 0;
  for (const view of views) {
    if (index >= start) {
      shapes.push(shape(view));
      if (shapes.length === count) {
        break;
      }
    }
    index += 1;
  }
  return shapes;
}
