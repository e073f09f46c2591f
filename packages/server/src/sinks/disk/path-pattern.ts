import { fileName, PATH_VARIABLE } from './path-template.ts';

/** The names that a path stands for, as clients write them; undefined where the template does not have them. */
export interface PathReading {
  readonly app: string | undefined;
  readonly stream: string | undefined;
}

/** All that a path may stand for. */
export interface PathReadings {
  readonly readings: readonly PathReading[];
  /** False when there are more readings, or looking for them took too many steps. */
  readonly complete: boolean;
}

/** How a template is read. */
export interface PathPatternOptions {
  /** What `[vhost]` stands for. */
  readonly vhost: string;
  /** Names may have a number in front of the extension, as recordings get when a name is taken. Default false. */
  readonly numbered?: boolean;
}

/** Most readings of one path; more are ambiguous all the same. */
const MAX_READINGS = 8;
/** Most places that are looked at for one path, which can be cut in many of them: about a millisecond. */
const MAX_STEPS = 20_000;

/** Of ms since 1970: a year such as 2026 in the name of somebody's file is no time of ours. */
const LEAST_TIMESTAMP_DIGITS = 9;
const NOTHING: PathReadings = { readings: [], complete: true };
const NUMBER_SUFFIX = /-\d{1,4}$/;

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'name'; readonly name: 'app' | 'stream' }
  /** So many digits, or the variable as it is written. */
  | { readonly kind: 'digits'; readonly least: number; readonly most: number; readonly written: string };

interface Search {
  readonly path: string;
  readonly found: Map<string, PathReading>;
  steps: number;
  complete: boolean;
}

type Names = Partial<Record<'app' | 'stream', string>>;

/**
 * A path template, read backwards: which streams a path may be of. Letters match in either case, since a file
 * system may not distinguish them.
 */
export class PathPattern {
  readonly #parts: readonly Part[];
  /** With its dot; empty when names get no number. */
  readonly #extension: string;
  /** What every path begins with, in lower case: of a thousand vhosts' patterns, one is looked at closely. */
  readonly #start: string;
  /** As it is written; letters may have another length in lower case. */
  readonly #startLength: number;

  constructor(template: string, { vhost, numbered = false }: PathPatternOptions) {
    const extension = numbered ? (/\.[^./\]]+$/.exec(template)?.[0] ?? '') : '';
    this.#extension = extension;
    this.#parts = partsOf(template.slice(0, template.length - extension.length), vhost);
    const [first] = this.#parts;
    const start = first?.kind === 'text' ? first.text : '';
    this.#start = start.toLowerCase();
    this.#startLength = start.length;
  }

  /** @param path - relative to the same directory as the template */
  read(path: string): PathReadings {
    if (path.slice(0, this.#startLength).toLowerCase() !== this.#start) return NOTHING;
    const found = new Map<string, PathReading>();
    let complete = true;
    for (const stem of this.#stems(path)) {
      const search: Search = { path: stem, found, steps: 0, complete: true };
      this.#walk({ part: 0, at: 0, names: {} }, search);
      complete &&= search.complete;
    }
    return { readings: [...found.values()], complete };
  }

  #stems(path: string): string[] {
    const extension = this.#extension;
    if (extension === '') return [path];
    if (path.slice(-extension.length).toLowerCase() !== extension.toLowerCase()) return [];
    const stem = path.slice(0, -extension.length);
    return NUMBER_SUFFIX.test(stem) ? [stem, stem.replace(NUMBER_SUFFIX, '')] : [stem];
  }

  #walk(state: { readonly part: number; readonly at: number; readonly names: Names }, search: Search): void {
    search.steps += 1;
    if (search.steps > MAX_STEPS) search.complete = false;
    if (!search.complete) return;
    const { part: index, at, names } = state;
    const { path } = search;
    const part = this.#parts[index];
    if (part === undefined) {
      if (at === path.length) addReading(search, names);
      return;
    }
    for (const end of this.#ends(part, index, at, search)) {
      const next = { part: index + 1, at: end, names };
      if (part.kind !== 'name') {
        this.#walk(next, search);
        continue;
      }
      const value = path.slice(at, end);
      const before = names[part.name];
      if (before === undefined) this.#walk({ ...next, names: { ...names, [part.name]: value } }, search);
      else if (isSame(before, value)) this.#walk(next, search);
    }
  }

  /** Where a part that begins at a position may end; the longest first. */
  *#ends(part: Part, index: number, at: number, search: Search): Generator<number> {
    const { path } = search;
    switch (part.kind) {
      case 'text':
        if (startsWith(path, part.text, at)) yield at + part.text.length;
        return;
      case 'digits': {
        if (startsWith(path, part.written, at)) yield at + part.written.length;
        const most = /^\d*/.exec(path.slice(at, at + part.most))?.[0].length ?? 0;
        for (let length = most; length >= part.least; length -= 1) {
          search.steps += 1;
          yield at + length;
        }
        return;
      }
      case 'name': {
        const following = this.#parts[index + 1];
        const text = following?.kind === 'text' ? following.text : '';
        const last = following === undefined ? path.length : at + 1;
        for (let end = path.length; end >= last; end -= 1) {
          search.steps += 1;
          if (end > at && startsWith(path, text, end)) yield end;
        }
      }
    }
  }
}

function addReading(search: Search, { app, stream }: Names): void {
  const reading = {
    app: app === undefined ? undefined : plainName(app),
    stream: stream === undefined ? undefined : plainName(stream),
  };
  search.found.set(JSON.stringify([reading.app, reading.stream]), reading);
  if (search.found.size > MAX_READINGS) search.complete = false;
}

function partsOf(template: string, vhost: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  const addText = (text: string): void => {
    const last = parts.at(-1);
    if (text === '') return;
    if (last?.kind === 'text') parts[parts.length - 1] = { kind: 'text', text: last.text + text };
    else parts.push({ kind: 'text', text });
  };
  for (const match of template.matchAll(PATH_VARIABLE)) {
    const [written, name = ''] = match;
    addText(template.slice(from, match.index));
    from = match.index + written.length;
    if (name === 'vhost') addText(fileName(vhost));
    else if (name === 'app' || name === 'stream') parts.push({ kind: 'name', name });
    else parts.push({ kind: 'digits', written, ...digitsOf(name) });
  }
  addText(template.slice(from));
  return parts;
}

function digitsOf(name: string): { readonly least: number; readonly most: number } {
  switch (name) {
    case 'seq':
      return { least: 1, most: 16 };
    case 'timestamp':
      return { least: LEAST_TIMESTAMP_DIGITS, most: 16 };
    case '2006':
      return { least: 4, most: 4 };
    case '999':
      return { least: 3, most: 3 };
    default:
      return { least: 2, most: 2 };
  }
}

function startsWith(path: string, text: string, at: number): boolean {
  return path.startsWith(text, at) || isSame(path.slice(at, at + text.length), text);
}

function isSame(left: string, right: string): boolean {
  return left === right || left.toLowerCase() === right.toLowerCase();
}

/** The name that stands in a file's name as {@link fileName} makes it. */
function plainName(inFile: string): string {
  return inFile.replaceAll(/%([0-9A-F]{2})/g, (written, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return /[\p{Cc}\\%]/u.test(character) ? character : written;
  });
}
