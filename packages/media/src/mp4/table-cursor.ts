import type { SampleTables } from './sample-tables.ts';

/**
 * Walks over the samples of one track of a progressive file, straight from the tables of the `moov`: going on costs a
 * few additions, going elsewhere a walk over the (run-length) entries.
 */
export class TableCursor {
  readonly #tables: SampleTables;
  #index = 0;
  #dts = 0;
  #timeEntry = 0;
  #timeLeft = 0;
  #duration = 0;
  #offsetEntry = 0;
  #offsetLeft = 0;
  #compositionOffset = 0;
  #syncEntry = 0;
  #chunkRun = 0;
  #chunk = 0;
  #chunkLeft = 0;
  #position = 0;

  constructor(tables: SampleTables) {
    this.#tables = tables;
    this.moveTo(0);
  }

  /** Number of the sample that the cursor stands on, from 0. */
  get index(): number {
    return this.#index;
  }

  /** Whether all samples are passed; the other fields mean nothing then. */
  get ended(): boolean {
    return this.#index >= this.#tables.count;
  }

  /** Ticks. */
  get dts(): number {
    return this.#dts;
  }

  /** Ticks to the next sample. */
  get duration(): number {
    return this.#duration;
  }

  /** PTS - DTS, ticks. */
  get compositionOffset(): number {
    return this.#compositionOffset;
  }

  /** Where the sample lies in the file. */
  get position(): number {
    return this.#position;
  }

  /** Bytes. */
  get size(): number {
    return this.#sizeOf(this.#index);
  }

  get keyframe(): boolean {
    const { syncSamples } = this.#tables;
    if (syncSamples === undefined) return true;
    return this.#syncEntry < syncSamples.count && syncSamples.u32(this.#syncEntry) === this.#index + 1;
  }

  /** Goes to the next sample. */
  advance(): void {
    if (this.ended) return;
    const size = this.#sizeOf(this.#index);
    this.#dts += this.#duration;
    this.#index++;
    this.#timeLeft--;
    this.#loadTime();
    this.#offsetLeft--;
    this.#loadCompositionOffset();
    this.#loadSync();
    if (--this.#chunkLeft > 0) this.#position += size;
    else {
      this.#chunk++;
      this.#loadChunk();
    }
  }

  /** Goes to a sample; one behind the last ends the cursor. */
  moveTo(index: number): void {
    const target = Math.min(Math.max(index, 0), this.#tables.count);
    this.#index = target;
    this.#findTime(target);
    this.#findCompositionOffset(target);
    this.#syncEntry = this.#syncEntryAt(target);
    if (target < this.#tables.count) this.#findChunk(target);
  }

  /** The last sample with a DTS of at most `ticks`, or the first one. */
  indexAt(ticks: number): number {
    const { durations, count } = this.#tables;
    let index = 0;
    let dts = 0;
    for (let entry = 0; entry < durations.count; entry++) {
      const samples = durations.u32(entry); // sample_count
      const delta = durations.u32(entry, 1); // sample_delta
      if (dts + samples * delta > ticks) {
        const steps = delta === 0 ? 0 : Math.floor((ticks - dts) / delta);
        return Math.min(Math.max(index + steps, 0), Math.max(count - 1, 0));
      }
      index += samples;
      dts += samples * delta;
    }
    return Math.max(count - 1, 0);
  }

  /** The last keyframe at or in front of a sample; undefined when there is none. */
  keyframeAt(index: number): number | undefined {
    const { syncSamples } = this.#tables;
    if (syncSamples === undefined) return index;
    const entry = this.#syncEntryAt(index);
    const exact = entry < syncSamples.count && syncSamples.u32(entry) === index + 1;
    const at = exact ? entry : entry - 1;
    return at >= 0 ? syncSamples.u32(at) - 1 : undefined;
  }

  /** The first entry of the sync samples that is not in front of a sample. */
  #syncEntryAt(index: number): number {
    const { syncSamples } = this.#tables;
    if (syncSamples === undefined) return 0;
    let low = 0;
    let high = syncSamples.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (syncSamples.u32(middle) < index + 1) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #sizeOf(index: number): number {
    const { sameSize, sizes } = this.#tables;
    return sameSize ?? (index < sizes.count ? sizes.u32(index) : 0);
  }

  #loadTime(): void {
    const { durations } = this.#tables;
    while (this.#timeLeft <= 0) {
      if (++this.#timeEntry >= durations.count) {
        // Fewer durations than samples: the rest goes on as the last one.
        this.#timeLeft = Infinity;
        return;
      }
      this.#timeLeft = durations.u32(this.#timeEntry); // sample_count
      this.#duration = durations.u32(this.#timeEntry, 1); // sample_delta
    }
  }

  #findTime(target: number): void {
    const { durations } = this.#tables;
    let left = target;
    this.#dts = 0;
    this.#timeEntry = -1;
    this.#timeLeft = 0;
    this.#duration = 0;
    for (;;) {
      this.#loadTime();
      if (left < this.#timeLeft || this.#timeEntry >= durations.count) break;
      this.#dts += this.#timeLeft * this.#duration;
      left -= this.#timeLeft;
      this.#timeLeft = 0;
    }
    this.#dts += left * this.#duration;
    this.#timeLeft -= left;
  }

  #loadCompositionOffset(): void {
    const offsets = this.#tables.compositionOffsets;
    while (this.#offsetLeft <= 0) {
      if (offsets === undefined || ++this.#offsetEntry >= offsets.count) {
        this.#offsetLeft = Infinity;
        this.#compositionOffset = 0;
        return;
      }
      this.#offsetLeft = offsets.u32(this.#offsetEntry); // sample_count
      // With a sign in version 0 too: many writers have it so.
      this.#compositionOffset = offsets.i32(this.#offsetEntry, 1); // sample_offset
    }
  }

  #findCompositionOffset(target: number): void {
    let left = target;
    this.#offsetEntry = -1;
    this.#offsetLeft = 0;
    for (;;) {
      this.#loadCompositionOffset();
      if (left < this.#offsetLeft) break;
      left -= this.#offsetLeft;
      this.#offsetLeft = 0;
    }
    this.#offsetLeft -= left;
  }

  #loadSync(): void {
    const { syncSamples } = this.#tables;
    if (syncSamples === undefined) return;
    while (this.#syncEntry < syncSamples.count && syncSamples.u32(this.#syncEntry) < this.#index + 1) {
      this.#syncEntry++;
    }
  }

  /** Stands at the start of the chunk, and finds how many samples it has. Empty chunks are passed over. */
  #loadChunk(): void {
    const { chunkRuns, chunkOffsets, longOffsets } = this.#tables;
    for (; this.#chunk < chunkOffsets.count; this.#chunk++) {
      while (this.#chunkRun + 1 < chunkRuns.count && chunkRuns.u32(this.#chunkRun + 1) <= this.#chunk + 1) {
        this.#chunkRun++;
      }
      this.#chunkLeft = chunkRuns.u32(this.#chunkRun, 1); // samples_per_chunk
      if (this.#chunkLeft > 0) break;
    }
    if (this.#chunk >= chunkOffsets.count) return;
    this.#position = longOffsets
      ? chunkOffsets.u32(this.#chunk) * 0x100000000 + chunkOffsets.u32(this.#chunk, 1)
      : chunkOffsets.u32(this.#chunk);
  }

  #findChunk(target: number): void {
    const { chunkRuns, chunkOffsets } = this.#tables;
    let first = 0;
    this.#chunkRun = 0;
    this.#chunk = 0;
    for (let run = 0; run < chunkRuns.count; run++) {
      const begin = chunkRuns.u32(run) - 1; // first_chunk
      const end = run + 1 < chunkRuns.count ? chunkRuns.u32(run + 1) - 1 : chunkOffsets.count;
      const perChunk = chunkRuns.u32(run, 1); // samples_per_chunk
      const samples = Math.max(0, end - begin) * perChunk;
      if (target < first + samples) {
        const chunks = Math.floor((target - first) / perChunk);
        this.#chunkRun = run;
        this.#chunk = begin + chunks;
        first += chunks * perChunk;
        break;
      }
      first += samples;
    }
    this.#loadChunk();
    for (let index = first; index < target; index++) {
      this.#position += this.#sizeOf(index);
      this.#chunkLeft--;
    }
  }
}
