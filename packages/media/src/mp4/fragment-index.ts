import { MediaError } from '../errors.ts';
import { readWholeBox, topLevelBox } from './box-reader.ts';
import { parseMovieFragment, type ParsedFragment } from './fragment-reader.ts';
import { MP4_LIMITS } from './limits.ts';
import type { FragmentDefaults, ParsedTrack } from './movie-reader.ts';
import type { ReadSteps, ReadWindow } from './read-steps.ts';

/** Where a fragment lies. */
interface FragmentEntry {
  /** Where its `moof` begins. */
  readonly offset: number;
  /** DTS of its first sample of the reference track, ticks; undefined when it has none. */
  readonly dts: number | undefined;
  /** Where tracks go on that do not say their time; empty when all say it. */
  readonly nextDts: ReadonlyMap<number, number>;
}

const NOTHING_BEFORE: ReadonlyMap<number, number> = new Map();

/** What is between the last fragment known and the next one. */
interface FoundFragment {
  readonly fragment: ParsedFragment;
  /** First byte behind it. */
  readonly end: number;
}

/**
 * The fragments of a file, found by walking over its boxes as far as anyone has asked: some 60 bytes of memory for
 * each. Several walkers may be on their way at once.
 */
export class FragmentIndex {
  readonly #defaults: ReadonlyMap<number, FragmentDefaults>;
  readonly #referenceId: number | undefined;
  readonly #entries: FragmentEntry[] = [];
  /** Where each track ends, as far as is known, in ticks. */
  readonly #endDts = new Map<number, number>();
  #next: number;
  #end: number;
  #boxes = 0;
  #complete = false;
  #cut = false;

  /**
   * @param start Where the first fragment may be.
   * @param tracks Tracks to read.
   * @param startDts Where the samples of the `moov` itself end.
   */
  constructor(
    start: number,
    tracks: readonly ParsedTrack[],
    referenceId: number | undefined,
    startDts: ReadonlyMap<number, number> = NOTHING_BEFORE,
  ) {
    this.#next = start;
    this.#end = start;
    this.#defaults = new Map(tracks.map(({ track, defaults }) => [track.id, defaults]));
    this.#referenceId = referenceId;
    for (const [trackId, dts] of startDts) this.#endDts.set(trackId, dts);
  }

  /** How many fragments are known. */
  get length(): number {
    return this.#entries.length;
  }

  /** Whether the last fragments of the file are known. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Whether the file ends inside a fragment, or is damaged behind the last one known. */
  get cut(): boolean {
    return this.#cut;
  }

  /** First byte behind the last whole fragment known. */
  get end(): number {
    return this.#end;
  }

  /** Where each track ends as far as is known, in ticks. */
  get endDts(): ReadonlyMap<number, number> {
    return this.#endDts;
  }

  /** DTS of the first sample of the reference track in a fragment that is known; undefined when it has none. */
  dts(index: number): number | undefined {
    return this.#entries[index]?.dts;
  }

  /**
   * Reads a fragment; undefined behind the last one. Ask for them in order at first.
   *
   * @throws MediaError `limit-exceeded` over one of {@link MP4_LIMITS}.
   */
  *load(window: ReadWindow, index: number): ReadSteps<ParsedFragment | undefined> {
    for (;;) {
      const entry = this.#entries[index];
      if (entry !== undefined) {
        const found = yield* this.#read(window, entry.offset, entry.nextDts);
        return found?.fragment;
      }
      if (this.#complete) return undefined;
      const fragment = yield* this.#scan(window);
      if (fragment !== undefined && this.#entries.length === index + 1) return fragment;
    }
  }

  /** Looks at the next box. Gives a fragment when it was one, and nobody else was faster. */
  *#scan(window: ReadWindow): ReadSteps<ParsedFragment | undefined> {
    const at = this.#next;
    const before = new Map(this.#endDts);
    try {
      if (++this.#boxes > MP4_LIMITS.topLevelBoxes) {
        throw new MediaError('limit-exceeded', `over ${MP4_LIMITS.topLevelBoxes} boxes in the file`);
      }
      const box = yield* topLevelBox(window, at);
      const found = box?.type === 'moof' ? yield* this.#read(window, at, before) : undefined;
      if (this.#next !== at || this.#complete) return undefined;
      if (box === undefined) {
        this.#complete = true;
        this.#cut = at < window.fileSize;
        return undefined;
      }
      this.#next = box.end;
      if (found !== undefined) this.#remember(at, found, before);
      return found?.fragment;
    } catch (error) {
      if (!(error instanceof MediaError) || error.code === 'limit-exceeded') throw error;
      if (this.#next !== at) return undefined;
      this.#complete = true;
      this.#cut = true;
      return undefined;
    }
  }

  *#read(
    window: ReadWindow,
    offset: number,
    nextDts: ReadonlyMap<number, number>,
  ): ReadSteps<FoundFragment | undefined> {
    const box = yield* topLevelBox(window, offset);
    if (box === undefined) return undefined;
    const fragment = parseMovieFragment(yield* readWholeBox(window, box, MP4_LIMITS.moofBytes), {
      moofOffset: offset,
      dataEnd: window.fileSize,
      defaults: this.#defaults,
      nextDts,
    });
    const end = fragment.runs.reduce((last, run) => Math.max(last, run.offset + run.samples.bytes), box.end);
    return { fragment, end };
  }

  #remember(offset: number, { fragment, end }: FoundFragment, before: ReadonlyMap<number, number>): void {
    let dts: number | undefined;
    for (const { trackId, samples } of fragment.runs) {
      if (trackId === this.#referenceId) dts ??= samples.dts(0);
      this.#endDts.set(trackId, Math.max(this.#endDts.get(trackId) ?? 0, samples.endDts));
    }
    this.#entries.push({ offset, dts, nextDts: fragment.timed ? NOTHING_BEFORE : before });
    this.#end = Math.max(this.#end, end);
  }
}
