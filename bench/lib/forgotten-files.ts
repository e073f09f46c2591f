import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from './children.ts';
import type { Context } from './context.ts';

/** Fewer files than this leave no trace that could be measured. */
const MANY_FILES = 1000;
/**
 * ext4 passes over the inodes of deleted files for 60 s once the deletion is on disk (300 s more before): where
 * thousands lie at the head of a group, each new file looks past all of them.
 */
const PASSED_OVER_MS = 65_000;
const NOTE = 'deleted-at.json';

/** Notes that so many files have just been deleted, for a run that follows, and has the deletion brought to disk. */
export function noteForgotten(resultsFolder: string, files: number): void {
  if (files < MANY_FILES) return;
  try {
    execFileSync('sync');
  } catch {
    // Without it the system does it by itself, a little later.
  }
  writeFileSync(join(resultsFolder, NOTE), JSON.stringify({ at: Date.now() }) + '\n');
}

/** How long a run that measures writing should still wait, ms; 0 where nothing was deleted of late. */
export function millisecondsToWait(resultsFolder: string, now = Date.now()): number {
  try {
    const { at } = JSON.parse(readFileSync(join(resultsFolder, NOTE), 'utf8')) as { at: number };
    return Math.min(PASSED_OVER_MS, Math.max(0, at + PASSED_OVER_MS - now));
  } catch {
    return 0;
  }
}

/** Waits until the file system has forgotten the files of the run before. */
export async function waitForDisk(context: Context): Promise<void> {
  const wait = millisecondsToWait(context.resultsFolder);
  if (wait === 0) return;
  context.say(`  waits ${(wait / 1000).toFixed(0)} s: the files of the run before have just been deleted`);
  await pause(wait);
}
