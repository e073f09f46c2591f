import { pino } from 'pino';

import type { LogConfig } from '../config/index.ts';

/** SRS's level names by pino's numbers: what `trace` is to SRS is `info` to everybody else. */
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
const WARN = 40;
const ERROR = 50;

/** The most characters of a text (G005). */
const MAX_TEXT = 4096;

/**
 * What a terminal or a log viewer acts on: control characters, line and paragraph separators, and the characters that
 * reverse the order of what is shown (U+202E and its like).
 */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
/** As above, but for the controls that JSON writes as escapes. */
const UNSEEN = /[\u007f-\u009f\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** A record of the log, as pino hands it over. */
export interface LogRecord {
  readonly level: number;
  /** ms since the epoch. */
  readonly time: number;
  /** The session's; undefined for the server's own words. */
  readonly id: string | undefined;
  /** The address of the peer that caused it; undefined for the server's own words. */
  readonly ip: string | undefined;
  readonly msg: string;
  readonly error: { readonly message: string; readonly code?: string; readonly stack?: string } | undefined;
}

/** How a record is written. */
export interface LogForm {
  readonly format: LogConfig['format'];
  /** Times are UTC; those of JSON always are. */
  readonly utc: boolean;
  readonly colours: boolean;
  /** Takes the secrets out of a text. */
  readonly mask: (text: string) => string;
}

/** Reads what pino wrote. */
export function parseRecord(json: string): LogRecord {
  const record: unknown = JSON.parse(json);
  const found = { level: 30, time: Date.now(), id: undefined, ip: undefined, msg: '', error: undefined };
  if (typeof record !== 'object' || record === null) return found;
  return {
    level: 'level' in record && typeof record.level === 'number' ? record.level : found.level,
    time: 'time' in record && typeof record.time === 'number' ? record.time : found.time,
    id: 'id' in record && typeof record.id === 'string' ? record.id : undefined,
    ip: 'ip' in record && typeof record.ip === 'string' ? record.ip : undefined,
    msg: 'msg' in record && typeof record.msg === 'string' ? record.msg : '',
    error: 'err' in record ? parseError(record.err) : undefined,
  };
}

function parseError(error: unknown): LogRecord['error'] {
  if (typeof error !== 'object' || error === null) return undefined;
  return {
    message: 'message' in error && typeof error.message === 'string' ? error.message : '',
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...('stack' in error && typeof error.stack === 'string' ? { stack: error.stack } : {}),
  };
}

/** A record as one line, with its newline. */
export function formatRecord(record: LogRecord, form: LogForm): string {
  return form.format === 'json' ? formatJson(record, form) : formatLine(record, form);
}

/** `[time][level][pid][session id] text` (G004). */
function formatLine(record: LogRecord, { utc, colours, mask }: LogForm): string {
  const { level, time, id = '-', msg, error } = record;
  // A peer's words may be in the text: one line stays one line.
  const text = oneLine(mask(msg));
  const trouble = error === undefined ? '' : oneLine(mask(error.message));
  const more = trouble === '' || text.includes(trouble) ? '' : `: ${trouble}`;
  const stamp = formatTime(time, utc);
  const line = `[${stamp}][${names[level] ?? 'trace'}][${process.pid}][${id}] ${text}${more}`;
  if (!colours || level < WARN) return `${line}\n`;
  return `${level >= ERROR ? red : yellow}${line}${plain}\n`;
}

/** One object, for machines: ISO time, the level names that they know, and an error with its stack. */
function formatJson({ level, time, id, msg, error }: LogRecord, { mask }: LogForm): string {
  function clean(text: string): string {
    return cut(mask(text).replace(UNSEEN, ' '));
  }
  const record = {
    time: new Date(time).toISOString(),
    level: pino.levels.labels[level] ?? 'info',
    pid: process.pid,
    ...(id === undefined ? {} : { id }),
    msg: clean(msg),
    ...(error === undefined
      ? {}
      : {
          error: {
            message: clean(error.message),
            ...(error.code === undefined ? {} : { code: error.code }),
            ...(error.stack === undefined ? {} : { stack: clean(error.stack) }),
          },
        }),
  };
  return `${JSON.stringify(record)}\n`;
}

function oneLine(text: string): string {
  return cut(text.replace(CONTROL, ' '));
}

function cut(text: string): string {
  return text.slice(0, MAX_TEXT);
}

function formatTime(time: number, utc: boolean): string {
  const date = new Date(utc ? time : time - new Date(time).getTimezoneOffset() * 60_000);
  return date.toISOString().replace('T', ' ').slice(0, 23);
}
