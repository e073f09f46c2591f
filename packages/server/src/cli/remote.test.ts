import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ApiKit, apiKit, UNKNOWN_SYSTEM } from '../api/test-kit.ts';
import { runCommandLine } from './index.ts';
import { clientsTable, printable, streamsTable } from './remote-tables.ts';
import { type RemoteCommand, RemoteExit, type RemoteFlags, runRemote } from './remote.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function listen(kit: ApiKit = {}): Promise<{ url: string; port: number; kicked: string[] }> {
  const { app, kicked } = apiKit(kit);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  cleanups.push(() => app.close());
  return { url, port: Number(new URL(url).port), kicked };
}

function file(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-remote-'));
  cleanups.push(() => {
    rmSync(directory, { recursive: true });
  });
  const name = join(directory, 'srs.conf');
  writeFileSync(name, text);
  return name;
}

async function run(
  name: RemoteCommand,
  flags: RemoteFlags,
  { id = '', environment = {} }: { id?: string; environment?: Record<string, string> } = {},
): Promise<{ code: RemoteExit; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await runRemote(name, id, flags, {
    write: (text) => {
      out += text;
    },
    explain: (text) => {
      err += text;
    },
    environment,
  });
  return { code, out, err };
}

describe('commands that talk to a server', () => {
  it('A002 streams', async () => {
    const { url } = await listen();
    const { code, out, err } = await run('streams', { api: url });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const [head, first, second] = out.split('\n');
    expect(head).toMatch(/^ID {10}STREAM {12}STATE {7}PUBLISHER /);
    expect(first).toMatch(
      /^vid-stream {2}\/live\/livestream {2}publishing {2}c1 .* 2 {2}H264 1280x720 {2}AAC .* 01:00$/,
    );
    expect(second).toMatch(/^vid-idle .* waiting {5}- /);
  });

  it('A002 clients, by pages', async () => {
    const { url } = await listen();
    const all = await run('clients', { api: url });
    expect(all.out.split('\n')).toHaveLength(1_002);
    const some = await run('clients', { api: url, start: 3_998, count: 10 });
    expect(
      some.out
        .split('\n')
        .slice(1, -1)
        .map((line) => line.split(' ')[0]),
    ).toEqual(['c3998', 'c3999']);
    const none = await run('clients', { api: url, start: 4_000 });
    expect(none.out).toBe('no clients\n');
  });

  it('A002 vhosts', async () => {
    const { url } = await listen();
    const { out } = await run('vhosts', { api: url });
    expect(out).toMatch(/vid-vhost {2}__defaultVhost__ {2}on .* 10 s /);
    expect(out).toMatch(/vid-off {4}off\.example\.com {3}off /);
  });

  it('A004 summaries, also of a system that tells nothing', async () => {
    const { url } = await listen();
    const { out } = await run('summaries', { api: url });
    expect(out).toContain(`Sluice 1.2.3-rc.1, pid ${process.pid}, up 01:00`);
    expect(out).toMatch(/^CPU +\? of \?$/m);
    const known = await listen({
      system: { ...UNKNOWN_SYSTEM, load: [0.5, 1, 2], cpus: { present: 2, online: 2 } },
    });
    expect((await run('summaries', { api: known.url })).out).toMatch(/^load +0\.5 1 2$/m);
  });

  it.each(['streams', 'clients', 'vhosts', 'summaries'] as const)('A002 %s as JSON', async (name) => {
    const { url } = await listen();
    const { code, out } = await run(name, { api: url, json: true });
    expect(code).toBe(0);
    const value: unknown = JSON.parse(out);
    expect(Array.isArray(value)).toBe(name !== 'summaries');
  });

  it('A002 kick', async () => {
    const { url, kicked } = await listen();
    expect(await run('kick', { api: url }, { id: 'c0' })).toEqual({
      code: 0,
      out: 'c0 is disconnected\n',
      err: '',
    });
    const unknown = await run('kick', { api: url }, { id: 'c9' });
    expect(unknown).toEqual({
      code: RemoteExit.refused,
      out: '',
      err: 'sluice kick: no client has that id\n',
    });
    expect(kicked).toEqual(['c0', 'c9']);
  });

  it('C004 reload', async () => {
    const rawApi = { enabled: true, allowReload: true };
    const { url } = await listen({ httpApi: { rawApi } });
    expect(await run('reload', { api: url })).toMatchObject({
      code: 0,
      out: 'the configuration is reloaded\n',
    });
    const bad = await listen({
      httpApi: { rawApi },
      reload: () => Promise.resolve({ ok: false, message: 'srs.conf:3: unknown directive' }),
    });
    const refused = await run('reload', { api: bad.url });
    expect(refused).toMatchObject({ code: 1, err: 'sluice reload: srs.conf:3: unknown directive\n' });
    const off = await listen();
    expect(await run('reload', { api: off.url })).toMatchObject({ code: 1 });
  });

  it('A002 finds the server, and its password, in a configuration', async () => {
    const auth = { enabled: true, username: 'admin', password: 'a b' };
    const { port } = await listen({ httpApi: { auth } });
    const config = file(
      `listen 1935; http_api { enabled on; listen 127.0.0.1:${port}; auth { enabled on; username admin; password "a b"; } }\n`,
    );
    expect(await run('streams', { config })).toMatchObject({ code: 0 });
    const environment = { SLUICE_API_USER: 'admin', SLUICE_API_PASSWORD: 'wrong' };
    expect(await run('streams', { config }, { environment })).toMatchObject({ code: RemoteExit.denied });
  });

  it('A002 takes server and password from the environment', async () => {
    const auth = { enabled: true, username: 'admin', password: 'a b' };
    const { url } = await listen({ httpApi: { auth } });
    const environment = { SLUICE_API: url, SLUICE_API_USER: 'admin', SLUICE_API_PASSWORD: 'a b' };
    expect(await run('streams', {}, { environment })).toMatchObject({ code: 0 });
    const denied = await run('streams', { api: url });
    expect(denied).toMatchObject({ code: RemoteExit.denied });
    expect(denied.err).toContain('SLUICE_API_PASSWORD');
  });

  it.each([
    [{ api: 'localhost:1985' }, 'is no URL'],
    [{ api: 'ftp://localhost' }, 'is no URL'],
    [{ api: 'http://a b' }, 'is no URL'],
    [{ config: '/nowhere/srs.conf' }, '/nowhere/srs.conf'],
  ])('A002 %j is not understood', async (flags, words) => {
    const { code, err } = await run('streams', flags);
    expect(code).toBe(RemoteExit.usage);
    expect(err).toContain(words);
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  it('A002 says so when the configuration has no API', async () => {
    const { code, err } = await run('streams', { config: file('listen 1935;\n') });
    expect({ code, err }).toMatchObject({
      code: 2,
      err: expect.stringContaining('http_api is off') as string,
    });
  });

  it('A002 nobody there', async () => {
    const { url } = await listen();
    for (const cleanup of cleanups.splice(0)) await cleanup();
    const { code, err } = await run('streams', { api: url });
    expect(code).toBe(RemoteExit.connection);
    expect(err).toContain('ECONNREFUSED');
  });
});

describe('the words on the command line', () => {
  async function runWords(...words: string[]): Promise<{ code: number; out: string; err: string }> {
    let out = '';
    let err = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += String(text);
      return true;
    });
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      err += String(text);
      return true;
    });
    const before = process.exitCode;
    try {
      return { code: await runCommandLine(words), out, err };
    } finally {
      process.exitCode = before;
      vi.restoreAllMocks();
    }
  }

  it('A002 reach the server', async () => {
    const { url, kicked } = await listen();
    const page = await runWords('clients', '--api', url, '--start', '3', '--count', '2', '--json');
    expect(page).toMatchObject({ code: 0, err: '' });
    expect((JSON.parse(page.out) as { id: string }[]).map(({ id }) => id)).toEqual(['c3', 'c4']);
    expect(await runWords('kick', 'c9', '--api', url)).toMatchObject({ code: RemoteExit.refused, out: '' });
    expect(kicked).toEqual(['c9']);
  });

  it('A002 take -c as the server itself does', async () => {
    const { port } = await listen();
    const config = file(`listen 1935; http_api { enabled on; listen 127.0.0.1:${port}; }\n`);
    expect((await runWords('vhosts', '-c', config)).out).toContain('__defaultVhost__');
  });

  it.each([
    ['kick without an id', ['kick'], 'id'],
    ['a count that is none', ['clients', '--count', '-1'], '--count'],
    ['a time that is none', ['streams', '--timeout', '0'], '--timeout'],
    ['a flag that is not there', ['reload', '--count', '1'], '--count'],
    ['a password for all to see', ['streams', '--password', 'x'], '--password'],
  ])('A002 %s: exit 2', async (_, words, name) => {
    const { code, err } = await runWords(...words);
    expect(code).toBe(RemoteExit.usage);
    expect(err).toContain(name);
  });
});

describe('tables', () => {
  it('A002 what peers say does not steer the terminal', () => {
    expect(printable('a\u001b[2Jb\u202ec\r\nd')).toBe('a\ufffd[2Jb\ufffdc\ufffd\ufffdd');
    expect(streamsTable([])).toBe('no streams\n');
    expect(clientsTable([])).toBe('no clients\n');
  });
});
