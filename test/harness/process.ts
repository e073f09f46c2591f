import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** The most output of a program that is kept, characters: the newest wins. */
const OUTPUT_KEPT = 2_000_000;

/** How a program ended. */
export interface Exit {
  /** Absent when a signal ended it. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

/** Every program that still runs, for `killLeftovers`. */
const running = new Set<RunningProcess>();

/** Ends what a failed test left behind; the set-up of the end-to-end tests calls it after each file. */
export function killLeftovers(): void {
  for (const program of running) program.kill('SIGKILL');
}

export interface SpawnOptions {
  readonly cwd?: string;
  /** Added to this process's environment; undefined takes a name away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A program under test or one that tests it. Its output is kept and can be waited on. */
export class RunningProcess {
  readonly command: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<Exit>;
  readonly #watchers = new Set<() => void>();
  #stdout = '';
  #stderr = '';
  #exit: Exit | undefined;

  constructor(program: string, args: readonly string[], options: SpawnOptions = {}) {
    this.command = [program, ...args].join(' ');
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout = (this.#stdout + text).slice(-OUTPUT_KEPT);
      this.#notify();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-OUTPUT_KEPT);
      this.#notify();
    });
    running.add(this);
    if (running.size === 1) process.once('exit', killLeftovers);
    this.#exited = new Promise((resolve) => {
      const ended = (exit: Exit): void => {
        running.delete(this);
        if (running.size === 0) process.off('exit', killLeftovers);
        this.#exit = exit;
        this.#notify();
        resolve(exit);
      };
      child.once('error', (error) => {
        this.#stderr += error.message;
        ended({ code: 127, signal: undefined });
      });
      child.once('close', (code, signal) => ended({ code: code ?? undefined, signal: signal ?? undefined }));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What it wrote so far (the newest part of a very long output). */
  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** How it ended; undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for its end. Past the limit it is killed and the promise rejects with what it wrote. */
  async exited(limitMs: number): Promise<Exit> {
    const timer = new Timer(limitMs);
    try {
      const exit = await Promise.race([this.#exited, timer.elapsed]);
      if (exit !== undefined) return exit;
      this.kill('SIGKILL');
      throw new Error(this.describe(`still ran after ${limitMs} ms`));
    } finally {
      timer.stop();
    }
  }

  /** Waits for its end and rejects, with what it wrote, unless the exit code is 0. */
  async succeeded(limitMs: number): Promise<void> {
    const exit = await this.exited(limitMs);
    if (exit.code !== 0)
      throw new Error(this.describe(`ended with ${exit.signal ?? exit.code ?? 'nothing'}`));
  }

  /**
   * Waits until `wanted` is true of what it wrote. Rejects when it ends or the limit passes first.
   *
   * @param what named in the error
   */
  async wrote(
    wanted: (stdout: string, stderr: string) => boolean,
    what: string,
    limitMs: number,
  ): Promise<void> {
    let watcher: (() => void) | undefined;
    const timer = new Timer(limitMs);
    try {
      const seen = new Promise<'seen' | 'ended'>((resolve) => {
        watcher = () => {
          if (wanted(this.#stdout, this.#stderr)) resolve('seen');
          else if (this.#exit !== undefined) resolve('ended');
        };
        this.#watchers.add(watcher);
        watcher();
      });
      const result = await Promise.race([seen, timer.elapsed]);
      if (result === 'seen') return;
      throw new Error(
        this.describe(`${result === 'ended' ? 'ended' : `${limitMs} ms passed`} before ${what}`),
      );
    } finally {
      timer.stop();
      if (watcher !== undefined) this.#watchers.delete(watcher);
    }
  }

  /** The command, what happened and the last lines of its output, for an error. */
  describe(happened: string): string {
    const last = (text: string): string => text.trimEnd().split('\n').slice(-40).join('\n');
    return `${this.command}\n${happened}\n--- stderr\n${last(this.#stderr)}\n--- stdout\n${last(this.#stdout)}`;
  }

  #notify(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** A time limit as a promise that can be called off. */
class Timer {
  readonly elapsed: Promise<undefined>;
  readonly #handle: NodeJS.Timeout;

  constructor(ms: number) {
    let resolveElapsed: (value: undefined) => void = () => {};
    this.elapsed = new Promise((resolve) => (resolveElapsed = resolve));
    this.#handle = setTimeout(() => resolveElapsed(undefined), ms);
  }

  stop(): void {
    clearTimeout(this.#handle);
  }
}

/**
 * Asks `condition` again and again until it answers something else than undefined, and gives that back.
 * For what sends no event; an error that it throws counts as "not yet".
 *
 * @param what named in the error when the limit passes
 */
export async function waitFor<T>(
  condition: () => T | undefined | Promise<T | undefined>,
  what: string,
  limitMs = 10_000,
): Promise<T> {
  const end = performance.now() + limitMs;
  let cause: unknown;
  do {
    try {
      const answer = await condition();
      if (answer !== undefined) return answer;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  } while (performance.now() < end);
  throw new Error(`${limitMs} ms passed before ${what}`, { cause });
}

/** Waits for one event with a time limit. */
export async function waitForEvent(
  emitter: NodeJS.EventEmitter,
  event: string,
  limitMs = 10_000,
): Promise<readonly unknown[]> {
  return (await once(emitter, event, { signal: AbortSignal.timeout(limitMs) })) as readonly unknown[];
}
