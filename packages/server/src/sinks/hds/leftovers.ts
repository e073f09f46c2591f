import { posix, resolve } from 'node:path';

import { MediaError } from '@sluice/media';
import { type Bootstrap, buildBootstrap, HdsDiscontinuity, parseBootstrap } from '@sluice/media/hds';

import { errorText } from '../../error-text.ts';
import type { VhostConfig } from '../../config/index.ts';
import type { StreamId } from '../../live/index.ts';
import {
  type Disk,
  type FaultLog,
  filesUnder,
  PathPattern,
  removeUnchanged,
  TEMPORARY_SUFFIX,
  type TreeFile,
} from '../disk/index.ts';
import { HDS_TEMPLATES, HdsPaths } from './paths.ts';

/** How often it is looked whether it is time for something, ms. */
const SWEEP_MS = 1_000;
/** A `.tmp` file that changed less than so long ago, ms, may be another process's. */
const TEMPORARY_QUIET_MS = 60_000;
/** Bootstraps of an earlier run that are looked after. */
const MAX_LEFTOVERS = 10_000;
/** A bootstrap larger than this is none of ours. */
const MAX_BOOTSTRAP_BYTES = 1024 * 1024;

/** What {@link Leftovers} needs. */
export interface LeftoversOptions {
  readonly log: FaultLog;
  readonly disk: Disk;
  /** ms since the epoch. Default: Date.now. */
  readonly now?: (() => number) | undefined;
  /** The vhosts that are on, as they are configured now. */
  readonly vhosts: () => Iterable<Pick<VhostConfig, 'name' | 'hds'>>;
  /** Whether a stream is being written, or waits to be. */
  readonly isPublished: (id: StreamId) => boolean;
  /** Nothing of the stream is written before this is settled. */
  readonly hold: (id: StreamId, work: Promise<void>) => void;
}

interface Leftover {
  readonly bootstrap: TreeFile;
  readonly ids: readonly StreamId[];
  readonly windowMs: number;
  readonly root: string;
}

/**
 * Ends what a crash has left: a bootstrap that tells of a live stream is one that players wait at for ever. It is ended
 * as the publisher's end would have done it, `hds_window` after the start, unless somebody publishes the stream again.
 */
export class Leftovers {
  readonly #options: LeftoversOptions;
  readonly #now: () => number;
  readonly #startedAt: number;
  #leftovers: Leftover[] = [];
  #temporary: TreeFile[] = [];
  readonly #timer: NodeJS.Timeout;
  #work: Promise<void>;
  #stopped = false;

  constructor(options: LeftoversOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#startedAt = this.#now();
    this.#work = this.#safely(() => this.#scan());
    this.#timer = setInterval(() => {
      this.sweep();
    }, SWEEP_MS).unref();
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#work;
  }

  /** Ends, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#work;
  }

  /** Does what time asks for. Called every second, one sweep after the other. */
  sweep(): void {
    this.#work = this.#work.then(() => this.#safely(() => this.#sweep()));
  }

  async #safely(work: () => Promise<void>): Promise<void> {
    try {
      if (!this.#stopped) await work();
    } catch (error) {
      const reason = errorText(error);
      this.#options.log.warn(`hds: what an earlier run left can't be looked after: ${reason}`);
    }
  }

  async #scan(): Promise<void> {
    const { disk, log, vhosts } = this.#options;
    for (const [root, names] of rootsOf(vhosts())) {
      if (root === '/') {
        log.warn('hds: hds_path has no directory of its own, nothing that an earlier run left is looked for');
        continue;
      }
      for await (const file of filesUnder(disk, `${root}/`)) {
        if (this.#stopped) return;
        const path = file.path.slice(root.length + 1);
        if (path.endsWith(TEMPORARY_SUFFIX)) {
          const whole = path.slice(0, -TEMPORARY_SUFFIX.length);
          if (PATTERNS.some((pattern) => pattern.read(whole).readings.length > 0)) this.#temporary.push(file);
        } else if (path.endsWith('.abst') && this.#leftovers.length < MAX_LEFTOVERS) {
          const ids = names.flatMap(({ vhost }) => idsOf(vhost, path));
          const windowMs = Math.max(...names.map((name) => name.windowMs));
          if (ids.length > 0 && file.modifiedMs <= this.#startedAt) {
            this.#leftovers.push({ bootstrap: file, ids, windowMs, root });
          }
        }
      }
    }
  }

  async #sweep(): Promise<void> {
    const age = this.#now() - this.#startedAt;
    if (age >= TEMPORARY_QUIET_MS) await removeUnchanged(this.#options.disk, this.#temporary.splice(0));
    const due = this.#leftovers.filter(({ windowMs }) => age >= windowMs);
    this.#leftovers = this.#leftovers.filter(({ windowMs }) => age < windowMs);
    for (const leftover of due) {
      const work = this.#safely(() => this.#end(leftover));
      for (const id of leftover.ids) this.#options.hold(id, work);
      await work;
    }
    if (this.#leftovers.length === 0 && this.#temporary.length === 0) clearInterval(this.#timer);
  }

  async #end({ bootstrap: seen, ids, root }: Leftover): Promise<void> {
    const { disk, isPublished, log } = this.#options;
    const [id] = ids;
    if (id === undefined || ids.some(isPublished)) return;
    const entries = await disk.list(posix.dirname(seen.path));
    const entry = entries.find(({ name }) => name === posix.basename(seen.path));
    if (entry?.size !== seen.size || entry.modifiedMs !== seen.modifiedMs) return;
    const bootstrap = await this.#read(seen);
    const [table] = bootstrap?.fragmentRunTables ?? [];
    if (bootstrap === undefined || table === undefined) return;
    const { endOfPresentation } = HdsDiscontinuity;
    if (table.runs.some(({ discontinuity }) => discontinuity === endOfPresentation)) return;
    const end = { firstFragment: 0, firstTimestamp: 0, duration: 0, discontinuity: endOfPresentation };
    const ended: Bootstrap = {
      ...bootstrap,
      version: (bootstrap.version + 1) >>> 0,
      fragmentRunTables: [{ ...table, runs: [...table.runs, end] }],
    };
    const listed = new Set(table.runs.map(({ firstFragment }) => firstFragment));
    const paths = new HdsPaths(root, id);
    const outdated = entries.flatMap(({ name, directory, size, modifiedMs }) => {
      const path = posix.join(posix.dirname(seen.path), name);
      const number = Number(/Frag(\d{1,10})$/.exec(name)?.[1] ?? Number.NaN);
      const isOurs = !directory && path === paths.fragment(number) && modifiedMs <= this.#startedAt;
      return isOurs && !listed.has(number) ? [{ path, size, modifiedMs }] : [];
    });
    await disk.write(seen.path, buildBootstrap(ended));
    await removeUnchanged(disk, outdated);
    log.info(`hds ${id.app}/${id.stream}: ended what an earlier run left`);
  }

  async #read({ path, size }: TreeFile): Promise<Bootstrap | undefined> {
    if (size > MAX_BOOTSTRAP_BYTES) return undefined;
    const file = await this.#options.disk.open(path, 'update');
    try {
      const bootstrap = parseBootstrap(await file.read(0, size));
      const { live, fragmentRunTables, movieIdentifier, qualities, servers } = bootstrap;
      // As we write them.
      const isOurs =
        live &&
        fragmentRunTables.length === 1 &&
        movieIdentifier === '' &&
        qualities.length + servers.length === 0;
      return isOurs ? bootstrap : undefined;
    } catch (error) {
      if (error instanceof MediaError) return undefined;
      throw error;
    } finally {
      await file.close();
    }
  }
}

interface RootName {
  readonly vhost: string;
  readonly windowMs: number;
}

/** No name of HDS depends on the vhost. */
const PATTERNS = HDS_TEMPLATES.map((template) => new PathPattern(template, { vhost: '' }));
const [, BOOTSTRAP] = PATTERNS;

function rootsOf(vhosts: Iterable<Pick<VhostConfig, 'name' | 'hds'>>): Map<string, RootName[]> {
  const roots = new Map<string, RootName[]>();
  for (const { name: vhost, hds } of vhosts) {
    if (!hds.enabled) continue;
    const root = resolve(hds.path);
    roots.set(root, [...(roots.get(root) ?? []), { vhost, windowMs: hds.windowMs }]);
  }
  return roots;
}

function idsOf(vhost: string, path: string): StreamId[] {
  return (BOOTSTRAP?.read(path).readings ?? []).flatMap(({ app, stream }) =>
    app === undefined || stream === undefined ? [] : [{ vhost, app, stream }],
  );
}
