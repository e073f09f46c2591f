import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ConfigEditView, EditAuthor, RollbackRequest } from '../config/index.ts';
import type { HttpApiConfig } from '../config/types.ts';
import { plainAddress } from '../log/index.ts';
import type { AnswerHead } from './answers.ts';
import { userOf } from './basic-auth.ts';
import { API_CODE } from './codes.ts';
import { answerError } from './guard.ts';
import { readJson } from './json-body.ts';
import type { Pages } from './pages.ts';
import {
  type ApiChange,
  type ApiChangeResult,
  MAX_PAGE,
  pagingSchema,
  settingsRequestSchema,
} from './schemas.ts';
import type { ApiControl, ConfigAnswer } from './source.ts';

/** PATCH of a vhost, by its name. */
export type ChangeVhost = (
  vhost: string,
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<FastifyReply>;

/** What {@link configRoutes} needs. */
export interface ConfigRoutesOptions {
  readonly control: ApiControl | undefined;
  readonly settings: (() => HttpApiConfig) | undefined;
  readonly head: AnswerHead;
  readonly pages: Pages;
  readonly now: () => number;
}

const CHANGES = '/api/v1/config/changes';

const changesPaging = pagingSchema(MAX_PAGE);

/** The status of an answer by its error; any other is the request's fault. */
const statusOfError: Readonly<Record<string, number>> = {
  'no-such-block': 404,
  'unknown-change': 404,
  'no-configuration-file': 409,
  'changed-by-hand': 409,
  'listen-failed': 409,
  'not-running': 409,
  'too-few-descriptors': 409,
  'too-many-changes': 409,
  'changes-not-saved': 500,
  'internal-error': 500,
};

/**
 * `PATCH /api/v1/config` and `/api/v1/config/changes`: settings that are changed while the server runs, and last
 * (ours, no SRS shape).
 *
 * @returns what answers PATCH of a vhost
 */
export function configRoutes(app: FastifyInstance, options: ConfigRoutesOptions): ChangeVhost {
  const { control, head, now, pages, settings } = options;

  function done(reply: FastifyReply, answer: ConfigAnswer, dryRun: boolean): FastifyReply {
    reply.header('cache-control', 'no-store');
    if (answer.ok) return reply.send({ ...head, result: resultShape(answer, dryRun) });
    const status = statusOfError[answer.code] ?? 400;
    return answerError(reply, status, answer.code, answer.message);
  }

  /** Answers why the request may not change anything; undefined when it may. */
  function refusal(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    const config = settings?.();
    if (config?.rawApi.enabled !== true || !config.rawApi.allowUpdate) {
      const message = 'changes are not allowed: http_api { raw_api { enabled on; allow_update on; } }';
      return answerError(reply, API_CODE.forbidden, 'not-allowed', message);
    }
    if ((request.query as Readonly<Record<string, unknown>>)['method'] !== undefined) {
      const message = 'settings are changed by PATCH and DELETE themselves, not by ?method=';
      return answerError(reply, API_CODE.forbidden, 'cross-site', message);
    }
    return undefined;
  }

  function authorOf({ headers, ip }: FastifyRequest): EditAuthor {
    const address = plainAddress(ip);
    // Without a password to go with it, anybody could claim a name.
    const user = settings?.().auth.enabled === true ? userOf(headers.authorization) : undefined;
    return user === undefined ? { address } : { user, address };
  }

  async function change(
    vhost: string | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const refused = refusal(request, reply);
    if (refused !== undefined) return refused;
    const dryRun = flagOf(request, 'dry_run');
    if (dryRun === undefined) return badFlag(reply, 'dry_run');
    const read = readSettings(request.body);
    if ('problem' in read) return answerError(reply, API_CODE.badRequest, 'bad-request', read.problem);
    const by = authorOf(request);
    const changes = control?.changes;
    if (changes === undefined) return noFile(reply);
    const edit = { vhost, settings: read.settings, by, at: now() };
    return done(reply, await changes.change(edit, dryRun), dryRun);
  }

  async function rollback(
    which: RollbackRequest,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const refused = refusal(request, reply);
    if (refused !== undefined) return refused;
    const dryRun = flagOf(request, 'dry_run');
    if (dryRun === undefined) return badFlag(reply, 'dry_run');
    const changes = control?.changes;
    if (changes === undefined) return noFile(reply);
    return done(reply, await changes.rollback(which, authorOf(request), dryRun), dryRun);
  }

  /** DELETE of the list: back to a point, or to the file as it is. */
  function rollbackMany(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> | FastifyReply {
    const { after } = request.query as Readonly<Record<string, unknown>>;
    if (typeof after === 'string' && after !== '') return rollback({ after }, request, reply);
    if (after === undefined && flagOf(request, 'all') === true)
      return rollback({ all: true }, request, reply);
    const message =
      'say how far: ?after=ID takes back what was changed after that change, ?all=true everything';
    return answerError(reply, API_CODE.badRequest, 'bad-request', message);
  }

  function list(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const raw = settings?.().rawApi;
    if (raw?.enabled !== true || !(raw.allowQuery || raw.allowUpdate)) {
      const message = 'the list is not open: http_api { raw_api { enabled on; allow_query on; } }';
      return answerError(reply, API_CODE.forbidden, 'not-allowed', message);
    }
    const views = control?.changes?.list() ?? [];
    const paging = changesPaging.parse(request.query);
    reply.header('cache-control', 'no-store');
    return reply.send(pages.send(reply, { name: 'changes', views, paging, shape: changeShape }));
  }

  function collection(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> | FastifyReply {
    if (request.method === 'DELETE') return rollbackMany(request, reply);
    return isRead(request) ? list(request, reply) : notAllowed(reply, 'GET, HEAD, DELETE');
  }

  for (const path of ['/api/v1/config', '/api/v1/config/']) {
    app.all(path, (request, reply) => {
      if (request.method === 'PATCH') return change(undefined, request, reply);
      return notAllowed(reply, 'PATCH');
    });
  }
  app.all(CHANGES, collection);
  app.all(`${CHANGES}/*`, (request, reply) => {
    const id = (request.params as Readonly<Record<string, string>>)['*'] ?? '';
    if (id === '') return collection(request, reply);
    if (request.method === 'DELETE') return rollback({ id }, request, reply);
    return notAllowed(reply, 'DELETE');
  });
  return change;
}

function isRead({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

function notAllowed(reply: FastifyReply, methods: string): FastifyReply {
  return reply.code(405).header('allow', methods).send({ code: API_CODE.methodNotAllowed });
}

function noFile(reply: FastifyReply): FastifyReply {
  const message = 'this server takes no changes: it was not made from a configuration file';
  return answerError(reply, 409, 'no-configuration-file', message);
}

/** A flag of the query: absent is false; undefined for what is neither true nor false. */
function flagOf({ query }: FastifyRequest, name: string): boolean | undefined {
  const value = (query as Readonly<Record<string, unknown>>)[name];
  if (value === undefined || value === 'false' || value === '0') return false;
  return value === '' || value === 'true' || value === '1' ? true : undefined;
}

/** A slip of the pen must not turn a trial into a change. */
function badFlag(reply: FastifyReply, name: string): FastifyReply {
  return answerError(reply, API_CODE.badRequest, 'bad-request', `${name} is true or false`);
}

const EXAMPLE = '{"play.gop_cache":false}';

function readSettings(
  body: unknown,
): { readonly settings: Readonly<Record<string, unknown>> } | { readonly problem: string } {
  const read = readJson(body, EXAMPLE);
  if ('problem' in read) return read;
  const parsed = settingsRequestSchema.safeParse(read.value);
  if (parsed.success) return { settings: parsed.data };
  const why = z.prettifyError(parsed.error).replaceAll(/\s+/g, ' ');
  return { problem: `wanted an object of directives and their values, such as ${EXAMPLE}: ${why}` };
}

function changeShape({ at, by, id, problem, settings, vhost }: ConfigEditView): ApiChange {
  return {
    id,
    at,
    by: { user: by.user ?? null, address: by.address },
    vhost: vhost ?? null,
    settings: settings.map(({ before, directive, overriddenBy, value }) => ({
      directive,
      value: value === null || typeof value === 'string' ? value : [...value],
      before,
      overridden_by: overriddenBy ?? null,
    })),
    applied: problem === undefined,
    problem: problem ?? null,
  };
}

function resultShape(answer: Extract<ConfigAnswer, { ok: true }>, dryRun: boolean): ApiChangeResult {
  return {
    dry_run: dryRun,
    change: answer.made === undefined ? null : changeShape(answer.made),
    removed: answer.removed.map(changeShape),
    lines: answer.lines.map(({ difference, kind, text, vhost }) => ({
      kind,
      vhost: vhost ?? null,
      directive: difference?.directive ?? null,
      before: difference?.before ?? null,
      after: difference?.after ?? null,
      effect: difference?.effect ?? null,
      text,
    })),
    notes: [...answer.notes],
  };
}
