import { posix } from 'node:path';

import type { Disk } from './disk.ts';

/** Most files and directories that a walk through a directory looks at. */
const MAX_TREE_ENTRIES = 200_000;
/** How deep a walk through a directory goes. */
const MAX_TREE_DEPTH = 16;

/** A file in a directory that a sink writes to. */
export interface TreeFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Time of the last change, ms since the epoch. */
  readonly modifiedMs: number;
}

/**
 * All files under a directory, one directory after another. What is deeper than {@link MAX_TREE_DEPTH}, or more
 * than {@link MAX_TREE_ENTRIES}, is left out.
 *
 * @param root - with its `/` at the end, or '' for the working directory
 * @throws DiskError
 */
export async function* filesUnder(disk: Disk, root: string): AsyncGenerator<TreeFile> {
  const directories = [{ path: root, depth: 0 }];
  let entries = 0;
  for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
    for (const { name, directory, size, modifiedMs } of await disk.list(next.path === '' ? '.' : next.path)) {
      entries += 1;
      if (entries > MAX_TREE_ENTRIES) return;
      const path = `${next.path}${name}`;
      if (!directory) yield { path, size, modifiedMs };
      else if (next.depth < MAX_TREE_DEPTH) directories.push({ path: `${path}/`, depth: next.depth + 1 });
    }
  }
}

/**
 * Removes files that nobody has changed since they were seen. What can't be removed stays.
 *
 * @param files - with absolute paths
 * @returns how many were removed
 */
export async function removeUnchanged(disk: Disk, files: readonly TreeFile[]): Promise<number> {
  const byDirectory = new Map<string, TreeFile[]>();
  for (const file of files) {
    const directory = posix.dirname(file.path);
    byDirectory.set(directory, [...(byDirectory.get(directory) ?? []), file]);
  }
  let removed = 0;
  for (const [directory, seen] of byDirectory) {
    const now = new Map((await disk.list(directory)).map((entry) => [entry.name, entry]));
    for (const { path, size, modifiedMs } of seen) {
      const entry = now.get(posix.basename(path));
      if (entry?.directory !== false || entry.size !== size || entry.modifiedMs !== modifiedMs) continue;
      try {
        await disk.remove(path);
        removed += 1;
      } catch {
        // A file too many harms nobody, and a disk that fails is heard of by what is written.
      }
    }
  }
  return removed;
}
