import { once } from 'node:events';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';

import { afterEach, describe, expect, it, vi } from 'vitest';
import * as schemas from './schemas.ts';
import { Pages } from './pages.ts';
import { apiKit, STREAM } from './test-kit.ts';
import { TurnBudget } from './turn-budget.ts';

const MANY = 10_000;

/** Streams of which each has a name of its own. */
function manyStreams() {
  return Array.from({ length: MANY }, (_, index) => ({
    ...STREAM,
    id: `vid-${index}`,
    name: `cam${index}`,
    url: `/live/cam${index}`,
  }));
}

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A budget that has a turn end after each piece of work, so that it does not depend on the machine how many fit. */
function onePieceATurn(): TurnBudget {
  let clock = 0;
  return new TurnBudget(1, () => (clock += 1));
}

describe('long pages of the API', () => {
  it('A002 10,000 streams come in pieces of some entries, and are as they were whole', async () => {
    const pieces: number[] = [];
    let shown = 0;
    class Counting extends TurnBudget {
      override run(piece: () => void): void {
        super.run(() => {
          const before = shown;
          piece();
          pieces.push(shown - before);
        });
      }
    }
    const streams = manyStreams().map((view) => ({
      ...view,
      get id() {
        shown += 1;
        return view.id;
      },
    }));
    const { app } = apiKit({ streams, budget: new Counting() });
    const response = await app.inject({ url: '/api/v1/streams' });
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(response.headers['cache-control']).toBe('no-store');
    const { streams: listed } = schemas.streamsAnswerSchema.parse(response.json());
    expect(listed.map(({ name }) => name)).toEqual(streams.map(({ name }) => name));
    expect(pieces.length).toBeGreaterThan(100);
    expect(Math.max(...pieces)).toBeLessThan(200);
  });

  it('A002 a short page says how long it is; a long one is the same by JSONP, and has no body for HEAD', async () => {
    const { app } = apiKit({ streams: manyStreams() });
    const short = await app.inject({ url: '/api/v1/streams?count=2' });
    expect(short.headers['content-length']).toBe(String(short.rawPayload.length));
    const long = await app.inject({ url: '/api/v1/streams?callback=on.list' });
    expect(long.headers['content-type']).toBe('text/javascript; charset=utf-8');
    const [, json = ''] = /^on\.list\((.*)\)$/s.exec(long.body) ?? [];
    expect(schemas.streamsAnswerSchema.parse(JSON.parse(json)).streams).toHaveLength(MANY);
    const head = await app.inject({ method: 'HEAD', url: '/api/v1/streams' });
    expect({ status: head.statusCode, body: head.body }).toEqual({ status: 200, body: '' });
  });

  it('A002 many at once share the time of the event loop', async () => {
    const budget = onePieceATurn();
    let inOneTurn = 0;
    let most = 0;
    const streams = manyStreams().slice(0, 1_000);
    const counted = streams.map((view) => ({
      ...view,
      get id() {
        if (inOneTurn === 0) setImmediate(() => (inOneTurn = 0));
        inOneTurn += 1;
        most = Math.max(most, inOneTurn);
        return view.id;
      },
    }));
    const { app } = apiKit({ streams: counted, budget });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => app.inject({ url: '/api/v1/streams' })),
    );
    for (const answer of answers) expect(answer.json<{ streams: unknown[] }>().streams).toHaveLength(1_000);
    expect(most).toBeLessThan(200);
  });

  it('A002 search finds streams by a part of their URL, in any case, and pages through what it found', async () => {
    const streams = [...manyStreams(), { ...STREAM, id: 'x', name: 'Ünï', url: 'a.test/Live/Ünï' }];
    const { app } = apiKit({ streams });
    async function names(query: string): Promise<string[]> {
      const answer = (await app.inject({ url: `/api/v1/streams?${query}` })).json<unknown>();
      return schemas.streamsAnswerSchema.parse(answer).streams.map(({ name }) => name);
    }
    expect(await names('search=cam999')).toEqual([
      'cam999',
      ...Array.from({ length: 10 }, (_, end) => `cam999${end}`),
    ]);
    expect(await names('search=CAM999&start=2&count=3')).toEqual(['cam9991', 'cam9992', 'cam9993']);
    expect(await names(`search=${encodeURIComponent('live/ÜN')}`)).toEqual(['Ünï']);
    expect(await names('search=nothing')).toEqual([]);
    expect(await names('search=+&count=2')).toEqual(['cam0', 'cam1']);
    expect(await names('search[x]=1&count=2')).toEqual(['cam0', 'cam1']);
  });

  it('A002 what a client does not read is not made, and is forgotten when it goes', async () => {
    let made = 0;
    let isOver = false;
    const entry = { text: 'x'.repeat(1_000) };
    function* views(): Generator<object> {
      try {
        for (;;) {
          made += 1;
          yield entry;
        }
      } finally {
        isOver = true;
      }
    }
    const { app } = apiKit();
    const pages = new Pages({ code: 0 }, { budget: onePieceATurn() });
    app.get('/endless', (_request, reply) =>
      reply.send(
        pages.send(reply, {
          name: 'entries',
          views: views(),
          paging: { start: 0, count: Infinity },
          shape: (view) => view,
        }),
      ),
    );
    await app.listen({ port: 0, host: '127.0.0.1' });
    cleanUps.push(() => app.close());
    const { port } = app.server.address() as AddressInfo;
    const request = get({ host: '127.0.0.1', port, path: '/endless' });
    const [response] = (await once(request, 'response')) as [Readable];
    response.pause();
    let before = -1;
    await vi.waitFor(
      () => {
        const last = before;
        before = made;
        expect(made).toBe(last);
      },
      { timeout: 30_000, interval: 200 },
    );
    // What sockets of both ends take, and no more.
    expect(made).toBeLessThan(50_000);
    request.destroy();
    await vi.waitFor(() => expect(isOver).toBe(true), { timeout: 30_000 });
  });

  it('A002 a page has a time limit, so that nothing is held for a client that does not read', async () => {
    let isOver = false;
    function* views(): Generator<object> {
      try {
        for (;;) yield { text: 'x'.repeat(1_000) };
      } finally {
        isOver = true;
      }
    }
    const pages = new Pages({ code: 0 }, { budget: onePieceATurn(), limitMs: 10 });
    const reply = { type: () => undefined } as unknown as Parameters<Pages['send']>[0];
    const body = pages.send(reply, {
      name: 'entries',
      views: views(),
      paging: { start: 0, count: Infinity },
      shape: (view) => view,
    });
    expect(typeof body).toBe('object');
    const [error] = (await once(body as Readable, 'error')) as [Error];
    expect(error.message).toContain('10 ms');
    expect(isOver).toBe(true);
  });
});
