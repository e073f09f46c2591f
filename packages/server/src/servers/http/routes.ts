import { STATUS_CODES } from 'node:http';
import cors from '@fastify/cors';
import fastifyStatic from '@fastify/static';
import fastify from 'fastify';
import type { FastifyError, FastifyInstance, FastifyPluginCallback, FastifyReply } from 'fastify';
import type { HttpLimits } from './limits.ts';
import type { LiveRequests } from './live-requests.ts';
import { servePlayerPage } from './player-page.ts';
import type { PlayerPageFacts } from './player-page.ts';
import { originForm, readRequestTarget } from './request-target.ts';
import type { RequestTarget } from './request-target.ts';
import { findFile, sendFoundFile } from './static-files.ts';
import type { StaticMounts } from './static-mounts.ts';

/** What the routes of one HTTP server are made of. */
export interface HttpRoutesOptions {
  readonly serverName: string;
  readonly limits: HttpLimits;
  readonly crossdomain: boolean;
  readonly routes: readonly FastifyPluginCallback[];
  readonly live: LiveRequests;
  readonly staticMounts: StaticMounts;
  readonly root: string | undefined;
  readonly playerPage: PlayerPageFacts | undefined;
  readonly onError: ((error: Error) => void) | undefined;
}

const READ_METHODS: readonly string[] = ['GET', 'HEAD'];

/**
 * Builds the request handling. A path goes through these layers, the first that knows it answers: explicit
 * routes, live streams, directories of vhosts, the root directory, the built-in page.
 */
export async function buildRoutes(options: HttpRoutesOptions): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    bodyLimit: options.limits.maxBodyBytes,
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
  if (options.crossdomain) {
    await app.register(cors, {
      origin: '*',
      methods: ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'],
      allowedHeaders: '*',
      exposedHeaders: '*',
      strictPreflight: false,
      optionsSuccessStatus: 200,
    });
  }
  await app.register(fastifyStatic, { serve: false });
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) {
      options.onError?.(error);
    }
    if (error instanceof Error && 'headers' in error) {
      // An unsatisfiable range tells the size of the file.
      reply.headers(error.headers as Readonly<Record<string, string>>);
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
  app.route({
    method: ['GET', 'HEAD'],
    url: '/*',
    handler: async (request, reply) => {
      const target = readRequestTarget(request.url, request.headers.host);
      if (target === undefined) {
        return sendStatus(reply, 400);
      }
      return options.live.tryServe(request, reply, target) ? reply : serveFile(reply, target, options);
    },
  });
  await app.ready();
  return app;
}

async function serveFile(
  reply: FastifyReply,
  target: RequestTarget,
  options: HttpRoutesOptions,
): Promise<FastifyReply> {
  const mounted = options.staticMounts.match(target.host, target.path);
  if (mounted?.kind === 'redirect') {
    return redirectToDirectory(reply, target);
  }
  const directory = mounted?.dir ?? options.root;
  if (directory !== undefined) {
    const found = await findFile(directory, mounted?.path ?? target.path);
    if (found.kind === 'directory') {
      return redirectToDirectory(reply, target);
    }
    if (found.kind === 'file') {
      return sendFoundFile(reply, found.root, found.name);
    }
  }
  if (options.playerPage !== undefined && servePlayerPage(reply, target, options.playerPage)) {
    return reply;
  }
  return sendStatus(reply, 404);
}

function redirectToDirectory(reply: FastifyReply, target: RequestTarget): FastifyReply {
  return reply.redirect(`${target.rawPath}/${target.search}`, 301);
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
