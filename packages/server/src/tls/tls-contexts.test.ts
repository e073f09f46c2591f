import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';

import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { TlsError } from './errors.ts';
import { haveOpenssl, makeCertificate } from './test-kit.ts';
import { TlsContexts, type TlsContextsOptions } from './tls-contexts.ts';

describe.runIf(haveOpenssl)('TlsContexts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  const files = (name: string) => ({ key: join(folder, `${name}.key`), cert: join(folder, `${name}.crt`) });
  const served = files('served');
  const settings = { enabled: true, key: [served.key], cert: [served.cert] };
  const lines: { msg: string; level: number }[] = [];
  const log = pino(
    { base: null },
    { write: (line: string) => lines.push(JSON.parse(line) as { msg: string; level: number }) },
  );
  const closing: (() => void)[] = [];

  beforeAll(() => {
    makeCertificate(files('a'), ['a.example']);
    makeCertificate(files('b'), ['b.example']);
    makeCertificate(files('short'), ['short.example'], 2);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  function install(name: string, parts: readonly ('key' | 'cert')[] = ['key', 'cert']): void {
    for (const part of parts) copyFileSync(files(name)[part], served[part]);
  }

  beforeEach(() => {
    lines.length = 0;
    install('a');
  });
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  function contexts(options: Partial<TlsContextsOptions> = {}): TlsContexts {
    const made = new TlsContexts({ log, directive: 'rtmps', ...options });
    closing.push(() => {
      made.close();
    });
    return made;
  }

  /** A server that echoes, and tells of the sockets that it had. */
  async function serve(made: TlsContexts): Promise<{ port: number; server: Server; sockets: Socket[] }> {
    const sockets: Socket[] = [];
    const server = createServer((accepted) => {
      const socket = made.secure(accepted);
      if (socket === undefined) return;
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (bytes: Uint8Array) => socket.write(bytes));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return { port: (server.address() as AddressInfo).port, server, sockets };
  }

  async function open(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    closing.push(() => socket.destroy());
    await once(socket, 'secureConnect');
    return socket;
  }

  async function nameServed(port: number, options: ConnectionOptions = {}): Promise<string> {
    const socket = await open(port, options);
    const name = socket.getPeerCertificate().subject.CN;
    socket.destroy();
    return String(name);
  }

  it('S003 serves the certificate, tells of it once, and carries bytes', async () => {
    const made = contexts();
    (await made.prepare(settings))();
    const { port } = await serve(made);
    const socket = await open(port, { servername: 'a.example' });
    expect(socket.getProtocol()).toBe('TLSv1.3');
    socket.write('hello');
    expect(String((await once(socket, 'data'))[0])).toBe('hello');
    (await made.prepare(settings))();
    expect(lines.map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/^rtmps: certificate .*served\.crt for a\.example until \d{4}-\d\d-\d\d$/),
    ]);
  });

  it('S003 refuses versions before TLS 1.2', async () => {
    const made = contexts();
    (await made.prepare(settings))();
    const { port } = await serve(made);
    await expect(open(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })).rejects.toThrow();
  });

  it('S003 of TLS 1.2, only suites with ECDHE and AEAD are spoken', async () => {
    const made = contexts();
    (await made.prepare(settings))();
    const { port } = await serve(made);
    const speak = async (ciphers: string): Promise<string> => {
      const socket = await open(port, { maxVersion: 'TLSv1.2', ciphers });
      return socket.getCipher().name;
    };
    expect(await speak('ECDHE-ECDSA-AES128-GCM-SHA256')).toBe('ECDHE-ECDSA-AES128-GCM-SHA256');
    expect(await speak('ECDHE-ECDSA-CHACHA20-POLY1305')).toBe('ECDHE-ECDSA-CHACHA20-POLY1305');
    for (const suite of [
      'AES128-SHA',
      'AES128-GCM-SHA256',
      'ECDHE-ECDSA-AES128-SHA',
      'ECDHE-ECDSA-AES256-SHA384',
    ]) {
      await expect(speak(suite), suite).rejects.toThrow();
    }
  });

  it('S003 `ciphers` and `min_version` change that; TLS 1.3 stays', async () => {
    const made = contexts();
    (await made.prepare({ ...settings, ciphers: 'ECDHE-ECDSA-AES128-SHA' }))();
    const { port } = await serve(made);
    const old = await open(port, { maxVersion: 'TLSv1.2' });
    expect(old.getCipher().name).toBe('ECDHE-ECDSA-AES128-SHA');
    expect((await open(port)).getProtocol()).toBe('TLSv1.3');
    (await made.prepare({ ...settings, minVersion: 'TLSv1.3' }))();
    expect((await open(port)).getProtocol()).toBe('TLSv1.3');
    await expect(open(port, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
    await expect(made.prepare({ ...settings, ciphers: 'no-such-suite' })).rejects.toMatchObject({
      code: 'tls-ciphers-unknown',
    });
  });

  it('S003 a replaced certificate is served to new connections, and old ones go on', async () => {
    const made = contexts({ watchIntervalMs: 20 });
    (await made.prepare(settings))();
    const { port } = await serve(made);
    const old = await open(port);
    install('b');
    await vi.waitFor(async () => {
      expect(await nameServed(port)).toBe('b.example');
    }, 5_000);
    expect(await nameServed(port, { servername: 'a.example' })).toBe('b.example');
    old.write('still here');
    expect(String((await once(old, 'data'))[0])).toBe('still here');
  });

  it('S003 reload() reads the files at once; what is wrong is told and changes nothing', async () => {
    const made = contexts({ watchIntervalMs: 3_600_000 });
    (await made.prepare(settings))();
    const { port } = await serve(made);
    install('b', ['cert']);
    await made.reload();
    expect(await nameServed(port)).toBe('a.example');
    expect(lines.at(-1)).toMatchObject({
      level: 50,
      msg: expect.stringContaining('the old certificates are used on: `rtmps.key`') as string,
    });
    install('b', ['key']);
    await made.reload();
    expect(await nameServed(port)).toBe('b.example');
  });

  it('S003 a key that is written after its certificate is waited for, without a line', async () => {
    const made = contexts({ watchIntervalMs: 200 });
    (await made.prepare(settings))();
    const { port } = await serve(made);
    install('b', ['cert']);
    install('b', ['key']);
    await vi.waitFor(async () => {
      expect(await nameServed(port)).toBe('b.example');
    }, 5_000);
    expect(lines.filter(({ level }) => level > 30)).toEqual([]);
  });

  it('S003 files that are gone: served on, told once, and served anew when they are back', async () => {
    const made = contexts({ watchIntervalMs: 10 });
    (await made.prepare(settings))();
    const { port } = await serve(made);
    rmSync(served.key);
    await vi.waitFor(() => {
      expect(lines.at(-1)?.msg).toContain('there is no such file');
    }, 5_000);
    expect(await nameServed(port)).toBe('a.example');
    install('b');
    await vi.waitFor(async () => {
      expect(await nameServed(port)).toBe('b.example');
    }, 5_000);
    expect(lines.filter(({ msg }) => msg.includes('no such file'))).toHaveLength(1);
  });

  it('S003 prepare() that fails leaves the certificates as they are', async () => {
    const made = contexts();
    (await made.prepare(settings))();
    const { port } = await serve(made);
    await expect(made.prepare({ ...settings, key: [files('b').key] })).rejects.toThrow(TlsError);
    expect(await nameServed(port)).toBe('a.example');
  });

  it('S003 what is prepared is served when it is put in place; before there was any, at once', async () => {
    const made = contexts();
    const put = await made.prepare(settings);
    const { port } = await serve(made);
    expect(await nameServed(port)).toBe('a.example');
    put();
    const b = files('b');
    const putOther = await made.prepare({ enabled: true, key: [b.key], cert: [b.cert] });
    expect(await nameServed(port)).toBe('a.example');
    putOther();
    expect(await nameServed(port)).toBe('b.example');
  });

  it('S003 a block that is switched off serves nothing', async () => {
    const made = contexts();
    (await made.prepare(settings))();
    const { port } = await serve(made);
    (await made.prepare({ ...settings, enabled: false }))();
    await expect(open(port)).rejects.toThrow();
    const never = contexts();
    (await never.prepare({ enabled: false, key: ['/none'], cert: ['/none'] }))();
    await never.reload();
  });

  it('S003 warns of a certificate that ends soon', async () => {
    const short = files('short');
    (await contexts().prepare({ enabled: true, key: [short.key], cert: [short.cert] }))();
    expect(lines).toEqual([expect.objectContaining({ level: 40 })]);
    expect(lines[0]?.msg).toContain('expires soon');
  });

  it('S003 a peer that does not finish its handshake is dropped', async () => {
    const made = contexts({ handshakeTimeoutMs: 50 });
    (await made.prepare(settings))();
    const { port } = await serve(made);
    const silent = connect(port, '127.0.0.1');
    await once(silent, 'close');
    const slow = await open(port);
    const another = connect(port, '127.0.0.1');
    await once(another, 'close');
    // The limit of the one that came first is over, too.
    slow.write('later');
    expect(String((await once(slow, 'data'))[0])).toBe('later');
  });

  it('S003 bytes that are no TLS end the connection with a short reason', async () => {
    const made = contexts();
    (await made.prepare(settings))();
    const { port, sockets } = await serve(made);
    const plain = connect(port, '127.0.0.1');
    await once(plain, 'connect');
    await vi.waitFor(() => {
      expect(sockets).toHaveLength(1);
    });
    const problems: string[] = [];
    sockets[0]?.on('error', ({ message }) => problems.push(message));
    const closed = once(plain, 'close');
    plain.resume();
    plain.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await closed;
    expect(problems).toEqual(['TLS: http request']);
  });

  it('S003 agrees on the protocols that it was given', async () => {
    const made = contexts({ protocols: ['http/1.1'] });
    (await made.prepare(settings))();
    const { port } = await serve(made);
    expect((await open(port, { ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol).toBe('http/1.1');
    expect((await open(port)).alpnProtocol).toBe(false);
  });

  it('S003 a certificate of garbage is never served', async () => {
    const made = contexts();
    (await made.prepare(settings))();
    const { port } = await serve(made);
    writeFileSync(served.cert, 'garbage');
    await made.reload();
    expect(await nameServed(port)).toBe('a.example');
  });
});
