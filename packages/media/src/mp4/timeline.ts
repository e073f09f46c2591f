import type { FragmentRun } from './fragment-reader.ts';
import type { ParsedTrack } from './movie-reader.ts';

/** The most that a track's DTS are put earlier, in ms. */
const MAX_LEAD_MS = 10_000;

/**
 * Turns the ticks of tracks into ms on one timeline for the whole file.
 *
 * Where composition offsets are negative, a track's DTS are put earlier, so that nothing is decoded after it is shown.
 * That, and edit lists, may put the first DTS of a track before zero; then all tracks are moved by the same amount, so
 * that no time is negative and the tracks stay in step.
 */
export class FileTimeline {
  readonly #leads = new Map<number, number>();
  readonly #forward: number;

  /** @param runs The first samples of a fragmented file. */
  constructor(tracks: readonly ParsedTrack[], runs: readonly FragmentRun[]) {
    let forward = 0;
    for (const parsed of tracks) {
      const { track, shift } = parsed;
      const lead = Math.min(-lowestOffset(parsed, runs), (MAX_LEAD_MS * track.timescale) / 1000);
      this.#leads.set(track.id, lead);
      forward = Math.max(forward, (lead * 1000) / track.timescale - shift);
    }
    this.#forward = forward;
  }

  /** Whole ms of a DTS. */
  dts(parsed: ParsedTrack, ticks: number): number {
    return this.#toMs(parsed, ticks - this.#lead(parsed));
  }

  /** Whole ms of a PTS. */
  pts(parsed: ParsedTrack, ticks: number): number {
    return this.#toMs(parsed, ticks);
  }

  /** Ticks that are no less than those of a DTS which rounds to `ms`. */
  ticks(parsed: ParsedTrack, ms: number): number {
    const { track, shift } = parsed;
    return ((ms + 0.5 - shift - this.#forward) * track.timescale) / 1000 + this.#lead(parsed);
  }

  #lead({ track }: ParsedTrack): number {
    return this.#leads.get(track.id) ?? 0;
  }

  #toMs({ track, shift }: ParsedTrack, ticks: number): number {
    // Adding 0 turns -0 into 0.
    return Math.round((ticks * 1000) / track.timescale + shift + this.#forward) + 0;
  }
}

/** The lowest PTS - DTS of a track, at most 0. */
function lowestOffset({ track, tables }: ParsedTrack, runs: readonly FragmentRun[]): number {
  let lowest = 0;
  const offsets = tables?.compositionOffsets;
  for (let entry = 0; offsets !== undefined && entry < offsets.count; entry++) {
    lowest = Math.min(lowest, offsets.i32(entry, 1)); // sample_offset
  }
  for (const { trackId, samples } of runs) {
    if (trackId !== track.id) continue;
    for (let index = 0; index < samples.count; index++) {
      lowest = Math.min(lowest, samples.compositionOffset(index));
    }
  }
  return lowest;
}
