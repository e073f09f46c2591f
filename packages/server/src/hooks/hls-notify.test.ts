import { afterEach, describe, expect, it } from 'vitest';

import { HttpCallbacks } from './callbacks.ts';
import type { HlsEvent } from './events.ts';
import type { HookLimits } from './limits.ts';
import { type Answer, answers, clientOf, hookedVhost, keptLog, TestServer } from './test-kit.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function setUp(answer: Answer = answers(200, '0'), limits: Partial<HookLimits> = {}) {
  const server = new TestServer(answer);
  await server.up();
  const log = keptLog();
  const hooks = new HttpCallbacks({
    log,
    serverId: 'vid-1',
    serviceId: 'abcd',
    streamId: () => 'id',
    deadLetterFile: '',
    limits,
  });
  cleanups.push(
    () => server.down(),
    () => hooks.close(0),
  );
  function segment(templates: readonly string[], changes: Partial<HlsEvent> = {}, uri = 'a%20b-7.ts'): void {
    hooks.tell({
      action: 'on_hls',
      vhost: hookedVhost({ onHlsNotify: templates }),
      app: 'live',
      stream: 'a b',
      segment: {
        file: '/srv/live/a b-7.ts',
        url: 'live/a%20b-7.ts',
        uri,
        durationMs: 4000,
        sequence: 7,
        playlist: '/srv/live/a b.m3u8',
        playlistUrl: 'live/a%20b.m3u8',
      },
      ...changes,
    });
  }
  return { server, log, hooks, segment };
}

describe('on_hls_notify', () => {
  it('K006 is a GET with its variables', async () => {
    const { server, hooks, segment } = await setUp();
    const vhost = hookedVhost({});
    hooks.published(clientOf(vhost, { stream: 'a b', param: '?token=x y#\r\n%41' }));
    segment([server.url('/n/[app]/[stream]/[ts_url][param]&s=[server_id]&v=[service_id]&u=[unknown]')]);
    const [call] = await server.calls(1);
    expect(call).toMatchObject({
      method: 'GET',
      url: '/n/live/a%20b/a%20b-7.ts?token=x%20y%23%0D%0A%41&s=vid-1&v=abcd&u=[unknown]',
    });
  });

  it('K006 names do not lead out of their place in the URL', async () => {
    const { server, segment } = await setUp();
    segment([server.url('/n/[app]/[stream]')], { app: 'a/b?c', stream: '../x#y@\ud800' });
    const [call] = await server.calls(1);
    expect(call?.url).toBe('/n/a/b%3Fc/..%2Fx%23y%40%EF%BF%BD');
  });

  it('K006 a segment with an address of its own is fetched from there', async () => {
    const { server, segment } = await setUp();
    segment(['http://127.0.0.1:1/[ts_url]'], {}, server.url('/cdn/live/a-7.ts'));
    const [call] = await server.calls(1);
    expect(call?.url).toBe('/cdn/live/a-7.ts');
  });

  it('K006 several URLs take turns, one for each segment', async () => {
    const { server, segment } = await setUp();
    const templates = ['/a', '/b', '/c'].map((path) => server.url(path));
    for (let index = 0; index < 5; index += 1) segment(templates);
    const calls = await server.calls(5);
    expect(calls.map(({ url }) => url).sort()).toEqual(['/a', '/a', '/b', '/b', '/c']);
  });

  it('K006 L021 reads no more than hls_nb_notify of the answer', async () => {
    let closed = (): void => undefined;
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { server, log, segment } = await setUp((response) => {
      response.on('error', () => undefined);
      response.on('close', () => closed());
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(1000)));
      };
      response.on('drain', more);
      more();
    });
    segment([server.url('/')]);
    await gone;
    expect(log.lines).toEqual([]);
  });

  it('K006 faults are complained of and otherwise ignored', async () => {
    const { server, log, hooks, segment } = await setUp(answers(404, ''));
    segment([server.url('/')]);
    await server.calls(1);
    while (log.lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(log.lines).toEqual([expect.stringMatching(/^warn on_hls_notify: http:.* status 404$/)]);
    await server.down();
    segment([server.url('/')], { stream: 'another' });
    segment(['http://127.0.0.1:99999/'], { stream: 'a third' });
    expect(hooks.figures).toMatchObject({ queued: 0, dead: 0 });
  });

  it('K006 no more than so many fetches go on at once', async () => {
    const { server, log, segment } = await setUp(() => undefined, { maxOpenNotifies: 2 });
    for (let index = 0; index < 5; index += 1) segment([server.url('/')], { stream: `s${index}` });
    await server.calls(2);
    expect(log.lines).toEqual([expect.stringContaining('2 fetches are going on')]);
    expect(server.received).toHaveLength(2);
  });
});
