import { mkdtempSync, realpathSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { createHttpServer, type HttpServer } from '../http/index.ts';
import { VodDoor } from './door.ts';
import { mp4Range } from './mp4-range.ts';

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-range-')));
const running: HttpServer[] = [];

beforeAll(async () => {
  for (const name of ['a.mp4', 'a.M4V', 'a.txt']) await writeFile(join(directory, name), '0123456789');
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close({ graceMs: 0 })));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function start(door = new VodDoor()) {
  const server = await createHttpServer({ version: '1', root: directory, fileDoor: door });
  running.push(server);
  await server.listen([{ host: '127.0.0.1', port: 0 }]);
  const base = `http://127.0.0.1:${server.addresses[0]?.port ?? 0}`;
  return (path: string, init?: RequestInit) => fetch(base + path, init);
}

describe('H005 ?range= and ?bytes= of an MP4', () => {
  it.each([
    ['/a.mp4?range=2-4', 206, 'bytes 2-4/10', '234'],
    ['/a.mp4?bytes=2-4', 206, 'bytes 2-4/10', '234'],
    ['/a.M4V?bytes=7-', 206, 'bytes 7-9/10', '789'],
    ['/a.mp4?range=0-0', 206, 'bytes 0-0/10', '0'],
    ['/a.mp4?range=8-99999999999999999999', 206, 'bytes 8-9/10', '89'],
    ['/a.mp4?range=10-', 416, 'bytes */10', 'Range Not Satisfiable'],
    ['/a.mp4?range=99999999999999999999-', 416, 'bytes */10', 'Range Not Satisfiable'],
    ['/a.mp4?range=', 200, null, '0123456789'],
    ['/a.mp4?other=1-2', 200, null, '0123456789'],
    ['/a.txt?range=2-4', 200, null, '0123456789'],
    ['/a.mp4?range=4-2', 400, null, 'range must be FIRST-LAST or FIRST-, in bytes'],
    ['/a.mp4?bytes=abc', 400, null, 'bytes must be FIRST-LAST or FIRST-, in bytes'],
    ['/a.mp4?bytes=-5', 400, null, 'bytes must be FIRST-LAST or FIRST-, in bytes'],
    ['/a.mp4?bytes=1-2,4-5', 400, null, 'bytes must be FIRST-LAST or FIRST-, in bytes'],
    ['/a.mp4?bytes=1-2%0d%0aX:1', 400, null, 'bytes must be FIRST-LAST or FIRST-, in bytes'],
    [`/a.mp4?bytes=${'1-'.repeat(3_000)}`, 400, null, 'bytes must be FIRST-LAST or FIRST-, in bytes'],
  ])('%s', async (path, status, contentRange, body) => {
    const ask = await start();
    const response = await ask(path);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-range')).toBe(contentRange);
    expect(await response.text()).toBe(body);
  });

  it('a Range header goes before', async () => {
    const ask = await start();
    const response = await ask('/a.mp4?range=2-4', { headers: { range: 'bytes=0-1' } });
    expect([response.status, await response.text()]).toEqual([206, '01']);
    const plain = await ask('/a.mp4', { headers: { range: 'bytes=-2' } });
    expect([plain.status, await plain.text()]).toEqual([206, '89']);
  });

  it('asks the other door for names below a file, and 404 for what it does not know', async () => {
    const below = new VodDoor({
      below: {
        open: async (file) =>
          file.below === 'index.m3u8'
            ? {
                kind: 'made',
                file: {
                  contentType: 'x/y',
                  cacheControl: 'no-cache',
                  etag: '"1"',
                  shared: true,
                  content: () => `${file.path} ${file.size}`,
                },
              }
            : undefined,
      },
    });
    const ask = await start(below);
    const made = await ask('/a.mp4/index.m3u8');
    expect([made.status, await made.text()]).toEqual([200, `${join(directory, 'a.mp4')} 10`]);
    for (const path of ['/a.mp4/other', '/a.mp4/', '/a.mp4/b/index.m3u8', '/none.mp4/index.m3u8']) {
      expect((await ask(path)).status).toBe(404);
    }
    expect((await (await start())('/a.mp4/index.m3u8')).status).toBe(404);
  });

  it('gives a range or a refusal, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(fc.nat(), fc.nat()).map((pair) => pair.join('-')),
        ),
        (text) => {
          const answer = mp4Range(new URLSearchParams({ range: text }));
          if (answer?.kind === 'range') expect(answer.range).toMatch(/^bytes=\d+-\d*$/);
          else expect(answer === undefined || answer.kind === 'refused').toBe(true);
        },
      ),
    );
  });
});
