import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AnswerHead } from './answers.ts';
import { answerError } from './guard.ts';
import { readJson } from './json-body.ts';
import type { Pages } from './pages.ts';
import { type ApiDvr, dvrRequestSchema, MAX_PAGE, pagingSchema } from './schemas.ts';

/** A recording as the server has it. */
export interface DvrView {
  readonly id: string;
  /** Who asked for it: the vhost's `dvr{}`, or this API. */
  readonly origin: 'config' | 'api';
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
  readonly plan: 'session' | 'segment' | 'append';
  /** The template of its files. */
  readonly path: string;
  /** The length of a segment, ms. */
  readonly segmentMs: number;
  readonly state: 'waiting' | 'recording' | 'fault';
  /** The file that is written now, by the name that it will have. */
  readonly file: string | undefined;
  /** Bytes recorded so far, in all files. */
  readonly bytes: number;
  readonly durationMs: number;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
  readonly fault:
    | { readonly code: string; readonly message: string; readonly since: number; readonly count: number }
    | undefined;
}

/** What is to be recorded. */
export interface DvrStart {
  readonly vhost?: string | undefined;
  readonly app: string;
  readonly stream: string;
  readonly plan?: DvrView['plan'] | undefined;
  readonly path?: string | undefined;
  readonly segmentMs?: number | undefined;
}

/** Why a recording is not started. */
export type DvrRefusal =
  'unknown-vhost' | 'bad-name' | 'bad-path' | 'already-recorded' | 'too-many-recordings';

/** The server's recordings as the API steers them. */
export interface DvrControl {
  /** Oldest first. Lazy: the API stops when its page is full. */
  list(): Iterable<DvrView>;
  find(id: string): DvrView | undefined;
  request(
    start: DvrStart,
  ):
    | { readonly ok: true; readonly view: DvrView }
    | { readonly ok: false; readonly code: DvrRefusal; readonly message: string };
  /** Ends a recording; resolves when its file is whole, undefined when there is no such recording. */
  stop(id: string): Promise<DvrView | undefined>;
}

const refusalStatus: Readonly<Record<DvrRefusal, number>> = {
  'unknown-vhost': 404,
  'bad-name': 400,
  'bad-path': 400,
  'already-recorded': 409,
  'too-many-recordings': 429,
};

const PATH = '/api/v1/dvrs';
const dvrPaging = pagingSchema(MAX_PAGE);

/**
 * `/api/v1/dvrs`: recordings, started and stopped on demand (V008; ours, no SRS shape).
 *
 * @param answers - what every answer with code 0 begins with, and what makes the list
 */
export function dvrRoutes(
  app: FastifyInstance,
  dvrs: DvrControl,
  { head, pages }: { readonly head: AnswerHead; readonly pages: Pages },
): void {
  function ok(reply: FastifyReply, status: number, body: Readonly<Record<string, unknown>>): FastifyReply {
    return reply
      .code(status)
      .header('cache-control', 'no-store')
      .send({ ...head, ...body });
  }

  function list(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const paging = dvrPaging.parse(request.query);
    reply.header('cache-control', 'no-store');
    return reply.send(pages.send(reply, { name: 'dvrs', views: dvrs.list(), paging, shape: dvrShape }));
  }

  function start(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const read = readRequest(request.body);
    if ('problem' in read) return answerError(reply, 400, 'bad-request', read.problem);
    const answer = dvrs.request(read.start);
    if (!answer.ok) return answerError(reply, refusalStatus[answer.code], answer.code, answer.message);
    reply.header('location', `${PATH}/${answer.view.id}`);
    return ok(reply, 201, { dvr: dvrShape(answer.view) });
  }

  async function stop(id: string, reply: FastifyReply): Promise<FastifyReply> {
    const view = await dvrs.stop(id);
    return view === undefined ? unknown(id, reply) : ok(reply, 200, { dvr: dvrShape(view) });
  }

  function collection(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    if (isRead(request)) return list(request, reply);
    return request.method === 'POST' ? start(request, reply) : notAllowed(reply, 'GET, HEAD, POST');
  }

  app.all(PATH, collection);
  app.all(`${PATH}/*`, (request, reply) => {
    const id = (request.params as Readonly<Record<string, string>>)['*'] ?? '';
    if (id === '') return collection(request, reply);
    if (request.method === 'DELETE') return stop(id, reply);
    if (!isRead(request)) return notAllowed(reply, 'GET, HEAD, DELETE');
    const view = dvrs.find(id);
    return view === undefined ? unknown(id, reply) : ok(reply, 200, { dvr: dvrShape(view) });
  });
}

function isRead({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

function notAllowed(reply: FastifyReply, methods: string): FastifyReply {
  return reply.code(405).header('allow', methods).send({ code: 405 });
}

function unknown(id: string, reply: FastifyReply): FastifyReply {
  return answerError(reply, 404, 'unknown-recording', `there is no recording ${id}`);
}

function readRequest(body: unknown): { readonly start: DvrStart } | { readonly problem: string } {
  const read = readJson(body, '{"app":"live","stream":"livestream"}');
  if ('problem' in read) return read;
  const parsed = dvrRequestSchema.safeParse(read.value);
  if (!parsed.success) return { problem: z.prettifyError(parsed.error).replaceAll(/\s+/g, ' ') };
  const { duration, ...rest } = parsed.data;
  if (duration !== undefined && rest.plan !== 'segment') {
    return { problem: 'duration is the length of a segment: it goes with "plan":"segment" only' };
  }
  return { start: { ...rest, segmentMs: duration === undefined ? undefined : duration * 1000 } };
}

function dvrShape(view: DvrView): ApiDvr {
  const { id, origin, vhost, app, stream, plan, path, state, file, bytes, fault } = view;
  return {
    id,
    origin,
    vhost,
    app,
    stream,
    plan,
    path,
    duration: view.segmentMs / 1000,
    state,
    file: file ?? null,
    bytes,
    recorded_ms: Math.round(view.durationMs),
    since_ms: Math.round(view.sinceMs),
    fault:
      fault === undefined
        ? null
        : { code: fault.code, message: fault.message, since_ms: Math.round(fault.since), count: fault.count },
  };
}
