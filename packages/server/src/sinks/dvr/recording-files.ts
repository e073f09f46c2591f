import { posix } from 'node:path';

import { errorText } from '../../error-text.ts';
import type { DvrConfig } from '../../config/types.ts';
import type { Log } from '../../log/index.ts';
import { type Disk, DiskError, expandPath } from '../disk/index.ts';
import type { BlockPool } from './block-pool.ts';
import { openFlvFile } from './flv-file.ts';
import { NotFlvError } from './flv-scan.ts';
import { LEAST_INDEX_ENTRIES, MAX_INDEX_ENTRIES, MAX_NUMBERED_NAMES } from './limits.ts';
import { mend } from './mend.ts';
import { openMp4File } from './mp4-file.ts';
import { type PathLock, PathLocks } from './path-locks.ts';
import {
  type FileEvents,
  finalName,
  type HeaderPackets,
  type RecordedFile,
  temporaryName,
} from './recorded-file.ts';
import {
  containerOf,
  hasTimeInName,
  type NamesInPath,
  numberedPath,
  type RecordingNames,
  templateShape,
} from './recording-paths.ts';

/** A recorded file that is whole: what `on_dvr` tells (V006). */
export interface FinishedFile {
  /** The stream in it; undefined when a file was mended whose path doesn't say. */
  readonly stream: RecordingNames | undefined;
  /** The path, as `dvr_path` makes it. */
  readonly file: string;
  /** The directory that a relative path begins at. */
  readonly cwd: string;
  readonly durationMs: number;
  readonly bytes: number;
}

/** What a recording asks a file for. */
export interface FileRequest {
  readonly names: RecordingNames;
  readonly template: string;
  readonly plan: DvrConfig['plan'];
  readonly segmentMs: number;
  readonly headers: HeaderPackets;
  readonly events: FileEvents;
}

/** A file in the hands of a recording, until it is finished or salvaged. */
export interface OpenedFile {
  readonly file: RecordedFile;
  readonly names: RecordingNames;
  readonly plan: DvrConfig['plan'];
  readonly lock: PathLock;
}

/** What {@link RecordingFiles} works with. */
export interface RecordingFilesOptions {
  readonly disk: Disk;
  readonly log: Log;
  readonly pool: BlockPool;
  /** The server's signature in the metadata. */
  readonly service: string;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Whether parts of the time in names are UTC; asked for each file. */
  readonly utc: () => boolean;
  readonly onFinished: (file: FinishedFile) => void;
}

/** Opens the files of recordings, finishes them, and mends those that were left unfinished. */
export class RecordingFiles {
  readonly locks = new PathLocks();
  readonly #options: RecordingFilesOptions;
  /** Unfinished files that could not be mended yet. */
  readonly #unmended = new Map<string, RecordingNames | undefined>();

  constructor(options: RecordingFilesOptions) {
    this.#options = options;
  }

  /**
   * Opens the file that a recording goes to next. A leftover of an earlier run is mended first; a name that can't
   * be written on gets a number.
   *
   * @throws DiskError
   */
  async open(request: FileRequest): Promise<OpenedFile> {
    const { disk } = this.#options;
    const wanted = await this.#choosePath(request);
    for (let number = 0; number <= MAX_NUMBERED_NAMES; number += 1) {
      const path = numberedPath(wanted, number);
      const lock = await this.locks.acquire(path);
      if (lock === undefined) continue;
      try {
        const workPath = temporaryName(path);
        if ((await disk.size(workPath)) !== undefined) await this.#mend(workPath, path, request.names);
        const file = await this.#openAt(path, request);
        if (file !== undefined) {
          const { names, plan } = request;
          return { file, names, plan, lock };
        }
      } catch (error) {
        lock.release();
        throw error;
      }
      lock.release();
    }
    throw new DiskError(
      'bad-name',
      wanted,
      `${wanted}: ${MAX_NUMBERED_NAMES} files have this name with a number`,
    );
  }

  /** Completes a file, closes it and tells of it. One that can't be completed is salvaged; its error is thrown. */
  async finish({ file, names, plan, lock }: OpenedFile): Promise<void> {
    lock.closing();
    try {
      if (file.frames === 0) {
        await this.#salvage(file, names);
        return;
      }
      await file.finish();
      const seconds = (file.durationMs / 1000).toFixed(1);
      const line = `dvr ${names.app}/${names.stream}: recorded ${file.path}, ${seconds} s, ${file.bytes} B`;
      // Segments come by the hundred.
      if (plan === 'segment') this.#options.log.debug(line);
      else this.#options.log.info(line);
      this.#tell(names, file.path, file.durationMs, file.bytes);
    } catch (error) {
      await this.#salvage(file, names);
      throw error;
    } finally {
      lock.release();
    }
  }

  /** Makes the best of a file that the disk failed for. */
  async salvage({ file, names, lock }: OpenedFile): Promise<void> {
    lock.closing();
    try {
      await this.#salvage(file, names);
    } finally {
      lock.release();
    }
  }

  /** Mends a file that an earlier run left, unless it is in use. */
  async mendLeftover(workPath: string, names: RecordingNames | undefined): Promise<void> {
    const path = finalName(workPath);
    if (path === undefined || this.locks.has(path)) return;
    const lock = await this.locks.acquire(path);
    if (lock === undefined) return;
    lock.closing();
    try {
      if ((await this.#options.disk.size(workPath)) !== undefined) await this.#mend(workPath, path, names);
    } finally {
      lock.release();
    }
  }

  /** Tries again what could not be mended. */
  async mendAgain(): Promise<void> {
    for (const [workPath, names] of [...this.#unmended]) {
      this.#unmended.delete(workPath);
      await this.mendLeftover(workPath, names);
    }
  }

  async #salvage(file: RecordedFile, names: RecordingNames): Promise<void> {
    await file.abandon().catch(() => undefined);
    await this.#mend(temporaryName(file.path), file.path, names);
  }

  /** Never throws: what can't be mended now is tried again later. */
  async #mend(workPath: string, path: string, names: RecordingNames | undefined): Promise<void> {
    const { disk, log } = this.#options;
    try {
      const result = await mend(disk, workPath, path);
      if (result.state === 'nothing-to-play') {
        log.debug(`dvr: removed ${workPath}, which had nothing to play in it`);
      }
      if (result.state !== 'mended') return;
      const mended = result.file;
      const seconds = (mended.durationMs / 1000).toFixed(1);
      log.info(`dvr: mended ${mended.path}, ${seconds} s, ${mended.bytes} B, which was left unfinished`);
      this.#tell(names, mended.path, mended.durationMs, mended.bytes);
    } catch (error) {
      // A file that somebody removed is nobody's loss.
      if (error instanceof DiskError && error.code === 'missing') return;
      if (error instanceof DiskError) this.#unmended.set(workPath, names);
      const text = errorText(error);
      log.warn(`dvr: ${workPath} can't be mended: ${text}`);
    }
  }

  #tell(stream: RecordingNames | undefined, file: string, durationMs: number, bytes: number): void {
    this.#options.onFinished({ stream, file, cwd: process.cwd(), durationMs, bytes });
  }

  /** `append` with a part of the time in the name goes on with the newest file that there is. */
  async #choosePath({ names, template, plan }: FileRequest): Promise<string> {
    const { disk, now, utc } = this.#options;
    const path = expandPath(template, { ...names, at: new Date(now()), utc: utc() });
    if (plan !== 'append' || containerOf(path) !== 'flv' || !hasTimeInName(template)) return path;
    const directory = posix.dirname(path);
    const shape = templateShape(posix.basename(template), names);
    let newest: { readonly name: string; readonly modifiedMs: number } | undefined;
    for (const { name, directory: isDirectory, modifiedMs } of await disk.list(directory)) {
      const wanted = finalName(name) ?? name;
      if (isDirectory || !shape.test(wanted)) continue;
      if (newest === undefined || modifiedMs > newest.modifiedMs) newest = { name: wanted, modifiedMs };
    }
    return newest === undefined ? path : `${path.slice(0, -posix.basename(path).length)}${newest.name}`;
  }

  /** Undefined when something has the name that can't be written on. */
  async #openAt(path: string, request: FileRequest): Promise<RecordedFile | undefined> {
    const { disk, pool, service, now } = this.#options;
    const { headers, events, plan, segmentMs } = request;
    if (containerOf(path) === 'mp4') {
      // A finished MP4 can't be written on.
      if ((await disk.size(path)) !== undefined) return undefined;
      return openMp4File({ disk, path, pool, events, headers, createdAt: now() });
    }
    // Two keyframes a second are many.
    const expected = Math.ceil((segmentMs / 1000) * 2);
    const indexCapacity =
      plan === 'segment'
        ? Math.min(MAX_INDEX_ENTRIES, Math.max(LEAST_INDEX_ENTRIES, expected))
        : MAX_INDEX_ENTRIES;
    try {
      return await openFlvFile({ disk, path, pool, events, headers, service, indexCapacity });
    } catch (error) {
      if (error instanceof NotFlvError) return undefined;
      throw error;
    }
  }
}

/** The names in a path, as far as they are all there. */
export function namesOf(groups: NamesInPath | undefined, vhost: string): RecordingNames | undefined {
  const { app, stream } = groups ?? {};
  if (app === undefined || stream === undefined) return undefined;
  return { vhost: groups?.vhost ?? vhost, app, stream };
}
