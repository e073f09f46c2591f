import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { addRoute } from './answers.ts';
import { DOCS_STYLE, docsPage } from './docs-page.ts';
import { openApiDocument } from './openapi.ts';

/** `/api/v1/openapi.json`, and `/api/docs` for people: both are made when they are asked for first. */
export function docsRoutes(app: FastifyInstance, version: string): void {
  let document: ReturnType<typeof openApiDocument> | undefined;
  let page: string | undefined;

  function theDocument(): ReturnType<typeof openApiDocument> {
    document ??= openApiDocument(version);
    return document;
  }

  addRoute(app, '/api/v1/openapi.json', theDocument);
  const styleHash = createHash('sha256').update(DOCS_STYLE).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'`;
  for (const path of ['/api/docs', '/api/docs/']) {
    addRoute(app, path, (_request, reply) => {
      page ??= docsPage(theDocument());
      reply
        .header('content-type', 'text/html; charset=utf-8')
        .header('content-security-policy', policy)
        .header('x-content-type-options', 'nosniff')
        .header('referrer-policy', 'no-referrer');
      return page;
    });
  }
}
