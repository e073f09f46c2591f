import { posix } from 'node:path';

import { errorText } from '../../error-text.ts';
import type { VhostConfig } from '../../config/types.ts';
import type { Log } from '../../log/index.ts';
import { type Disk, filesUnder, type TreeFile } from '../disk/index.ts';
import { BackgroundWork } from './background-work.ts';
import { LEFTOVER_QUIET_MS, RETENTION_GAP_MS, RETENTION_INTERVAL_MS } from './limits.ts';
import { isWrittenOn } from './mend.ts';
import { finalName } from './recorded-file.ts';
import { namesOf, type RecordingFiles } from './recording-files.ts';
import { containerOf, fileTemplate, templateRoot, templateShape } from './recording-paths.ts';
import { applyRetention, type KeepRule, keepRules } from './retention.ts';

/** What {@link Housekeeping} works with. */
export interface HousekeepingOptions {
  readonly disk: Disk;
  readonly log: Log;
  readonly files: RecordingFiles;
  /** The vhosts that are enabled. */
  readonly vhosts: () => Iterable<VhostConfig>;
  /** ms since the epoch. */
  readonly now: () => number;
}

/** An unfinished file, and the one whose changes tell whether somebody is still at it. */
interface Leftover extends TreeFile {
  readonly workPath: string;
}

/** Looks after the recording directories: mends what a crash left, and removes what is not to be kept. */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #work = new BackgroundWork();
  #interval: NodeJS.Timeout | undefined;
  #fileFinished = false;
  #retaining = false;
  #retainedAt = -Infinity;
  #stopped = false;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  /** Begins: everything goes on beside what the server does. */
  start(): void {
    this.#run(this.#mendLeftovers());
    this.#run(this.#retain());
    this.#interval = setInterval(() => {
      this.#check();
    }, RETENTION_GAP_MS);
    this.#interval.unref();
  }

  /** A file was finished: there may be too much now. */
  fileFinished(): void {
    this.#fileFinished = true;
  }

  /** Ends, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#interval);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await this.#work.idle();
  }

  async #mendLeftovers(): Promise<void> {
    const { log, now } = this.#options;
    const seen = new Map<string, Leftover>();
    for (const root of this.#roots()) await this.#collectLeftovers(root, seen);
    const old = [...seen.values()].filter(({ modifiedMs }) => now() - modifiedMs >= LEFTOVER_QUIET_MS);
    const young = [...seen.values()].filter((file) => !old.includes(file));
    await this.#mendAll(old);
    if (old.length > 0) log.info(`dvr: ${old.length} unfinished files of an earlier run were looked after`);
    // A file that was changed a moment ago may belong to another process that goes on with it.
    if (young.length > 0) {
      this.#after(LEFTOVER_QUIET_MS, () => this.#mendQuiet(young));
    }
  }

  async #collectLeftovers(root: string, seen: Map<string, Leftover>): Promise<void> {
    if (root === '/') {
      this.#options.log.warn('dvr: dvr_path has no directory of its own, no unfinished files are looked for');
      return;
    }
    try {
      for await (const file of filesUnder(this.#options.disk, root)) {
        const path = finalName(file.path);
        if (path === undefined || containerOf(path) === undefined) continue;
        seen.set(file.path, await this.#leftoverOf(file, path));
      }
    } catch (error) {
      this.#options.log.warn(`dvr: unfinished files can't be looked for: ${errorText(error)}`);
    }
  }

  /** What has to be quiet for a leftover to be one: itself, or the file that was written on. */
  async #leftoverOf(file: TreeFile, path: string): Promise<Leftover> {
    const { disk } = this.#options;
    const workPath = file.path;
    if (!(await isWrittenOn(disk, workPath, path))) return { ...file, workPath };
    const name = posix.basename(path);
    const written = (await disk.list(posix.dirname(path))).find((entry) => entry.name === name);
    const { size, modifiedMs } = written ?? file;
    return { workPath, path, size, modifiedMs };
  }

  async #mendQuiet(files: readonly Leftover[]): Promise<void> {
    const { disk, log } = this.#options;
    const quiet: Leftover[] = [];
    for (const file of files) {
      const size = await disk.size(file.path);
      if (size === file.size) quiet.push(file);
      else if (size !== undefined && !this.#inUse(file.workPath)) {
        log.warn(`dvr: ${file.path} is left alone, something else writes to it`);
      }
    }
    await this.#mendAll(quiet);
    if (quiet.length > 0)
      log.info(`dvr: ${quiet.length} unfinished files of an earlier run were looked after`);
  }

  async #mendAll(files: readonly Leftover[]): Promise<void> {
    for (const { workPath } of files) {
      if (this.#stopped) return;
      await this.#options.files.mendLeftover(workPath, this.#namesOf(workPath));
    }
  }

  /** The stream that a path is of, as the templates of the vhosts say. */
  #namesOf(workPath: string): ReturnType<typeof namesOf> {
    const path = finalName(workPath) ?? workPath;
    for (const { name, dvr } of this.#options.vhosts()) {
      const match = templateShape(fileTemplate(dvr.path), { vhost: name }).exec(path);
      if (match !== null) return namesOf(match.groups, name);
    }
    return undefined;
  }

  #roots(): Set<string> {
    const roots = new Set<string>();
    for (const { dvr } of this.#options.vhosts()) roots.add(templateRoot(fileTemplate(dvr.path)));
    return roots;
  }

  #inUse(workPath: string): boolean {
    return this.#options.files.locks.has(finalName(workPath) ?? workPath);
  }

  #check(): void {
    const { now } = this.#options;
    this.#run(this.#options.files.mendAgain());
    const due = this.#fileFinished || now() - this.#retainedAt >= RETENTION_INTERVAL_MS;
    if (due && !this.#retaining) this.#run(this.#retain());
  }

  async #retain(): Promise<void> {
    const { disk, log, now, files, vhosts } = this.#options;
    this.#retaining = true;
    this.#fileFinished = false;
    for (const rule of keepRules(vhosts())) {
      if (rule.root === '/') {
        this.#warnOf(rule, 'dvr_path has no directory of its own');
        continue;
      }
      try {
        const result = await applyRetention(disk, rule, (path) => files.locks.has(path), now());
        if (result.removed > 0) {
          log.info(
            `dvr: removed ${result.removed} old recordings of ${result.removedBytes} B under ` +
              `${rule.root || '.'}, kept ${result.kept} of ${result.keptBytes} B`,
          );
        }
        if (result.problem !== undefined) this.#warnOf(rule, result.problem);
      } catch (error) {
        this.#warnOf(rule, error);
      }
    }
    this.#retaining = false;
    this.#retainedAt = now();
  }

  #warnOf({ root }: KeepRule, problem: unknown): void {
    this.#options.log.warn(
      `dvr: old recordings under ${root || '.'} can't be removed: ${errorText(problem)}`,
    );
  }

  #after(ms: number, work: () => Promise<void>): void {
    if (this.#stopped) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#run(work());
    }, ms);
    timer.unref();
    this.#timers.add(timer);
  }

  #run(work: Promise<void>): void {
    this.#work.add(
      work.catch((error: unknown) => {
        this.#options.log.warn(`dvr: ${errorText(error)}`);
      }),
    );
  }
}
