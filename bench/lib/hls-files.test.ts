import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { countFiles, countHls, type HlsCount, requireHls } from './hls-files.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe('countHls', () => {
  it('counts playlists, segments since their begin, and what is on disk of those named now', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-hls-files-'));
    folders.push(folder);
    mkdirSync(join(folder, 'live'));
    for (const stream of ['a', 'b']) {
      const segments = [5, 6].map((number) => `#EXTINF:4.0,\n${stream}-${number}.ts\n`).join('');
      const text = `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-TARGETDURATION:4\n${segments}`;
      writeFileSync(join(folder, 'live', `${stream}.m3u8`), text);
      writeFileSync(join(folder, 'live', `${stream}-5.ts`), Buffer.alloc(188));
    }
    expect(countHls(folder)).toEqual({
      playlists: 2,
      written: 14,
      listed: 4,
      seconds: 16,
      bytes: 376,
      missing: 2,
    });
    expect(countFiles(folder).files).toBe(4);
  });
});

describe('requireHls', () => {
  const due = { streams: 2, fragmentSeconds: 4, elapsedSeconds: 40, kbps: 100 };
  const good: HlsCount = { playlists: 2, written: 18, listed: 10, seconds: 40, bytes: 500_000, missing: 0 };

  it('takes what is all there', () => {
    expect(() => {
      requireHls('a server', good, due);
    }).not.toThrow();
  });

  it.each([
    [{ playlists: 1 }, '1 playlists of 2'],
    [{ written: 10 }, '10 segments of 18'],
    [{ missing: 3 }, '3 of the 10'],
    [{ bytes: 1000 }, '1000 bytes for 40 s'],
  ] as const)('refuses %j', (change, words) => {
    expect(() => {
      requireHls('a server', { ...good, ...change }, due);
    }).toThrow(words);
  });
});
