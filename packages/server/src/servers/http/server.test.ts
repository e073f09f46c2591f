import { once } from 'node:events';
import { mkdtempSync, realpathSync } from 'node:fs';
import { appendFile, mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, afterAll, describe, expect, it } from 'vitest';
import type { HttpConnectionEnd } from './connections.ts';
import { createHttpServer } from './server.ts';
import type { HttpServer, HttpServerOptions } from './server.ts';

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-http-')));
const running: HttpServer[] = [];
/** A file that is no regular one. */
const special = createServer();

beforeAll(async () => {
  await mkdir(join(directory, 'html/tree'), { recursive: true });
  await mkdir(join(directory, 'html/empty'));
  await mkdir(join(directory, 'html/.git'));
  await mkdir(join(directory, 'html/.well-known'));
  await mkdir(join(directory, 'vhost'));
  await Promise.all([
    writeFile(join(directory, 'html/a.txt'), '0123456789'),
    writeFile(join(directory, 'html/a b%.txt'), 'odd name'),
    writeFile(join(directory, 'html/tree/index.html'), 'the tree'),
    writeFile(join(directory, 'html/.git/config'), 'secret'),
    writeFile(join(directory, 'html/.hidden'), 'secret'),
    writeFile(join(directory, 'html/.well-known/a.txt'), 'known'),
    writeFile(join(directory, 'secret.txt'), 'secret'),
    writeFile(join(directory, 'vhost/v.txt'), 'of the vhost'),
    ...['ts', 'flv', 'aac', 'mp3', 'm3u8', 'json', 'xml', 'html', 'js', 'css', 'png', 'unknown'].map(
      (extension) => writeFile(join(directory, `html/type.${extension}`), 'x'),
    ),
    symlink(join(directory, 'secret.txt'), join(directory, 'html/out.txt')),
    symlink(directory, join(directory, 'html/outdir')),
    symlink('a.txt', join(directory, 'html/in.txt')),
    symlink('loop', join(directory, 'html/loop')),
    writeFile(join(directory, 'html/直播 "cam" \'1\'.txt'), 'named'),
    writeFile(join(directory, 'html/tab%09.txt'), 'a tab'),
    writeFile(join(directory, 'html/nothing-in-it.txt'), ''),
  ]);
  special.listen(join(directory, 'html/socket'));
  await once(special, 'listening');
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close({ graceMs: 0 })));
});

afterAll(async () => {
  special.close();
  await rm(directory, { recursive: true, force: true });
});

async function start(options: Partial<HttpServerOptions> = {}): Promise<number> {
  const server = await createHttpServer({ version: '1.2.3', root: join(directory, 'html'), ...options });
  running.push(server);
  await server.listen([{ host: '127.0.0.1', port: 0 }]);
  return server.addresses[0]?.port ?? 0;
}

/** Sends raw bytes and gives back all that comes until the server closes. */
async function talk(port: number, ...parts: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('latin1');
  let received = '';
  socket.on('data', (text: string) => {
    received += text;
  });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  for (const part of parts) {
    await new Promise((resolve) => {
      socket.write(part, resolve);
    });
  }
  if (!socket.closed) {
    await once(socket, 'close');
  }
  return received;
}

const CLOSE = 'Host: a\r\nConnection: close\r\n\r\n';

describe('static files', () => {
  it('H003 serves a file with its headers', async () => {
    const port = await start();
    const response = await fetch(`http://127.0.0.1:${port}/a.txt`);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('0123456789');
    expect(response.headers.get('server')).toBe('Sluice/1.2.3');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('connection')).toBe('keep-alive');
    expect(response.headers.get('content-length')).toBe('10');
    expect(response.headers.get('last-modified')).not.toBeNull();
    expect(response.headers.get('etag')).not.toBeNull();
  });

  it('answers HEAD without a body', async () => {
    const port = await start();
    const response = await fetch(`http://127.0.0.1:${port}/a.txt`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe('10');
    expect(await response.text()).toBe('');
  });

  it.each([
    ['bytes=2-4', 206, 'bytes 2-4/10', '234'],
    ['bytes=7-', 206, 'bytes 7-9/10', '789'],
    ['bytes=-3', 206, 'bytes 7-9/10', '789'],
    ['bytes=-100', 206, 'bytes 0-9/10', '0123456789'],
    ['bytes=8-100', 206, 'bytes 8-9/10', '89'],
    ['bytes=99999999999999999999999-', 416, 'bytes */10', 'Range Not Satisfiable'],
    ['bytes=-0', 416, 'bytes */10', 'Range Not Satisfiable'],
    ['bytes=5-2', 200, null, '0123456789'],
    ['bytes=0-0,2-3', 200, null, '0123456789'],
    [`bytes=${Array.from({ length: 1_500 }, (_, at) => `${at}-${at}`).join()}`, 200, null, '0123456789'],
    ['lines=1-2', 200, null, '0123456789'],
    ['bytes=20-30', 416, 'bytes */10', 'Range Not Satisfiable'],
    ['nonsense', 200, null, '0123456789'],
  ])('answers Range %s', async (range, status, contentRange, body) => {
    const port = await start();
    const response = await fetch(`http://127.0.0.1:${port}/a.txt`, { headers: { range } });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-range')).toBe(contentRange);
    expect(await response.text()).toBe(body);
  });

  it('a Range counts for GET alone', async () => {
    const port = await start();
    const init = { method: 'HEAD', headers: { range: 'bytes=2-4' } };
    const response = await fetch(`http://127.0.0.1:${port}/a.txt`, init);
    expect([response.status, response.headers.get('content-length')]).toEqual([200, '10']);
  });

  it('answers conditional requests', async () => {
    const port = await start();
    const first = await fetch(`http://127.0.0.1:${port}/a.txt`);
    const etag = first.headers.get('etag') ?? '';
    const modified = first.headers.get('last-modified') ?? '';
    const ask = (header: string) => talk(port, `GET /a.txt HTTP/1.1\r\n${header}\r\n${CLOSE}`);
    expect(await ask(`If-None-Match: ${etag}`)).toMatch(/^HTTP\/1\.1 304 /);
    expect(await ask(`If-Modified-Since: ${modified}`)).toMatch(/^HTTP\/1\.1 304 /);
    expect(await ask('If-Match: "other"')).toMatch(/^HTTP\/1\.1 412 /);
    expect(await ask(`Range: bytes=2-4\r\nIf-Range: "other"`)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('H003 serves index.html of a directory, and redirects to its slash', async () => {
    const port = await start();
    const base = `http://127.0.0.1:${port}`;
    expect(await (await fetch(`${base}/tree/`)).text()).toBe('the tree');
    const redirect = await fetch(`${base}/tree?x=1`, { redirect: 'manual' });
    expect(redirect.status).toBe(301);
    expect(redirect.headers.get('location')).toBe('tree/?x=1');
    expect((await fetch(`${base}/empty/`)).status).toBe(404);
  });

  it.each([
    ['ts', 'video/MP2T'],
    ['flv', 'video/x-flv'],
    ['aac', 'audio/x-aac'],
    ['mp3', 'audio/mpeg'],
    ['m3u8', 'application/vnd.apple.mpegurl'],
    ['json', 'application/json; charset=utf-8'],
    ['xml', 'text/xml; charset=utf-8'],
    ['html', 'text/html; charset=utf-8'],
    ['js', 'text/javascript; charset=utf-8'],
    ['css', 'text/css; charset=utf-8'],
    ['png', 'image/png'],
    ['unknown', 'application/octet-stream'],
  ])('H003 sends .%s as %s', async (extension, type) => {
    const port = await start();
    expect((await fetch(`http://127.0.0.1:${port}/type.${extension}`)).headers.get('content-type')).toBe(
      type,
    );
  });

  it('finds names with spaces and percent signs, and links inside the directory', async () => {
    const port = await start();
    expect(await (await fetch(`http://127.0.0.1:${port}/a%20b%25.txt`)).text()).toBe('odd name');
    expect(await (await fetch(`http://127.0.0.1:${port}/in.txt`)).text()).toBe('0123456789');
    expect(await (await fetch(`http://127.0.0.1:${port}/.well-known/a.txt`)).text()).toBe('known');
  });

  it('finds names with CJK, quotes and control characters, and redirects to the encoded name', async () => {
    const port = await start();
    const name = encodeURIComponent(`直播 "cam" '1'.txt`);
    expect(await (await fetch(`http://127.0.0.1:${port}/${name}`)).text()).toBe('named');
    const bytes = Buffer.from(`GET /直播%20"cam"%20'1'.txt HTTP/1.1\r\n${CLOSE}`);
    const redirect = await talk(port, bytes);
    expect(redirect).toMatch(/^HTTP\/1\.1 307 /);
    const location = /^Location: (.*)\r$/m.exec(redirect)?.[1] ?? '';
    expect(await (await fetch(`http://127.0.0.1:${port}${location}`)).text()).toBe('named');
    expect(await (await fetch(`http://127.0.0.1:${port}/tab%09.txt`)).text()).toBe('a tab');
    expect(await (await fetch(`http://127.0.0.1:${port}/tab%2509.txt`)).text()).toBe('a tab');
  });

  it('refuses control characters that are not encoded', async () => {
    const port = await start();
    expect(await talk(port, `GET /tab\t.txt HTTP/1.1\r\n${CLOSE}`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await talk(port, `GET /tab\x01.txt HTTP/1.1\r\n${CLOSE}`)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('answers HEAD, conditions and ranges alike for an empty file', async () => {
    const port = await start();
    const url = `http://127.0.0.1:${port}/nothing-in-it.txt`;
    const whole = await fetch(url);
    expect([whole.status, whole.headers.get('content-length')]).toEqual([200, '0']);
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(url, { headers: { range: 'bytes=0-' } })).status).toBe(416);
    expect((await fetch(url, { headers: { range: 'bytes=-5' } })).status).toBe(416);
  });

  it('serves a file that grows with its size at the time of the request', async () => {
    const port = await start();
    const path = join(directory, 'html/growing.txt');
    const url = `http://127.0.0.1:${port}/growing.txt`;
    await writeFile(path, 'a'.repeat(1_000_000));
    const first = await fetch(url);
    await appendFile(path, 'b'.repeat(10));
    expect(await first.text()).toBe('a'.repeat(1_000_000));
    const etag = first.headers.get('etag') ?? '';
    const again = await fetch(url, { headers: { 'if-none-match': etag } });
    expect([again.status, again.headers.get('content-length')]).toEqual([200, '1000010']);
    expect((await again.text()).endsWith('b'.repeat(10))).toBe(true);
  });

  it('cuts the connection when a file becomes shorter while it is sent', async () => {
    const port = await start();
    const path = join(directory, 'html/shrinking.bin');
    await writeFile(path, Buffer.alloc(8_000_000));
    const socket = connect(port, '127.0.0.1');
    let received = 0;
    socket.write('GET /shrinking.bin HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'readable');
    await truncate(path, 4_000_000);
    socket.on('data', (data: Buffer) => {
      received += data.length;
    });
    socket.on('error', () => undefined);
    await once(socket, 'close');
    expect(received).toBeLessThan(8_000_000);
  });

  it('cuts off a peer that takes nothing', async () => {
    const ends: HttpConnectionEnd[] = [];
    const port = await start({ limits: { stallTimeoutMs: 50 }, onConnectionEnd: (end) => ends.push(end) });
    await writeFile(join(directory, 'html/large.bin'), Buffer.alloc(30_000_000));
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    socket.write('GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n');
    await expect.poll(() => ends.length).toBe(1);
    socket.destroy();
  });

  it.each([
    '/.git/config',
    '/.hidden',
    '/out.txt',
    '/outdir/secret.txt',
    '/loop',
    '/nothing',
    '/a.txt/',
    '/a.txt/index.html',
    '/a.txt/b/c',
    '/tree/x',
    '/%2egit/config',
    '/..%5csecret.txt',
    '/tree/..%5c..%5c..%5csecret.txt',
    '/a%0d%0aX-Injected:%201',
    `/${'a'.repeat(300)}`,
    `/${'a/'.repeat(2_000)}a`,
    '/socket',
  ])('H003 answers 404 with its text for %s', async (path) => {
    const port = await start();
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    expect(response.status).toBe(404);
    expect(await response.text()).toBe('Not Found');
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });

  it.each([
    '/../secret.txt',
    '/tree/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/tree/..%2f..%2fsecret.txt',
    '//secret.txt',
    '/a.txt%00',
    '/a.txt%00.html',
    '/%',
    '/%ff',
  ])('H002 refuses %s', async (path) => {
    const port = await start();
    const answer = await talk(port, `GET ${path} HTTP/1.1\r\n${CLOSE}`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toMatch(/^server: Sluice\/1\.2\.3\r$/im);
    expect(answer).not.toContain('secret');
  });

  it('H007 serves the directory of a vhost, by Host and by ?vhost=', async () => {
    const port = await start({
      staticMounts: [
        {
          vhost: 'v.example',
          mount: '[vhost]/files',
          dir: join(directory, 'vhost'),
        },
      ],
    });
    expect(await talk(port, `GET /files/v.txt HTTP/1.0\r\nHost: v.example\r\n\r\n`)).toContain(
      'of the vhost',
    );
    expect(await (await fetch(`http://127.0.0.1:${port}/files/v.txt?vhost=v.example`)).text()).toBe(
      'of the vhost',
    );
    expect((await fetch(`http://127.0.0.1:${port}/files/v.txt`)).status).toBe(404);
    const redirect = await fetch(`http://127.0.0.1:${port}/files?vhost=v.example`, { redirect: 'manual' });
    expect(redirect.headers.get('location')).toBe('files/?vhost=v.example');
  });

  it('answers 404 when the root directory is not there', async () => {
    const port = await start({ root: join(directory, 'absent') });
    expect((await fetch(`http://127.0.0.1:${port}/a.txt`)).status).toBe(404);
  });

  it('answers 405 to methods that change things', async () => {
    const port = await start();
    const response = await fetch(`http://127.0.0.1:${port}/a.txt`, { method: 'POST', body: 'x' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
  });

  it('answers OPTIONS, and 405 when crossdomain is off', async () => {
    const on = await fetch(`http://127.0.0.1:${await start()}/a.txt`, { method: 'OPTIONS' });
    expect(on.status).toBe(200);
    expect(on.headers.get('access-control-allow-methods')).toContain('GET');
    const off = await fetch(`http://127.0.0.1:${await start({ crossdomain: false })}/a.txt`, {
      method: 'OPTIONS',
    });
    expect(off.status).toBe(405);
    expect(off.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('connections', () => {
  it('H006 reads a request that comes byte by byte', async () => {
    const port = await start();
    const bytes = Buffer.from(`GET /a.txt HTTP/1.1\r\n${CLOSE}`);
    const answer = await talk(port, ...Array.from(bytes, (byte) => Uint8Array.of(byte)));
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer.endsWith('0123456789')).toBe(true);
  });

  it('H006 answers pipelined requests in order', async () => {
    const port = await start();
    const answer = await talk(
      port,
      'GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\n' +
        `GET /tree/ HTTP/1.1\r\n${CLOSE}`,
    );
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
    expect(answer.indexOf('0123456789')).toBeLessThan(answer.indexOf('the tree'));
  });

  it('H006 reads bodies with a length and in chunks', async () => {
    const port = await start();
    const answer = await talk(
      port,
      'GET /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc' +
        'POST /a.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n' +
        `GET /tree/ HTTP/1.1\r\n${CLOSE}`,
    );
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 405', 'HTTP/1.1 200']);
  });

  it('H006 answers a client that has closed its side', async () => {
    const ends: HttpConnectionEnd[] = [];
    const port = await start({ onConnectionEnd: (end) => ends.push(end) });
    for (const path of ['/a.txt', '/missing', '/']) {
      const socket = connect(port, '127.0.0.1');
      let text = '';
      socket.on('data', (bytes: Buffer) => {
        text += bytes.toString();
      });
      socket.end(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await once(socket, 'close');
      expect(text).toMatch(/^HTTP\/1\.1 [24]0/);
    }
    await expect.poll(() => ends.length).toBe(3);
  });

  it('a refused connection is closed whatever it goes on to send', async () => {
    const port = await start({
      admission: {
        admit: () => 'too-many-connections',
        release: () => undefined,
        refusedBySystem: () => undefined,
      },
    });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const drip = setInterval(() => {
      socket.write(`GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n`);
    }, 20);
    socket.resume();
    await once(socket, 'close');
    clearInterval(drip);
  });

  it('H006 closes an idle connection', async () => {
    const ends: HttpConnectionEnd[] = [];
    const port = await start({
      limits: { keepAliveTimeoutMs: 20 },
      onConnectionEnd: (end) => ends.push(end),
    });
    expect(await talk(port, 'GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n')).toContain('0123456789');
    await expect
      .poll(() => ends)
      .toEqual([expect.objectContaining({ reason: 'closed', requests: 1, remoteAddress: '127.0.0.1' })]);
  });

  it('takes the absolute form of a target', async () => {
    const port = await start();
    expect(await talk(port, `GET http://a/a.txt HTTP/1.1\r\n${CLOSE}`)).toContain('0123456789');
  });

  it('serves as ever a request for an upgrade that it does not know', async () => {
    const port = await start();
    const answer = await talk(
      port,
      'GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain('0123456789');
  });

  it.each([
    ['garbage', 'this is not HTTP\r\n\r\n', 400, 'bad-request'],
    ['an RTMP handshake', '\x03\0\0\0\0\0\0\0', 400, 'bad-request'],
    ['a bad version', `GET / HTTP/9.9\r\n${CLOSE}`, 400, 'bad-request'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
      'bad-request',
    ],
    ['a header beyond its limit', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`, 431, 'header-overflow'],
    ['a request line beyond its limit', `GET /${'x'.repeat(20_000)}`, 431, 'header-overflow'],
    ['a long URL', `GET /${'x'.repeat(9_000)} HTTP/1.1\r\n${CLOSE}`, 414, 'bad-request'],
  ])('answers %s and closes', async (_name, bytes, status, reason) => {
    const ends: HttpConnectionEnd[] = [];
    const port = await start({ onConnectionEnd: (end) => ends.push(end) });
    const answer = await talk(port, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer.toLowerCase()).toContain('connection: close');
    await expect.poll(() => ends.map((end) => end.reason)).toEqual([reason]);
  });

  it.each([
    ['nothing', ''],
    ['half a header', 'GET / HTTP/1.1\r\nHos'],
    ['half a body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc'],
  ])('answers 408 to %s that takes too long', async (_name, bytes) => {
    const port = await start({
      limits: { headersTimeoutMs: 30, requestTimeoutMs: 40, timeoutCheckMs: 10 },
    });
    const answer = await talk(port, bytes);
    expect(answer === '' || answer.startsWith('HTTP/1.1 408 ')).toBe(true);
  });

  it.each([
    ['a length', 'Content-Length: 1000000\r\n\r\n'],
    ['chunks', `Transfer-Encoding: chunked\r\n\r\n400\r\n${'x'.repeat(0x400)}\r\n`],
  ])('answers 413 to a body beyond its limit, told by %s', async (_name, rest) => {
    const port = await start({
      limits: { maxBodyBytes: 1_000 },
      routes: [
        (app, _options, done) => {
          app.post('/upload', () => 'taken');
          done();
        },
      ],
    });
    const answer = await talk(port, `POST /upload HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${rest}`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('counts connections and refuses those beyond max_connections', async () => {
    const ends: HttpConnectionEnd[] = [];
    let free = 1;
    const port = await start({
      admission: {
        admit: () => (free > 0 && free-- > 0 ? undefined : 'too-many-connections'),
        refusedBySystem: () => undefined,
        release: () => {
          free += 1;
        },
      },
      onConnectionEnd: (end) => ends.push(end),
    });
    const first = connect(port, '127.0.0.1');
    first.write('GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(first, 'data');
    expect(await talk(port, `GET /a.txt HTTP/1.1\r\n${CLOSE}`)).toMatch(/^HTTP\/1\.1 503 /);
    first.destroy();
    await expect.poll(() => free).toBe(1);
    expect(await talk(port, `GET /a.txt HTTP/1.1\r\n${CLOSE}`)).toMatch(/^HTTP\/1\.1 200 /);
    await expect
      .poll(() => ends.map((end) => end.reason))
      .toEqual(expect.arrayContaining(['full', 'closed', 'closed']));
    expect(free).toBe(1);
  });

  it('survives mutated requests', async () => {
    const port = await start();
    const seed = Buffer.from(
      `GET /a.txt?x=1 HTTP/1.1\r\nHost: a\r\nRange: bytes=0-3\r\nConnection: close\r\n\r\n`,
    );
    let state = 1;
    const random = (below: number) => {
      state = (state * 48_271) % 0x7fffffff;
      return state % below;
    };
    for (let round = 0; round < 300; round += 1) {
      const mutated = Buffer.from(seed);
      for (let change = 0; change <= random(4); change += 1) {
        mutated[random(mutated.length)] = random(256);
      }
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.end(mutated);
      socket.resume();
      await once(socket, 'close');
    }
    expect((await fetch(`http://127.0.0.1:${port}/a.txt`)).status).toBe(200);
  });
});

describe('listening', () => {
  it('listens on several addresses and says where', async () => {
    const server = await createHttpServer({ version: '1.2.3' });
    running.push(server);
    await server.listen([
      { host: '127.0.0.1', port: 0 },
      { host: '127.0.0.1', port: 0 },
    ]);
    expect(server.addresses).toHaveLength(2);
    for (const { port } of server.addresses) {
      expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
    }
  });

  it('listens on none when one address is in use', async () => {
    const port = await start();
    const second = await createHttpServer({ version: '1.2.3' });
    await expect(
      second.listen([
        { host: '127.0.0.1', port: 0 },
        { host: '127.0.0.1', port },
      ]),
    ).rejects.toMatchObject({
      code: 'listen-failed',
      message: `cannot listen on 127.0.0.1:${port}: the address is in use`,
    });
    expect(second.addresses).toEqual([]);
  });

  it('connections end with their address: idle ones at once, others with their answer', async () => {
    let answer: (() => void) | undefined;
    const ends: HttpConnectionEnd[] = [];
    const server = await createHttpServer({
      version: '1.2.3',
      onConnectionEnd: (end) => ends.push(end),
      routes: [
        (app, _options, done) => {
          app.get('/now', () => 'now');
          app.get('/later', async () => {
            await new Promise<void>((resolve) => {
              answer = resolve;
            });
            return 'later';
          });
          done();
        },
      ],
    });
    running.push(server);
    await server.listen([{ host: '127.0.0.1', port: 0 }]);
    const port = server.addresses[0]?.port ?? 0;
    const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const idle = connect(port, '127.0.0.1');
    idle.write(get('/now'));
    await once(idle, 'data');
    const busy = talk(port, get('/later'));
    await expect.poll(() => answer).toBeDefined();
    const idleClosed = once(idle, 'close');
    server.unlisten({ host: '127.0.0.1', port });
    idle.resume();
    await idleClosed;
    answer?.();
    const text = await busy;
    expect(text.toLowerCase()).toContain('\r\nconnection: close\r\n');
    expect(text.endsWith('later')).toBe(true);
    await expect.poll(() => ends.map(({ reason }) => reason)).toEqual(['closed', 'closed']);
  });

  it('an answer that has begun ends its connection, too, when the address goes meanwhile', async () => {
    const server = await createHttpServer({
      version: '1.2.3',
      root: join(directory, 'html'),
    });
    running.push(server);
    await writeFile(join(directory, 'html/large.bin'), Buffer.alloc(8_000_000));
    await server.listen([{ host: '127.0.0.1', port: 0 }]);
    const port = server.addresses[0]?.port ?? 0;
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n');
    const [first] = (await once(socket, 'data')) as [Buffer];
    let received = first.length;
    server.unlisten({ host: '127.0.0.1', port });
    socket.on('data', (bytes: Buffer) => {
      received += bytes.length;
    });
    await once(socket, 'close');
    expect(received).toBeGreaterThan(8_000_000);
  });

  it('closes connections that stay', async () => {
    const ends: HttpConnectionEnd[] = [];
    const port = await start({ onConnectionEnd: (end) => ends.push(end) });
    const socket = connect(port, '127.0.0.1');
    const closed = once(socket, 'close');
    socket.on('error', () => undefined);
    socket.write('GET /a.txt HTTP/1.1\r\n');
    await once(socket, 'connect');
    await expect
      .poll(async () => {
        await Promise.all(running.splice(0).map((server) => server.close({ graceMs: 10 })));
        return ends.length;
      })
      .toBe(1);
    await closed;
  });
});
