import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import {
  fixture,
  FlvViewer,
  haveFfmpeg,
  publish,
  type Publisher,
  type SluicePorts,
  type SluiceUnderTest,
  startSluice,
  waitFor,
} from '../harness/index.ts';

/** As much of an OpenAPI document as is walked through. */
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: { readonly enum?: readonly string[] };
  }[];
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: unknown }>> }>
  >;
}

type Entries = Readonly<Record<string, readonly { readonly id: string; readonly name?: string }[]>>;

/** A server that does all that the API tells of. */
function config(ports: SluicePorts): string {
  return `
    listen 127.0.0.1:${ports.rtmp};
    daemon off;
    srs_log_tank console;
    http_api {
      enabled on;
      listen 127.0.0.1:${ports.api};
      raw_api { enabled on; allow_reload on; allow_update on; }
    }
    http_server { enabled on; listen 127.0.0.1:${ports.http}; dir ./html; }
    vhost __defaultVhost__ {
      http_remux { enabled on; }
      hls { enabled on; hls_path ./html; hls_fragment 2; hls_window 20; }
      dvr { enabled on; dvr_path ./html/rec/[stream].[timestamp].flv; }
    }
    vhost empty.example.com { }
  `;
}

/** A schema of the document as something that checks; the document's own references are followed. */
function checkOf(document: Document, schema: unknown): z.ZodType {
  const { schemas } = document.components;
  const local = JSON.stringify({ ...(schema as object), $defs: schemas });
  return z.fromJSONSchema(
    JSON.parse(local.replaceAll('#/components/schemas/', '#/$defs/')) as Parameters<
      typeof z.fromJSONSchema
    >[0],
  );
}

describe.runIf(haveFfmpeg)('the HTTP API of a server with streams', () => {
  let sluice: SluiceUnderTest;
  let publisher: Publisher;
  let player: FlvViewer;
  let document: Document;

  beforeAll(async () => {
    sluice = await startSluice({ config });
    publisher = publish({ file: await fixture('h264-aac'), url: sluice.rtmpUrl('documented'), loop: true });
    await sluice.published('documented');
    player = await FlvViewer.open(sluice.httpUrl('/live/documented.flv'));
    await waitFor(
      async () => ((await sluice.api('/api/v1/clients')) as Entries)['clients']?.length === 2 || undefined,
      'a publisher and a player are clients',
    );
    await waitFor(
      async () => ((await sluice.api('/api/v1/dvrs')) as Entries)['dvrs']?.length === 1 || undefined,
      'the stream is recorded',
    );
    const headers = { 'content-type': 'application/json' };
    const change = { method: 'PATCH', headers, body: '{"pithy_print_ms":9000}' };
    const answer = await fetch(`http://127.0.0.1:${sluice.ports.api}/api/v1/config`, change);
    expect(await answer.json()).toMatchObject({ code: 0 });
    document = (await sluice.api('/api/v1/openapi.json')) as Document;
  });

  afterAll(async () => {
    player.close();
    await publisher.stop();
    await sluice.stop();
  });

  it('A002 describes itself in a document that an OpenAPI validator takes', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(document as unknown as Record<string, unknown>);
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(validator.version).toBe('3.1');
    const { paths: _left, ...broken } = document;
    expect((await validator.validate({ ...broken, paths: 7 })).valid).toBe(false);
  });

  it('A002 A003 A004 A005 everything that can be read answers as the document says', async () => {
    for (const [path, verbs] of Object.entries(document.paths)) {
      const operation = verbs['get'];
      if (operation === undefined) continue;
      for (const url of await addressesOf(path, operation)) {
        const response = await fetch(`http://127.0.0.1:${sluice.ports.api}${url}`, { redirect: 'manual' });
        const described = operation.responses[response.status]?.content['application/json'];
        expect(described, `${url} answered ${response.status}`).toBeDefined();
        const problem = checkOf(document, described?.schema).safeParse(await response.json()).error;
        expect(problem && z.prettifyError(problem), url).toBeUndefined();
      }
    }
  });

  it('A005 what is not there answers as the document says', async () => {
    for (const [path, verbs] of Object.entries(document.paths).filter(([path]) => path.includes('{id}'))) {
      for (const [verb, operation] of Object.entries(verbs).filter(([verb]) => verb !== 'patch')) {
        const url = `http://127.0.0.1:${sluice.ports.api}${path.replace('{id}', 'nobody')}`;
        const response = await fetch(url, { method: verb.toUpperCase() });
        const described = operation.responses[response.status] ?? operation.responses['4XX'];
        const check = checkOf(document, described?.content['application/json']?.schema);
        const body: unknown = await response.json();
        expect(body, operation.operationId).not.toMatchObject({ code: 0 });
        expect(check.safeParse(body).success, operation.operationId).toBe(true);
      }
    }
  });

  /** The addresses of an operation: of everything that a list names, with every value of its parameters. */
  async function addressesOf(path: string, { parameters = [] }: Operation): Promise<readonly string[]> {
    const needed = parameters.find(({ in: where, required }) => where === 'query' && required);
    const queries = needed?.schema.enum?.map((value) => `?${needed.name}=${value}`) ?? [''];
    let paths = [path];
    if (path.includes('{id}')) {
      const list = path.slice(0, path.indexOf('/{id}'));
      const name = list.slice(list.lastIndexOf('/') + 1);
      const entries = ((await sluice.api(list)) as Entries)[name] ?? [];
      paths = entries.map(({ id }) => path.replace('{id}', id));
      expect(paths.length, `${list} has entries`).toBeGreaterThan(0);
    }
    return paths.flatMap((one) => queries.map((query) => `${one}${query}`));
  }
});
