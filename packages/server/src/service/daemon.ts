import { type ChildProcess, spawn } from 'node:child_process';

import { background } from '../background.ts';
import type { Config } from '../config/index.ts';
import { ExitCode } from './errors.ts';

/** Set for the process in the background, so that it does not go there again. */
const CHILD_MARK = 'SLUICE_IN_BACKGROUND';
/** How long the process in the background may take until it listens, ms. */
const START_TIMEOUT_MS = 60_000;

/** What the process in the background tells the one that started it, once. */
type StartReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly message: string; readonly exitCode: number };

/** Who waits for the server to be ready. */
export interface Starter {
  /** Whether it is another process, and this one runs in the background. */
  readonly inBackground: boolean;
  /** The server serves. */
  ready(): void;
  /** The server can't serve; fulfilled when that is told, so that the process may end. */
  failed(message: string, exitCode: number): Promise<void>;
}

/** The part of the configuration that says where the process runs. */
export type DaemonConfig = Pick<Config, 'daemon' | 'disableDaemonForDocker' | 'inDocker'>;

/**
 * Whether the server is to be started anew in the background (G002). Not when it is there already, and not as the
 * first process of a container, whose end would be the container's.
 */
export function goesToBackground(
  config: DaemonConfig,
  self: Pick<NodeJS.Process, 'env' | 'pid'> = process,
): boolean {
  if (!config.daemon || self.env[CHILD_MARK] !== undefined) return false;
  return !(config.disableDaemonForDocker && (config.inDocker || self.pid === 1));
}

/** What {@link startInBackground} needs. */
export interface BackgroundOptions {
  /** Whether the server logs to the console, which it then keeps. */
  readonly logsToConsole: boolean;
  /** Where to look when it ends without a word. */
  readonly logName: string;
  /** The program and its arguments. Default: what this process was started with. */
  readonly command?: readonly [program: string, ...args: string[]];
  /** Default {@link START_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** The process in the background is there and gets SIGINT and SIGTERM from now on. */
  readonly onSpawned?: () => void;
  /** Takes what is wrong, in one line. Default: stderr. */
  readonly write?: (text: string) => void;
}

/**
 * Starts the program anew in a session of its own and waits until it serves, or says why it can't.
 *
 * @returns this process's exit code: 0 when the server runs in the background now
 */
export async function startInBackground(options: BackgroundOptions): Promise<number> {
  const { timeoutMs = START_TIMEOUT_MS, write = writeError } = options;
  const [program, ...args] = options.command ?? [
    process.execPath,
    ...process.execArgv,
    ...process.argv.slice(1),
  ];
  const output = options.logsToConsole ? 'inherit' : 'ignore';
  const child = spawn(program, args, {
    detached: true,
    env: { ...process.env, [CHILD_MARK]: '1' },
    stdio: ['ignore', output, output, 'ipc'],
  });
  const forget = passSignalsOn(child);
  options.onSpawned?.();
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const began = performance.now();
  const report = await startReport(child);
  clearTimeout(timer);
  forget();
  if (report.kind === 'ready') {
    if (child.connected) child.disconnect();
    child.unref();
    return ExitCode.stopped;
  }
  const late = performance.now() - began >= timeoutMs ? ` (not ready after ${timeoutMs / 1000} s)` : '';
  write(`sluice: ${report.message || `the server ended at its start${late}: see ${options.logName}`}\n`);
  return report.exitCode;
}

/** The first word of the child, or its end; an empty message when it had none to say. */
async function startReport(child: ChildProcess): Promise<StartReport> {
  return new Promise((resolve) => {
    child.once('message', (message) => {
      resolve(readReport(message));
    });
    child.once('error', (error) => {
      resolve({ kind: 'failed', message: error.message, exitCode: ExitCode.failed });
    });
    // Comes after the last message.
    child.once('close', (code) => {
      resolve({
        kind: 'failed',
        message: '',
        exitCode: code === null || code === 0 ? ExitCode.failed : code,
      });
    });
  });
}

function readReport(message: unknown): StartReport {
  if (typeof message === 'object' && message !== null && 'kind' in message) {
    if (message.kind === 'ready') return { kind: 'ready' };
    if ('message' in message && typeof message.message === 'string') {
      const code = 'exitCode' in message && typeof message.exitCode === 'number' ? message.exitCode : 0;
      return { kind: 'failed', message: message.message, exitCode: code === 0 ? ExitCode.failed : code };
    }
  }
  return { kind: 'failed', message: 'the server in the background said nonsense', exitCode: ExitCode.failed };
}

/** Ctrl-C while the server starts is meant for the server, which has another terminal session by now. */
function passSignalsOn(child: ChildProcess): () => void {
  const pass = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  process.on('SIGINT', pass);
  process.on('SIGTERM', pass);
  return () => {
    process.off('SIGINT', pass);
    process.off('SIGTERM', pass);
  };
}

/** The process that waits for this one; without one, what is wrong goes to stderr. */
export function findStarter(self: NodeJS.Process = process): Starter {
  const inBackground = self.env[CHILD_MARK] !== undefined;
  // Programs that the server starts are no servers in the background.
  Reflect.deleteProperty(self.env, CHILD_MARK);
  if (!inBackground || self.send === undefined) {
    return {
      inBackground: false,
      ready: () => {},
      failed: async (message) => {
        writeError(`sluice: ${message}\n`);
        return Promise.resolve();
      },
    };
  }
  return {
    inBackground: true,
    ready: () => {
      background('the start report', tell(self, { kind: 'ready' }));
    },
    failed: (message, exitCode) => tell(self, { kind: 'failed', message, exitCode }),
  };
}

async function tell(self: NodeJS.Process, report: StartReport): Promise<void> {
  await new Promise<void>((resolve) => {
    // A starter that has gone in the meantime needs no answer.
    if (!self.connected) resolve();
    else
      self.send?.(report, undefined, undefined, () => {
        resolve();
      });
  });
  if (self.connected) self.disconnect();
}

function writeError(text: string): void {
  process.stderr.write(text);
}
