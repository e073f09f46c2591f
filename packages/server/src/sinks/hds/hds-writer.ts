import { MediaError } from '@sluice/media';
import { type Bootstrap, parseBootstrap } from '@sluice/media/hds';

import { type Disk, DiskError, type Fault } from '../disk/index.ts';
import { FragmentWindow, type ListedFragment } from './fragment-window.ts';
import type { Fragment } from './fragmenter.ts';
import type { HdsPaths } from './paths.ts';

/** A bootstrap larger than this is none of ours. */
const MAX_BOOTSTRAP_BYTES = 1024 * 1024;

/** What an {@link HdsWriter} needs. */
export interface HdsWriterOptions {
  readonly disk: Disk;
  readonly fault: Fault;
  readonly paths: HdsPaths;
  /** `hds_window`, ms. */
  readonly windowMs: number;
  readonly maxPendingBytes: number;
  readonly maxPendingFragments: number;
  /** Writing begins when this is settled: an earlier publication of the stream has the same files. */
  readonly after: Promise<void> | undefined;
}

/**
 * Writes the fragments of one publication one after another: a fragment is on disk before the bootstrap tells of it,
 * and off the bootstrap before it is removed. Whoever gives it work never waits; what the disk refuses or is too slow
 * for is left out. Fragment numbers go on from an earlier publication's.
 */
export class HdsWriter {
  readonly #options: HdsWriterOptions;
  readonly #jobs: (Fragment | 'end')[] = [];
  #working: Promise<void> | undefined;
  #pendingBytes = 0;
  #window: FragmentWindow | undefined;
  #number = 0;
  /** Files of an earlier publication, and those that have left the window. */
  #outdated: string[] = [];
  #manifestWritten = false;
  #listed = false;

  constructor(options: HdsWriterOptions) {
    this.#options = options;
  }

  /** Takes a finished fragment; its bytes are not changed any more. */
  add(fragment: Fragment): void {
    const { fault, maxPendingBytes, maxPendingFragments, paths } = this.#options;
    const { length } = this.#jobs;
    if (this.#pendingBytes + fragment.bytes.length > maxPendingBytes || length >= maxPendingFragments) {
      const waiting = `${this.#pendingBytes} of ${maxPendingBytes} bytes in ${length} fragments wait`;
      const message = `${paths.bootstrap}: a fragment is dropped, the disk is too slow (${waiting})`;
      fault.raise(new DiskError('too-slow', paths.bootstrap, message));
      return;
    }
    this.#pendingBytes += fragment.bytes.length;
    this.#queue(fragment);
  }

  /** Nothing follows. */
  end(): void {
    this.#queue('end');
  }

  /** Resolves when there is nothing to do. */
  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  #queue(job: Fragment | 'end'): void {
    this.#jobs.push(job);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    const { after, fault } = this.#options;
    await after;
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
      try {
        if (job === 'end') await this.#writeEnd();
        else await this.#writeFragment(job);
      } catch (error) {
        // Whatever it is, the next fragment is written.
        fault.raise(error);
      }
      if (job !== 'end') this.#pendingBytes -= job.bytes.length;
    }
    this.#working = undefined;
  }

  async #writeFragment({ bytes, startMs, durationMs }: Fragment): Promise<void> {
    const { disk, fault, maxPendingBytes, paths } = this.#options;
    this.#window ??= await this.#resume();
    const number = this.#number + 1;
    await disk.write(paths.fragment(number), bytes);
    this.#number = number;
    const left = this.#window.push({ number, startMs, durationMs });
    this.#outdated.push(...left.map((fragment) => paths.fragment(fragment.number)));
    this.#listed = true;
    await disk.write(paths.bootstrap, this.#window.bootstrap(false));
    await this.#writeManifest();
    await this.#removeOutdated();
    // This fragment does not wait any more.
    if (this.#pendingBytes - bytes.length <= maxPendingBytes / 2) fault.clear();
  }

  async #writeEnd(): Promise<void> {
    const { disk, paths } = this.#options;
    if (this.#window === undefined || !this.#listed) return;
    await disk.write(paths.bootstrap, this.#window.bootstrap(true));
  }

  /** Once per publication (D003), and again when somebody has removed it. */
  async #writeManifest(): Promise<void> {
    const { disk, paths } = this.#options;
    if (this.#manifestWritten && (await disk.size(paths.manifest)) !== undefined) return;
    await disk.write(paths.manifest, Buffer.from(paths.manifestText()));
    this.#manifestWritten = true;
  }

  async #removeOutdated(): Promise<void> {
    const files = this.#outdated;
    this.#outdated = [];
    for (const file of files) {
      try {
        await this.#options.disk.remove(file);
      } catch {
        // A file too many harms nobody, and a disk that fails is heard of by what is written.
      }
    }
  }

  /** Goes on with the numbers of an earlier publication, also of an earlier run; its fragments are outdated. */
  async #resume(): Promise<FragmentWindow> {
    const { paths, windowMs } = this.#options;
    const earlier = await this.#readBootstrap();
    for (const number of fragmentNumbers(earlier)) {
      this.#number = Math.max(this.#number, number);
      this.#outdated.push(paths.fragment(number));
    }
    return new FragmentWindow(windowMs, earlier?.version ?? 0);
  }

  async #readBootstrap(): Promise<Bootstrap | undefined> {
    const { disk, paths } = this.#options;
    const size = await disk.size(paths.bootstrap);
    if (size === undefined || size > MAX_BOOTSTRAP_BYTES) return undefined;
    const file = await disk.open(paths.bootstrap, 'update');
    try {
      return parseBootstrap(await file.read(0, size));
    } catch (error) {
      if (error instanceof MediaError) return undefined;
      throw error;
    } finally {
      await file.close();
    }
  }
}

/** The numbers that a bootstrap of ours tells of: each has a run of its own. */
function fragmentNumbers(bootstrap: Bootstrap | undefined): ListedFragment['number'][] {
  const runs = bootstrap?.fragmentRunTables[0]?.runs ?? [];
  return runs.filter(({ duration }) => duration > 0).map(({ firstFragment }) => firstFragment);
}
