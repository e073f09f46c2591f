import { DiskError, type Fault, type SegmentDisk, type WholeFile } from '../disk/index.ts';
import type { PlaylistWindow } from './playlist-window.ts';
import type { HlsSegment, SegmentKey } from './segment.ts';

/** What a {@link DiskWriter} needs. */
export interface DiskWriterOptions {
  readonly disk: Pick<SegmentDisk, 'writeInOrder' | 'remove'>;
  readonly fault: Fault;
  /** Absolute path of the playlist. */
  readonly playlistFile: string;
  /** What the playlist on disk lists: the writer's own. */
  readonly window: PlaylistWindow;
  readonly text: (window: PlaylistWindow) => string;
  readonly maxPendingBytes: number;
  /** Segments, and files to be removed, that may wait for the disk. */
  readonly maxPendingJobs: number;
  /** Segments are written even if they have left the playlist by the time it is their turn. */
  readonly writesAll: boolean;
  /** Writing begins when this is settled. */
  readonly after?: Promise<void> | undefined;
  /** The segment is on disk, or won't be. */
  readonly onPlaced: (segment: HlsSegment) => void;
  /** The segment and a playlist that names it are on disk, so many ms after it was cut. */
  readonly onListed: (segment: HlsSegment, readyMs: number) => void;
  /** Something could not be written. */
  readonly onError: (error: unknown) => void;
}

interface SegmentJob {
  readonly segment: HlsSegment;
  readonly bytes: Uint8Array;
  readonly discontinuity: boolean;
  /** `performance.now()` at the cut. */
  readonly cutAt: number;
}

/** What is to be done, in order. */
type Job = SegmentJob | { readonly remove: string } | 'playlist';

/**
 * Writes the segments of one stream and the playlist that names them, one after another: a segment is on disk before
 * the playlist that lists it is, and off the playlist before it is removed. Whoever gives it work never waits. What
 * the disk is too slow for, or refuses, is left out of the playlist on disk, and what follows is marked with a
 * discontinuity there.
 */
export class DiskWriter {
  readonly #options: DiskWriterOptions;
  readonly #jobs: Job[] = [];
  readonly #keys = new WeakSet<SegmentKey>();
  #working: Promise<void> | undefined;
  /** Bytes of segments that wait for the disk, or are being written. */
  #pendingBytes = 0;
  #gap = false;
  #stale = false;
  #first = 0;
  #unannounced: SegmentJob[] = [];

  constructor(options: DiskWriterOptions) {
    this.#options = options;
  }

  /**
   * Takes a finished segment, and sets its place to `waiting` or `memory`.
   *
   * @param bytes - the file's content; not changed any more
   * @param discontinuity - it does not follow on the segment before
   * @param first - the number of the oldest segment that is still worth listing
   */
  add(segment: HlsSegment, bytes: Uint8Array, discontinuity: boolean, first: number): void {
    this.#first = first;
    const { maxPendingBytes, maxPendingJobs, playlistFile } = this.#options;
    // A single one may be larger than what else may wait.
    const isFull = this.#pendingBytes > 0 && this.#pendingBytes + bytes.length > maxPendingBytes;
    if (isFull || this.#jobs.length >= maxPendingJobs) {
      segment.place = 'memory';
      this.#gap = true;
      const waiting = `${this.#pendingBytes} of ${maxPendingBytes} bytes in ${this.#jobs.length} jobs wait`;
      const { file } = segment.name;
      this.#failed(
        new DiskError('too-slow', playlistFile, `${file}: not written, the disk is too slow (${waiting})`),
      );
      return;
    }
    segment.place = 'waiting';
    this.#pendingBytes += bytes.length;
    this.#queue({ segment, bytes, discontinuity: discontinuity || this.#gap, cutAt: performance.now() });
    this.#gap = false;
  }

  /** Removes a file when everything that was asked for before is done. */
  remove(file: string): void {
    this.#queue({ remove: file });
  }

  /** Writes the playlist again when it could not be written the last time. */
  retry(): void {
    if (this.#stale && this.#working === undefined) this.#queue('playlist');
  }

  /** Resolves when there is nothing to do. */
  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  #queue(job: Job): void {
    this.#jobs.push(job);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    await this.#options.after;
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
      try {
        await this.#do(job);
      } catch (error) {
        // Whatever it is, the next segment is written.
        this.#failed(error);
      }
    }
    this.#working = undefined;
  }

  async #do(job: Job): Promise<void> {
    if (job === 'playlist') await this.#writePlaylist();
    else if ('remove' in job) await this.#remove(job.remove);
    else await this.#writeSegment(job);
  }

  async #remove(file: string): Promise<void> {
    try {
      await this.#options.disk.remove(file);
    } catch {
      // A file too many harms nobody, and a disk that fails is heard of by what is written.
    }
  }

  /** Key, segment and playlist go to the disk together: it is one way there and back. */
  async #writeSegment(job: SegmentJob): Promise<void> {
    const { segment, bytes } = job;
    const { disk, window, writesAll, playlistFile } = this.#options;
    if (segment.sequence < this.#first && !writesAll) {
      this.#lose(job);
      return;
    }
    const files: WholeFile[] = [];
    const key = this.#unwrittenKey(segment);
    if (key?.bytes !== undefined) files.push({ path: key.name.file, content: key.bytes });
    files.push({ path: segment.name.file, content: bytes });
    const media = files.length;
    // The next segment's playlist tells of this one too.
    const lists = !this.#jobs.some(isSegmentJob);
    if (lists) files.push({ path: playlistFile, content: this.#textWith(job) });
    const { count, error } = await disk.writeInOrder(files);
    if (key !== undefined && count > 0) this.#keys.add(key);
    if (count < media) {
      this.#lose(job);
      this.#failed(error);
      return;
    }
    this.#pendingBytes -= bytes.length;
    segment.place = 'disk';
    window.dropBefore(this.#first);
    window.push(segment, job.discontinuity);
    this.#unannounced.push(job);
    this.#options.onPlaced(segment);
    if (lists) this.#playlistDone(error);
  }

  /** The playlist as it will be with this segment. */
  #textWith({ segment, discontinuity }: SegmentJob): string {
    const { window, text } = this.#options;
    const next = window.copy();
    next.dropBefore(this.#first);
    next.push(segment, discontinuity);
    return text(next);
  }

  /** A segment is left out: the next one does not follow on what is listed. */
  #lose({ segment, bytes }: SegmentJob): void {
    this.#pendingBytes -= bytes.length;
    segment.place = 'memory';
    const index = this.#jobs.findIndex(isSegmentJob);
    const next = this.#jobs[index];
    if (next !== undefined && isSegmentJob(next)) this.#jobs[index] = { ...next, discontinuity: true };
    else this.#gap = true;
    this.#options.onPlaced(segment);
  }

  #unwrittenKey({ encryption }: HlsSegment): SegmentKey | undefined {
    const key = encryption?.key;
    return key?.bytes === undefined || this.#keys.has(key) ? undefined : key;
  }

  async #writePlaylist(): Promise<void> {
    const { disk, playlistFile, window, text } = this.#options;
    const { error } = await disk.writeInOrder([{ path: playlistFile, content: text(window) }]);
    this.#playlistDone(error);
  }

  #playlistDone(error: DiskError | undefined): void {
    const { fault, maxPendingBytes, onListed } = this.#options;
    this.#stale = error !== undefined;
    if (error !== undefined) {
      // What has left the playlist since is not news any more.
      this.#unannounced = this.#unannounced.filter(({ segment }) => segment.sequence >= this.#first);
      this.#failed(error);
      return;
    }
    if (this.#pendingBytes <= maxPendingBytes / 2) fault.clear();
    const listed = this.#unannounced;
    this.#unannounced = [];
    const now = performance.now();
    for (const { segment, cutAt } of listed) onListed(segment, now - cutAt);
  }

  #failed(error: unknown): void {
    this.#options.fault.raise(error);
    this.#options.onError(error);
  }
}

function isSegmentJob(job: Job): job is SegmentJob {
  return typeof job === 'object' && 'segment' in job;
}
