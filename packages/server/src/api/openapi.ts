import { z } from 'zod';
import { answerSchemas, type Endpoint, endpoints, partSchemas } from './endpoints.ts';
import { MAX_PAGE, MAX_SEARCH_LENGTH } from './schemas.ts';

/** A schema of the document: JSON Schema 2020-12, as much of it as zod writes for us. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly [keyword: string]: unknown;
}

/** An operation of the document. */
export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: 'path' | 'query';
    readonly required: boolean;
    readonly description: string;
    readonly schema: JsonSchema;
  }[];
  readonly requestBody?: {
    readonly required: true;
    readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>>;
  };
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string;
        readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
      }
    >
  >;
}

/** The API as an OpenAPI 3.1 document. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: Readonly<Record<string, unknown>>;
  readonly servers: readonly { readonly url: string }[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
}

const DESCRIPTION =
  'The HTTP API of SRS, in its shapes, and what Sluice adds to it. Each answer has a code, which is 0 when all is ' +
  'well. With `?callback=NAME` every answer comes as JSONP; `?method=DELETE` of a GET stands for the verb.';

/** Makes the OpenAPI document out of the schemas that the answers are validated with. */
export function openApiDocument(version: string): OpenApiDocument {
  const registry = z.registry<{ id?: string }>();
  for (const [id, schema] of Object.entries({ ...partSchemas, ...answerSchemas })) {
    registry.add(schema, { id });
  }
  const generated = z.toJSONSchema(registry, { uri: refTo }).schemas as Readonly<Record<string, JsonSchema>>;
  const schemas: Record<string, JsonSchema> = {};
  for (const [id, schema] of Object.entries(generated)) {
    const { $schema: _dialect, $id: _id, ...rest } = schema;
    schemas[id] = rest;
  }
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const endpoint of endpoints) {
    const operations = (paths[endpoint.path] ??= {});
    operations[endpoint.method] = operationOf(endpoint);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Sluice HTTP API', version, description: DESCRIPTION, license: { name: 'MIT' } },
    servers: [{ url: '/' }],
    // The first means that a password may not be asked for at all.
    security: [{}, { password: [] }],
    tags: [...new Set(endpoints.map(({ group }) => group))].map((name) => ({ name })),
    paths,
    components: { schemas, securitySchemes: { password: { type: 'http', scheme: 'basic' } } },
  };
}

function refTo(id: string): string {
  return `#/components/schemas/${id}`;
}

function operationOf(endpoint: Endpoint): OpenApiOperation {
  const { answer, body, codes, group, id, path, status, summary } = endpoint;
  const parameters = [...pathParameters(path), ...queryParameters(endpoint)];
  const meanings = Object.entries(codes ?? {}).map(([code, meaning]) => `${code}: ${meaning}.`);
  // SRS answers its own codes with status 200.
  const success: JsonSchema =
    codes === undefined
      ? { $ref: refTo(answer) }
      : { anyOf: [{ $ref: refTo(answer) }, { $ref: refTo(group === 'Control' ? 'Refusal' : 'Error') }] };
  const error = { anyOf: [{ $ref: refTo('Error') }, { $ref: refTo('Refusal') }] };
  return {
    operationId: id,
    summary,
    ...(meanings.length > 0 && { description: `Codes besides 0: ${meanings.join(' ')}` }),
    tags: [group],
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: { required: true, content: json({ $ref: refTo(body) }) },
    }),
    responses: {
      [status]: { description: 'What was asked for, or a code that says why not', content: json(success) },
      '4XX': { description: 'What is wrong with the request', content: json(error) },
    },
  };
}

function json(schema: JsonSchema): Readonly<Record<string, { readonly schema: JsonSchema }>> {
  return { 'application/json': { schema } };
}

type Parameters = NonNullable<OpenApiOperation['parameters']>;

function pathParameters(path: string): Parameters {
  if (!path.includes('{id}')) return [];
  const schema = { type: 'string' };
  return [{ name: 'id', in: 'path', required: true, description: 'The id, as the list shows it', schema }];
}

function queryParameters({ dryRun, pageOf, query, search }: Endpoint): Parameters {
  const fixed: Parameters[number][] = Object.entries(query ?? {}).map(([name, values]) => {
    const schema = { type: 'string', ...(values.length > 0 && { enum: values }) };
    const description = values.length === 0 ? 'An id, as the list shows it' : values.join(', ');
    return { name, in: 'query', required: true, description, schema };
  });
  if (dryRun === true) {
    const schema = { type: 'boolean', default: false };
    const description = 'Changes nothing, and answers what it would do';
    fixed.push({ name: 'dry_run', in: 'query', required: false, description, schema });
  }
  if (search === true) {
    const schema = { type: 'string', maxLength: MAX_SEARCH_LENGTH };
    const description = 'Only entries whose `url` contains this text, in upper or lower case';
    fixed.push({ name: 'search', in: 'query', required: false, description, schema });
  }
  if (pageOf === undefined) return fixed;
  const start = { type: 'integer', minimum: 0, default: 0 };
  const count = { type: 'integer', minimum: 1, maximum: MAX_PAGE, default: pageOf };
  return [
    ...fixed,
    { name: 'start', in: 'query', required: false, description: 'Entries to skip', schema: start },
    { name: 'count', in: 'query', required: false, description: 'Entries to show', schema: count },
  ];
}
