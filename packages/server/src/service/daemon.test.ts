import { describe, expect, it, vi } from 'vitest';

import { findStarter, goesToBackground, startInBackground } from './daemon.ts';

const MARK = 'SLUICE_IN_BACKGROUND';

describe('G002 daemon', () => {
  it.each([
    [true, { daemon: true }, 100],
    [false, { daemon: false }, 100],
    [false, { daemon: true, inDocker: true }, 100],
    [true, { daemon: true, inDocker: true, disableDaemonForDocker: false }, 100],
    [false, { daemon: true }, 1],
    [true, { daemon: true, disableDaemonForDocker: false }, 1],
  ])('%s: %j as process %i', (background, given, pid) => {
    const config = { inDocker: false, disableDaemonForDocker: true, ...given };
    expect(goesToBackground(config, { env: {}, pid })).toBe(background);
    expect(goesToBackground(config, { env: { [MARK]: '1' }, pid })).toBe(false);
  });

  async function start(script: string, timeoutMs = 30_000): Promise<{ code: number; said: string }> {
    let said = '';
    const code = await startInBackground({
      logsToConsole: false,
      logName: './objs/srs.log',
      command: [process.execPath, '-e', script],
      timeoutMs,
      write: (text) => (said += text),
    });
    return { code, said };
  }

  it.each([
    [
      'ready',
      `process.send({ kind: process.env.${MARK} === '1' ? 'ready' : 'no mark' }, () => process.disconnect())`,
      { code: 0, said: '' },
    ],
    [
      'not able to, and says why',
      `process.send({ kind: 'failed', message: 'port 1935 is in use', exitCode: 11 }, () => process.disconnect())`,
      { code: 11, said: 'sluice: port 1935 is in use\n' },
    ],
    [
      'gone without a word',
      'process.exit(3)',
      { code: 3, said: 'sluice: the server ended at its start: see ./objs/srs.log\n' },
    ],
    [
      'gone as if all were well',
      'process.exit(0)',
      { code: 1, said: 'sluice: the server ended at its start: see ./objs/srs.log\n' },
    ],
    [
      'saying nonsense',
      'process.send(42, () => process.disconnect())',
      { code: 1, said: 'sluice: the server in the background said nonsense\n' },
    ],
  ])('the server is %s', async (_, script, answer) => {
    expect(await start(script)).toEqual(answer);
  });

  it('a server that is never ready is ended', async () => {
    const { code, said } = await start('setInterval(() => {}, 1000)', 300);
    expect(code).toBe(1);
    expect(said).toContain('not ready after 0.3 s');
  });

  it('a program that is not there', async () => {
    let said = '';
    const write = (text: string): void => {
      said += text;
    };
    const command = ['/no/such/program'] as const;
    const code = await startInBackground({
      logsToConsole: false,
      logName: 'x',
      command: [...command],
      write,
    });
    expect(code).toBe(1);
    expect(said).toContain('ENOENT');
  });

  it('in front, what is wrong goes to stderr', async () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const starter = findStarter();
    starter.ready();
    await starter.failed('the log is full', 1);
    expect(starter.inBackground).toBe(false);
    expect(write.mock.calls).toEqual([['sluice: the log is full\n']]);
    vi.restoreAllMocks();
  });
});
