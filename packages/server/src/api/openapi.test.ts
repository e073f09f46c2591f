import { describe, expect, it } from 'vitest';
import type { DvrControl, DvrView } from './dvrs.ts';
import { answerSchemas, type Endpoint, endpoints } from './endpoints.ts';
import { type OpenApiDocument, openApiDocument } from './openapi.ts';
import { apiKit } from './test-kit.ts';

const DVR: DvrView = {
  id: 'd1',
  origin: 'api',
  vhost: '__defaultVhost__',
  app: 'live',
  stream: 'cam',
  plan: 'session',
  path: './rec/[stream].flv',
  segmentMs: 30_000,
  state: 'recording',
  file: './rec/cam.flv',
  bytes: 1_000,
  durationMs: 1_234.5,
  sinceMs: 5_000,
  fault: undefined,
};

const dvrs: DvrControl = {
  list: () => [DVR],
  find: () => DVR,
  request: () => ({ ok: true, view: DVR }),
  stop: () => Promise.resolve(DVR),
};

function kit() {
  return apiKit({ dvrs, httpApi: { rawApi: { enabled: true, allowReload: true, allowUpdate: true } } }).app;
}

const IDS: Readonly<Record<string, string>> = { vhosts: 'vid-vhost', streams: 'vid-stream', clients: 'c0' };

const BODIES = { DvrRequest: '{"app":"live","stream":"cam"}', Settings: '{"enabled":false}' };

function urlOf({ path, query = {} }: Endpoint): string {
  const list = path.split('/')[3] ?? '';
  const pairs = Object.entries(query).map(([name, [value]]) => `${name}=${value ?? '6'}`);
  return `${path.replace('{id}', IDS[list] ?? 'd1')}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
}

/** Every `$ref` of a document, wherever it stands. */
function refsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    key === '$ref' ? [String(child)] : refsOf(child as unknown),
  );
}

const JSON_BODY = { 'content-type': 'application/json' };

describe('the OpenAPI document', () => {
  it.each(endpoints.map((endpoint) => [endpoint.method.toUpperCase(), urlOf(endpoint), endpoint] as const))(
    'A002 what it says of %s %s is so',
    async (_method, url, { method, status, answer, body }) => {
      const payload = body === undefined ? {} : { payload: BODIES[body], headers: JSON_BODY };
      const response = await kit().inject({ method, url, ...payload });
      expect(response.statusCode).toBe(status);
      answerSchemas[answer].parse(response.json());
    },
  );

  it('A002 names everything that the index names', async () => {
    const index = (await kit().inject({ url: '/api/v1' })).json<{ urls: Record<string, unknown> }>();
    const described = new Set(endpoints.map(({ path }) => path.split('/')[3] ?? ''));
    for (const name of Object.keys(index.urls)) {
      if (name !== 'openapi.json') expect(described).toContain(name);
    }
  });

  it('A002 is an OpenAPI document: each reference leads somewhere, each operation has a name of its own', async () => {
    const response = await kit().inject({ url: '/api/v1/openapi.json' });
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    const document = response.json<OpenApiDocument>();
    expect(document).toEqual(openApiDocument('1.2.3-rc.1'));
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({ title: 'Sluice HTTP API', version: '1.2.3-rc.1' });
    const { schemas } = document.components;
    const refs = refsOf(document);
    expect(refs.length).toBeGreaterThan(50);
    for (const ref of refs) {
      expect(ref).toMatch(/^#\/components\/schemas\/\w+$/);
      expect(schemas).toHaveProperty(ref.slice('#/components/schemas/'.length));
    }
    const operations = Object.values(document.paths).flatMap((verbs) => Object.values(verbs));
    expect(operations).toHaveLength(endpoints.length);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const [path, verbs] of Object.entries(document.paths)) {
      for (const { parameters = [], responses } of Object.values(verbs)) {
        expect(path.includes('{id}')).toBe(parameters.some(({ in: where }) => where === 'path'));
        expect(Object.keys(responses)).toContain('4XX');
      }
    }
    expect(JSON.stringify(document)).not.toContain('$schema');
    expect(schemas['ClientsAnswer']?.properties?.['clients']).toEqual({
      type: 'array',
      items: { $ref: '#/components/schemas/Client' },
    });
  });
});

describe('/api/docs', () => {
  it.each(['/api/docs', '/api/docs/'])('A002 %s shows every operation without a script', async (url) => {
    const response = await kit().inject({ url });
    expect(response.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(response.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/);
    const { body } = response;
    for (const { id } of endpoints) expect(body).toContain(`<details id="${id}">`);
    expect(body).not.toMatch(/<script|https?:\/\/(?!localhost)/);
    // Every link within the page leads somewhere.
    for (const [, target = ''] of body.matchAll(/href="#([^"]+)"/g)) expect(body).toContain(`id="${target}"`);
  });
});
