import { Worker } from 'node:worker_threads';

import { errorText } from '../../error-text.ts';
import { background } from '../../background.ts';
import type { DiskEntry, DiskFile, SegmentDisk, WholeFile, Written } from './disk.ts';
import { DiskError, diskError } from './errors.ts';
import type { FaultLog } from './fault.ts';
import { nodeDisk } from './node-disk.ts';
import type { ThreadAnswer, ThreadJob, ThreadOutcome, ThreadRequest } from './thread-jobs.ts';

/** Writes that travel together at most: an answer comes when the last of them is done. */
const MAX_WRITES = 8;
/** Removals that travel with them at most: what is new goes first, but what is old is never forgotten. */
const MAX_REMOVALS = 2;
/** Requests that the thread has at most: one that it works on, and one that waits for it. */
const MAX_REQUESTS = 2;
/** The thread's program, beside this file; its name ends as this file's does. */
const PROGRAM = new URL(
  import.meta.url.endsWith('.ts') ? './disk-thread.ts' : './disk-thread.js',
  import.meta.url,
);
/** The thread makes little garbage: MB of its heap. */
const HEAP_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

/** What a {@link ThreadDisk} needs. */
export interface ThreadDiskOptions {
  /** Hears of a thread that can't be had. */
  readonly log: FaultLog;
  /** Default: the program beside this module. */
  readonly program?: URL | undefined;
}

interface Task {
  readonly job: ThreadJob;
  readonly done: (written: Written) => void;
}

/**
 * The disk of the machine, where whole files are written and removed by one thread of its own. Each step of a file
 * through Node's pool of threads is a promise, a way there and a way back: about as much work as the disk's. Here a
 * segment, its playlist and what others write in the same moment go there and back together, and bytes in shared
 * memory are not copied. A disk that hangs holds this thread and nothing else.
 *
 * A thread that does not start, or ends, is done without: {@link nodeDisk} takes over.
 */
export class ThreadDisk implements SegmentDisk {
  readonly #log: FaultLog;
  readonly #program: URL;
  #worker: Worker | undefined;
  /** Without a thread: none could be had. */
  #broken = false;
  #lastId = 0;
  readonly #requests = new Map<number, readonly Task[]>();
  #writes: Task[] = [];
  #removals: Task[] = [];
  #sending = false;

  constructor({ log, program = PROGRAM }: ThreadDiskOptions) {
    this.#log = log;
    this.#program = program;
  }

  async write(path: string, pieces: Uint8Array | readonly Uint8Array[]): Promise<void> {
    const content = shared(pieces instanceof Uint8Array ? [pieces] : pieces);
    const { error } = await this.writeInOrder([{ path, content }]);
    if (error !== undefined) throw error;
  }

  writeInOrder(files: readonly WholeFile[]): Promise<Written> {
    const write = files.map(({ path, content }) => ({
      path,
      content: typeof content === 'string' ? content : shared([content]),
    }));
    return this.#do({ write }, this.#writes);
  }

  async remove(path: string): Promise<void> {
    const { error } = await this.#do({ remove: path }, this.#removals);
    if (error !== undefined) throw error;
  }

  open(path: string, mode: 'create' | 'update'): Promise<DiskFile> {
    return nodeDisk.open(path, mode);
  }

  rename(from: string, to: string): Promise<void> {
    return nodeDisk.rename(from, to);
  }

  size(path: string): Promise<number | undefined> {
    return nodeDisk.size(path);
  }

  readText(path: string, maxBytes: number): Promise<string | undefined> {
    return nodeDisk.readText(path, maxBytes);
  }

  list(directory: string): Promise<readonly DiskEntry[]> {
    return nodeDisk.list(directory);
  }

  /** Lets the thread go. What it was asked for and has not done fails. */
  close(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.removeAllListeners();
    if (worker !== undefined) background('ending the disk thread', worker.terminate());
    for (const { job, done } of this.#takeAll()) {
      const path = pathOf(job);
      done({
        count: 0,
        error: new DiskError('io', path, `${path}: the server has ended before the disk took it`),
      });
    }
  }

  #do(job: ThreadJob, queue: Task[]): Promise<Written> {
    return new Promise((done) => {
      const task = { job, done };
      if (this.#broken) {
        background('a write', byPool(task));
        return;
      }
      queue.push(task);
      if (this.#sending) return;
      this.#sending = true;
      // What others ask for in the same turn goes along.
      queueMicrotask(() => {
        this.#sending = false;
        this.#send();
      });
    });
  }

  #send(): void {
    while (this.#requests.size < MAX_REQUESTS && this.#writes.length + this.#removals.length > 0) {
      const worker = this.#worker ?? this.#start();
      if (worker === undefined) return;
      const tasks = [...this.#writes.splice(0, MAX_WRITES), ...this.#removals.splice(0, MAX_REMOVALS)];
      this.#lastId += 1;
      const request: ThreadRequest = { id: this.#lastId, jobs: tasks.map(({ job }) => job) };
      if (this.#requests.size === 0) worker.ref();
      this.#requests.set(request.id, tasks);
      worker.postMessage(request);
    }
  }

  #start(): Worker | undefined {
    try {
      const worker = startThread(this.#program);
      worker.on('message', (answer: ThreadAnswer) => {
        this.#answered(worker, answer);
      });
      worker.on('error', (error) => {
        this.#lost(worker, error);
      });
      worker.on('exit', (code) => {
        this.#lost(worker, new Error(`it has ended with code ${code}`));
      });
      worker.unref();
      this.#worker = worker;
      return worker;
    } catch (error) {
      this.#lost(undefined, error);
      return undefined;
    }
  }

  #answered(worker: Worker, { id, outcomes }: ThreadAnswer): void {
    const tasks = this.#requests.get(id) ?? [];
    this.#requests.delete(id);
    // What follows on an outcome is asked for in the microtasks behind this: they are sent together.
    for (const [index, { job, done }] of tasks.entries()) done(writtenOf(job, outcomes[index]));
    this.#send();
    if (this.#requests.size === 0) worker.unref();
  }

  #lost(worker: Worker | undefined, error: unknown): void {
    if (this.#worker !== worker || this.#broken) return;
    this.#worker = undefined;
    this.#broken = true;
    const reason = errorText(error);
    this.#log.warn(`files are written without a thread of their own, at the cost of more CPU: ${reason}`);
    for (const task of this.#takeAll()) background('a write', byPool(task));
  }

  /** Everything that has been asked for and is not known to be done. */
  #takeAll(): Task[] {
    const tasks = [...[...this.#requests.values()].flat(), ...this.#writes, ...this.#removals];
    this.#requests.clear();
    this.#writes = [];
    this.#removals = [];
    return tasks;
  }
}

/** Other memory is copied on the way to the thread as a whole, however small the part of it is that is meant. */
function shared(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  if (pieces.length === 1 && first?.buffer instanceof SharedArrayBuffer) return first;
  const bytes = new Uint8Array(
    new SharedArrayBuffer(pieces.reduce((total, { length }) => total + length, 0)),
  );
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function startThread(program: URL): Worker {
  // The flags of a process are not always those of a thread.
  const options = { name: 'sluice disk', execArgv: [], resourceLimits: HEAP_LIMITS };
  if (!program.pathname.endsWith('.ts')) return new Worker(program, options);
  // A thread that runs from the sources has to have their loader before it is told its program.
  const { href } = program;
  const text = `import('tsx/esm/api').then(({ register }) => (register(), import(${JSON.stringify(href)})))`;
  return new Worker(text, { ...options, eval: true });
}

async function byPool({ job, done }: Task): Promise<void> {
  if ('write' in job) {
    done(await nodeDisk.writeInOrder(job.write));
    return;
  }
  try {
    await nodeDisk.remove(job.remove);
    done({ count: 1 });
  } catch (error) {
    done({ count: 0, error: diskError(job.remove, error) });
  }
}

function writtenOf(job: ThreadJob, outcome: ThreadOutcome | undefined): Written {
  if (outcome === undefined) return { count: 0, error: diskError(pathOf(job), new Error('no answer')) };
  const { count, error } = outcome;
  if (error === undefined) return { count };
  const cause = Object.assign(new Error(error.message), { code: error.system });
  return { count, error: diskError(error.path, cause) };
}

function pathOf(job: ThreadJob): string {
  return 'remove' in job ? job.remove : (job.write[0]?.path ?? '');
}
