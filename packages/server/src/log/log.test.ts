import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { defaultConfig, type LogConfig } from '../config/index.ts';
import { endReasons, type Session, Sessions } from '../stats/index.ts';
import {
  createLog,
  endSession,
  type LogOptions,
  newSessionId,
  openLog,
  plainAddress,
  quietLog,
} from './index.ts';
import { endLine } from './end-line.ts';

const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

/** A log in a file of its own. */
function fileLog(changes: Partial<LogConfig> = {}, options: LogOptions = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-log-'));
  directories.push(directory);
  const file = join(directory, 'deep', 'srs.log');
  const config: LogConfig = { ...defaultConfig().log, tank: 'file', file, ...changes };
  const { log, reconfigure } = openLog(config, options);
  function lines(path = file): string[] {
    return readFileSync(path, 'utf8').split('\n').slice(0, -1);
  }
  return { log, reconfigure, config, lines };
}

/** `token=…` as the real one does it. */
function mask(text: string): string {
  return text.replaceAll(/token=\w+/g, 'token=***');
}

describe('createLog', () => {
  it('G005 leaves out what one address says too much, and says so; the server itself is not limited', () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-log-'));
    directories.push(directory);
    const file = join(directory, 'srs.log');
    const config: LogConfig = { ...defaultConfig().log, tank: 'file', file };
    const addressOwner = (ip: string): string => ip.split('::', 1)[0] ?? ip;
    const { log, sumUp } = openLog(config, { linesPerAddress: () => 1, addressOwner });
    const [one, two] = [log.child({ id: 'a', ip: '2001:db8::1' }), log.child({ id: 'b', ip: '2001:db8::2' })];
    for (let count = 0; count < 50; count += 1) {
      one.info('said');
      two.info('said');
      log.info('ours');
    }
    sumUp();
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    expect(lines.filter((line) => line.endsWith('said'))).toHaveLength(20);
    expect(lines.filter((line) => line.endsWith('ours'))).toHaveLength(50);
    expect(lines.at(-1)).toContain('80 lines of 2001:db8 are left out');
  });

  it('G005 is the log of an output', () => {
    const { config, lines } = fileLog();
    createLog(config).info('hello');
    expect(lines()).toHaveLength(1);
  });

  it('G004 writes [time][level][pid][session id] text, and makes the directory', () => {
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

  it.each(['line', 'json'] as const)(
    'G005 srs_log_format %s: no secret is written, nor in errors',
    (format) => {
      const { log, lines } = fileLog({ format }, { mask });
      log.info('connect rtmp://h/live?token=abcdef "quoted"');
      log.error(new Error('no token=abcdef'), 'it broke');
      const text = lines().join('\n');
      expect(text).not.toContain('abcdef');
      expect(text.match(/token=\*\*\*/g)?.length).toBeGreaterThanOrEqual(2);
    },
  );

  it('srs_log_format json: one object a line, with the level names of everybody and the session', () => {
    const { log, lines } = fileLog({ format: 'json', level: 'verbose' });
    log.info('hello\n\u001b[31m"there"');
    log.child({ id: 'abcd1234' }).debug('x'.repeat(100_000));
    log.fatal(Object.assign(new Error('it broke'), { code: 'ENOSPC' }), 'oh');
    const records = lines().map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records).toHaveLength(3);
    expect(records[0]).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      level: 'info',
      pid: process.pid,
      msg: 'hello\n\u001b[31m"there"',
    });
    expect(records[1]).toMatchObject({ level: 'debug', id: 'abcd1234', msg: 'x'.repeat(4096) });
    expect(records[2]).toMatchObject({
      level: 'fatal',
      msg: 'oh',
      error: { message: 'it broke', code: 'ENOSPC' },
    });
  });

  it('quietLog says nothing', () => {
    expect(quietLog().isLevelEnabled('fatal')).toBe(false);
  });
});

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
  since: performance.now(),
  bytesIn: 11,
  bytesOut: 22,
  videoFrames: 0,
  droppedFrames: 3,
};

describe('endLine', () => {
  it('G004 names the reason, the client, the seconds, the bytes and the frames dropped', () => {
    expect(endLine(session, 'play-stalled')).toMatch(
      /^closed: play-stalled \(.+\), rtmp-play live\/s, \d+\.\d s, in 11 B, out 22 B, dropped 3 frames$/,
    );
    expect(endLine({ ...session, source: 'abcd1234' }, 'kicked')).toMatch(
      /, dropped 3 frames, source abcd1234$/,
    );
    expect(endLine({ ...session, stream: '', type: 'unknown' }, 'protocol-error', 'C0 is 6')).toMatch(
      /^closed: protocol-error \(C0 is 6\), unknown, /,
    );
  });

  it("G007 the seconds are those that passed, however the system's time was set", () => {
    vi.useFakeTimers({ now: 0 });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const since = performance.now();
    vi.advanceTimersByTime(2_500);
    vi.setSystemTime(new Date('2040-01-01'));
    expect(endLine({ ...session, startedAt: 0, since }, 'kicked')).toContain(', 2.5 s, ');
  });

  it('every reason has words', () => {
    for (const words of Object.values(endReasons)) expect(words).toMatch(/\S+ \S+/);
  });
});

describe('endSession', () => {
  it('G004 A005 logs and records the end, a fault of ours as an error', () => {
    const { log, lines } = fileLog();
    const { ended } = new Sessions();
    endSession(session, { reason: 'kicked', log, ended });
    endSession(session, { reason: 'internal-error', detail: 'oh', log, ended });
    expect(lines()[0]).toMatch(/\]\[trace\].*\] closed: kicked \(/);
    expect(lines()[1]).toMatch(/\]\[error\].*\] closed: internal-error \(oh\)/);
    expect([...ended.latest()].map(({ reason, detail }) => [reason, detail])).toEqual([
      ['internal-error', 'oh'],
      ['kicked', undefined],
    ]);
  });
});

describe('openLog', () => {
  it('C005 less talk and another form count at once, for connections that are there, too', () => {
    const { log, config, lines, reconfigure } = fileLog();
    const child = log.child({ id: 'abcd1234' });
    reconfigure({ ...config, level: 'warn', format: 'json' });
    log.info('not said');
    child.info('nor this');
    child.warn('but this');
    expect(lines().map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['but this']);
    reconfigure({ ...config, level: 'verbose' });
    log.child({ id: 'later' }).trace('much');
    expect(lines().at(-1)).toMatch(/\[verbose\].*\[later\] much$/);
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
