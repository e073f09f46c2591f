import type { FragmentRun } from './fragment-reader.ts';

/** The samples of one track, one after another. The fields are those of the sample that it stands on. */
export interface SampleFeed {
  /** Whether all samples are passed; the other fields mean nothing then. */
  readonly ended: boolean;
  /** Ticks. */
  readonly dts: number;
  /** Ticks to the next sample. */
  readonly duration: number;
  /** PTS - DTS, ticks. */
  readonly compositionOffset: number;
  /** Bytes from the start of the file. */
  readonly position: number;
  /** Bytes. */
  readonly size: number;
  readonly keyframe: boolean;
  /** Goes to the next sample. */
  advance(): void;
}

/** The samples of one track in the fragments that were read. */
export class RunFeed implements SampleFeed {
  readonly #runs: { readonly run: FragmentRun; readonly part: number }[] = [];
  #index = 0;
  #position = 0;

  get ended(): boolean {
    return this.#runs.length === 0;
  }

  /** Number of the fragment that the sample is in; undefined when it has ended. */
  get part(): number | undefined {
    return this.#runs[0]?.part;
  }

  get dts(): number {
    return this.#runs[0]?.run.samples.dts(this.#index) ?? 0;
  }

  get duration(): number {
    return this.#runs[0]?.run.samples.duration(this.#index) ?? 0;
  }

  get compositionOffset(): number {
    return this.#runs[0]?.run.samples.compositionOffset(this.#index) ?? 0;
  }

  get position(): number {
    return this.#position;
  }

  get size(): number {
    return this.#runs[0]?.run.samples.size(this.#index) ?? 0;
  }

  get keyframe(): boolean {
    return this.#runs[0]?.run.samples.keyframe(this.#index) ?? false;
  }

  /** Puts samples behind the others. @param part Number of their fragment. */
  append(run: FragmentRun, part: number): void {
    if (run.samples.count === 0) return;
    this.#runs.push({ run, part });
    if (this.#runs.length === 1) this.#position = run.offset;
  }

  advance(): void {
    const first = this.#runs[0];
    if (first === undefined) return;
    this.#position += this.size;
    if (++this.#index < first.run.samples.count) return;
    this.#runs.shift();
    this.#index = 0;
    this.#position = this.#runs[0]?.run.offset ?? 0;
  }
}
