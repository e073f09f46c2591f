import { realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { OpenedFile } from './file-door.ts';
import type { GuardedFile } from './file-guard.ts';

const TEMPORARY_SUFFIX = '.tmp';

/** What a path inside a directory turned out to be. */
export type FoundFile =
  | ({ readonly kind: 'file' } & OpenedFile & GuardedFile)
  /** A directory asked for without its trailing `/`. */
  | { readonly kind: 'directory' }
  /** Something is there, but must not be seen. */
  | { readonly kind: 'barred' }
  | { readonly kind: 'none' };

/**
 * Finds the file for a clean, decoded path with a leading `/`. A path that ends in `/` is its `index.html`
 * (H003); one that goes on below a file is that file, with the last name as `below`. Nothing is found for
 * names that start with a dot (but `.well-known`, RFC 8615), for files that are still being written (`.tmp`), also
 * when a symbolic link leads to one of these, for links that lead out of the directory, and for anything that is not
 * a regular file.
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
    if (hasHiddenSegment(`/${name}`) || isTemporary(name)) {
      return { kind: 'none' };
    }
    const facts = await stat(real);
    const { dev, ino, size } = facts;
    if (facts.isDirectory()) {
      return { kind: 'directory' };
    }
    return facts.isFile()
      ? { kind: 'file', path: real, size, modifiedMs: facts.mtimeMs, below: '', identity: `${dev}:${ino}` }
      : { kind: 'barred' };
  } catch (error) {
    if (error instanceof Error && 'code' in error) {
      // Absent, unreadable, a name too long, a loop of links: to the client all of these are "not there".
      return error.code === 'ENOTDIR' ? 'below-file' : { kind: 'none' };
    }
    throw error;
  }
}

/** Sinks write a file under such a name until it is whole; a file system may not distinguish the case of letters. */
function isTemporary(name: string): boolean {
  return name.slice(-TEMPORARY_SUFFIX.length).toLowerCase() === TEMPORARY_SUFFIX;
}

function hasHiddenSegment(path: string): boolean {
  return (
    path.includes('/.') && path.split('/').some((part) => part.startsWith('.') && part !== '.well-known')
  );
}
