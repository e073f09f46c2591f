import type { Writable } from 'node:stream';

import { parseRtmpUrl, RtmpError } from '@sluice/rtmp';

import { errorText } from '../../error-text.ts';
import { MediaFileError } from '../../files/index.ts';

/** How a tool ends, and `sluice publish`. */
export const ToolExit = {
  /** It did what it was asked, or the user stopped it. */
  done: 0,
  /** A file can't be read or written, or is not what it should be. */
  file: 1,
  /** The words on the command line are not understood. */
  usage: 2,
  /** The server can't be reached. */
  connection: 3,
  /** The server said no. */
  refused: 4,
  /** The connection broke, or nothing came any more. */
  lost: 5,
} as const;

/** A value of {@link ToolExit}. */
export type ToolExit = (typeof ToolExit)[keyof typeof ToolExit];

/** What a tool needs from the process. */
export interface ToolTerminal {
  /** Takes the result. */
  readonly output: Writable;
  /** Takes what is said to a person. */
  readonly say: (text: string) => void;
  /** Calls back on the wish of the user to stop; returns a function that ends it. */
  readonly onStop: (listener: () => void) => () => void;
}

/** A file can't be written; the message names it. */
export class OutputError extends Error {
  readonly code = 'output';

  constructor(path: string, cause: unknown) {
    super(`${path} can't be written: ${errorText(cause)}`, { cause });
    this.name = 'OutputError';
  }
}

/**
 * Runs a tool until it is done or the user stops it, and says in one line why it failed.
 *
 * @param work - given a signal of the user's wish to stop
 */
export async function runTool(
  name: string,
  terminal: ToolTerminal,
  work: (signal: AbortSignal) => Promise<ToolExit>,
): Promise<ToolExit> {
  const stop = new AbortController();
  const forget = terminal.onStop(() => {
    stop.abort();
  });
  try {
    return await work(stop.signal);
  } catch (error) {
    const exit = exitOf(error);
    terminal.say(`sluice ${name}: ${errorText(error)}\n`);
    return exit;
  } finally {
    forget();
  }
}

/**
 * Checks a URL before anything is done with it.
 *
 * @throws RtmpError `tc-url`, `stream-name`
 */
export function requireStreamUrl(url: string): void {
  if (parseRtmpUrl(url).streamName !== '') return;
  throw new RtmpError('stream-name', `${url} names no stream: rtmp://host/app/stream`);
}

/** The exit code for an error; one that nobody expects is thrown again. */
export function exitOf(error: unknown): ToolExit {
  if (error instanceof MediaFileError || error instanceof OutputError) return ToolExit.file;
  if (!(error instanceof RtmpError)) throw error;
  switch (error.code) {
    case 'tc-url':
    case 'stream-name':
      return ToolExit.usage;
    case 'rejected':
      return ToolExit.refused;
    case 'connection-failed':
      return ToolExit.connection;
    default:
      return ToolExit.lost;
  }
}

/** The terminal that the process has. */
export function processTerminal(): ToolTerminal {
  return {
    output: process.stdout,
    say: (text) => {
      process.stderr.write(text);
    },
    onStop: (listener) => {
      let asked = false;
      const stop = (): void => {
        // The second time, the user does not want to wait for the server.
        if (asked) process.exit(ToolExit.lost);
        asked = true;
        listener();
      };
      process.on('SIGINT', stop);
      process.on('SIGTERM', stop);
      return () => {
        process.off('SIGINT', stop);
        process.off('SIGTERM', stop);
      };
    },
  };
}
