import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { formatListenAddress } from '../config/index.ts';
import type { HttpApiConfig } from '../config/types.ts';
import type { AnswerHead } from './answers.ts';
import { API_CODE } from './codes.ts';
import { answerError } from './guard.ts';
import type { ApiControl } from './source.ts';

const VERBS = ['GET', 'POST', 'PUT'];

/** SRS's states of a reload. */
const RELOAD_STATE = { none: 0, applying: 30, done: 90 } as const;

/** `/api/v1/raw?rpc=raw|reload|reload-fetch`: control by those whom `raw_api{}` lets (SRS 3 and later). */
export function rawRoutes(
  app: FastifyInstance,
  control: ApiControl | undefined,
  settings: (() => HttpApiConfig) | undefined,
  head: AnswerHead,
): void {
  let last: { err: number; msg: string; state: number; rid: string } = {
    err: 0,
    msg: '',
    state: RELOAD_STATE.none,
    rid: '',
  };

  async function reload(reply: FastifyReply): Promise<FastifyReply> {
    if (control === undefined || settings?.().rawApi.allowReload !== true) {
      return refuse(
        reply,
        API_CODE.rawApiOff,
        'not-allowed',
        'raw_api.allow_reload is off: http_api { raw_api { allow_reload on; } }',
      );
    }
    const mine = { err: 0, msg: '', state: RELOAD_STATE.applying as number, rid: newReloadId() };
    last = mine;
    const result = await control.reload();
    mine.state = RELOAD_STATE.done;
    if (result.ok) return reply.send(head);
    mine.err = API_CODE.configInvalid;
    mine.msg = result.message;
    return refuse(reply, API_CODE.configInvalid, 'reload-failed', result.message);
  }

  function run(request: FastifyRequest, reply: FastifyReply): FastifyReply | Promise<FastifyReply> {
    if (!VERBS.includes(request.method)) {
      return reply.code(405).header('allow', VERBS.join(', ')).send({ code: API_CODE.methodNotAllowed });
    }
    reply.header('cache-control', 'no-store');
    const config = settings?.();
    if (config?.rawApi.enabled !== true) {
      return refuse(
        reply,
        API_CODE.rawApiOff,
        'raw-api-off',
        'raw_api is off: http_api { raw_api { enabled on; } }',
      );
    }
    const { rpc } = request.query as Readonly<Record<string, unknown>>;
    switch (rpc) {
      case 'raw':
        return reply.send({ ...head, http_api: settingsShape(config) });
      case 'reload':
        return reload(reply);
      case 'reload-fetch':
        return reply.send({ ...head, data: last });
      default:
        return refuse(
          reply,
          API_CODE.rawApiRequest,
          'bad-request',
          'rpc is one of raw, reload, reload-fetch',
        );
    }
  }

  app.all('/api/v1/raw', run);
  app.all('/api/v1/raw/', run);
}

function refuse(reply: FastifyReply, code: number, error: string, message: string): FastifyReply {
  return answerError(reply, code, error, message, 200);
}

function newReloadId(): string {
  return randomBytes(4).toString('hex');
}

function settingsShape({ enabled, listen, crossdomain, rawApi }: HttpApiConfig): object {
  return {
    enabled,
    listen: listen.map(formatListenAddress).join(' '),
    crossdomain: crossdomain === true,
    raw_api: {
      enabled: rawApi.enabled,
      allow_reload: rawApi.allowReload,
      allow_query: rawApi.allowQuery,
      allow_update: rawApi.allowUpdate,
    },
  };
}
