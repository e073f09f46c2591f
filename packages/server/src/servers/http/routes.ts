import { STATUS_CODES } from 'node:http';
import { resolve } from 'node:path';
import cors, { type FastifyCorsOptions } from '@fastify/cors';
import fastify from 'fastify';
import type { FastifyError, FastifyInstance, FastifyPluginCallback, FastifyReply } from 'fastify';
import { commonHeaders } from './answer-head.ts';
import { FileRequests } from './file-requests.ts';
import type { FileDoor } from './file-door.ts';
import type { FileGuard } from './file-guard.ts';
import { type FilePlaces, UNLIMITED_FILE_PLACES } from './file-places.ts';
import type { HttpLimits } from './limits.ts';
import type { LiveRequests } from './live-requests.ts';
import { MemorySender } from './memory-sender.ts';
import type { TrustedPeers } from './peers.ts';
import type { PlayerPageFacts } from './player-page.ts';
import { originForm, readRequestTarget } from './request-target.ts';
import type { StaticMounts } from './static-mounts.ts';
import type { VirtualFiles } from './virtual-files.ts';

/** What the routes of one HTTP server are made of. */
export interface HttpRoutesOptions {
  readonly serverName: string;
  readonly limits: HttpLimits;
  readonly crossdomain: boolean;
  readonly routes: readonly FastifyPluginCallback[];
  readonly virtualFiles: VirtualFiles | undefined;
  readonly live: LiveRequests;
  readonly peers: TrustedPeers;
  readonly fileGuard: FileGuard | undefined;
  readonly fileDoor: FileDoor | undefined;
  readonly filePlaces: FilePlaces | undefined;
  readonly staticMounts: StaticMounts;
  readonly root: string | undefined;
  readonly playerPage: PlayerPageFacts | undefined;
  readonly onError: ((error: Error) => void) | undefined;
}

/** Pages of every origin may fetch files and streams. */
const EVERY_ORIGIN: FastifyCorsOptions = {
  origin: '*',
  methods: ['GET', 'POST', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
  allowedHeaders: '*',
  exposedHeaders: '*',
  strictPreflight: false,
  optionsSuccessStatus: 200,
};

const READ_METHODS: readonly string[] = ['GET', 'HEAD'];

/**
 * Builds the request handling. A path goes through these layers, the first that knows it answers: explicit
 * routes, virtual files, live streams, directories of vhosts, the root directory, the built-in page. Explicit routes
 * have CORS rules of their own.
 */
export async function buildRoutes(options: HttpRoutesOptions): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    bodyLimit: options.limits.maxBodyBytes,
    trustProxy: (address) => options.peers.trusts(address),
    rewriteUrl: (request) => originForm(request.url ?? '/'),
    frameworkErrors: (error, _request, reply) => {
      reply.header('server', options.serverName);
      sendStatus(reply, error.statusCode ?? 400);
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('server', options.serverName);
    done();
  });
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) {
      options.onError?.(error);
    }
    sendStatus(reply, status);
  });
  app.setNotFoundHandler((request, reply) => {
    if (READ_METHODS.includes(request.method)) {
      sendStatus(reply, 404);
      return;
    }
    reply.header('allow', 'GET, HEAD, OPTIONS');
    sendStatus(reply, 405);
  });
  for (const plugin of options.routes) {
    await app.register(plugin);
  }
  await app.register(async (media) => {
    if (options.crossdomain) await media.register(cors, EVERY_ORIGIN);
    mediaRoute(media, options);
  });
  await app.ready();
  return app;
}

/** Everything that is not an explicit route. */
function mediaRoute(media: FastifyInstance, options: HttpRoutesOptions): void {
  const files = createFileRequests(options);
  media.route({
    method: ['GET', 'HEAD'],
    url: '/*',
    handler: (request, reply) => {
      const target = readRequestTarget(request.url, request.headers.host);
      if (target === undefined) {
        return sendStatus(reply, 400);
      }
      const exchange = { request: request.raw, response: reply.raw };
      const place = files.locate(target);
      if (files.tryVirtual(exchange, target, place)) {
        return reply.hijack();
      }
      const mount = options.live.find(target);
      if (mount === undefined) {
        files.serve(exchange, target, place);
      } else if (mount.waits) {
        files.serveOr(exchange, target, place, () => {
          options.live.serve(exchange, target, mount);
        });
      } else {
        options.live.serve(exchange, target, mount);
      }
      return reply.hijack();
    },
  });
}

function createFileRequests(options: HttpRoutesOptions): FileRequests {
  const common = commonHeaders(options.serverName, options.crossdomain);
  return new FileRequests({
    common,
    memory: new MemorySender(common),
    virtualFiles: options.virtualFiles,
    peers: options.peers,
    fileGuard: options.fileGuard,
    fileDoor: options.fileDoor,
    filePlaces: options.filePlaces ?? UNLIMITED_FILE_PLACES,
    staticMounts: options.staticMounts,
    root: options.root === undefined ? undefined : resolve(options.root),
    playerPage: options.playerPage,
    onError: options.onError,
  });
}

/** The status text as the body (H003). */
function sendStatus(reply: FastifyReply, status: number): FastifyReply {
  return reply
    .code(status)
    .removeHeader('content-encoding')
    .removeHeader('cache-control')
    .header('content-type', 'text/plain; charset=utf-8')
    .send(STATUS_CODES[status] ?? String(status));
}
