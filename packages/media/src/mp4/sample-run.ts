import { MediaError } from '../errors.ts';
import { MP4_LIMITS } from './limits.ts';

const FIRST_CAPACITY = 64;

/**
 * Samples of one track that follow each other, in columns: no object is made for a sample. It is what a fragment is
 * built of, and what a fragment is read into. Cleared, it keeps its memory for the next samples.
 */
export class Mp4SampleRun {
  readonly #maxSamples: number;
  #sizes = new Uint32Array(FIRST_CAPACITY);
  #dts = new Float64Array(FIRST_CAPACITY);
  #compositionOffsets = new Int32Array(FIRST_CAPACITY);
  #keyframes = new Uint8Array(FIRST_CAPACITY);
  #count = 0;
  #bytes = 0;
  #endDts: number | undefined;

  /** @param maxSamples The most that it takes. Default {@link MP4_LIMITS}.fragmentSamples. */
  constructor(maxSamples: number = MP4_LIMITS.fragmentSamples) {
    this.#maxSamples = maxSamples;
  }

  /** How many samples there are. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of all samples. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds a sample.
   *
   * @param size Bytes.
   * @param dts Ticks of the track; an integer >= 0, never before that of the sample in front.
   * @param compositionOffset PTS - DTS in ticks, 32 bits with a sign.
   * @throws MediaError `bad-value` for a number outside its range, `limit-exceeded` when the run is full.
   */
  add(size: number, dts: number, compositionOffset: number, keyframe: boolean): void {
    const at = this.#count;
    if (at >= this.#maxSamples) {
      throw new MediaError('limit-exceeded', `over ${this.#maxSamples} samples in one fragment`);
    }
    if (!(Number.isInteger(size) && size >= 0 && size <= MP4_LIMITS.sampleBytes)) {
      throw new MediaError(
        'limit-exceeded',
        `a sample of ${size} bytes, wanted 0..${MP4_LIMITS.sampleBytes}`,
      );
    }
    if (!(Number.isSafeInteger(dts) && dts >= 0)) {
      throw new MediaError('bad-value', `a DTS of ${dts}, wanted an integer from 0 to 2^53 - 1`);
    }
    const previous = at === 0 ? dts : (this.#dts[at - 1] ?? 0);
    if (dts < previous || dts - previous > 0xffffffff) {
      throw new MediaError('bad-value', `DTS ${dts} behind ${previous}: a duration is 0..2^32 - 1`);
    }
    if ((compositionOffset | 0) !== compositionOffset) {
      throw new MediaError('bad-value', `a composition offset of ${compositionOffset} does not fit 32 bits`);
    }
    if (at === this.#sizes.length) this.#grow();
    this.#sizes[at] = size;
    this.#dts[at] = dts;
    this.#compositionOffsets[at] = compositionOffset;
    this.#keyframes[at] = keyframe ? 1 : 0;
    this.#count = at + 1;
    this.#bytes += size;
    this.#endDts = undefined;
  }

  /** Bytes of a sample; 0 for one that is not there, as in all these. */
  size(index: number): number {
    return index < this.#count ? (this.#sizes[index] ?? 0) : 0;
  }

  /** Ticks. */
  dts(index: number): number {
    return index < this.#count ? (this.#dts[index] ?? 0) : 0;
  }

  /** PTS - DTS, ticks. */
  compositionOffset(index: number): number {
    return index < this.#count ? (this.#compositionOffsets[index] ?? 0) : 0;
  }

  keyframe(index: number): boolean {
    return index < this.#count && this.#keyframes[index] === 1;
  }

  /** Ticks to the next sample, or to the end of the run. */
  duration(index: number): number {
    return (index + 1 < this.#count ? this.dts(index + 1) : this.endDts) - this.dts(index);
  }

  /**
   * Where the last sample ends, in ticks. Until it is said the last sample is taken to be as long as the one in front
   * of it.
   */
  get endDts(): number {
    if (this.#endDts !== undefined) return this.#endDts;
    const last = this.#count - 1;
    return last < 1 ? this.dts(last) : this.dts(last) * 2 - this.dts(last - 1);
  }

  /** @throws MediaError `bad-value` when it lies before the last sample or over 2^32 - 1 ticks behind it. */
  set endDts(ticks: number) {
    const duration = ticks - this.dts(this.#count - 1);
    if (!(Number.isInteger(duration) && duration >= 0 && duration <= 0xffffffff)) {
      throw new MediaError('bad-value', `a last duration of ${duration} ticks, wanted 0..2^32 - 1`);
    }
    this.#endDts = ticks;
  }

  /** Forgets all samples. */
  clear(): void {
    this.#count = 0;
    this.#bytes = 0;
    this.#endDts = undefined;
  }

  #grow(): void {
    const capacity = this.#sizes.length * 2;
    this.#sizes = grown(new Uint32Array(capacity), this.#sizes);
    this.#dts = grown(new Float64Array(capacity), this.#dts);
    this.#compositionOffsets = grown(new Int32Array(capacity), this.#compositionOffsets);
    this.#keyframes = grown(new Uint8Array(capacity), this.#keyframes);
  }
}

function grown<T extends { set(from: T): void }>(to: T, from: T): T {
  to.set(from);
  return to;
}
