import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { API_CODE } from './codes.ts';

/** What every answer with code 0 begins with. */
export type AnswerHead = Readonly<Record<string, unknown>>;

/** Makes the body of an answer; it may set the reply's status first. */
export type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

const READ = ['GET', 'HEAD'] as const;

/** Puts a handler at a path for some verbs; the others are answered 405. Answers are never cached. */
export function addRoute(
  app: FastifyInstance,
  path: string,
  handler: Handler,
  verbs: readonly string[] = READ,
): void {
  app.all(path, (request, reply) => answerBy(request, reply, handler, verbs));
}

/** What a list of things by their ids answers. */
export interface ListHandlers {
  readonly list: Handler;
  readonly one: (id: string) => unknown;
  /** DELETE of one; absent: 405. */
  readonly remove?: ((id: string) => unknown) | undefined;
  /** PATCH of one; absent: 405. */
  readonly change?:
    ((id: string, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>) | undefined;
}

/** Puts a list at a path, with and without a slash behind, and its entries below. */
export function addList(app: FastifyInstance, path: string, handlers: ListHandlers): void {
  const { change, list, one, remove } = handlers;
  addRoute(app, path, list);
  app.all(`${path}/*`, (request, reply) => {
    const id = (request.params as Readonly<Record<string, string>>)['*'] ?? '';
    if (id === '') return answerBy(request, reply, list, READ);
    if (change !== undefined && request.method === 'PATCH') return change(id, request, reply);
    const verbs = [
      ...READ,
      ...(remove === undefined ? [] : ['DELETE']),
      ...(change === undefined ? [] : ['PATCH']),
    ];
    return answerBy(request, reply, () => (request.method === 'DELETE' ? remove?.(id) : one(id)), verbs);
  });
}

function answerBy(
  request: FastifyRequest,
  reply: FastifyReply,
  handler: Handler,
  verbs: readonly string[],
): FastifyReply {
  if (!verbs.includes(request.method)) {
    return reply.code(405).header('allow', verbs.join(', ')).send({ code: API_CODE.methodNotAllowed });
  }
  return reply.header('cache-control', 'no-store').send(handler(request, reply));
}
