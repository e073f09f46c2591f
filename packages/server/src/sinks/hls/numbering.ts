import { errorText } from '../../error-text.ts';
import type { FinishedSegment, HlsOutputOptions } from './output-options.ts';
import { clockNumber, type SegmentNumber, SegmentNumbers } from './numbers.ts';
import type { HlsPaths } from './paths.ts';
import { type RecoveredPlaylist, recoverPlaylist } from './recovery.ts';

/** Segments that may wait until it is known where the numbers of an earlier run ended. */
const MAX_UNNUMBERED = 3;
/** How far ahead of a playlist's numbers its names are looked for. */
const MAX_LOST_NAMES = 64;

/** What a {@link Numbering} needs. */
export interface NumberingOptions extends Pick<
  HlsOutputOptions,
  'id' | 'config' | 'paths' | 'disk' | 'log' | 'limits' | 'now' | 'goOnFrom' | 'after' | 'takesOver'
> {
  /** A segment has its number; in the order in which they were given. */
  readonly onNumbered: (finished: FinishedSegment, number: SegmentNumber) => void;
  /**
   * An earlier run, or this one before it forgot the stream, has left this on disk.
   *
   * @param inTime - no segment has a number yet: the numbers go on where it ended
   */
  readonly onRecovered: (found: RecoveredPlaylist, inTime: boolean) => void;
}

/**
 * Finds out where the numbers of a stream's segments begin (L014): where this run left them, where the playlist on
 * disk ends, or with the clock. Segments that come before that is known wait for it. Nobody is called back while it is
 * made.
 */
export class Numbering {
  readonly #options: NumberingOptions;
  readonly #recovery: Promise<void> | undefined;
  #numbers: SegmentNumbers | undefined;
  #unnumbered: FinishedSegment[] = [];

  constructor(options: NumberingOptions) {
    this.#options = options;
    const { goOnFrom, takesOver, config } = options;
    if (goOnFrom !== undefined) {
      this.#begin(goOnFrom.next);
      // What was listed when the stream was forgotten is too old to be listed again, but is still on disk.
      if (!takesOver && config.storage !== 'ram') this.#recovery = this.#recover();
    } else if (config.storage === 'ram') {
      // Nothing tells what players have seen before: the clock is ahead of it.
      this.#begin(this.#byClock());
    } else if (config.recover) {
      this.#recovery = this.#recover();
    } else {
      this.#begin({ sequence: 0, name: 0 });
    }
  }

  /** Whether segments get their numbers at once. */
  get known(): boolean {
    return this.#numbers !== undefined;
  }

  /** What the next segment would get: by the clock while it is not known better. */
  get next(): SegmentNumber {
    return this.#numbers?.next ?? this.#byClock();
  }

  /** The publisher comes anew. */
  restart(): void {
    this.#numbers?.restart();
  }

  /** How much longer than a fragment the segment that begins now should be, ms (L006). */
  deviationMs(): number {
    return this.#numbers?.deviationMs(this.#options.now()) ?? 0;
  }

  /** Gives the next segment its number, now or when it is known. */
  number(finished: FinishedSegment): void {
    if (this.#numbers !== undefined) {
      this.#options.onNumbered(finished, this.#numbers.take(finished.startedAt));
      return;
    }
    this.#unnumbered.push(finished);
    // A disk that has not given the old playlist by now is not waited for.
    if (this.#unnumbered.length > MAX_UNNUMBERED) this.#begin(this.#byClock());
  }

  /** Resolves when nothing is being read any more. */
  async settled(): Promise<void> {
    await this.#recovery;
  }

  #byClock(): SegmentNumber {
    return clockNumber(this.#options.now(), this.#options.config.fragmentMs);
  }

  #begin(next: SegmentNumber): void {
    const { fragmentMs, floor } = this.#options.config;
    this.#numbers = new SegmentNumbers(fragmentMs, floor, next);
    const waiting = this.#unnumbered;
    this.#unnumbered = [];
    for (const finished of waiting) this.number(finished);
  }

  async #recover(): Promise<void> {
    const { disk, paths, limits, log, id, now, after, onRecovered } = this.#options;
    let found: RecoveredPlaylist | undefined;
    try {
      await after;
      found = await recoverPlaylist(disk, paths, limits.maxRecoveredBytes);
    } catch (error) {
      const reason = errorText(error);
      log.warn(`hls ${id.app}/${id.stream}: ${paths.playlist.file} can't be gone on with: ${reason}`);
      if (!this.known) this.#begin(this.#byClock());
      return;
    }
    const inTime = !this.known;
    if (found !== undefined) onRecovered(found, inTime);
    if (!inTime) return;
    const sequence = found?.nextSequence ?? 0;
    this.#begin({ sequence, name: found === undefined ? 0 : freeName(found, paths, new Date(now())) });
  }
}

/** A fault may have left names in the playlist that are ahead of its numbers: they are not given again. */
function freeName({ nextSequence, entries }: RecoveredPlaylist, paths: HlsPaths, at: Date): number {
  const taken = new Set(entries.map(({ segment }) => segment.name.file));
  let free = nextSequence;
  for (let name = nextSequence; name < nextSequence + 2 * entries.length + MAX_LOST_NAMES; name += 1) {
    if (taken.has(paths.segment(name, at).file)) free = name + 1;
  }
  return free;
}
