import { posix } from 'node:path';

import { expandPath, PATH_VARIABLE } from '../disk/index.ts';
import { MAX_PATH_LENGTH } from './limits.ts';

/** The containers that a recording can be written in, by the end of its path. */
export type Container = 'flv' | 'mp4';

/** The names that a template is filled with. */
export interface RecordingNames {
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
}

/** What a file's path says of the stream in it. */
export type NamesInPath = Partial<RecordingNames>;

const TIME_VARIABLE = /\[(timestamp|2006|01|02|15|04|05|999)\]/;

/** The template of the files: a directory gets `[stream].[timestamp].flv` (V002). */
export function fileTemplate(dvrPath: string): string {
  if (containerOf(dvrPath) !== undefined) return dvrPath;
  return `${dvrPath}${dvrPath.endsWith('/') ? '' : '/'}[stream].[timestamp].flv`;
}

/** The container that a path asks for; undefined when it names a directory. */
export function containerOf(path: string): Container | undefined {
  if (path.endsWith('.flv')) return 'flv';
  return path.endsWith('.mp4') ? 'mp4' : undefined;
}

/**
 * The directory that all files of a template are under, whatever its variables stand for: with its `/` at the end,
 * and '' for the working directory.
 */
export function templateRoot(template: string): string {
  const variable = template.search(PATH_VARIABLE);
  const fixed = variable === -1 ? template : template.slice(0, variable);
  return fixed.slice(0, fixed.lastIndexOf('/') + 1);
}

/** Whether the name of the file itself (not of its directory) has a part of the time in it. */
export function hasTimeInName(template: string): boolean {
  return TIME_VARIABLE.test(posix.basename(template)) && !TIME_VARIABLE.test(posix.dirname(template));
}

/**
 * The form of the paths that a template gives, with a number at the end that a taken name got.
 *
 * @param known - names that the variables stand for; any name fits the others, and is a group of the match
 */
export function templateShape(template: string, known: NamesInPath = {}): RegExp {
  const groups = new Set<string>();
  const end = containerOf(template) ?? 'flv';
  const stem = template.endsWith(`.${end}`) ? template.slice(0, -end.length - 1) : template;
  let shape = '';
  let from = 0;
  for (const match of stem.matchAll(PATH_VARIABLE)) {
    shape += escaped(stem.slice(from, match.index));
    shape += variableShape(match[1] ?? '', known, groups);
    from = match.index + match[0].length;
  }
  shape += escaped(stem.slice(from));
  return new RegExp(`^${shape}(?:-\\d{1,4})?\\.${end}$`, 'u');
}

function variableShape(name: string, known: NamesInPath, groups: Set<string>): string {
  switch (name) {
    case 'vhost':
    case 'app':
    case 'stream': {
      const value = known[name];
      if (value !== undefined) {
        const names = { vhost: '', app: '', stream: '', [name]: value };
        return escaped(expandPath(`[${name}]`, names));
      }
      if (groups.has(name)) return `\\k<${name}>`;
      groups.add(name);
      return `(?<${name}>.+)`;
    }
    case '2006':
      return '\\d{4}';
    case '999':
      return '\\d{3}';
    case 'seq':
    case 'timestamp':
      return '\\d+';
    default:
      return '\\d{2}';
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** The path with a number in front of its extension: `live.flv`, 1 → `live-1.flv`; 0 leaves it as it is. */
export function numberedPath(path: string, number: number): string {
  if (number === 0) return path;
  const { ext } = posix.parse(path);
  return `${path.slice(0, path.length - ext.length)}-${number}${ext}`;
}

/**
 * The template that a path given from outside stands for: relative to the root, or absolute and under it.
 *
 * @param root - the directory that may not be left, as {@link templateRoot} gives it
 * @returns the template, or what is wrong with the path
 */
export function templateUnder(root: string, path: string): { template: string } | { problem: string } {
  if (path === '' || path.length > MAX_PATH_LENGTH) {
    return { problem: `the path has ${path.length} characters, wanted 1 to ${MAX_PATH_LENGTH}` };
  }
  if (/[\p{Cc}\\]/u.test(path)) return { problem: 'the path has control characters or backslashes' };
  if (path.split('/').includes('..')) return { problem: 'the path has `..` in it' };
  const template = fileTemplate(posix.isAbsolute(path) ? posix.normalize(path) : `${root}${path}`);
  if (!posix.normalize(template).startsWith(posix.normalize(root || './').replace(/^\.\/$/, ''))) {
    return { problem: `the path is not under the vhost's recording directory ${root || '.'}` };
  }
  if (root === '' && posix.isAbsolute(template)) {
    return { problem: "the path is not under the vhost's recording directory, the working directory" };
  }
  return { template };
}
