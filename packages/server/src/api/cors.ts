import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { HttpApiConfig } from '../config/types.ts';
import { sameOrigin } from './request-origin.ts';

const READ_METHODS = 'GET, HEAD, OPTIONS';
const ALL_METHODS = 'GET, POST, HEAD, PUT, PATCH, DELETE, OPTIONS';

/** What {@link corsOf} needs. */
export interface CorsOptions {
  /** How the API is set now; undefined on the public port. */
  readonly settings: (() => HttpApiConfig) | undefined;
  /** Whether pages of every origin may read a path (without query) where the file says nothing of `crossdomain`. */
  readonly isOpen: (path: string) => boolean;
}

/** What pages of another origin may do; undefined: nothing. */
interface CorsGrant {
  readonly origin: string;
  readonly methods: string;
}

/**
 * CORS of the API. Pages of every origin may read what is open (versions). They may read everything where the file says
 * `crossdomain on`, and nothing where it says `crossdomain off`. Pages of `allowed_origins` may do everything.
 */
export function addCors(app: FastifyInstance, options: CorsOptions): void {
  app.addHook('onRequest', (request, reply, done) => {
    const grant = corsOf(request, options);
    if (options.settings !== undefined && options.settings().allowedOrigins.length > 0) {
      reply.header('vary', 'Origin');
    }
    if (grant === undefined) {
      done();
      return;
    }
    reply.header('access-control-allow-origin', grant.origin).header('access-control-expose-headers', '*');
    if (request.method !== 'OPTIONS') {
      done();
      return;
    }
    answerPreflight(request, reply, grant);
  });
}

function corsOf(request: FastifyRequest, { settings, isOpen }: CorsOptions): CorsGrant | undefined {
  const config = settings?.();
  const { origin } = request.headers;
  if (
    origin !== undefined &&
    config?.allowedOrigins.some((allowed) => sameOrigin(allowed, origin)) === true
  ) {
    return { origin, methods: ALL_METHODS };
  }
  const isReadable = config?.crossdomain ?? isOpen(pathOf(request));
  return isReadable ? { origin: '*', methods: READ_METHODS } : undefined;
}

/** `*` stands for all headers but `Authorization`, which has to be named. */
function answerPreflight({ headers }: FastifyRequest, reply: FastifyReply, { methods }: CorsGrant): void {
  const asked = headers['access-control-request-headers'];
  reply
    .code(200)
    .header('access-control-allow-methods', methods)
    .header('access-control-allow-headers', asked?.includes('authorization') === true ? asked : '*')
    .header('content-length', '0')
    .send();
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? '';
}
