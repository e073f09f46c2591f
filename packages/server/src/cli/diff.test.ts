import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { runCommandLine } from './index.ts';

const folders: string[] = [];

beforeEach(() => {
  vi.stubEnv('SRS_CONFIG_FILE', undefined);
  vi.stubEnv('SRS_ENV_ONLY', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function diff(before: string, after: string, ...flags: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-diff-'));
  folders.push(folder);
  const files = [before, after].map((text, index) => {
    const file = join(folder, `${index}.conf`);
    writeFileSync(file, text);
    return file;
  });
  let out = '';
  let err = '';
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += String(text);
    return true;
  });
  const exitCode = process.exitCode;
  try {
    return { code: await runCommandLine(['diff', ...files, ...flags]), out, err };
  } finally {
    process.exitCode = exitCode;
    stdout.mockRestore();
    stderr.mockRestore();
  }
}

describe('sluice diff', () => {
  it('C005 prints what a reload would do, a line for each directive', async () => {
    const { code, out } = await diff(
      'listen 1935; vhost a { gop_cache off; } vhost b { }',
      'listen 1936; vhost a { } vhost c { }',
    );
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      'listen: 1935 -> 1936',
      'vhost b: removed, its clients are disconnected',
      'vhost a: play.gop_cache: off -> on',
      'vhost c: added',
      '',
    ]);
  });

  it('says that nothing would change', async () => {
    expect(await diff('listen 1935; vhost a { }', 'listen 1935;\nvhost a {\n}')).toMatchObject({
      code: 0,
      out: 'nothing would change\n',
    });
  });

  it('C004 names the fault of a bad file', async () => {
    const { code, out, err } = await diff(
      'listen 1935; vhost a { }',
      'listen 1935; vhost a { gop_cash on; }',
    );
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/1\.conf:1:\d+: .*gop_cash/);
  });

  it('C006 says that a reload is refused', async () => {
    const edge = 'listen 1935; vhost a { mode remote; origin 10.0.0.1; }';
    const { code, err } = await diff('listen 1935; vhost a { }', edge);
    expect(code).toBe(1);
    expect(err).toContain('this reload is refused: vhost a');
  });

  it('prints JSON', async () => {
    const { out } = await diff(
      'listen 1935; vhost a { }',
      'listen 1935; vhost a { gop_cache off; }',
      '--json',
    );
    expect(JSON.parse(out)).toEqual({
      possible: true,
      changes: [
        {
          kind: 'vhost-changed',
          vhost: 'a',
          parts: ['play'],
          differences: [{ directive: 'play.gop_cache', before: 'on', after: 'off', effect: 'live' }],
        },
      ],
    });
  });
});
