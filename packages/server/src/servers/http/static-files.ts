import { realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { FastifyReply } from 'fastify';
import { mediaTypeOf } from './file-types.ts';

/** What a path inside a directory turned out to be. */
export type FoundFile =
  /** `root` and `name` have no symbolic link in them; `name` is relative to `root`. */
  | { readonly kind: 'file'; readonly root: string; readonly name: string }
  /** A directory asked for without its trailing `/`. */
  | { readonly kind: 'directory' }
  | { readonly kind: 'none' };

/**
 * Finds the file for a clean, decoded path with a leading `/`. A path that ends in `/` is its `index.html`
 * (H003). Nothing is found for names that start with a dot (but `.well-known`, RFC 8615), for symbolic links
 * that lead out of the directory, and for anything that is not a regular file.
 */
export async function findFile(directory: string, path: string): Promise<FoundFile> {
  if (hasHiddenSegment(path)) {
    return { kind: 'none' };
  }
  try {
    const root = await realpath(directory);
    const wanted = path.endsWith('/') ? `${path}index.html` : path;
    const real = await realpath(join(root, wanted));
    const name = relative(root, real);
    if (name === '..' || name.startsWith(`..${sep}`)) {
      return { kind: 'none' };
    }
    const facts = await stat(real);
    if (facts.isDirectory()) {
      return path.endsWith('/') ? { kind: 'none' } : { kind: 'directory' };
    }
    return facts.isFile() ? { kind: 'file', root, name } : { kind: 'none' };
  } catch (error) {
    if (error instanceof Error && 'code' in error) {
      // Absent, unreadable, a name too long, a loop of links: to the client all of these are "not there".
      return { kind: 'none' };
    }
    throw error;
  }
}

/**
 * Sends a file that {@link findFile} found, with ETag, Last-Modified, conditional requests and a byte range
 * (RFC 9110 §13, §14).
 */
export function sendFoundFile(reply: FastifyReply, root: string, name: string): FastifyReply {
  const type = mediaTypeOf(name);
  if (type !== undefined) {
    reply.header('content-type', type);
  }
  return reply.sendFile(name, root, { contentType: type === undefined, dotfiles: 'allow', index: false });
}

function hasHiddenSegment(path: string): boolean {
  return (
    path.includes('/.') && path.split('/').some((part) => part.startsWith('.') && part !== '.well-known')
  );
}
