import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { RunError } from './errors.ts';

const READY_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 5;
const LOG_BYTES = 4000;

/** Every process of a benchmark, so that none outlives it. */
export class Children {
  readonly #children = new Set<ChildProcess>();

  constructor() {
    process.on('exit', () => {
      for (const child of this.#children) child.kill('SIGKILL');
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        process.exit(130);
      });
    }
  }

  /**
   * Starts a process, pinned to a core if one is given. Its output is kept for error messages unless
   * `options.stdio` says otherwise.
   */
  spawn(command: string, args: readonly string[], core: number | undefined, options: SpawnOptions): Child {
    const pinned =
      core === undefined ? [command, ...args] : ['taskset', '-c', String(core), command, ...args];
    const [program = '', ...rest] = pinned;
    const process_ = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    this.#children.add(process_);
    process_.once('close', () => this.#children.delete(process_));
    return new Child(`${command} ${args.join(' ')}`, process_);
  }

  /** Ends all of them at once; resolves when they are gone. */
  async killAll(): Promise<void> {
    await Promise.all(
      [...this.#children].map(async (child) => {
        if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
        const closed = once(child, 'close');
        child.kill('SIGKILL');
        await closed;
      }),
    );
  }
}

/** One process of a benchmark. */
export class Child {
  readonly process: ChildProcess;
  readonly #command: string;
  #log = '';

  constructor(command: string, process_: ChildProcess) {
    this.#command = command;
    this.process = process_;
    process_.on('error', (error) => {
      this.#log += error.message;
    });
    for (const stream of [process_.stdout, process_.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        this.#log = (this.#log + bytes.toString()).slice(-LOG_BYTES);
      });
    }
  }

  get pid(): number {
    return this.process.pid ?? -1;
  }

  get ended(): boolean {
    return (
      this.process.exitCode !== null || this.process.signalCode !== null || this.process.pid === undefined
    );
  }

  /** An error that says what the process last wrote. */
  failure(what: string): RunError {
    return new RunError('server-failed', `${what}: ${this.#command}\n${this.#log.trim()}`);
  }

  /**
   * Waits until the process takes connections on a port of this machine.
   * @throws RunError when it ends first, or takes too long
   */
  async listening(port: number): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (!(await canConnect(port))) {
      if (this.ended) throw this.failure('a server ended before it listened');
      if (performance.now() > deadline) throw this.failure(`no server on port ${port} in time`);
      await pause(POLL_MS);
    }
  }

  /** Ends the process: politely first, and resolves when it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.ended) return;
    const closed = once(this.process, 'close');
    this.process.kill(signal);
    const timer = setTimeout(() => this.process.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await closed;
    clearTimeout(timer);
  }
}

/** A TCP port of 127.0.0.1 that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new RunError('server-failed', 'no free port');
  return address.port;
}

/** Resolves after a measuring window, or between two polls. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
