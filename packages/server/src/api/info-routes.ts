import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type AnswerHead, addRoute } from './answers.ts';
import { API_CODE } from './codes.ts';
import type { ApiSource } from './source.ts';
import type { ApiAuthors, ApiRequests } from './system-schemas.ts';
import {
  featuresShape,
  meminfosShape,
  rusagesShape,
  selfProcStatsShape,
  summariesShape,
  systemProcStatsShape,
} from './system-shapes.ts';

const AUTHORS: ApiAuthors = {
  primary: 'Sluice',
  authors: 'The Sluice authors',
  license: 'MIT',
  copyright: 'Copyright (c) 2026 Sluice contributors',
  contributors_link: '',
  contributors: 'The Sluice authors',
};

/** Headers whose values are secrets: `requests` tells that they came, and no more. */
const SECRET_HEADERS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie']);

/** What the server tells of itself and its machine (A002, A004). */
export function infoRoutes(
  app: FastifyInstance,
  source: ApiSource,
  head: AnswerHead,
  now: () => number,
): void {
  function data(name: string, make: () => object): void {
    for (const path of [`/api/v1/${name}`, `/api/v1/${name}/`]) {
      addRoute(app, path, () => ({ ...head, data: make() }));
    }
  }

  data('summaries', () => summariesShape(source.version, source.system(), source.totals()));
  data('rusages', () => rusagesShape(now()));
  data('self_proc_stats', () => selfProcStatsShape(source.system()));
  data('system_proc_stats', () => systemProcStatsShape(source.system()));
  data('meminfos', () => meminfosShape(source.system()));
  data('authors', () => AUTHORS);
  data('features', featuresShape);
  for (const path of ['/api/v1/requests', '/api/v1/tests/requests']) {
    addRoute(app, path, (request) => ({ ...head, data: requestShape(request, source.version, now()) }), [
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'DELETE',
    ]);
  }
  addRoute(app, '/api/v1/tests/errors', () => ({
    code: API_CODE.testError,
    msg: 'demo error',
    path: '/api/v1/tests/errors',
  }));
  addRoute(app, '/api/v1/tests/redirects', (_request, reply) => {
    reply.code(302).header('location', '/api/v1/tests/errors');
    return head;
  });
}

/** The request as it came (A003). */
function requestShape(request: FastifyRequest, version: string, now: number): ApiRequests {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined) continue;
    headers[name] = SECRET_HEADERS.has(name) ? '***' : String(value);
  }
  const { host, method, url } = request;
  return {
    uri: `http://${host}${url}`,
    path: url.split('?', 1)[0] ?? url,
    METHOD: method,
    headers,
    server: { sigature: `Sluice/${version}`, name: 'Sluice', version, link: '/api/docs', time: now },
  };
}
