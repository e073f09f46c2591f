import { mkdtempSync, realpathSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createHttpServer } from './server.ts';
import type { HttpServer, HttpServerOptions } from './server.ts';
import type { VirtualAnswer, VirtualFile, VirtualRequest } from './virtual-files.ts';

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-virtual-')));
const running: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close({ graceMs: 0 })));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

function file(content: string | Uint8Array, rest: Partial<VirtualFile> = {}): VirtualFile {
  return {
    contentType: 'x/y',
    cacheControl: 'no-cache',
    etag: '"v1"',
    shared: true,
    content: () => content,
    ...rest,
  };
}

interface Asked {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly file: string | undefined;
  readonly rawPath: string;
  readonly search: string;
  readonly remoteAddress: string;
}

async function start(
  find: (request: VirtualRequest) => VirtualAnswer | undefined,
  options: Partial<HttpServerOptions> = { root: directory },
) {
  const asked: Asked[] = [];
  const server = await createHttpServer({
    version: '1.2.3',
    virtualFiles: {
      find: (request) => {
        const { method, host, path, file: onDisk, rawPath, search, remoteAddress } = request;
        asked.push({ method, host, path, file: onDisk, rawPath, search, remoteAddress });
        return find(request);
      },
    },
    ...options,
  });
  running.push(server);
  await server.listen([{ host: '127.0.0.1', port: 0 }]);
  return { url: `http://127.0.0.1:${server.addresses[0]?.port ?? 0}`, asked };
}

/** A GET whose body comes as it was on the wire: fetch would decode it. */
async function raw(
  url: string,
  headers: Record<string, string>,
): Promise<{ head: IncomingMessage; body: Buffer }> {
  const head = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers }, resolve).on('error', reject);
  });
  const parts: Buffer[] = [];
  for await (const part of head) parts.push(part as Buffer);
  return { head, body: Buffer.concat(parts) };
}

describe('virtual files', () => {
  it('are asked with all there is to know, before live streams and directories', async () => {
    await writeFile(join(directory, 'a.ts'), 'on disk');
    const { url, asked } = await start(() => file('virtual'), {
      root: directory,
      live: { match: () => ({ waits: false, serve: (viewer) => viewer.socket.end('live') }) },
      staticMounts: [{ vhost: 'v.example', mount: '[vhost]/files', dir: join(directory, '[vhost]') }],
    });
    expect(await (await fetch(`${url}/a.ts`)).text()).toBe('virtual');
    await fetch(`${url}/files/%E7%9B%B4%09.ts?vhost=v.example&x=1`, { method: 'HEAD' });
    expect(asked).toEqual([
      {
        method: 'GET',
        host: '127.0.0.1',
        path: '/a.ts',
        file: join(directory, 'a.ts'),
        rawPath: '/a.ts',
        search: '',
        remoteAddress: '127.0.0.1',
      },
      {
        method: 'HEAD',
        host: 'v.example',
        path: '/files/直%09.ts',
        file: join(directory, 'v.example/直%09.ts'),
        rawPath: '/files/%E7%9B%B4%09.ts',
        search: '?vhost=v.example&x=1',
        remoteAddress: '127.0.0.1',
      },
    ]);
  });

  it('go after explicit routes, and leave to others what they do not know', async () => {
    await writeFile(join(directory, 'a.ts'), 'on disk');
    const { url, asked } = await start(() => undefined, {
      root: directory,
      routes: [
        (app, _options, done) => {
          app.get('/api', () => 'route');
          done();
        },
      ],
    });
    expect(await (await fetch(`${url}/api`)).text()).toBe('route');
    expect(asked).toEqual([]);
    expect(await (await fetch(`${url}/a.ts`)).text()).toBe('on disk');
    expect((await fetch(`${url}/b.ts`)).status).toBe(404);
    const nowhere = await start(() => undefined, {});
    expect((await fetch(`${nowhere.url}/a.ts`)).status).toBe(404);
    expect(nowhere.asked[0]?.file).toBeUndefined();
  });

  it('are sent with their headers, and counted', async () => {
    const sent: number[] = [];
    const { url } = await start(() => file('four', { sent: (bytes) => sent.push(bytes) }));
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      server: 'Sluice/1.2.3',
      'access-control-allow-origin': '*',
      'content-type': 'x/y',
      'cache-control': 'no-cache',
      'content-length': '4',
      etag: '"v1"',
    });
    expect(response.headers.get('vary')).toBeNull();
    expect(await response.text()).toBe('four');
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '4', '']);
    expect(sent).toEqual([4]);
  });

  it('have no CORS headers when crossdomain is off', async () => {
    const { url } = await start(() => file('x'), { crossdomain: false });
    expect((await fetch(url)).headers.get('access-control-allow-origin')).toBeNull();
  });

  it('answer conditions without making the content', async () => {
    const { url } = await start(() =>
      file('', {
        etag: 'W/"v1"',
        content: () => {
          throw new Error('the content is not wanted');
        },
      }),
    );
    const same = await fetch(url, { headers: { 'if-none-match': 'W/"v1"' } });
    expect([same.status, same.headers.get('etag'), same.headers.get('cache-control')]).toEqual([
      304,
      'W/"v1"',
      'no-cache',
    ]);
    expect((await fetch(url, { headers: { 'if-match': '"v2"' } })).status).toBe(412);
    expect((await fetch(url)).status).toBe(500);
  });

  it.each([
    ['bytes=1-2', 206, 'bytes 1-2/5', 'bc'],
    ['bytes=-2', 206, 'bytes 3-4/5', 'de'],
    ['bytes=5-', 416, 'bytes */5', 'Range Not Satisfiable'],
    [`bytes=${'0-0,'.repeat(3_000)}0-0`, 200, null, 'abcde'],
  ])('answer Range %s of bytes', async (range, status, contentRange, body) => {
    const { url } = await start(() => file(Buffer.from('abcde')));
    const response = await fetch(url, { headers: { range } });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-range')).toBe(contentRange);
    expect(await response.text()).toBe(body);
  });

  it('send a large segment whole, many times over one connection', async () => {
    const bytes = Buffer.alloc(2_000_000, 'segment');
    const { url } = await start(() => file(bytes));
    for (let round = 0; round < 3; round += 1) {
      expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(bytes)).toBe(true);
    }
  });

  it('compress long text where it is accepted', async () => {
    const text = '直播 segment\n'.repeat(200);
    const sent: number[] = [];
    const { url } = await start(() => file(text, { etag: 'W/"v1"', sent: (bytes) => sent.push(bytes) }));
    const coded = await raw(url, { 'accept-encoding': 'gzip' });
    expect(coded.head.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(coded.head.headers['content-length']).toBe(String(coded.body.length));
    expect(gunzipSync(coded.body).toString()).toBe(text);
    expect(await (await fetch(url)).text()).toBe(text);
    const plain = await raw(url, { 'accept-encoding': 'identity' });
    expect(plain.head.headers).toMatchObject({ vary: 'Accept-Encoding' });
    expect(plain.head.headers['content-encoding']).toBeUndefined();
    expect(plain.body.toString()).toBe(text);
    expect(sent[0]).toBe(coded.body.length);
    const known = await raw(url, { 'if-none-match': 'W/"v1"' });
    expect(known.head.statusCode).toBe(304);
    expect(known.head.headers).toMatchObject({ etag: 'W/"v1"', vary: 'Accept-Encoding' });
  });

  it('are not coded under a strong ETag: other bytes would have the same one', async () => {
    const { url } = await start(() => file('segment\n'.repeat(400)));
    const plain = await raw(url, { 'accept-encoding': 'gzip' });
    expect(plain.head.headers['content-encoding']).toBeUndefined();
  });

  it('may be refused', async () => {
    const { url } = await start(() => ({ refused: 403 }));
    const response = await fetch(url);
    expect([response.status, await response.text()]).toEqual([403, 'Forbidden']);
  });

  it('may be on the disk, whose answer is counted', async () => {
    await writeFile(join(directory, 'a.ts'), 'on disk');
    const sent: number[] = [];
    const { url } = await start(() => ({ onDisk: { sent: (bytes) => sent.push(bytes) } }));
    expect(await (await fetch(`${url}/a.ts`)).text()).toBe('on disk');
    expect((await fetch(`${url}/gone.ts`)).status).toBe(404);
    await expect.poll(() => sent).toEqual([7]);
  });

  it('answer pipelined requests in order, also when one is compressed meanwhile', async () => {
    const { url } = await start(({ path }) =>
      file(path === '/long' ? 'long '.repeat(1_000) : 'short', { etag: 'W/"v1"' }),
    );
    const { connect } = await import('node:net');
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (data: string) => {
      text += data;
    });
    const tail = 'HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n';
    socket.write(`GET /long ${tail}\r\nGET /short ${tail}Connection: close\r\n\r\n`);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(text.indexOf('Content-Encoding: gzip')).toBeGreaterThan(0);
    expect(text.indexOf('Content-Encoding: gzip')).toBeLessThan(text.indexOf('short'));
  });
});
