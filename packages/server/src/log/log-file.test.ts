import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { defaultConfig } from '../config/index.ts';
import { openLog } from './index.ts';
import { LogFile } from './log-file.ts';

const folders: string[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function logPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-log-file-'));
  folders.push(folder);
  return join(folder, 'deep', 'srs.log');
}

function settings(file: string) {
  return { ...defaultConfig().log, tank: 'file', file } as const;
}

function texts(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => line.replace(/^.*\] /, ''));
}

describe('the log file', () => {
  it('G003 is opened anew after it was renamed; no line is lost', () => {
    const file = logPath();
    const { log, reopen } = openLog(settings(file));
    const child = log.child({ id: 'abcd1234' });
    log.info('one');
    renameSync(file, `${file}.1`);
    child.info('two');
    reopen();
    child.info('three');
    expect([texts(`${file}.1`), texts(file)]).toEqual([['one', 'two'], ['three']]);
  });

  it('that can not be opened anew goes on as it is', () => {
    const file = logPath();
    const { log, reopen } = openLog(settings(file));
    rmSync(join(file, '../..'), { recursive: true });
    const folder = folders.pop() ?? '';
    openLog(settings(folder));
    expect(reopen).toThrow();
    log.info('still here');
    rmSync(folder);
  });

  it('C005 goes elsewhere, with another level, when the settings change', () => {
    const first = logPath();
    const second = logPath();
    const { log, reconfigure } = openLog(settings(first));
    log.debug('not yet');
    reconfigure({ ...settings(second), level: 'info' });
    log.debug('now');
    reconfigure({ ...settings(second), level: 'trace', utc: true });
    log.info('in UTC');
    expect([texts(first), texts(second)]).toEqual([[], ['now', 'in UTC']]);
    expect(() => {
      reconfigure(settings(`${second}/below/a/file`));
    }).toThrow();
    log.info('as before');
    expect(texts(second)).toEqual(['now', 'in UTC', 'as before']);
  });

  it('G005 says how many lines are lost when the disk has room again', () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const file = logPath();
    const { log, reopen } = openLog(settings(file));
    rmSync(file);
    symlinkSync('/dev/full', file);
    reopen();
    log.info('one');
    log.info('two');
    rmSync(file);
    reopen();
    log.info('three');
    log.info('four');
    expect(texts(file)).toEqual(['three', '2 lines of the log could not be written and are lost', 'four']);
  });

  it('G005 on a full disk: lines are lost, nothing is thrown, and it is said once', () => {
    const events: unknown[] = [];
    const file = new LogFile('/dev/full', {
      onFailing: (error) => events.push(error.message),
      onRecovered: (lost) => events.push(lost),
    });
    file.write('one\n');
    file.write('two\n');
    file.close();
    expect(events).toEqual([expect.stringContaining('ENOSPC')]);
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const { log } = openLog(settings('/dev/full'));
    log.info('one');
    log.error('two');
    expect(stderr.mock.calls).toEqual([
      [expect.stringMatching(/^sluice: srs_log_file \/dev\/full: ENOSPC.*\n$/)],
    ]);
  });
});
