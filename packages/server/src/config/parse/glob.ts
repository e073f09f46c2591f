import { isAbsolute, join } from 'node:path';

/** Lists the names in a directory; throws when it can't be read. */
export type ListDirectory = (directory: string) => readonly string[];

/** Whether a path has one of the marks `*`, `?`, `[`. */
export function isGlob(path: string): boolean {
  return /[*?[]/.test(path);
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** `*` any characters, `?` one, `[a-z]` and `[!a-z]` one of a set; none matches a leading dot. */
function nameMatcher(pattern: string): RegExp {
  const parts = pattern.match(/\*+|\?|\[!?[^\]]+\]|[^*?[]+|\[/g) ?? [];
  const source = parts.map((part) => {
    if (part.startsWith('*')) return '.*';
    if (part === '?') return '.';
    if (!part.startsWith('[') || part.length < 3) return escapeRegExp(part);
    const negated = part[1] === '!';
    const set = part.slice(negated ? 2 : 1, -1).replace(/[\\\]^]/g, '\\$&');
    return `[${negated ? '^' : ''}${set}]`;
  });
  const dotFiles = pattern.startsWith('.') ? '' : '(?!\\.)';
  return new RegExp(`^${dotFiles}${source.join('')}$`, 's');
}

function compile(pattern: string): RegExp | undefined {
  try {
    return nameMatcher(pattern);
  } catch {
    // A set such as `[z-a]` is no pattern: it matches nothing, as in a shell.
    return undefined;
  }
}

function namesIn(directory: string, listDirectory: ListDirectory): readonly string[] {
  try {
    return [...listDirectory(directory)].sort();
  } catch {
    return [];
  }
}

/**
 * The paths that a pattern matches, sorted; a directory that can't be read matches nothing.
 *
 * @param pattern - absolute, or relative to `base`; the marks of `base` itself mean nothing
 */
export function expandGlob(pattern: string, base: string, listDirectory: ListDirectory): readonly string[] {
  let paths: readonly string[] = [isAbsolute(pattern) ? '/' : base];
  let matched = false;
  for (const part of pattern.split('/').filter((name) => name !== '')) {
    if (isGlob(part)) {
      const matcher = compile(part);
      if (matcher === undefined) return [];
      paths = paths.flatMap((parent) =>
        namesIn(parent, listDirectory)
          .filter((name) => matcher.test(name))
          .map((name) => join(parent, name)),
      );
      matched = true;
    } else if (matched && part !== '.' && part !== '..') {
      // Behind a mark, a plain name picks those directories that have it.
      paths = paths
        .filter((parent) => namesIn(parent, listDirectory).includes(part))
        .map((parent) => join(parent, part));
    } else {
      paths = paths.map((parent) => join(parent, part));
    }
  }
  return paths;
}
