import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { haveOpenssl, makeCertificate } from '../../tls/test-kit.ts';
import type { HttpConnectionEnd } from './connections.ts';
import { createHttpServer } from './server.ts';
import type { HttpServer, HttpServerOptions, TlsLayer } from './server.ts';

describe.runIf(haveOpenssl)('HTTPS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-https-'));
  const running: HttpServer[] = [];
  const ends: HttpConnectionEnd[] = [];
  let layer: TlsLayer;

  beforeAll(() => {
    const files = { key: join(folder, 'a.key'), cert: join(folder, 'a.crt') };
    makeCertificate(files, ['a.example', '127.0.0.1']);
    const [key, cert] = [readFileSync(files.key), readFileSync(files.cert)];
    const secureContext = createSecureContext({ key, cert });
    layer = {
      secure: (accepted, onSecure) => {
        const socket = new TLSSocket(accepted, { isServer: true, secureContext });
        socket.once('secure', () => {
          onSecure(socket);
        });
        return socket;
      },
    };
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.close({ graceMs: 0 })));
    ends.length = 0;
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  async function start(
    options: Partial<HttpServerOptions> = {},
  ): Promise<{ server: HttpServer; port: number }> {
    const onConnectionEnd = (end: HttpConnectionEnd) => ends.push(end);
    const server = await createHttpServer({ version: '1.2.3', root: folder, onConnectionEnd, ...options });
    running.push(server);
    await server.listen([{ host: '127.0.0.1', port: 0 }], layer);
    return { server, port: server.addresses[0]?.port ?? 0 };
  }

  async function statusOf(port: number): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const options = { rejectUnauthorized: false, agent: false as const };
      get(`https://127.0.0.1:${port}/a.crt`, options, (response) => {
        response.resume().once('end', () => {
          resolve(response.statusCode);
        });
      }).once('error', reject);
    });
  }

  it('S003 HTTPS beside HTTP: each address speaks what it was opened for', async () => {
    const { server, port } = await start();
    await server.listen([{ host: '127.0.0.1', port: 0 }]);
    const plain = server.addresses[1]?.port ?? 0;
    expect(await statusOf(port)).toBe(200);
    expect((await fetch(`http://127.0.0.1:${plain}/a.crt`)).status).toBe(200);
    await expect(statusOf(plain)).rejects.toThrow();
    await expect(fetch(`http://127.0.0.1:${port}/a.crt`)).rejects.toThrow();
    server.unlisten({ host: '127.0.0.1', port });
    await expect(statusOf(port)).rejects.toThrow();
    expect((await fetch(`http://127.0.0.1:${plain}/a.crt`)).status).toBe(200);
  });

  it('S003 HTTPS requests have their time limits', async () => {
    const { port } = await start({
      limits: { headersTimeoutMs: 50, requestTimeoutMs: 50, timeoutCheckMs: 10 },
    });
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 408 /);
    await once(socket, 'close');
  });

  it('S003 HTTPS a connection counts before its handshake, and is closed where there is no room', async () => {
    let free = 1;
    const { port } = await start({
      admission: {
        admit: () => (free > 0 && free-- > 0 ? undefined : 'too-many-connections'),
        refusedBySystem: () => undefined,
        release: () => {
          free += 1;
        },
      },
    });
    const silent = connect(port, '127.0.0.1');
    await once(silent, 'connect');
    await vi.waitFor(() => {
      expect(free).toBe(0);
    });
    await expect(statusOf(port)).rejects.toThrow();
    silent.destroy();
    await vi.waitFor(() => {
      expect(free).toBe(1);
    });
    expect(await statusOf(port)).toBe(200);
  });

  it('S003 HTTPS a handshake that fails is the reason for the end', async () => {
    const { port } = await start();
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'close');
    await vi.waitFor(() => {
      expect(ends.map(({ reason }) => reason)).toEqual(['tls-failed']);
    });
  });

  it('S003 HTTPS closing the server ends handshakes under way', async () => {
    const { server, port } = await start();
    const silent = connect(port, '127.0.0.1');
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    const closed = once(silent, 'close');
    await server.close({ graceMs: 0 });
    await closed;
  });
});
