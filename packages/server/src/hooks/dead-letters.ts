import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import { errorText } from '../error-text.ts';
import { Complaints, type HookLog, Outage } from './outage.ts';

/** An event that could not be delivered. */
export interface DeadLetter {
  /** When it was told, ISO 8601. */
  readonly time: string;
  readonly url: string;
  /** Why it could not be delivered. */
  readonly problem: string;
  /** What would have been posted. */
  readonly event: unknown;
}

/** Readable by the server's user only: events carry the query of the client's URL, and that may have a token in it. */
const FILE_MODE = 0o600;

/**
 * The file of events that could not be delivered: one JSON object in a line, so that a script can post them again.
 * A full file is moved to `<file>.1`.
 */
export class DeadLetters {
  readonly #file: string;
  readonly #maxBytes: number;
  readonly #maxPendingBytes: number;
  readonly #outage: Outage;
  readonly #complaints: Complaints;
  #pending: string[] = [];
  #pendingBytes = 0;
  #lost = 0;
  #work: Promise<void> | undefined;

  /** @param options - `file` empty keeps nothing */
  constructor(options: { log: HookLog; file: string; maxBytes: number; maxPendingBytes: number }) {
    this.#file = options.file;
    this.#maxBytes = options.maxBytes;
    this.#maxPendingBytes = options.maxPendingBytes;
    this.#outage = new Outage(options.log, `dead letters ${options.file}`);
    this.#complaints = new Complaints(options.log, `dead letters ${options.file}`);
  }

  /** Letters that are lost: there is no file, or it could not be written in time. */
  get lost(): number {
    return this.#lost;
  }

  add(letter: DeadLetter): void {
    const line = `${JSON.stringify(letter)}\n`;
    if (this.#file === '' || this.#pendingBytes + line.length > this.#maxPendingBytes) {
      this.#lost += 1;
      if (this.#file !== '') this.#outage.raise('pending', 'too many wait for the disk, and some are lost');
      return;
    }
    this.#pending.push(line);
    this.#pendingBytes += line.length;
    this.#work ??= this.#write();
  }

  /** Resolves when everything is written that can be. */
  async settled(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  async #write(): Promise<void> {
    // What is told in one turn of the event loop goes in one write.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const lines = this.#pending;
      this.#pending = [];
      this.#pendingBytes = 0;
      try {
        await this.#append(lines.join(''));
        this.#outage.clear();
        this.#complaints.say(`events kept here, as they could not be delivered: ${lines.length}`);
      } catch (error) {
        this.#lost += lines.length;
        const message = errorText(error);
        this.#outage.raise('write', message);
      }
    }
    this.#work = undefined;
  }

  async #append(text: string): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true });
    const size = await stat(this.#file).then(
      (found) => found.size,
      () => 0,
    );
    if (size > 0 && size + text.length > this.#maxBytes) await rename(this.#file, `${this.#file}.1`);
    await appendFile(this.#file, text, { mode: FILE_MODE });
  }
}
