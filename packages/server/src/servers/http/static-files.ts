import { realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { OpenedFile } from './file-door.ts';

/** What a path inside a directory turned out to be. */
export type FoundFile =
  | ({ readonly kind: 'file' } & OpenedFile)
  /** A directory asked for without its trailing `/`. */
  | { readonly kind: 'directory' }
  /** Something is there, but must not be seen. */
  | { readonly kind: 'barred' }
  | { readonly kind: 'none' };

/**
 * Finds the file for a clean, decoded path with a leading `/`. A path that ends in `/` is its `index.html`
 * (H003); one that goes on below a file is that file, with the last name as `below`. Nothing is found for
 * names that start with a dot (but `.well-known`, RFC 8615), for symbolic links that lead out of the
 * directory, and for anything that is not a regular file.
 */
export async function findFile(directory: string, path: string): Promise<FoundFile> {
  if (hasHiddenSegment(path)) {
    return { kind: 'none' };
  }
  const found = await lookUp(directory, path.endsWith('/') ? `${path}index.html` : path);
  if (found === 'below-file') {
    const slashAt = path.lastIndexOf('/');
    const file =
      slashAt > 0 && slashAt < path.length - 1 ? await lookUp(directory, path.slice(0, slashAt)) : undefined;
    return typeof file === 'object' && file.kind === 'file'
      ? { ...file, below: path.slice(slashAt + 1) }
      : { kind: 'none' };
  }
  return found.kind === 'directory' && path.endsWith('/') ? { kind: 'none' } : found;
}

async function lookUp(directory: string, path: string): Promise<FoundFile | 'below-file'> {
  try {
    const root = await realpath(directory);
    const real = await realpath(join(root, path));
    const name = relative(root, real);
    if (name === '..' || name.startsWith(`..${sep}`)) {
      return { kind: 'barred' };
    }
    const facts = await stat(real);
    if (facts.isDirectory()) {
      return { kind: 'directory' };
    }
    return facts.isFile()
      ? { kind: 'file', path: real, size: facts.size, modifiedMs: facts.mtimeMs, below: '' }
      : { kind: 'barred' };
  } catch (error) {
    if (error instanceof Error && 'code' in error) {
      // Absent, unreadable, a name too long, a loop of links: to the client all of these are "not there".
      return error.code === 'ENOTDIR' ? 'below-file' : { kind: 'none' };
    }
    throw error;
  }
}

function hasHiddenSegment(path: string): boolean {
  return (
    path.includes('/.') && path.split('/').some((part) => part.startsWith('.') && part !== '.well-known')
  );
}
