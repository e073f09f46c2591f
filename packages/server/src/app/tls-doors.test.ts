import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { connectRtmp } from '@sluice/rtmp/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { resolveConfig, type ServerOptions } from '../config/index.ts';
import { quietLog } from '../log/index.ts';
import { haveOpenssl, makeCertificate } from '../tls/test-kit.ts';
import { SluiceServer } from './server.ts';

/** A port that nobody listens on at this moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe.runIf(haveOpenssl)('TLS of a server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tls-doors-'));
  const files = { key: join(folder, 'a.key'), cert: join(folder, 'a.crt') };
  const local = [{ host: '127.0.0.1', port: 0 }];
  const tls = { enabled: true, listen: local, key: [files.key], cert: [files.cert] };
  const running: SluiceServer[] = [];

  beforeAll(() => {
    makeCertificate(files, ['a.example', '127.0.0.1']);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.close()));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  function configOf(options: ServerOptions) {
    return resolveConfig({ listen: local, maxConnections: 50, ...options });
  }

  function serverOf(options: ServerOptions): SluiceServer {
    const server = new SluiceServer(configOf(options), quietLog());
    running.push(server);
    return server;
  }

  async function versionsStatus(port: number | undefined): Promise<number | undefined> {
    const ca = readFileSync(files.cert);
    return new Promise((resolve, reject) => {
      get(`https://127.0.0.1:${port}/api/v1/versions`, { ca, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).once('error', reject);
    });
  }

  it('S003 C005 a reload switches RTMPS and HTTPS on and off', async () => {
    const server = serverOf({});
    await server.start();
    expect(server.addresses).toMatchObject({ rtmps: [], https: [], apiHttps: [] });
    await server.apply(configOf({ rtmps: tls, httpApi: { listen: local, https: tls } }));
    const { rtmps, https, apiHttps } = server.addresses;
    expect([rtmps, https, apiHttps].map(({ length }) => length)).toEqual([1, 0, 1]);
    const url = `rtmps://127.0.0.1:${rtmps[0]?.port}/live`;
    const client = await connectRtmp(url, { tls: { ca: readFileSync(files.cert) } });
    expect(await versionsStatus(apiHttps[0]?.port)).toBe(200);
    await server.apply(configOf({}));
    expect(server.addresses).toMatchObject({ rtmps: [], apiHttps: [] });
    await expect(versionsStatus(apiHttps[0]?.port)).rejects.toThrow();
    // Who is there stays.
    expect(server.connections).toBeGreaterThan(0);
    await client.close();
  });

  it('S003 HTTPS of an API that shares the address of the HTTP server', async () => {
    const [one, two, three] = [await freePort(), await freePort(), await freePort()];
    const at = (port: number) => [{ host: '127.0.0.1', port }];
    const listen = at(one);
    const httpServer = { listen, https: { ...tls, listen: at(two) } };
    const server = serverOf({ httpServer, httpApi: { listen, https: { ...tls, listen: at(three) } } });
    await server.start();
    expect(server.addresses).toMatchObject({
      http: listen,
      api: listen,
      https: at(two),
      apiHttps: at(three),
    });
    expect(await versionsStatus(two)).toBe(200);
    expect(await versionsStatus(three)).toBe(200);
    await server.apply(configOf({ httpServer, httpApi: { listen, https: { ...tls, listen: at(two) } } }));
    expect(server.addresses).toMatchObject({ https: at(two), apiHttps: at(two) });
    expect(await versionsStatus(two)).toBe(200);
    await expect(versionsStatus(three)).rejects.toThrow();
  });

  it('S003 certificates that cannot be used: no start, and a reload that changes nothing', async () => {
    const broken = { ...tls, key: ['/nowhere/a.key'] };
    const message = "`rtmps.key` /nowhere/a.key can't be read: there is no such file";
    await expect(serverOf({ rtmps: broken }).start()).rejects.toMatchObject({
      code: 'certificate-unusable',
      message,
    });
    const server = serverOf({ rtmps: tls });
    await server.start();
    const before = server.addresses;
    await expect(server.apply(configOf({ rtmps: broken }))).rejects.toMatchObject({ message });
    expect(server.addresses).toEqual(before);
  });
});
