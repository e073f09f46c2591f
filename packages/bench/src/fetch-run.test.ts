import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FetchRun, type FetchRunOptions } from './fetch-run.ts';
import { firstAddress, MAX_PLAYLIST_BYTES } from './fetcher.ts';
import { parseTarget } from './target.ts';

const SEGMENT = Buffer.alloc(100_000, 7);
const seen: { url: string; gzip: boolean }[] = [];
const server = createServer((request, response) => {
  const url = request.url ?? '';
  seen.push({ url, gzip: request.headers['accept-encoding'] === 'gzip' });
  if (url.endsWith('.ts')) response.end(SEGMENT);
  else if (url.includes('session=')) response.end('#EXTM3U\n#EXTINF:4,\na.ts\n');
  else if (url.endsWith('/master.m3u8')) {
    response.end('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n\nlive.m3u8?session=1\n');
  } else if (url.endsWith('/long.m3u8')) response.end(Buffer.alloc(MAX_PLAYLIST_BYTES + 1));
  else if (url.endsWith('/empty.m3u8')) response.end('#EXTM3U\n');
  else if (url.endsWith('/chunked')) {
    response.write('a');
    response.end('b');
  } else response.writeHead(404).end();
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function start(paths: readonly string[], options: Partial<FetchRunOptions> = {}): Promise<FetchRun> {
  const { port } = server.address() as AddressInfo;
  const run = new FetchRun({
    targets: paths.map((path) => parseTarget(`http://127.0.0.1:${port}${path}`)),
    address: '127.0.0.1',
    clients: 2,
    ratePerSecond: 1000,
    joinTimeoutMs: 10_000,
    session: false,
    gzip: false,
    intervalMs: 0,
    ...options,
  });
  await run.start();
  return run;
}

async function untilBytes(run: FetchRun, bytes: number): Promise<void> {
  while (run.progress().bytes < bytes) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('FetchRun', { timeout: 30_000 }, () => {
  it('asks for its addresses in turn, again and again, and counts bytes and answers', async () => {
    const run = await start(['/a.ts', '/b.ts']);
    await untilBytes(run, 12 * SEGMENT.length);
    const tally = await run.tally();
    await run.stop();
    expect(tally).toMatchObject({ clients: 2, joined: 2, active: 2, failed: {}, lost: {} });
    expect(tally.messages).toBeGreaterThanOrEqual(10);
    expect(tally.latencyMs.count).toBe(tally.messages);
    expect(tally.bytes).toBeGreaterThan(tally.messages * SEGMENT.length);
    const urls = seen.map(({ url }) => url);
    expect(urls.filter((url) => url === '/a.ts').length).toBeGreaterThanOrEqual(5);
    expect(urls.filter((url) => url === '/b.ts').length).toBeGreaterThanOrEqual(5);
  });

  it('goes on with the address in the first playlist', async () => {
    const run = await start(['/live/master.m3u8'], { clients: 1, session: true, gzip: true });
    await untilBytes(run, 2000);
    await run.stop();
    const [first, ...others] = seen.filter(({ url }) => url.startsWith('/live/'));
    expect(first).toEqual({ url: '/live/master.m3u8', gzip: false });
    expect(new Set(others.map(({ url }) => url))).toEqual(new Set(['/live/live.m3u8?session=1']));
    expect(others.every(({ gzip }) => gzip)).toBe(true);
  });

  it.each([
    ['/none', 'HTTP/1.1 404 Not Found', 'failed'],
    ['/chunked', 'an answer without Content-Length', 'failed'],
    [
      '/long.m3u8',
      `a playlist of ${MAX_PLAYLIST_BYTES + 1} bytes, more than ${MAX_PLAYLIST_BYTES}`,
      'failed',
    ],
    ['/empty.m3u8', 'a playlist without an address', 'lost'],
  ] as const)('says why %s is of no use', async (path, reason, where) => {
    const run = await start([path], { session: path.endsWith('.m3u8') });
    await run.finished;
    expect((await run.tally())[where]).toEqual({ [reason]: 2 });
    await run.stop();
  });
});

describe('firstAddress', () => {
  it('is the first line that is no tag', () => {
    expect(firstAddress('#EXTM3U\r\n\r\n#EXT\r\n a.ts?x=1 \r\nb.ts')).toBe('a.ts?x=1');
    expect(firstAddress('')).toBeUndefined();
  });
});
