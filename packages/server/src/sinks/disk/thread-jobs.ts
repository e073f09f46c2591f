import { closeSync, mkdirSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

import { errorText } from '../../error-text.ts';
import type { WholeFile } from './disk.ts';
import { isAbsent } from './errors.ts';
import { TEMPORARY_SUFFIX } from './temporary.ts';

/** What a disk thread is asked to do. */
export type ThreadJob = { readonly write: readonly WholeFile[] } | { readonly remove: string };

/** Jobs that travel to a disk thread together. */
export interface ThreadRequest {
  readonly id: number;
  readonly jobs: readonly ThreadJob[];
}

/** An error of the system in a form that travels between threads. */
export interface ThreadError {
  readonly path: string;
  /** As the system names it, e.g. `ENOSPC`; empty when it has no name. */
  readonly system: string;
  readonly message: string;
}

/** What became of a job. */
export interface ThreadOutcome {
  /** Files that were written, or removed (or were absent). */
  readonly count: number;
  /** Why the next one was not. */
  readonly error?: ThreadError | undefined;
}

/** The answer to a {@link ThreadRequest}: an outcome for each of its jobs. */
export interface ThreadAnswer {
  readonly id: number;
  readonly outcomes: readonly ThreadOutcome[];
}

/** Does a job on the thread that calls it, which waits for the disk meanwhile. Never throws. */
export function doJob(job: ThreadJob): ThreadOutcome {
  return 'remove' in job ? attempt(job.remove, removeFile, 0) : writeFiles(job.write);
}

function writeFiles(files: readonly WholeFile[]): ThreadOutcome {
  let count = 0;
  for (const { path, content } of files) {
    const { error } = attempt(path, () => writeWhole(path, content), count);
    if (error !== undefined) return { count, error };
    count += 1;
  }
  return { count };
}

function attempt(path: string, work: (path: string) => void, count: number): ThreadOutcome {
  try {
    work(path);
  } catch (error) {
    const system = error instanceof Error && 'code' in error ? String(error.code) : '';
    const message = errorText(error);
    return { count, error: { path, system, message } };
  }
  return { count: count + 1 };
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

/** Under a temporary name first, so that a reader never sees a half of the file (L013). */
function writeWhole(path: string, content: string | Uint8Array): void {
  const temporary = `${path}${TEMPORARY_SUFFIX}`;
  try {
    const file = openMakingDirectory(temporary);
    try {
      writeAll(file, typeof content === 'string' ? Buffer.from(content) : content);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    try {
      unlinkSync(temporary);
    } catch {
      // It was not made, or the disk takes nothing at all: the first error says more.
    }
    throw error;
  }
}

/** Writes every byte; a system that takes fewer is asked again, and says at last why. */
function writeAll(file: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written);
}

function openMakingDirectory(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    if (!isAbsent(error)) throw error;
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'w');
  }
}
