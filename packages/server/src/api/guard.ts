import { Readable } from 'node:stream';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { HttpApiConfig } from '../config/types.ts';
import { basicAuthMatches } from './basic-auth.ts';
import { API_CODE } from './codes.ts';
import { addCors } from './cors.ts';
import { type Asker, askerOf, isLoopback, isOwnHost } from './request-origin.ts';

/** A request that was refused. */
export interface ApiDenial {
  readonly ip: string;
  readonly reason: 'no-password' | 'wrong-password' | 'cross-site' | 'foreign-host';
}

/** What {@link guardRoutes} needs. */
export interface GuardOptions {
  /** How the API is set now. Default: as if nothing were written of it. */
  readonly settings: (() => HttpApiConfig) | undefined;
  /** Whether the password of `settings` is asked for. Default true. */
  readonly asksForPassword?: boolean | undefined;
  readonly onDenied: ((denial: ApiDenial) => void) | undefined;
  /** Whether a name (lower case) is one of the machine or of a vhost. Default: none is. */
  readonly isOwnName?: ((name: string) => boolean) | undefined;
  /**
   * Whether a browser on the same machine may read by own names only. Not where the API shares its port with the HTTP
   * server, whose page a local proxy may serve by any name. Default false.
   */
  readonly readsByOwnNames?: boolean | undefined;
}

/** The most characters of a JSONP callback's name. */
export const MAX_CALLBACK_LENGTH = 128;

const CALLBACK = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*$/;

/** The most characters of a `Host` that an answer repeats. */
const MAX_HOST_SHOWN = 100;

const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

const READ_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Methods with which browsers do not always send an `Origin`. */
const MAY_HIDE_ORIGIN: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** The verbs that `?method=` may ask for. */
const OVERRIDES: ReadonlySet<string> = new Set(['DELETE', 'POST', 'PUT']);

/** What pages of every origin may read where the file says nothing of `crossdomain`. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/api/v1/versions']);

/**
 * What holds for all routes of a fastify plugin: CORS, the password (`http_api.auth`), who may change something, JSONP by
 * `?callback=` and `?method=DELETE` for those who can only GET (A006).
 *
 * A web page must not steer the server of its visitor. So each request that changes something is refused when a page of
 * another origin makes it, when its `Host` is not ours (DNS rebinding), and when it has a body that a form could send.
 * Programs send none of these headers.
 */
export function guardRoutes(app: FastifyInstance, options: GuardOptions): void {
  const { asksForPassword = true, settings, onDenied } = options;
  addCors(app, { settings, isOpen: (path) => OPEN_PATHS.has(path) });
  app.addHook('onRequest', (request, reply, done) => {
    const config = settings?.();
    const auth = asksForPassword ? config?.auth : undefined;
    if (auth?.enabled === true) {
      const { authorization } = request.headers;
      if (!basicAuthMatches(authorization, auth.username, auth.password)) {
        const reason = authorization === undefined ? 'no-password' : 'wrong-password';
        onDenied?.({ ip: request.ip, reason });
        challenge(reply);
        return;
      }
    }
    const refusal = refusalOf(request, config, options);
    if (refusal !== undefined) {
      if (refusal.denial !== undefined) onDenied?.({ ip: request.ip, reason: refusal.denial });
      answerError(reply, refusal.code, refusal.error, refusal.message);
      return;
    }
    const verb = overrideOf(request);
    if (verb !== undefined) request.raw.method = verb;
    done();
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    const callback = callbackOf(request);
    const type = reply.getHeader('content-type');
    const isScript = callback !== undefined && String(type).includes('json');
    if (!isScript || !(typeof payload === 'string' || payload instanceof Readable)) {
      done(null, payload);
      return;
    }
    reply
      .header('content-type', 'text/javascript; charset=utf-8')
      .header('x-content-type-options', 'nosniff');
    done(
      null,
      typeof payload === 'string'
        ? `${callback}(${asScript(payload)})`
        : Readable.from(scriptParts(callback, payload)),
    );
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

function challenge(reply: FastifyReply): void {
  reply
    .code(401)
    .header('cache-control', 'no-store')
    .header('www-authenticate', 'Basic realm="Sluice", charset="UTF-8"')
    .send({ code: API_CODE.unauthorized });
}

interface Refused {
  readonly code: number;
  readonly error: string;
  readonly message: string;
  /** Set where somebody may be attacking. */
  readonly denial?: ApiDenial['reason'];
}

/** Why a request is refused whose password is right; undefined when it is not. */
function refusalOf(
  request: FastifyRequest,
  config: HttpApiConfig | undefined,
  options: GuardOptions,
): Refused | undefined {
  const asker = askerOf(request, config?.allowedOrigins ?? []);
  const changes = isChange(request);
  if (isForeignHost(request, { asker, changes, config }, options)) return foreignHost(request);
  const asksForScript = queryValue(request, 'callback') !== undefined;
  if (asksForScript && callbackOf(request) === undefined) {
    const message = `callback is the name of a function, such as app.onAnswer, of ${MAX_CALLBACK_LENGTH} characters at most`;
    return { code: API_CODE.badRequest, error: 'bad-callback', message };
  }
  // A page that asks by another method sends its origin.
  const isAnyPage =
    asker === 'foreign-page' || (asker === 'unknown-page' && MAY_HIDE_ORIGIN.has(request.method));
  if (isAnyPage && (changes || (asksForScript && !isScriptForAll(request, config)))) {
    const message =
      'a page of another site may neither change anything nor read by JSONP (http_api.allowed_origins names those ' +
      'that may change things); over plain HTTP, JSONP and changes by GET are not for browsers';
    return { code: API_CODE.forbidden, error: 'cross-site', message, denial: 'cross-site' };
  }
  if (changes && hasBody(request) && !isJson(request.headers['content-type'])) {
    const message = 'send the header Content-Type: application/json with the body';
    return { code: API_CODE.unsupportedMediaType, error: 'not-json', message };
  }
  return undefined;
}

/**
 * Whether the name by which the server was asked may be an attacker's, who has it resolve to our address: then a page of
 * the attacker is of the same origin. A browser shows no sign of it but the name. A program that asks by a name of the
 * network is let through; on the loopback address there is no such name.
 */
function isForeignHost(
  request: FastifyRequest,
  about: { readonly asker: Asker; readonly changes: boolean; readonly config: HttpApiConfig | undefined },
  { isOwnName, readsByOwnNames = false }: GuardOptions,
): boolean {
  const { asker, changes, config } = about;
  const isLocal = isLoopback(request.ip);
  const isPage = asker !== 'program';
  const isChecked = changes ? isLocal || isPage : readsByOwnNames && isLocal && isPage && !isOpen(request);
  if (!isChecked) return false;
  const allowed = config?.allowedHosts ?? [];
  return !isOwnHost(
    request.host,
    (name) => allowed.some((own) => own.toLowerCase() === name) || isOwnName?.(name) === true,
  );
}

function foreignHost({ host }: FastifyRequest): Refused {
  const name = host.length > MAX_HOST_SHOWN ? `${host.slice(0, MAX_HOST_SHOWN)}…` : host;
  const message = `the host ${name} is not one of this server: http_api { allowed_hosts NAME; } adds a name`;
  return { code: API_CODE.forbidden, error: 'foreign-host', message, denial: 'foreign-host' };
}

/** A script element of any page may read the answer: with the password that its browser remembers, where there is one. */
function isScriptForAll(request: FastifyRequest, config: HttpApiConfig | undefined): boolean {
  if (config?.auth.enabled === true) return false;
  return config?.crossdomain ?? isOpen(request);
}

function isOpen({ url }: FastifyRequest): boolean {
  return OPEN_PATHS.has(url.split('?', 1)[0] ?? '');
}

function isChange(request: FastifyRequest): boolean {
  return !READ_METHODS.has(request.method) || overrideOf(request) !== undefined || asksForReload(request);
}

function asksForReload(request: FastifyRequest): boolean {
  const rpc = queryValue(request, 'rpc');
  return rpc !== undefined && rpc !== 'raw' && rpc !== 'reload-fetch';
}

function hasBody({ headers }: FastifyRequest): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = headers;
  return encoding !== undefined || Number(length) !== 0;
}

function isJson(type: string | undefined): boolean {
  return type !== undefined && JSON_TYPE.test(type);
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

/** A long page as a script. */
async function* scriptParts(callback: string, json: Readable): AsyncGenerator<string> {
  yield `${callback}(`;
  for await (const part of json.setEncoding('utf8')) yield asScript(String(part));
  yield ')';
}

/** JSON as an expression of JavaScript that is harmless in a page, too. */
function asScript(json: string): string {
  return json.replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
