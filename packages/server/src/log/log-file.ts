import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

import { errorOf } from '../error-text.ts';

/** What a log file tells of itself. */
export interface LogFileEvents {
  /** A line could not be written; said once until lines go through again. */
  readonly onFailing: (error: Error) => void;
  /** Lines go through again; so many are lost. */
  readonly onRecovered: (lost: number) => void;
}

/**
 * A log file. A line is with the system when `write` returns; one that can't be written, because the disk is full say,
 * is lost, and nothing is thrown: a log never ends a server.
 */
export class LogFile {
  readonly path: string;
  readonly #events: LogFileEvents;
  #descriptor: number;
  #lost = 0;
  /** The last line has no end. */
  #torn = false;

  /** Opens the file to append to, and makes its directory. Throws the system's error. */
  constructor(path: string, events: LogFileEvents) {
    this.path = path;
    this.#events = events;
    this.#descriptor = openLogFile(path);
  }

  write(line: string): void {
    let rest = Buffer.from(this.#torn ? `\n${line}` : line);
    try {
      while (rest.length > 0) {
        const written = writeSync(this.#descriptor, rest);
        rest = rest.subarray(written);
        this.#torn = rest.length > 0;
      }
    } catch (error) {
      this.#lost += 1;
      if (this.#lost === 1) this.#events.onFailing(errorOf(error));
      return;
    }
    if (this.#lost === 0) return;
    const lost = this.#lost;
    this.#lost = 0;
    this.#events.onRecovered(lost);
  }

  /** Opens the file of the same name anew: the open one may have another name by now. Throws and goes on with that. */
  reopen(): void {
    const descriptor = openLogFile(this.path);
    closeSync(this.#descriptor);
    this.#descriptor = descriptor;
    this.#torn = false;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function openLogFile(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, 'a', 0o644);
}
