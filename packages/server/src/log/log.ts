import { type DestinationStream, type Logger, pino, type LoggerOptions } from 'pino';

import type { LogConfig } from '../config/index.ts';
import { AddressLogLimit } from './address-limit.ts';
import { formatRecord, type LogForm, parseRecord } from './format.ts';
import { LogFile } from './log-file.ts';

/**
 * A logger; `child({ id, ip })` gives the one of a connection. Lines that a peer causes carry its address as `ip`: there is a
 * limit to how many of one address are logged.
 */
export type Log = Logger;

/** SRS's level names, which the configuration uses, on pino's levels. */
const levels = { verbose: 'trace', info: 'debug', trace: 'info', warn: 'warn', error: 'error' } as const;

/** How often it is looked whether lines were left out, ms. */
const SUMMARY_INTERVAL_MS = 5_000;

/** What a log is made with, besides its configuration. */
export interface LogOptions {
  /** Takes the secrets out of every text. Default: leaves it as it is. */
  readonly mask?: ((text: string) => string) | undefined;
  /** The most lines a second of one address; 0 is no limit. Default: no limit. */
  readonly linesPerAddress?: (() => number) | undefined;
  /** Whose lines count as one address's (of IPv6, a /64). Default: each address is its own. */
  readonly addressOwner?: ((ip: string) => string) | undefined;
}

/** The server's log, and what an operator does to it. */
export interface OpenLog {
  readonly log: Log;
  /** Opens the file anew, which may have been renamed (SIGUSR1). Throws the system's error and goes on as before. */
  readonly reopen: () => void;
  /**
   * Goes on with other settings. Connections that are there say less at once, and no more than before. Throws the
   * system's error of a file that can't be opened, and goes on as before.
   */
  readonly reconfigure: (config: LogConfig) => void;
  /** Logs how many lines of which addresses were left out since that was logged last. */
  readonly sumUp: () => void;
}

/** Makes the server's log: lines `[time][level][pid][session id] text`, or JSON, on the console or in a file. */
export function createLog(config: LogConfig, options: LogOptions = {}): Log {
  return openLog(config, options).log;
}

/** {@link createLog} for a process of its own. Throws the system's error of a file that can't be opened. */
export function openLog(config: LogConfig, logOptions: LogOptions = {}): OpenLog {
  const { mask = unmasked, linesPerAddress = noLimit, addressOwner = unmasked } = logOptions;
  let current = openTarget(config);
  const limit = new AddressLogLimit({ perSecond: linesPerAddress });
  let summing: NodeJS.Timeout | undefined;
  const lines: DestinationStream = {
    write: (json) => {
      const record = parseRecord(json);
      // A connection's logger keeps the level that it was made with.
      if (record.level < current.leastLevel) return;
      if (record.ip !== undefined && !limit.takes(addressOwner(record.ip))) {
        summing ??= setInterval(() => {
          sumUp();
        }, SUMMARY_INTERVAL_MS).unref();
        return;
      }
      current.target.write(formatRecord(record, current.form));
    },
  };
  const options: LoggerOptions = { level: levels[config.level], base: null };
  const log = pino(options, lines);

  /** Tells what was left out of the log. */
  function sumUp(all = false): void {
    for (const { address, lines } of limit.takeSuppressed(all)) {
      log.warn(
        `${lines} lines of ${address} are left out of the log: limits.max_log_lines_per_second is ${linesPerAddress()}`,
      );
    }
    if (limit.size > 0) return;
    clearInterval(summing);
    summing = undefined;
  }

  function openTarget(settings: LogConfig): Target {
    const { tank, file } = settings;
    const rules = rulesOf(settings, mask);
    if (tank === 'console') return { ...rules, target: consoleTarget(), file: undefined };
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
    return { ...rules, target, file: target };
  }

  return {
    log,
    reopen: () => current.file?.reopen(),
    reconfigure: (next) => {
      const before = current;
      const samePlace = next.tank === 'file' ? next.file === before.file?.path : before.file === undefined;
      current = samePlace ? { ...before, ...rulesOf(next, mask) } : openTarget(next);
      if (!samePlace) before.file?.close();
      log.level = levels[next.level];
    },
    sumUp: () => {
      sumUp(true);
    },
  };
}

/** What is said, and how. */
interface Rules {
  readonly form: LogForm;
  /** pino's number. */
  readonly leastLevel: number;
}

/** Where lines go now. */
interface Target extends Rules {
  readonly target: { write(line: string): unknown };
  readonly file: LogFile | undefined;
}

function rulesOf({ format, level, tank, utc }: LogConfig, mask: (text: string) => string): Rules {
  const colours = tank === 'console' && process.stdout.isTTY;
  return { form: { format, utc, colours, mask }, leastLevel: pino.levels.values[levels[level]] ?? 0 };
}

function noLimit(): number {
  return 0;
}

/** A text as it is. */
function unmasked(text: string): string {
  return text;
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
