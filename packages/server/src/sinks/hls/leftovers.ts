import { posix, relative, resolve } from 'node:path';

import { errorText } from '../../error-text.ts';
import type { VhostConfig } from '../../config/index.ts';
import { type StreamId, streamKey } from '../../live/index.ts';
import {
  type Disk,
  type FaultLog,
  filesUnder,
  PathPattern,
  removeUnchanged,
  TEMPORARY_SUFFIX,
  type TreeFile,
} from '../disk/index.ts';
import { type NamedFiles, readOwnPlaylist } from './leftover-playlist.ts';
import type { HlsLimits } from './limits.ts';
import { HlsPaths } from './paths.ts';

/** How often it is looked whether something is to be disposed of, ms. */
const SWEEP_MS = 1_000;
/** A `.tmp` file that changed less than so long ago, ms, may be another process's. */
const TEMPORARY_QUIET_MS = 60_000;

/** What {@link Leftovers} needs. */
export interface LeftoversOptions {
  readonly log: FaultLog;
  readonly disk: Disk;
  readonly limits: HlsLimits;
  /** ms since the epoch. */
  readonly now: () => number;
  readonly utc: () => boolean;
  /** The vhosts that are on, as they are configured now. */
  readonly vhosts: () => Iterable<Pick<VhostConfig, 'name' | 'hls'>>;
  /** The stream of this run that looks after a file. */
  readonly ownerOf: (path: string) => StreamId | undefined;
  /** Nothing of the stream is written before this is settled. */
  readonly hold: (key: string, work: Promise<void>) => void;
}

/** A playlist of an earlier run. */
interface Leftover {
  readonly playlist: TreeFile;
  /** Every stream that it may be of, by the templates of the vhosts. */
  readonly ids: readonly StreamId[];
}

/**
 * Disposes of what an earlier run left (L022): a crash leaves playlists that look live, and nobody would ever remove
 * them. Removed is what is ours by name and by content, and has not changed since the start.
 */
export class Leftovers {
  readonly #options: LeftoversOptions;
  readonly #startedAt: number;
  #leftovers: Leftover[] = [];
  #temporary: TreeFile[] = [];
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void>;
  #stopped = false;

  constructor(options: LeftoversOptions) {
    this.#options = options;
    this.#startedAt = options.now();
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
      this.#options.log.warn(`hls: what an earlier run left can't be looked after: ${reason}`);
    }
  }

  async #sweep(): Promise<void> {
    const age = this.#options.now() - this.#startedAt;
    if (age >= TEMPORARY_QUIET_MS && this.#temporary.length > 0) {
      await removeUnchanged(this.#options.disk, this.#temporary.splice(0));
    }
    const left: Leftover[] = [];
    for (const leftover of this.#leftovers) {
      const disposeMs = this.#disposeMsOf(leftover);
      if (disposeMs === 0 || age < disposeMs || this.#stopped) left.push(leftover);
      else await this.#dispose(leftover);
    }
    this.#leftovers = left;
    if (left.length > 0 || this.#temporary.length > 0) return;
    clearInterval(this.#timer);
  }

  /** Vhosts that may all have written the file have to agree that it goes: 0 keeps it. */
  #disposeMsOf({ ids }: Leftover): number {
    const vhosts = new Map([...this.#options.vhosts()].map((vhost) => [vhost.name, vhost]));
    let longest = 0;
    for (const id of ids) {
      const hls = vhosts.get(id.vhost)?.hls;
      if (hls?.enabled !== true || hls.disposeMs === 0) return 0;
      longest = Math.max(longest, hls.disposeMs);
    }
    return longest;
  }

  async #scan(): Promise<void> {
    const { disk, limits, log, now, vhosts } = this.#options;
    const roots = rootsOf(vhosts());
    for (const [root, names] of roots) {
      if (root === '/') {
        log.warn('hls: hls_path has no directory of its own, nothing that an earlier run left is looked for');
        continue;
      }
      for await (const file of filesUnder(disk, `${root}/`)) {
        if (this.#stopped) return;
        const path = file.path.slice(root.length + 1);
        if (path.endsWith(TEMPORARY_SUFFIX)) {
          const whole = path.slice(0, -TEMPORARY_SUFFIX.length);
          if (names.some(({ pattern }) => isRead(pattern, whole))) this.#temporary.push(file);
        } else if (
          file.modifiedMs <= this.#startedAt &&
          this.#leftovers.length < limits.maxRememberedStreams
        ) {
          const ids = names.flatMap(({ kind, pattern, vhost }) =>
            kind === 'playlist' ? idsOf(pattern, vhost, path) : [],
          );
          if (ids.length > 0) this.#leftovers.push({ playlist: file, ids });
        }
      }
    }
    const old = now() - TEMPORARY_QUIET_MS;
    const quiet = this.#temporary.filter(({ modifiedMs }) => modifiedMs <= old);
    this.#temporary = this.#temporary.filter(({ modifiedMs }) => modifiedMs > old);
    await removeUnchanged(disk, quiet);
  }

  async #dispose(leftover: Leftover): Promise<void> {
    const { hold } = this.#options;
    const work = this.#safely(() => this.#remove(leftover));
    // A publisher that comes back meanwhile waits, and finds all of it or nothing.
    for (const id of leftover.ids) hold(streamKey(id), work);
    await work;
  }

  async #remove({ playlist, ids }: Leftover): Promise<void> {
    const { disk, limits, log, ownerOf } = this.#options;
    const text = await disk.readText(playlist.path, limits.maxRecoveredBytes);
    if (text === undefined) return;
    for (const id of ids) {
      const vhost = [...this.#options.vhosts()].find(({ name }) => name === id.vhost);
      const paths = vhost === undefined ? undefined : this.#pathsOf(vhost.hls, id, playlist);
      const named = paths === undefined ? undefined : readOwnPlaylist(text, paths);
      if (vhost === undefined || paths === undefined || named === undefined) continue;
      const isLive = ownerOf(playlist.path) !== undefined;
      // Who publishes again looks after what the playlist names; nobody looks after what had left it before.
      const listed = new Set([...named.segments, ...named.keys]);
      const files = (await this.#filesOf(vhost.hls, paths, named, playlist)).filter(({ path }) => {
        const isListed = listed.has(path);
        return (
          ownerOf(path) === undefined &&
          (isLive ? !isListed && vhost.hls.cleanup : isListed || vhost.hls.cleanup)
        );
      });
      if (!isLive) {
        // The playlist goes first, so that nobody is led to what is not there.
        if ((await removeUnchanged(disk, [playlist])) === 0) return;
      }
      const removed = await removeUnchanged(disk, files);
      const what = isLive ? 'old segments and keys' : 'the playlist, and segments and keys';
      log.info(`hls ${id.app}/${id.stream}: removed ${what} of an earlier run (${removed})`);
      return;
    }
  }

  #pathsOf(hls: VhostConfig['hls'], id: StreamId, { path }: TreeFile): HlsPaths {
    const { now, utc } = this.#options;
    return new HlsPaths(hls, id, new Date(now()), utc(), relative(resolve(hls.path), path));
  }

  /** Segments and keys of the stream, as they are named, from before the start, beside those that are listed. */
  async #filesOf(
    hls: VhostConfig['hls'],
    paths: HlsPaths,
    { segments, keys }: NamedFiles,
    playlist: TreeFile,
  ): Promise<TreeFile[]> {
    const { disk } = this.#options;
    const root = resolve(hls.path);
    const keyRoot = resolve(hls.keyFilePath);
    const directories = new Set([playlist.path, ...segments, ...keys].map((path) => posix.dirname(path)));
    const files: TreeFile[] = [];
    for (const directory of directories) {
      for (const { name, directory: isDirectory, size, modifiedMs } of await disk.list(directory)) {
        const path = posix.join(directory, name);
        const isOurs = paths.isSegment(relative(root, path)) || paths.isKey(relative(keyRoot, path));
        if (!isDirectory && isOurs && modifiedMs <= this.#startedAt) files.push({ path, size, modifiedMs });
      }
    }
    return files;
  }
}

interface NamePattern {
  readonly kind: 'playlist' | 'other';
  readonly vhost: string;
  readonly pattern: PathPattern;
}

/** The names of all files of HLS by the directories that they are in. */
function rootsOf(vhosts: Iterable<Pick<VhostConfig, 'name' | 'hls'>>): Map<string, NamePattern[]> {
  const roots = new Map<string, NamePattern[]>();
  for (const { name: vhost, hls } of vhosts) {
    if (!hls.enabled || hls.storage === 'ram') continue;
    const add = (kind: NamePattern['kind'], root: string, template: string): void => {
      const pattern = new PathPattern(posix.normalize(template).replace(/^\/+/, ''), { vhost });
      const directory = resolve(root);
      roots.set(directory, [...(roots.get(directory) ?? []), { kind, vhost, pattern }]);
    };
    add('playlist', hls.path, hls.playlistFile);
    add('other', hls.path, hls.floor ? hls.segmentFile.replaceAll('[timestamp]', '[seq]') : hls.segmentFile);
    if (hls.keys) add('other', hls.keyFilePath, hls.keyFile);
  }
  return roots;
}

function isRead(pattern: PathPattern, path: string): boolean {
  return pattern.read(path).readings.length > 0;
}

function idsOf(pattern: PathPattern, vhost: string, path: string): StreamId[] {
  return pattern
    .read(path)
    .readings.flatMap(({ app, stream }) =>
      app === undefined || stream === undefined ? [] : [{ vhost, app, stream }],
    );
}
