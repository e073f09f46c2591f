import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { belongsToTest } from './ownership.ts';

/** The most output of a program that is kept, characters: the newest wins. */
const OUTPUT_KEPT = 2_000_000;

/**
 * How long a wait may last unless it says otherwise, ms. Far more than anything takes on a busy machine: it says that
 * there is nothing to wait for, not how fast something has to be.
 */
export const LIMIT_MS = 60_000;
/** The same for programs that work through a whole stream, ms. */
export const RUN_LIMIT_MS = 120_000;

/** How a program ended. */
export interface Exit {
  /** Absent when a signal ended it. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

/** Every program that still runs, for `killLeftovers`. */
const running = new Set<RunningProcess>();

/** Ends what still runs, when this process ends. */
function killAll(): void {
  for (const program of running) program.kill('SIGKILL');
}

/** Ends what a failed test left behind; the set-up of the end-to-end tests calls it after each file. */
export async function killLeftovers(): Promise<void> {
  const left = [...running];
  killAll();
  await Promise.all(left.map((program) => program.exited(10_000).catch(() => undefined)));
}

export interface SpawnOptions {
  /** Default: an empty folder of its own, so that it meets no file of a server that runs in the checkout. */
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
    const folder = options.cwd === undefined ? mkdtempSync(join(tmpdir(), 'sluice-cwd-')) : undefined;
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      cwd: folder ?? options.cwd,
    });
    this.#child = child;
    belongsToTest(this);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout = (this.#stdout + text).slice(-OUTPUT_KEPT);
      this.#notify();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-OUTPUT_KEPT);
      this.#notify();
    });
    running.add(this);
    if (running.size === 1) process.once('exit', killAll);
    this.#exited = new Promise((resolve) => {
      const ended = (exit: Exit): void => {
        running.delete(this);
        if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
        if (running.size === 0) process.off('exit', killAll);
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
  async exited(limitMs = LIMIT_MS): Promise<Exit> {
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
  async succeeded(limitMs = LIMIT_MS): Promise<void> {
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
    limitMs = LIMIT_MS,
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
  describe(happened: string, lines = 40): string {
    const parts = [this.command, happened];
    for (const [name, text] of [
      ['stderr', this.#stderr],
      ['stdout', this.#stdout],
    ] as const) {
      const last = text.trimEnd();
      if (last !== '') parts.push(`--- ${name}`, last.split('\n').slice(-lines).join('\n'));
    }
    return parts.join('\n');
  }

  /** How it is, in a word, for a report: `runs, pid 12`, `ended with 0`. */
  get state(): string {
    if (this.#exit === undefined) return `runs, pid ${this.pid ?? 'none'}`;
    return `ended with ${this.#exit.signal ?? this.#exit.code ?? 'nothing'}`;
  }

  #notify(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** A time limit as a promise that can be called off. */
class Timer {
  readonly elapsed: Promise<undefined>;
  readonly #handle: NodeJS.Timeout;
  #isOver = false;

  constructor(ms: number) {
    let resolveElapsed: (value: undefined) => void = () => {};
    this.elapsed = new Promise((resolve) => (resolveElapsed = resolve));
    this.#handle = setTimeout(() => {
      this.#isOver = true;
      resolveElapsed(undefined);
    }, ms);
  }

  get isOver(): boolean {
    return this.#isOver;
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
  limitMs = LIMIT_MS,
): Promise<T> {
  const timer = new Timer(limitMs);
  let cause: unknown = new Error('the condition was never answered');
  try {
    for (;;) {
      try {
        const answer = await Promise.race([condition(), timer.elapsed]);
        if (answer !== undefined) return answer;
        if (!timer.isOver) cause = undefined;
      } catch (error) {
        cause = error;
      }
      if (timer.isOver) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } finally {
    timer.stop();
  }
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  throw new Error(`${limitMs} ms passed before ${what}${why}`, { cause });
}

/** Waits for one event with a time limit. */
export async function waitForEvent(
  emitter: NodeJS.EventEmitter,
  event: string,
  limitMs = LIMIT_MS,
): Promise<readonly unknown[]> {
  return (await once(emitter, event, { signal: AbortSignal.timeout(limitMs) })) as readonly unknown[];
}
