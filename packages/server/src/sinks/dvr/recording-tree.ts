import type { Disk } from '../disk/index.ts';
import { MAX_TREE_DEPTH, MAX_TREE_ENTRIES } from './limits.ts';

/** A file in a recording directory. */
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
