import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { defaultConfig, type LogConfig } from '../config/index.ts';
import { endReasons, type Session } from '../stats/index.ts';
import { createLog, endLine, newSessionId, plainAddress, quietLog } from './index.ts';

const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

/** A log in a file of its own. */
function fileLog(config: Partial<LogConfig> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-log-'));
  directories.push(directory);
  const file = join(directory, 'deep', 'srs.log');
  const log = createLog({ ...defaultConfig().log, tank: 'file', file, ...config });
  return { log, lines: () => readFileSync(file, 'utf8').split('\n').slice(0, -1) };
}

describe('createLog', () => {
  it('writes [time][level][pid][session id] text, and makes the directory', () => {
    const { log, lines } = fileLog();
    log.info('hello');
    log.child({ id: 'abcd1234' }).warn('there');
    const [first, second] = lines();
    expect(first).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\]\[trace\]\[\d+\]\[-\] hello$/);
    expect(first).toContain(`[${process.pid}]`);
    expect(second).toMatch(/\]\[warn\]\[\d+\]\[abcd1234\] there$/);
  });

  it.each([
    ['verbose', 5],
    ['info', 4],
    ['trace', 3],
    ['warn', 2],
    ['error', 1],
  ] as const)('srs_log_level %s', (level, count) => {
    const { log, lines } = fileLog({ level });
    log.trace('verbose');
    log.debug('info');
    log.info('trace');
    log.warn('warn');
    log.error('error');
    const names = lines().map((line) => /\]\[(\w+)\]\[\d/.exec(line)?.[1]);
    expect(names).toEqual(['verbose', 'info', 'trace', 'warn', 'error'].slice(-count));
  });

  it('one record is one line, whatever words of a peer are in it', () => {
    const { log, lines } = fileLog();
    log.info('connect rtmp://x/\r\n[2026-01-01][error] forged\u001b[31m');
    log.info('x'.repeat(100_000));
    const [first, second, ...rest] = lines();
    expect(rest).toEqual([]);
    expect(first).toContain('] connect rtmp://x/  [2026-01-01][error] forged [31m');
    expect(second?.length).toBeLessThan(5000);
  });

  it('says what an error says, once', () => {
    const { log, lines } = fileLog();
    log.error(new Error('it broke'));
    log.error(new Error('it broke'), 'RTMP listener');
    expect(lines()[0]).toMatch(/\] it broke$/);
    expect(lines()[1]).toMatch(/\] RTMP listener: it broke$/);
  });

  it('utc_time on writes UTC', () => {
    const { log, lines } = fileLog({ utc: true });
    log.info('x');
    const stamp = /^\[([^\]]+)\]/.exec(lines()[0] ?? '')?.[1] ?? '';
    expect(Math.abs(Date.parse(`${stamp.replace(' ', 'T')}Z`) - Date.now())).toBeLessThan(60_000);
  });

  it('quietLog says nothing', () => {
    expect(quietLog().isLevelEnabled('fatal')).toBe(false);
  });
});

describe('endLine', () => {
  const session: Session = {
    id: 'i',
    ip: '127.0.0.1',
    type: 'rtmp-play',
    publish: false,
    vhost: 'v',
    app: 'live',
    stream: 's',
    tcUrl: '',
    pageUrl: '',
    swfUrl: '',
    startedAt: Date.now(),
    bytesIn: 11,
    bytesOut: 22,
    droppedFrames: 3,
  };

  it('names the reason, the client, the seconds, the bytes and the frames dropped', () => {
    expect(endLine(session, 'play-stalled')).toMatch(
      /^closed: play-stalled \(.+\), rtmp-play live\/s, \d+\.\d s, in 11 B, out 22 B, dropped 3 frames$/,
    );
    expect(endLine({ ...session, stream: '', type: 'unknown' }, 'protocol-error', 'C0 is 6')).toMatch(
      /^closed: protocol-error \(C0 is 6\), unknown, /,
    );
  });

  it('every reason has words', () => {
    for (const words of Object.values(endReasons)) expect(words).toMatch(/\S+ \S+/);
  });
});

describe('names', () => {
  it('session ids are eight letters and digits, and differ', () => {
    const ids = Array.from({ length: 1000 }, newSessionId);
    expect(ids.every((id) => /^[0-9a-z]{8}$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(1000);
  });

  it.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:abcd', '::ffff:abcd'],
    ['2001:db8::1', '2001:db8::1'],
    ['192.0.2.1', '192.0.2.1'],
    [undefined, ''],
  ])('plainAddress(%s)', (given, expected) => {
    expect(plainAddress(given)).toBe(expected);
  });
});
