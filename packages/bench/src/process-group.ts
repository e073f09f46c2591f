import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ControlEvent } from './control.ts';
import { createDeferred, type Deferred } from './deferred.ts';
import { BenchError } from './errors.ts';
import type { LoadRun, Progress } from './load-run.ts';
import { addTallies, type Tally } from './tally.ts';

const NO_PROGRESS: Progress = { joined: 0, active: 0, failed: 0, lost: 0, bytes: 0 };

/** A load that several processes of this program carry together. */
export class ProcessGroup implements LoadRun {
  readonly finished: Promise<void>;
  readonly #members: Member[];

  /** @param commands the arguments of each process, from the subcommand on; `--control` is added */
  constructor(commands: readonly (readonly string[])[]) {
    this.#members = commands.map((command) => new Member(command));
    this.finished = Promise.all(this.#members.map((member) => member.finished.promise)).then(() => undefined);
  }

  async start(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.ready.promise));
    this.#check();
  }

  progress(): Progress {
    return this.#members.reduce((sum, { progress }) => {
      return {
        joined: sum.joined + progress.joined,
        active: sum.active + progress.active,
        failed: sum.failed + progress.failed,
        lost: sum.lost + progress.lost,
        bytes: sum.bytes + progress.bytes,
      };
    }, NO_PROGRESS);
  }

  async tally(): Promise<Tally> {
    const tallies = await Promise.all(this.#members.map((member) => member.tally('tally')));
    this.#check();
    return addTallies(tallies);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.tally('stop')));
  }

  #check(): void {
    for (const member of this.#members) {
      if (member.failure !== undefined) throw member.failure;
    }
  }
}

class Member {
  readonly ready: Deferred = createDeferred();
  readonly finished: Deferred = createDeferred();
  progress: Progress = NO_PROGRESS;
  failure: BenchError | undefined;
  #last: Tally = addTallies([]);
  #stopped = false;
  #answer: Deferred = createDeferred();
  readonly #child: ChildProcess;

  constructor(command: readonly string[]) {
    const [, script = ''] = process.argv;
    const child = spawn(process.execPath, [...process.execArgv, script, ...command, '--control'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#onEvent(ControlEvent.parse(JSON.parse(line)));
    });
    child.stdin.on('error', () => undefined);
    child.on('error', (cause) => {
      this.#end(new BenchError('process-failed', `cannot start a load process: ${cause.message}`, { cause }));
    });
    child.on('close', (code) => {
      const failed = new BenchError(
        'process-failed',
        `a load process ended early (exit code ${code ?? 'none'})`,
      );
      this.#end(this.#stopped ? undefined : failed);
    });
  }

  /** Asks for the tally of the window, or of the end; the last one known when the process is gone. */
  async tally(request: 'tally' | 'stop'): Promise<Tally> {
    if (this.failure === undefined && !this.#stopped) {
      this.#answer = createDeferred();
      this.#child.stdin?.write(JSON.stringify({ do: request }) + '\n');
      await this.#answer.promise;
    }
    return this.#last;
  }

  #onEvent(event: ControlEvent): void {
    switch (event.event) {
      case 'ready':
        this.ready.resolve();
        break;
      case 'finished':
        this.finished.resolve();
        break;
      case 'progress':
        this.progress = event.progress;
        break;
      case 'stopped':
        this.#stopped = true;
        this.#last = event.tally;
        this.#answer.resolve();
        break;
      case 'tally':
        this.#last = event.tally;
        this.#answer.resolve();
        break;
    }
  }

  #end(failure: BenchError | undefined): void {
    this.failure ??= failure;
    this.ready.resolve();
    this.finished.resolve();
    this.#answer.resolve();
  }
}
