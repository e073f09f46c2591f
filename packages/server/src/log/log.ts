import { type DestinationStream, type Logger, pino, type LoggerOptions } from 'pino';

import type { LogConfig } from '../config/index.ts';

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

/** Makes the server's log: lines `[time][level][pid][session id] text` on the console or in a file. */
export function createLog(config: LogConfig): Log {
  const target = pino.destination(
    config.tank === 'file' ? { dest: config.file, mkdir: true, sync: true } : { dest: 1, sync: true },
  );
  const colours = config.tank === 'console' && process.stdout.isTTY;
  const lines: DestinationStream = {
    write: (json) => {
      target.write(formatLine(json, config.utc, colours));
    },
  };
  const options: LoggerOptions = { level: levels[config.level], base: null };
  return pino(options, lines);
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
