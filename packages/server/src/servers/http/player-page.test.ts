import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { contentSecurityPolicy } from './player-page.ts';
import { createHttpServer } from './server.ts';
import type { HttpServer } from './server.ts';

const directory = mkdtempSync(join(tmpdir(), 'sluice-page-'));
const publicDirectory = fileURLToPath(new URL('../../../public', import.meta.url));
const running: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close({ graceMs: 0 })));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function start(root: string): Promise<string> {
  const server = await createHttpServer({
    version: '1.2.3',
    root,
    playerPage: {
      version: '1.2.3',
      rtmpPort: 1935,
      listsStreams: true,
      flvMount: '[vhost]/[app]/[stream].flv',
    },
  });
  running.push(server);
  await server.listen([{ host: '127.0.0.1', port: 0 }]);
  return `http://127.0.0.1:${server.addresses[0]?.port ?? 0}`;
}

describe('the built-in page', () => {
  it.each(['/', '/index.html', '/players/', '/players', '/players/srs_player.html?stream=livestream'])(
    'W001 is served at %s',
    async (path) => {
      const response = await fetch((await start(directory)) + path);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(response.headers.get('content-security-policy')).toContain("script-src 'self';");
      expect(await response.text()).toContain('<title>Sluice</title>');
    },
  );

  it('has every file that it names, and names nothing elsewhere', async () => {
    const base = await start(directory);
    const files = readdirSync(join(publicDirectory, 'assets'));
    for (const name of [...files, 'mpegts.js', 'hls.js', 'page.json']) {
      const response = await fetch(`${base}/assets/${name}`);
      expect([name, response.status]).toEqual([name, 200]);
      await response.arrayBuffer();
    }
    const html = readFileSync(join(publicDirectory, 'index.html'), 'utf8');
    for (const [, address] of html.matchAll(/(?:src|href)="([^"#?]+)"/g)) {
      expect(files.map((name) => `assets/${name}`)).toContain(address);
    }
    expect(html).not.toMatch(/<script>|<style|\son\w+=|\sstyle=/);
  });

  it('tells the page its server', async () => {
    const response = await fetch(`${await start(directory)}/assets/page.json`);
    expect(await response.json()).toEqual({
      version: '1.2.3',
      rtmpPort: 1935,
      listsStreams: true,
      flvMount: '[vhost]/[app]/[stream].flv',
      root: '../',
    });
  });

  it('is whole below /players/, whose files say where the root is', async () => {
    const base = await start(directory);
    const asset = await fetch(`${base}/players/assets/page.js`);
    expect(asset.status).toBe(200);
    await asset.arrayBuffer();
    const response = await fetch(`${base}/players/assets/page.json`);
    expect(await response.json()).toMatchObject({ root: '../../' });
  });

  it('redirects relatively: a proxy may have taken a prefix off the path', async () => {
    const response = await fetch(`${await start(directory)}/players?stream=a`, { redirect: 'manual' });
    expect(response.headers.get('location')).toBe('players/?stream=a');
  });

  it('gives way to an index.html of the root directory', async () => {
    const root = mkdtempSync(join(directory, 'own-'));
    await writeFile(join(root, 'index.html'), 'my own page');
    const base = await start(root);
    expect(await (await fetch(`${base}/`)).text()).toBe('my own page');
    expect(await (await fetch(`${base}/players/`)).text()).toContain('<title>Sluice</title>');
  });

  it.each(['/assets/', '/assets/index.html', '/assets/mpegts.js.map'])(
    'serves nothing else: %s',
    async (path) => {
      expect((await fetch((await start(directory)) + path)).status).toBe(404);
    },
  );
});

describe('contentSecurityPolicy', () => {
  it.each([
    ['', "connect-src 'self';"],
    [
      'server=media.example&port=80',
      "connect-src 'self' http://media.example:80 https://media.example:80 ws://media.example:80 wss://media.example:80;",
    ],
    [
      'server=10.0.0.1',
      "connect-src 'self' http://10.0.0.1:8080 https://10.0.0.1:8080 ws://10.0.0.1:8080 wss://10.0.0.1:8080;",
    ],
    ['server=*', "connect-src 'self';"],
    ["server=a;script-src 'unsafe-inline'", "connect-src 'self';"],
    ['server=a&port=1 *', "connect-src 'self';"],
  ])('?%s allows %s', (query, expected) => {
    const policy = contentSecurityPolicy(new URLSearchParams(query));
    expect(policy).toContain(expected);
    expect(policy).not.toContain('unsafe');
  });
});
