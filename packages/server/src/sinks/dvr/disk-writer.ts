import { errorOf } from '../../error-text.ts';
import type { DiskFile } from '../disk/index.ts';
import type { BlockPool } from './block-pool.ts';
import { HAND_OVER_BYTES } from './limits.ts';
import type { FileEvents } from './recorded-file.ts';

/** Bytes that go to a place of the file that was written before. */
export interface Patch {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/**
 * Takes bytes at the speed of the stream and gives them to the disk at the disk's own: nobody ever waits for it
 * but {@link drain}. Bytes are put in place with {@link claim}; much of it goes to the disk by itself,
 * the rest with {@link flush}. One write is under way at a time, and takes along all that has gathered.
 */
export class DiskWriter {
  readonly file: DiskFile;
  readonly #pool: BlockPool;
  readonly #events: FileEvents;
  #block: Uint8Array = new Uint8Array(0);
  /** Bytes of the block that are in use, and that were given to the disk. */
  #filled = 0;
  #handed = 0;
  /** What waits before the block: views, and the blocks that nobody fills any more. */
  #ready: Uint8Array[] = [];
  #readyBytes = 0;
  #retired: Uint8Array[] = [];
  #patches: Patch[] = [];
  #waiting = 0;
  #position: number;
  #running: Promise<void> | undefined;
  #failure: unknown;

  /**
   * @param position - where the file ends now
   */
  constructor(file: DiskFile, pool: BlockPool, position: number, events: FileEvents) {
    this.file = file;
    this.#pool = pool;
    this.#position = position;
    this.#events = events;
  }

  /** Where the file ends once everything is written, bytes. */
  get position(): number {
    return this.#position;
  }

  /** Bytes that the disk doesn't have yet. */
  get waitingBytes(): number {
    return this.#waiting;
  }

  /** The memory that {@link claim} gave room in. */
  get block(): Uint8Array {
    return this.#block;
  }

  /**
   * Gives room for the next bytes of the file: fill all of it in `block` at once, from the offset that is
   * returned.
   */
  claim(size: number): number {
    if (this.#filled + size > this.#block.length) this.#nextBlock(size);
    const offset = this.#filled;
    this.#filled += size;
    this.#position += size;
    this.#waiting += size;
    this.#pool.count(size);
    return offset;
  }

  /** Adds bytes, copied. */
  put(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const offset = this.claim(bytes.length);
    this.#block.set(bytes, offset);
  }

  /** Writes bytes over older ones, after all that was put before. */
  patch(patches: readonly Patch[]): void {
    this.#patches.push(...patches);
  }

  /** Gives what has gathered to the disk, if that isn't busy with what came before. */
  flush(): void {
    if (this.#running === undefined && this.#failure === undefined && this.#hasWork) {
      this.#running = this.#run();
    }
  }

  /** Waits until the disk has everything. Throws what the disk threw. */
  async drain(): Promise<void> {
    while (this.#failure === undefined && (this.#running !== undefined || this.#hasWork)) {
      this.flush();
      await this.#running;
    }
    if (this.#failure !== undefined) throw asError(this.#failure);
  }

  /** Closes the file, which has everything; nothing is put any more. */
  async close(): Promise<void> {
    this.#pool.give(this.#block);
    this.#block = new Uint8Array(0);
    this.#filled = 0;
    this.#handed = 0;
    await this.file.close();
  }

  /** Gives up what waits; nothing is written any more once the write that is under way has ended. */
  async abandon(): Promise<void> {
    this.#failure ??= new Error('given up');
    this.#drop();
    await this.#running;
  }

  get #hasWork(): boolean {
    return this.#ready.length > 0 || this.#filled > this.#handed || this.#patches.length > 0;
  }

  #nextBlock(size: number): void {
    this.#handOver();
    if (this.#block.length > 0) this.#retired.push(this.#block);
    this.#block = this.#pool.take(size);
    this.#filled = 0;
    this.#handed = 0;
    if (this.#readyBytes >= HAND_OVER_BYTES) this.flush();
  }

  #handOver(): void {
    if (this.#filled === this.#handed) return;
    this.#ready.push(this.#block.subarray(this.#handed, this.#filled));
    this.#readyBytes += this.#filled - this.#handed;
    this.#handed = this.#filled;
  }

  async #run(): Promise<void> {
    try {
      // Goes on for much and for patches only: the few bytes that came meanwhile can wait.
      do await this.#writeOnce();
      while (
        this.#failure === undefined &&
        (this.#readyBytes >= HAND_OVER_BYTES || this.#patches.length > 0)
      );
    } catch (error) {
      if (this.#failure === undefined) {
        this.#failure = error;
        this.#drop();
        this.#events.onFailure(error);
      }
    } finally {
      this.#running = undefined;
    }
  }

  async #writeOnce(): Promise<void> {
    this.#handOver();
    const pieces = this.#ready;
    const blocks = this.#retired;
    const patches = this.#patches;
    const bytes = this.#readyBytes;
    this.#ready = [];
    this.#readyBytes = 0;
    this.#retired = [];
    this.#patches = [];
    try {
      if (bytes > 0) await this.file.append(pieces);
      for (const { position, bytes: patch } of patches) await this.file.writeAt(position, patch);
    } catch (error) {
      for (const block of blocks) this.#pool.forget(block);
      throw error;
    }
    for (const block of blocks) this.#pool.give(block);
    // What was given up meanwhile is not counted any more.
    if (this.#failure !== undefined) return;
    this.#waiting -= bytes;
    this.#pool.count(-bytes);
    this.#events.onWritten();
  }

  /** The blocks are left to the garbage collector: the disk may still read them. */
  #drop(): void {
    this.#pool.count(-this.#waiting);
    this.#waiting = 0;
    for (const block of [this.#block, ...this.#retired]) this.#pool.forget(block);
    this.#block = new Uint8Array(0);
    this.#filled = 0;
    this.#handed = 0;
    this.#ready = [];
    this.#readyBytes = 0;
    this.#retired = [];
    this.#patches = [];
  }
}

function asError(value: unknown): Error {
  return errorOf(value);
}
