import { dirname, join } from 'node:path';

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

/** The paths that a pattern matches, sorted; an unreadable directory matches nothing. */
export function expandGlob(pattern: string, listDirectory: ListDirectory): readonly string[] {
  const directory = dirname(pattern);
  const directories = isGlob(directory) ? expandGlob(directory, listDirectory) : [directory];
  const name = pattern.slice(pattern.lastIndexOf('/') + 1);
  if (!isGlob(name)) return directories.map((parent) => join(parent, name));
  let matcher: RegExp;
  try {
    matcher = nameMatcher(name);
  } catch {
    // A set such as `[z-a]` is no pattern: it matches nothing, as in a shell.
    return [];
  }
  const paths: string[] = [];
  for (const parent of directories) {
    let names: readonly string[];
    try {
      names = listDirectory(parent);
    } catch {
      continue;
    }
    for (const candidate of [...names].sort()) {
      if (matcher.test(candidate)) paths.push(join(parent, candidate));
    }
  }
  return paths;
}
