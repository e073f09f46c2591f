/** What the variables of a path template stand for (L007). */
export interface PathVariables {
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
  /** `[seq]`. */
  readonly sequence?: number;
  /** `[timestamp]` (ms since the epoch), `[2006]` … `[999]`. */
  readonly at?: Date;
  /** The parts of the time are those of UTC rather than of the machine's zone. */
  readonly utc?: boolean;
}

/** Control characters (Unicode category Cc), backslashes, and what looks like an escape of ours. */
const UNSAFE = /[\p{Cc}\\]|%(?=[0-9A-F]{2})/gu;
/** What a template has in place of names, numbers and times. */
export const PATH_VARIABLE = /\[(vhost|app|stream|seq|timestamp|2006|01|02|15|04|05|999)\]/g;

/**
 * Fills a template such as `[app]/[stream]-[seq].ts`. Names are put in as {@link fileName} makes them; a variable
 * that has no value stays as it is written.
 */
export function expandPath(template: string, variables: PathVariables): string {
  return template.replaceAll(PATH_VARIABLE, (written, name: string) => valueOf(name, variables) ?? written);
}

function valueOf(name: string, variables: PathVariables): string | undefined {
  const { vhost, app, stream, sequence, at } = variables;
  switch (name) {
    case 'vhost':
      return fileName(vhost);
    case 'app':
      return fileName(app);
    case 'stream':
      return fileName(stream);
    case 'seq':
      return sequence === undefined ? undefined : String(sequence);
    default:
      return at === undefined ? undefined : timePart(name, at, variables.utc === true);
  }
}

function timePart(name: string, at: Date, utc: boolean): string | undefined {
  switch (name) {
    case 'timestamp':
      return String(at.getTime());
    case '2006':
      return String(utc ? at.getUTCFullYear() : at.getFullYear());
    case '01':
      return digits((utc ? at.getUTCMonth() : at.getMonth()) + 1, 2);
    case '02':
      return digits(utc ? at.getUTCDate() : at.getDate(), 2);
    case '15':
      return digits(utc ? at.getUTCHours() : at.getHours(), 2);
    case '04':
      return digits(utc ? at.getUTCMinutes() : at.getMinutes(), 2);
    case '05':
      return digits(utc ? at.getUTCSeconds() : at.getSeconds(), 2);
    case '999':
      return digits(utc ? at.getUTCMilliseconds() : at.getMilliseconds(), 3);
    default:
      return undefined;
  }
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0');
}

/**
 * A name of a vhost, app or stream as it stands in file names: control characters and backslashes, which no URL
 * and no shell takes well, become `%XX`, and so does a `%` that would read as one of these. Everything else stays,
 * also spaces, quotes and `/`, which makes directories.
 */
export function fileName(name: string): string {
  return name.replaceAll(UNSAFE, (character) => `%${hex(character)}`);
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');
}

/**
 * Whether an app or stream name would lead out of its directory, or nowhere.
 *
 * @returns what is wrong with it, or undefined
 */
export function namesProblem(app: string, stream: string): string | undefined {
  for (const [what, name] of [
    ['app', app],
    ['stream', stream],
  ] as const) {
    const bad = name.split('/').find((segment) => segment === '' || segment === '.' || segment === '..');
    if (bad !== undefined) {
      const part = bad === '' ? 'an empty part' : `the part "${bad}"`;
      return `the ${what} name ${JSON.stringify(name)} has ${part}, and can't be a file's path`;
    }
  }
  return undefined;
}
