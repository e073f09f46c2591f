import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { chooseCoding, TextCoder } from './content-coding.ts';

const text = '#EXTINF:4.000, no desc\na-1.ts\n'.repeat(100);

describe('chooseCoding', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['gzip', 'gzip'],
    ['gzip, deflate, br', 'br'],
    ['gzip, deflate, br, zstd', 'br'],
    ['GZIP;q=0.5', 'gzip'],
    ['br;q=0.1, gzip;q=0.9', 'gzip'],
    ['br;q=0, gzip;q=0', undefined],
    ['*', 'br'],
    ['*;q=0', undefined],
    ['br;q=0, *', 'gzip'],
    ['gzip;q=abc', undefined],
    [',;,;q=1', undefined],
  ])('%j: %s', (header, coding) => {
    expect(chooseCoding(header)).toBe(coding);
  });
});

describe('TextCoder', () => {
  it('codes by gzip and Brotli', async () => {
    const coder = new TextCoder();
    const gzipped = await coder.code(text, 'gzip', false);
    const brotli = await coder.code(text, 'br', false);
    expect(gunzipSync(gzipped ?? '').toString()).toBe(text);
    expect(brotliDecompressSync(brotli ?? '').toString()).toBe(text);
  });

  it('codes once what many ask for, and keeps no more than its limits', async () => {
    const coder = new TextCoder({ maxKept: 2, maxKeptBytes: 200 });
    const first = coder.code(text, 'gzip', true);
    expect(coder.code(text, 'gzip', true)).toBe(first);
    expect(coder.code(text, 'br', true)).not.toBe(first);
    expect(coder.code(`${text}x`, 'gzip', true)).not.toBe(first);
    expect(coder.code(text, 'gzip', true)).not.toBe(first);
    expect(coder.code(text, 'gzip', false)).not.toBe(coder.code(text, 'gzip', false));

    const long = Array.from({ length: 2_000 }, (_, at) => String(Math.sin(at))).join();
    const coded = coder.code(long, 'gzip', true);
    await coded;
    expect(coder.code(long, 'gzip', true)).not.toBe(coded);
  });

  it('codes no more at once than its limit', async () => {
    const coder = new TextCoder({ maxPending: 1 });
    const first = coder.code(text, 'gzip', false);
    expect(first).toBeDefined();
    expect(coder.code(`${text}y`, 'gzip', true)).toBeUndefined();
    await first;
    expect(coder.code(`${text}y`, 'gzip', true)).toBeDefined();
  });
});
