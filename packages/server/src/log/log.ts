import { type DestinationStream, type Logger, pino, type LoggerOptions } from 'pino';

import type { LogConfig } from '../config/index.ts';
import { LogFile } from './log-file.ts';

/** A logger; `child({ id })` gives the one of a connection. */
export type Log = Logger;

/** SRS's level names, which the configuration uses, on pino's levels. */
const levels = { verbose: 'trace', info: 'debug', trace: 'info', warn: 'warn', error: 'error' } as const;

const names: Readonly<Record<number, string>> = {
  10: 'verbose',
  20: 'info',
  30: 'trace',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

const yellow = '\u001b[33m';
const red = '\u001b[31m';
const plain = '\u001b[0m';

/** The server's log, and what an operator does to it. */
export interface OpenLog {
  readonly log: Log;
  /** Opens the file anew, which may have been renamed (SIGUSR1). Throws the system's error and goes on as before. */
  readonly reopen: () => void;
  /**
   * Goes on with other settings. Connections that are there keep their level. Throws the system's error of a file
   * that can't be opened, and goes on as before.
   */
  readonly reconfigure: (config: LogConfig) => void;
}

/** Makes the server's log: lines `[time][level][pid][session id] text` on the console or in a file. */
export function createLog(config: LogConfig): Log {
  return openLog(config).log;
}

/** {@link createLog} for a process of its own. Throws the system's error of a file that can't be opened. */
export function openLog(config: LogConfig): OpenLog {
  let current = openTarget(config);
  const lines: DestinationStream = {
    write: (json) => {
      current.target.write(formatLine(json, current.utc, current.colours));
    },
  };
  const options: LoggerOptions = { level: levels[config.level], base: null };
  const log = pino(options, lines);

  function openTarget({ tank, file, utc }: LogConfig): Target {
    if (tank === 'console')
      return { target: consoleTarget(), utc, colours: process.stdout.isTTY, file: undefined };
    const target = new LogFile(file, {
      onFailing: ({ message }) => {
        process.stderr.write(
          `sluice: srs_log_file ${file}: ${message}: lines are lost until it can be written\n`,
        );
      },
      onRecovered: (lost) => {
        log.warn(`${lost} lines of the log could not be written and are lost`);
      },
    });
    return { target, utc, colours: false, file: target };
  }

  return {
    log,
    reopen: () => current.file?.reopen(),
    reconfigure: (next) => {
      const before = current;
      const samePlace = next.tank === 'file' && next.file === before.file?.path;
      current = samePlace ? { ...before, utc: next.utc } : openTarget(next);
      if (!samePlace) before.file?.close();
      log.level = levels[next.level];
    },
  };
}

/** Where lines go now. */
interface Target {
  readonly target: { write(line: string): unknown };
  readonly utc: boolean;
  readonly colours: boolean;
  readonly file: LogFile | undefined;
}

function consoleTarget(): Target['target'] {
  const target = pino.destination({ dest: 1, sync: true });
  // Who read our output may have gone; that is no reason to end.
  target.on('error', () => {});
  return target;
}

/** A log that says nothing, for embedding and tests. */
export function quietLog(): Log {
  return pino({ level: 'silent' });
}

/** A record of pino's as a line for people. */
function formatLine(json: string, utc: boolean, colours: boolean): string {
  const record: unknown = JSON.parse(json);
  const { level, time, id, msg, err } = fields(record);
  const stamp = formatTime(time, utc);
  const trouble = err === '' || msg.includes(err) ? '' : `: ${err}`;
  const line = `[${stamp}][${names[level] ?? 'trace'}][${process.pid}][${id}] ${msg}${trouble}`;
  if (!colours || level < 40) return `${line}\n`;
  return `${level >= 50 ? red : yellow}${line}${plain}\n`;
}

function fields(record: unknown): { level: number; time: number; id: string; msg: string; err: string } {
  const found = { level: 30, time: Date.now(), id: '-', msg: '', err: '' };
  if (typeof record !== 'object' || record === null) return found;
  if ('level' in record && typeof record.level === 'number') found.level = record.level;
  if ('time' in record && typeof record.time === 'number') found.time = record.time;
  if ('id' in record && typeof record.id === 'string') found.id = record.id;
  // A peer's words may be in the text: one line stays one line.
  if ('msg' in record && typeof record.msg === 'string') found.msg = oneLine(record.msg);
  if ('err' in record && typeof record.err === 'object' && record.err !== null) {
    if ('message' in record.err && typeof record.err.message === 'string')
      found.err = oneLine(record.err.message);
  }
  return found;
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ').slice(0, 4096);
}

function formatTime(time: number, utc: boolean): string {
  const date = new Date(utc ? time : time - new Date(time).getTimezoneOffset() * 60_000);
  return date.toISOString().replace('T', ' ').slice(0, 23);
}
