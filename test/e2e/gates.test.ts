import { readFile } from 'node:fs/promises';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';

import { describe, expect, it, type TestContext } from 'vitest';

import {
  fixture,
  haveFfmpeg,
  openPublisher,
  publish,
  record,
  RtmpPeer,
  runSluice,
  type SluiceUnderTest,
  startSluice,
  waitFor,
} from '../harness/index.ts';

type Body = Readonly<Record<string, unknown>>;

/** A callback server that notes what it is told and refuses what it is told to. */
async function callbackServer(
  onTestFinished: TestContext['onTestFinished'],
  refuses: (body: Body) => boolean = () => false,
): Promise<{ readonly url: string; readonly bodies: Body[] }> {
  const bodies: Body[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(parts).toString()) as Body;
      bodies.push(body);
      response.end(refuses(body) ? '{"code":7}' : '0');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, bodies };
}

async function start(
  onTestFinished: TestContext['onTestFinished'],
  vhost: string,
  root = '',
): Promise<SluiceUnderTest> {
  const sluice = await startSluice({ vhost, root });
  onTestFinished(() => sluice.stop());
  return sluice;
}

function actions(bodies: readonly Body[]): unknown[] {
  return bodies.map(({ action }) => action);
}

describe.runIf(haveFfmpeg).concurrent('gates', () => {
  it('K001 K002 K003 K005 K008 V006 L021 callbacks from connect to close, and of each file', async ({
    onTestFinished,
  }) => {
    const { url, bodies } = await callbackServer(onTestFinished);
    const hooks = [
      'on_connect',
      'on_close',
      'on_publish',
      'on_unpublish',
      'on_play',
      'on_stop',
      'on_dvr',
      'on_hls',
    ]
      .map((name) => `${name} ${url};`)
      .join(' ');
    const sluice = await start(
      onTestFinished,
      `http_hooks { enabled on; ${hooks} } hls { enabled on; hls_path ./; hls_fragment 2; }
       dvr { enabled on; dvr_path ./rec/[stream].[timestamp].flv; }`,
    );
    const publisher = publish({
      file: await fixture('h264-aac'),
      url: sluice.rtmpUrl('x?token=abc'),
      loop: true,
    });
    onTestFinished(() => publisher.kill());
    await sluice.published('x');
    await record(sluice.httpUrl('/live/x.flv?who=me'), join(sluice.folder, 'x.mkv'), 2);
    // Two segments have more than the 100 kB that are asked for below.
    await waitFor(
      () => bodies.find((body) => body['action'] === 'on_hls' && body['seq_no'] === 1),
      'two segments are told of',
    );
    await publisher.stop();
    for (const action of ['on_stop', 'on_unpublish', 'on_dvr', 'on_close']) {
      await waitFor(() => (actions(bodies).includes(action) ? true : undefined), `${action} is told`);
    }
    const of = (action: string): Body => bodies.find((body) => body['action'] === action) ?? {};
    expect(of('on_connect')).toMatchObject({ app: 'live', vhost: '__defaultVhost__', ip: '127.0.0.1' });
    expect(of('on_publish')).toMatchObject({ stream: 'x', param: '?token=abc', stream_url: '/live/x' });
    expect(of('on_play')).toMatchObject({ stream: 'x', param: '?who=me' });
    expect(of('on_stop')).toMatchObject({ stream: 'x', client_id: of('on_play')['client_id'] });
    expect(of('on_unpublish')).toMatchObject({ stream: 'x', client_id: of('on_publish')['client_id'] });
    expect(of('on_close')['recv_bytes']).toBeGreaterThan(100_000);
    expect(of('on_dvr')).toMatchObject({ stream: 'x' });
    expect(String(of('on_dvr')['file'])).toMatch(/rec\/x\.\d+\.flv$/);
    expect(of('on_hls')).toMatchObject({ stream: 'x', seq_no: 0 });
    const order = actions(bodies);
    expect(order.indexOf('on_connect')).toBeLessThan(order.indexOf('on_publish'));
    expect(order.indexOf('on_unpublish')).toBeLessThan(order.lastIndexOf('on_close'));
  });

  it('K006 K008 the end of a publish is told in one order, whatever URLs it goes to', async ({
    onTestFinished,
  }) => {
    const told: string[] = [];
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        const path = request.url ?? '';
        told.push(path);
        // A slow one holds up what comes after it.
        const pause = path === '/on_dvr' ? 300 : 0;
        setTimeout(() => response.end('0'), pause);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const hooks = ['on_close', 'on_unpublish', 'on_dvr', 'on_hls'].map((name) => `${name} ${url}/${name};`);
    const sluice = await start(
      onTestFinished,
      `http_hooks { enabled on; ${hooks.join(' ')} on_hls_notify ${url}/notify/[app]/[stream]/[ts_url]; }
       hls { enabled on; hls_path ./; hls_fragment 60; }
       dvr { enabled on; dvr_path ./rec/[stream].[timestamp].flv; }`,
    );
    for (const name of ['a', 'b', 'c']) {
      told.length = 0;
      await publish({
        file: await fixture('h264-aac'),
        url: sluice.rtmpUrl(name),
        realtime: false,
      }).finished();
      await waitFor(() => (told.includes('/on_close') ? true : undefined), 'the end is told');
      expect(told).toEqual([
        '/on_hls',
        `/notify/live/${name}/${name}-0.ts`,
        '/on_dvr',
        '/on_unpublish',
        '/on_close',
      ]);
    }
  });

  it.for(['takeover', 'reject'] as const)(
    'P005 K001 the callbacks of a second publisher, with `conflict %s`',
    async (conflict, { onTestFinished }) => {
      const { url, bodies } = await callbackServer(onTestFinished);
      const hooks = `http_hooks { enabled on; on_publish ${url}; on_unpublish ${url}; }`;
      const sluice = await start(onTestFinished, `${hooks} publish { conflict ${conflict}; }`);
      const first = await openPublisher(sluice.ports.rtmp, 'x');
      onTestFinished(() => first.close());
      const second = await RtmpPeer.open(sluice.ports.rtmp);
      onTestFinished(() => second.close());
      await second.connect();
      const published = second.publish('x').catch(() => undefined);
      await waitFor(() => bodies.length >= 3 || undefined, 'three callbacks');
      const [{ client_id: firstId } = {}, { client_id: secondId } = {}] = bodies;
      // Whether it may publish has to be known before the first one goes.
      expect(bodies.map(({ action, client_id }) => [action, client_id])).toEqual([
        ['on_publish', firstId],
        ['on_publish', secondId],
        ['on_unpublish', conflict === 'takeover' ? firstId : secondId],
      ]);
      expect(firstId).not.toBe(secondId);
      await (conflict === 'takeover' ? first : second).untilClosed();
      await published;
    },
  );

  it('K003 a publisher that the callback server refuses is not on air, and is told why', async ({
    onTestFinished,
  }) => {
    const { url } = await callbackServer(onTestFinished, ({ action }) => action === 'on_publish');
    const sluice = await start(onTestFinished, `http_hooks { enabled on; on_publish ${url}; }`);
    const publisher = publish({ file: await fixture('h264-aac'), url: sluice.rtmpUrl('x') });
    const exit = await publisher.process.exited();
    expect(exit.code).not.toBe(0);
    await sluice.logged(/closed: hook-denied/);
    await waitFor(async () => {
      const { streams } = (await sluice.api('/api/v1/streams')) as { readonly streams: readonly unknown[] };
      return streams.length === 0 ? true : undefined;
    }, 'there is no stream');
  });

  it('S001 addresses that are not allowed neither publish nor play', async ({ onTestFinished }) => {
    const sluice = await start(onTestFinished, 'security { enabled on; allow publish 127.0.0.0/8; }');
    const publisher = publish({ file: await fixture('h264-aac'), url: sluice.rtmpUrl('x'), loop: true });
    onTestFinished(() => publisher.kill());
    await sluice.published('x');
    expect((await fetch(sluice.httpUrl('/live/x.flv'))).status).toBe(403);
    const player = publish({ file: sluice.rtmpUrl('x'), url: sluice.rtmpUrl('y'), realtime: false });
    await player.process.exited();
    await sluice.logged(/closed: security-denied/);
  });

  it('S002 a signed URL opens what it was signed for, until it expires, and the secret is in no log', async ({
    onTestFinished,
  }) => {
    const secret = 'a-secret-of-many-letters';
    const sluice = await start(
      onTestFinished,
      `token { enabled on; secret ${secret}; publish on; play on; }`,
    );
    const sign = (action: string, expires: number): string => {
      const text = [action, '__defaultVhost__', 'live', 'x', String(expires)].join('\n');
      return `expires=${expires}&sign=${createHmac('sha256', secret).update(text).digest('hex')}`;
    };
    const soon = Math.floor(Date.now() / 1000) + 300;
    const publisher = publish({
      file: await fixture('h264-aac'),
      url: sluice.rtmpUrl(`x?${sign('publish', soon)}`),
      loop: true,
    });
    onTestFinished(() => publisher.kill());
    await sluice.published('x');
    const url = sluice.httpUrl('/live/x.flv');
    const status = async (query: string): Promise<number> => {
      const abort = new AbortController();
      const response = await fetch(`${url}?${query}`, { signal: abort.signal });
      abort.abort();
      return response.status;
    };
    expect(await status(sign('play', soon))).toBe(200);
    for (const bad of ['', sign('publish', soon), sign('play', soon - 600), `${sign('play', soon)}0`]) {
      expect(await status(bad)).toBe(403);
    }
    const signed = await runSluice(['sign', url, '--secret', secret, '--action', 'play', '--for', '60']);
    expect(signed.exit).toMatchObject({ code: 0 });
    expect(await status(new URL(signed.stdout.trim().split('\n').at(-1) ?? '').searchParams.toString())).toBe(
      200,
    );
    const conf = await readFile(join(sluice.folder, 'sluice.conf'), 'utf8');
    expect(conf).toContain(secret);
    expect(sluice.log).not.toContain(secret);
    expect(sluice.log).not.toMatch(/sign=[0-9a-f]{64}/);
  });

  it('S002 an address has no more connections than it may', async ({ onTestFinished }) => {
    const sluice = await start(onTestFinished, '', 'limits { max_connections_per_address 2; }');
    const abort = new AbortController();
    onTestFinished(() => abort.abort());
    const open = (): Promise<Response> => fetch(sluice.httpUrl('/live/x.flv'), { signal: abort.signal });
    await Promise.all([open(), open()]);
    await expect(open()).resolves.toMatchObject({ status: 503 });
    await sluice.logged(/127\.0\.0\.1/);
  });
});
