import { basename, dirname, resolve } from 'node:path';

import type { Config } from '../config/index.ts';
import type { GuardedFile } from '../servers/http/index.ts';
import type { PathIdentities } from './path-identities.ts';

/** What follows the name of a file in those of its older and other versions: `.1`, `~`, `-20261201`, `.overlay.json`. */
const VERSION_MARKS = ['.', '~', '-', '_', '#'];

/** Paths of the server's own files that the configuration names; they need not exist. */
export function privateFiles({ pid, log, rtmps, httpApi, httpServer, vhosts }: Config): string[] {
  const files = [pid, log.file];
  for (const { key } of [rtmps, httpApi.https, httpServer.https]) files.push(...key);
  for (const { token } of vhosts.values()) if (!/^https?:/i.test(token.jwks)) files.push(token.jwks);
  return files.filter((file) => file !== '');
}

/** How long it is believed where the files are, ms. */
const KEPT_MS = 2_000;

/** The files as the file system knows them now. */
interface Known {
  readonly identities: ReadonlySet<string>;
  /** Names in lower case by the identities of their directories. */
  readonly names: ReadonlyMap<string, readonly string[]>;
}

/** The server's own files, which nobody gets wherever they lie: configuration, keys, log, pid file, lost callbacks. */
export class PrivateFiles {
  readonly #identities: PathIdentities;
  readonly #files: () => readonly string[];
  readonly #now: () => number;
  #known: Promise<Known> | undefined;
  #keptUntil = -Infinity;

  /** @param files - paths as they are now, relative ones to the working directory */
  constructor(
    identities: PathIdentities,
    files: () => readonly string[],
    now: () => number = () => performance.now(),
  ) {
    this.#identities = identities;
    this.#files = files;
    this.#now = now;
  }

  /** True for such a file itself, by whatever link, and for a file beside it that has its name with more behind it. */
  async has({ path, identity }: GuardedFile): Promise<boolean> {
    const now = this.#now();
    if (this.#known === undefined || now >= this.#keptUntil) {
      this.#known = this.#look();
      this.#keptUntil = now + KEPT_MS;
    }
    const { identities, names } = await this.#known;
    if (identities.has(identity)) return true;
    if (names.size === 0) return false;
    const directory = await this.#identities.of(dirname(path));
    const own = directory === undefined ? undefined : names.get(directory);
    return own?.some((name) => isVersionOf(basename(path).toLowerCase(), name)) === true;
  }

  async #look(): Promise<Known> {
    const identities = new Set<string>();
    const names = new Map<string, string[]>();
    for (const file of new Set(this.#files().map((path) => resolve(path)))) {
      const identity = await this.#identities.of(file);
      if (identity !== undefined) identities.add(identity);
      const directory = await this.#identities.of(dirname(file));
      if (directory !== undefined) {
        names.set(directory, [...(names.get(directory) ?? []), basename(file).toLowerCase()]);
      }
    }
    return { identities, names };
  }
}

function isVersionOf(name: string, own: string): boolean {
  return name === own || VERSION_MARKS.some((mark) => name.startsWith(`${own}${mark}`));
}
