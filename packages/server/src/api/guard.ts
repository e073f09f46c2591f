import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { HttpApiConfig } from '../config/types.ts';
import { basicAuthMatches } from './basic-auth.ts';
import { API_CODE } from './codes.ts';

/** Somebody who was not let in. */
export interface ApiDenial {
  readonly ip: string;
  readonly reason: 'no-password' | 'wrong-password' | 'cross-site';
}

/** What {@link guardRoutes} needs. */
export interface GuardOptions {
  /** How the API is set now; undefined where no password is asked for. */
  readonly settings: (() => HttpApiConfig) | undefined;
  readonly onDenied: ((denial: ApiDenial) => void) | undefined;
}

/** The most characters of a JSONP callback's name. */
export const MAX_CALLBACK_LENGTH = 128;

const CALLBACK = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*$/;

/** The verbs that `?method=` may ask for. */
const OVERRIDES: ReadonlySet<string> = new Set(['DELETE', 'POST', 'PUT']);

/**
 * What holds for all routes of a fastify plugin: the password (`http_api.auth`), JSONP by `?callback=` and
 * `?method=DELETE` for those who can only GET (A006).
 */
export function guardRoutes(app: FastifyInstance, options: GuardOptions): void {
  app.addHook('onRequest', (request, reply, done) => {
    const auth = options.settings?.().auth;
    if (auth?.enabled === true) {
      const { authorization } = request.headers;
      if (!basicAuthMatches(authorization, auth.username, auth.password)) {
        const reason = authorization === undefined ? 'no-password' : 'wrong-password';
        options.onDenied?.({ ip: request.ip, reason });
        askForPassword(reply);
        return;
      }
      if (ridesOnPassword(request)) {
        options.onDenied?.({ ip: request.ip, reason: 'cross-site' });
        const message =
          'a page of another site may not use the password that the browser remembers; over plain HTTP, JSONP and changes by GET are not for browsers';
        answerError(reply, API_CODE.forbidden, 'cross-site', message);
        return;
      }
    }
    if (queryValue(request, 'callback') !== undefined && callbackOf(request) === undefined) {
      const message = `callback is the name of a function, such as app.onAnswer, of ${MAX_CALLBACK_LENGTH} characters at most`;
      answerError(reply, API_CODE.badRequest, 'bad-callback', message);
      return;
    }
    const verb = overrideOf(request);
    if (verb !== undefined) request.raw.method = verb;
    done();
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    const callback = callbackOf(request);
    const type = reply.getHeader('content-type');
    if (callback === undefined || typeof payload !== 'string' || !String(type).includes('json')) {
      done(null, payload);
      return;
    }
    reply
      .header('content-type', 'text/javascript; charset=utf-8')
      .header('x-content-type-options', 'nosniff');
    done(null, `${callback}(${asScript(payload)})`);
  });
}

/** Answers why not, in a word for programs and in a sentence for people. */
export function answerError(
  reply: FastifyReply,
  code: number,
  error: string,
  message: string,
  status = code,
): FastifyReply {
  return reply.code(status).header('cache-control', 'no-store').send({ code, error, message });
}

function askForPassword(reply: FastifyReply): void {
  reply
    .code(401)
    .header('cache-control', 'no-store')
    .header('www-authenticate', 'Basic realm="Sluice", charset="UTF-8"')
    .send({ code: API_CODE.unauthorized });
}

/**
 * Whether a page of another site has the browser ask, with the password that the browser remembers: by a script
 * element, which could read a JSONP answer, or by a GET or a form that changes something. Browsers say it by Fetch
 * Metadata; everything else that other sites can do needs a preflight, which never allows credentials. Over plain HTTP
 * browsers don't say it: there `Origin` tells, and without one a browser gets neither JSONP nor a change by GET.
 */
function ridesOnPassword(request: FastifyRequest): boolean {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'user-agent': agent, origin } = request.headers;
  const { method } = request;
  const changes = method === 'POST' || overrideOf(request) !== undefined || asksForReload(request);
  if (site !== undefined) return site === 'cross-site' && (mode === 'no-cors' || changes);
  if (origin !== undefined) return changes && !isOriginOf(origin, request.host);
  const isBrowser = agent?.startsWith('Mozilla/') === true;
  return isBrowser && method === 'GET' && (changes || queryValue(request, 'callback') !== undefined);
}

function asksForReload(request: FastifyRequest): boolean {
  const rpc = queryValue(request, 'rpc');
  return rpc !== undefined && rpc !== 'raw' && rpc !== 'reload-fetch';
}

/** Whether a browser says that a page of another site asks. Over plain HTTP it doesn't say so of a GET. */
export function isFromElsewhere({ headers, host }: FastifyRequest): boolean {
  const { 'sec-fetch-site': site, origin } = headers;
  if (site !== undefined) return site === 'cross-site';
  return origin !== undefined && !isOriginOf(origin, host);
}

function isOriginOf(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** The verb that `?method=` of a GET asks for. */
function overrideOf(request: FastifyRequest): string | undefined {
  const verb = queryValue(request, 'method');
  return request.method === 'GET' && typeof verb === 'string' && OVERRIDES.has(verb) ? verb : undefined;
}

/**
 * The JSONP callback; undefined when none is asked for or its name is not plainly a function's: anything else
 * would let a link run a script of its author's (CVE-2024-29882).
 */
function callbackOf(request: FastifyRequest): string | undefined {
  const name = queryValue(request, 'callback');
  return typeof name === 'string' && name.length <= MAX_CALLBACK_LENGTH && CALLBACK.test(name)
    ? name
    : undefined;
}

function queryValue(request: FastifyRequest, name: string): unknown {
  const { query } = request;
  if (typeof query !== 'object' || query === null || !Object.hasOwn(query, name)) return undefined;
  return (query as Readonly<Record<string, unknown>>)[name];
}

/** JSON as an expression of JavaScript that is harmless in a page, too. */
function asScript(json: string): string {
  return json.replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
