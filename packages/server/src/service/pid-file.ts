import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

import { errorText } from '../error-text.ts';
import { PidFileError } from './errors.ts';

/** How often a file is opened again that another process removed between our opening and our locking it. */
const ATTEMPTS = 5;
/** Most bytes that are read of a pid file. */
const MAX_PID_BYTES = 32;

/** Whether the system's own lock on an open file was had, or another process has it, or it can't be told. */
export type LockAnswer = 'locked' | 'taken' | 'unknown';

/** What a pid file needs of the system. */
export interface PidFileOptions {
  /** The number that is written. Default: of this process. */
  readonly pid?: number;
  /** Locks an open file without waiting. Default: {@link lockByCommand}. */
  readonly lock?: (descriptor: number) => LockAnswer;
}

/** Which file it is, whatever its name. */
interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

/**
 * The pid file of a running server (G002): written and locked while the process lives.
 *
 * The lock belongs to the open file, so the system takes it away with the process, however that ends: a file that a
 * dead process left behind is free, even when another program has its number by now.
 */
export class PidFile {
  readonly path: string;
  /** The number that an earlier process had left in the file, if any. */
  readonly stale: number | undefined;
  readonly #identity: FileIdentity;
  #descriptor: number | undefined;

  constructor(path: string, descriptor: number, identity: FileIdentity, stale: number | undefined) {
    this.path = path;
    this.stale = stale;
    this.#descriptor = descriptor;
    this.#identity = identity;
  }

  /** Removes the file, unless the name is another file's by now, and gives the lock back. Harmless twice. */
  release(): void {
    if (this.#descriptor === undefined) return;
    try {
      if (sameFile(identityOf(this.path), this.#identity)) unlinkSync(this.path);
    } catch {
      // The directory may be gone or no longer ours: there is nobody left to tell.
    }
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/**
 * Takes the pid file: writes the process's number into it and keeps it locked until {@link PidFile.release}.
 * Directories on the way are made. What is no ordinary file (`/dev/null`) is neither written nor locked: undefined.
 *
 * @throws PidFileError `already-running` when a living server has it, `pid-file-denied` when the place may not be
 *   written to, `pid-file-failed` for the rest
 */
export function acquirePidFile(path: string, options: PidFileOptions = {}): PidFile | undefined {
  const { pid = process.pid, lock = lockByCommand } = options;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const descriptor = openPidFile(path);
    let kept = false;
    try {
      const identity = fstatSync(descriptor);
      if (!identity.isFile()) return undefined;
      const answer = lock(descriptor);
      const before = readPid(descriptor);
      refuseHolder(path, { before, identity, answer, pid });
      // Whoever had the lock may have removed the file since: then ours has no name any more.
      if (!sameFile(identityOf(path), identity)) continue;
      ftruncateSync(descriptor, 0);
      writeSync(descriptor, `${pid}\n`, 0);
      kept = true;
      return new PidFile(path, descriptor, identity, before === pid ? undefined : before);
    } catch (error) {
      throw error instanceof PidFileError ? error : failure(path, error);
    } finally {
      if (!kept) closeSync(descriptor);
    }
  }
  throw new PidFileError('pid-file-failed', `pid ${path}: the file is removed again and again by others`);
}

/**
 * Locks an open file with flock(1). The lock is of the open file, which the command inherits and shares with us, so
 * it stays when the command ends.
 */
function lockByCommand(descriptor: number): LockAnswer {
  const { status } = spawnSync('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
  if (status === 0) return 'locked';
  // Any other number is a fault of the command or of the file system, which says nothing about other servers.
  return status === 1 ? 'taken' : 'unknown';
}

interface Found {
  readonly before: number | undefined;
  readonly identity: FileIdentity;
  readonly answer: LockAnswer;
  readonly pid: number;
}

/** Throws when a living process has the file. */
function refuseHolder(path: string, { before, identity, answer, pid }: Found): void {
  if (answer !== 'taken') {
    if (before === undefined || before === pid || !isAlive(before)) return;
    // A server that locks in another way, as SRS does, still has the file open. Where that can't be seen, a free
    // lock says that no Sluice has it, and without a lock a living process counts.
    const open = hasOpen(before, identity) ?? answer === 'unknown';
    if (!open) return;
  }
  const who = before === undefined ? '' : `, pid ${before}`;
  throw new PidFileError(
    'already-running',
    `already running${who} (1035): stop it first, or name another file with \`pid\` (now ${path})`,
  );
}

function openPidFile(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644);
  } catch (error) {
    throw failure(path, error);
  }
}

function failure(path: string, error: unknown): PidFileError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const denied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
  const text = errorText(error);
  return new PidFileError(
    denied ? 'pid-file-denied' : 'pid-file-failed',
    `pid ${path}: ${text}: name another file with \`pid\``,
    { cause: error },
  );
}

function readPid(descriptor: number): number | undefined {
  const bytes = Buffer.alloc(MAX_PID_BYTES);
  const text = bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, MAX_PID_BYTES, 0)).trim();
  const pid = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  return pid > 0 ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Whether a process has the file open, by /proc; undefined where that can't be told. */
function hasOpen(pid: number, identity: FileIdentity): boolean | undefined {
  const folder = `/proc/${pid}/fd`;
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return undefined;
  }
  return names.some((name) => sameFile(identityOf(`${folder}/${name}`), identity));
}

function identityOf(path: string): FileIdentity | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function sameFile(left: FileIdentity | undefined, right: FileIdentity): boolean {
  return left?.dev === right.dev && left.ino === right.ino;
}
