import { basename, dirname, join } from 'node:path';

import type { Config, VhostConfig } from '../config/index.ts';
import type { FileOwners, FilePlace } from '../servers/guarded-files/index.ts';
import type { GuardedFile } from '../servers/http/index.ts';
import { type FileRoot, fileRoots, isRestricted, type TemplateGroup } from './file-roots.ts';
import type { PathIdentities } from './path-identities.ts';
import type { PrivateFiles } from './private-files.ts';

/** How long it is believed which directory is which, ms. */
const KEPT_MS = 2_000;
/** Directories whose roots are remembered. */
const MAX_DIRECTORIES = 4_096;

/** A root that a directory lies in, and what stands between the two: empty, or with a slash at its end. */
interface Hit {
  readonly root: FileRoot;
  readonly between: string;
}

/**
 * Whose the files below the directories are: the path templates of all vhosts, read backwards. Directories are compared
 * by what they are and not by their names. Where everyone may play everything, nothing is looked for.
 */
export class TemplateOwners implements FileOwners {
  readonly #identities: PathIdentities;
  readonly #private: PrivateFiles;
  readonly #config: () => Config;
  readonly #now: () => number;
  #compiledFor: Config | undefined;
  #roots: readonly FileRoot[] = [];
  /** What the roots are now; made anew from time to time. */
  #byIdentity: Promise<ReadonlyMap<string, readonly FileRoot[]>> = Promise.resolve(new Map());
  #hits = new Map<string, Promise<readonly Hit[]>>();
  #keptUntil = -Infinity;

  constructor(
    identities: PathIdentities,
    privateFiles: PrivateFiles,
    config: () => Config,
    now: () => number = () => performance.now(),
  ) {
    this.#identities = identities;
    this.#private = privateFiles;
    this.#config = config;
    this.#now = now;
    this.reconfigured();
  }

  isPrivate(file: GuardedFile): Promise<boolean> {
    return this.#private.has(file);
  }

  /** The configuration has changed: what not everyone could play before stays so. */
  reconfigured(): void {
    const config = this.#config();
    if (config === this.#compiledFor) return;
    this.#roots = fileRoots(config, this.#roots, this.#compiledFor);
    this.#compiledFor = config;
    this.#keptUntil = -Infinity;
  }

  async placesOf({ path }: GuardedFile): Promise<readonly FilePlace[]> {
    this.reconfigured();
    if (this.#roots.length === 0) return [];
    const hits = await this.#hitsOf(dirname(path));
    if (hits.length === 0) return [];
    const name = basename(path);
    const places: FilePlace[] = [];
    const weak: FilePlace[] = [];
    let isClaimed = false;
    for (const { root, between } of hits) {
      for (const group of root.groups) {
        const found = this.#read(root, group, between + name);
        if (found === undefined) continue;
        if (!group.weak) isClaimed = true;
        (group.weak ? weak : places).push(...found);
      }
    }
    if (isClaimed) return places;
    if (weak.length > 0) return weak;
    return hits.flatMap(({ root, between }) => this.#unknown(root, between, name));
  }

  #hitsOf(directory: string): Promise<readonly Hit[]> {
    const now = this.#now();
    if (now >= this.#keptUntil) {
      this.#byIdentity = this.#identify(this.#roots);
      this.#hits = new Map();
      this.#keptUntil = now + KEPT_MS;
    }
    const known = this.#hits.get(directory);
    if (known !== undefined) return known;
    const hits = this.#findHits(directory, this.#byIdentity);
    if (this.#hits.size >= MAX_DIRECTORIES) this.#hits.clear();
    this.#hits.set(directory, hits);
    return hits;
  }

  async #identify(roots: readonly FileRoot[]): Promise<ReadonlyMap<string, readonly FileRoot[]>> {
    const identities = await Promise.all(roots.map(({ path }) => this.#identities.of(path)));
    const found = new Map<string, FileRoot[]>();
    for (const [index, root] of roots.entries()) {
      const identity = identities[index];
      if (identity !== undefined) found.set(identity, [...(found.get(identity) ?? []), root]);
    }
    return found;
  }

  async #findHits(
    directory: string,
    pending: Promise<ReadonlyMap<string, readonly FileRoot[]>>,
  ): Promise<readonly Hit[]> {
    const byIdentity = await pending;
    const hits: Hit[] = [];
    let between = '';
    for (let at = directory; ; at = dirname(at)) {
      const identity = await this.#identities.of(at);
      const roots = identity === undefined ? undefined : byIdentity.get(identity);
      for (const root of roots ?? []) hits.push({ root, between });
      if (at === dirname(at)) return hits;
      between = `${basename(at)}/${between}`;
    }
  }

  /** Undefined when no file of the group has such a name. */
  #read(root: FileRoot, { kind, pattern, vhosts }: TemplateGroup, below: string): FilePlace[] | undefined {
    const { readings, complete } = pattern.read(below);
    if (readings.length === 0 && complete) return undefined;
    const path = join(root.path, below);
    const places: FilePlace[] = [];
    for (const name of vhosts) {
      const vhost = this.#vhost(name);
      // It may be open by now.
      if (vhost !== undefined && !isRestricted(vhost)) continue;
      for (const { app, stream } of readings) {
        // Without names in the template, all streams have the same files.
        if (app === undefined || stream === undefined) places.push({ kind: 'unknown', vhost, path });
        else places.push({ kind, stream: { vhost: name, app, stream }, vhost, path });
      }
      if (!complete) places.push({ kind: 'unknown', vhost, path });
    }
    return places;
  }

  #unknown({ path: root, territories }: FileRoot, between: string, name: string): FilePlace[] {
    const path = join(root, between, name);
    return territories
      .filter(({ files }) => files.test(name))
      .map(({ vhost }) => ({ kind: 'unknown', vhost: this.#vhost(vhost), path }));
  }

  #vhost(name: string): VhostConfig | undefined {
    const vhost = this.#config().vhosts.get(name);
    return vhost?.enabled === true ? vhost : undefined;
  }
}
