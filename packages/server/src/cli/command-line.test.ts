import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { packageVersion } from '../app/index.ts';
import { runCommandLine } from './index.ts';

const directories: string[] = [];
const listeners: Server[] = [];

beforeEach(() => {
  vi.stubEnv('SRS_CONFIG_FILE', undefined);
  vi.stubEnv('SRS_ENV_ONLY', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  // A command sets the process's own.
  process.exitCode = undefined;
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
  for (const server of listeners.splice(0)) server.close();
});

/** Runs words and returns the exit code and what was written. */
async function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
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
  try {
    return { code: await runCommandLine(words), out, err };
  } finally {
    vi.restoreAllMocks();
  }
}

function file(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
  directories.push(directory);
  const name = join(directory, 'test.conf');
  writeFileSync(name, text);
  return name;
}

const good =
  'listen 19350; max_connections 10; srs_log_tank console; daemon off; vhost __defaultVhost__ {}\n';

describe('runCommandLine', () => {
  it.each(['-v', '-V', '--version'])('%s prints the version', async (flag) => {
    expect(await run(flag)).toEqual({ code: 0, out: `${packageVersion()}\n`, err: '' });
  });

  it.each(['-g', '-G', '--signature'])('%s prints the signature', async (flag) => {
    expect(await run(flag)).toEqual({ code: 0, out: `Sluice/${packageVersion()}\n`, err: '' });
  });

  it.each([['-h'], ['-?'], ['--help'], ['help'], []])('help: %s', async (...words) => {
    const { code, out } = await run(...words);
    expect(code).toBe(0);
    for (const part of ['Usage: sluice', '-c, --config <file>', '-t, --test', '-e, --environment']) {
      expect(out).toContain(part);
    }
    for (const command of ['streams', 'rollback', 'diff', 'sign', 'publish', 'flv', 'demo-api', 'bench']) {
      expect(out).toMatch(new RegExp(`^  ${command} `, 'm'));
    }
  });

  it('a command may come behind the file', async () => {
    const { code, err } = await run('-c', file('listen 1;'), 'streams', '--api', 'http://127.0.0.1:1');
    expect(err).toMatch(/^sluice streams: /);
    expect(code).toBe(3);
  });

  it.each([
    ['-t -c', (name: string) => ['-t', '-c', name]],
    ['-tc', (name: string) => ['-tc', name]],
    ['-c -t', (name: string) => ['-c', name, '-t']],
    ['--test --config', (name: string) => ['--test', '--config', name]],
    ['--config=', (name: string) => ['--test', `--config=${name}`]],
  ])('%s checks a good file', async (_, words) => {
    const name = file(good);
    const { code, out, err } = await run(...words(name));
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(name);
    expect(out).toContain('good');
  });

  it('-t names what is accepted and does nothing yet', async () => {
    const { code, out } = await run('-t', '-c', file(`${good}vhost x.test { dash { enabled on; } }\n`));
    expect(code).toBe(0);
    expect(out).toMatch(/test\.conf:2: .*dash/);
  });

  it('-e takes everything from the environment', async () => {
    vi.stubEnv('SRS_LISTEN', '19350');
    expect(await run('-t', '-e')).toMatchObject({ code: 0, err: '' });
    vi.stubEnv('SRS_LISTEN', 'nonsense');
    const { code, err } = await run('-t', '-e');
    expect(code).toBe(1);
    expect(err).toContain('SRS_LISTEN');
  });

  it('SRS_CONFIG_FILE names the file', async () => {
    vi.stubEnv('SRS_CONFIG_FILE', file(good));
    expect(await run('-t')).toMatchObject({ code: 0, err: '' });
  });

  it.each([
    ['an unknown flag', ['--nonsense'], '--nonsense'],
    ['an unknown short flag', ['-x'], '-x'],
    ['-c without a file', ['-t', '-c'], '--config <file>'],
    ['a word that is no command', ['serve-me'], 'serve-me'],
  ])('%s is named on stderr, exit 2', async (_, words, name) => {
    const { code, out, err } = await run(...words);
    expect(code).toBe(2);
    expect(err).toContain(name);
    expect(out).toBe('');
  });

  it('no configuration: how to name one, exit 2', async () => {
    const { code, err } = await run('-t');
    expect(code).toBe(2);
    expect(err).toContain('-c FILE');
  });

  it.each([
    [
      'an unknown directive, with the nearest one',
      'listen 1935;\nmax_conections 1;\n',
      ':2:',
      'max_connections',
    ],
    ['a bad value', 'listen 1935; chunk_size 1;\n', ':1:', 'chunk_size'],
    ['a brace that is missing', 'listen 1935;\nvhost a {\n', 'test.conf', 'vhost'],
  ])('%s: a line with its place, exit 1', async (_, text, place, name) => {
    for (const words of [['-t', '-c'], ['-c']]) {
      const { code, err } = await run(...words, file(text));
      expect(code).toBe(1);
      expect(err).toMatch(/^sluice: /);
      expect(err).toContain(place);
      expect(err).toContain(name);
      expect(err).not.toContain('    at ');
    }
  });

  it('a file that is not there: one line, exit 1', async () => {
    const { code, err } = await run('-c', '/nowhere/at/all.conf');
    expect(code).toBe(1);
    expect(err).toMatch(/^sluice: .*\/nowhere\/at\/all\.conf.*\n$/);
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  it('a port in use: one line that says what and how, exit 1', async () => {
    const busy = createServer();
    listeners.push(busy);
    const port = await new Promise<number>((resolve) => {
      busy.listen(0, '127.0.0.1', () => {
        const address = busy.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    const log = join(mkdtempSync(join(tmpdir(), 'sluice-cli-')), 'srs.log');
    directories.push(join(log, '..'));
    const name = file(
      `listen 127.0.0.1:${port}; max_connections 10; daemon off; pid ${log}.pid; srs_log_tank file; srs_log_file ${log};\n`,
    );
    const { code, err } = await run('-c', name);
    expect(code).toBe(1);
    expect(err).toMatch(new RegExp(`^sluice: RTMP port .*${port} is in use: .*\`listen\`.*\n$`));
  });

  it('a log file that cannot be written: one line, exit 1', async () => {
    const blocker = file('');
    const name = file(
      `listen 127.0.0.1:19350; max_connections 10; daemon off; srs_log_tank file; srs_log_file ${blocker}/srs.log;\n`,
    );
    const { code, err } = await run('-c', name);
    expect(code).toBe(1);
    expect(err).toMatch(/^sluice: .*srs_log_file.*\n$/);
  });

  it('a work_dir that is not there: one line, exit 1', async () => {
    const name = file(`listen 1935; max_connections 10; daemon off; work_dir /nowhere/at/all;\n`);
    const { code, err } = await run('-c', name);
    expect(code).toBe(1);
    expect(err).toMatch(/^sluice: work_dir \/nowhere\/at\/all: .*\n$/);
  });

  it('more connections than the system allows: one line with the remedy, exit 1', async () => {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
    const log = join(mkdtempSync(join(tmpdir(), 'sluice-cli-')), 'srs.log');
    directories.push(join(log, '..'));
    const text = `listen 127.0.0.1:19350; max_connections ${limit + 1}; daemon off; pid ${log}.pid; srs_log_tank file; srs_log_file ${log};\n`;
    const { code, err } = await run('-c', file(text));
    expect(code).toBe(1);
    expect(err).toContain('ulimit -n');
    expect(err.trim().split('\n')).toHaveLength(1);
  });
});
