import { Histogram, type HistogramData } from './histogram.ts';

/** What load processes count, as plain JSON that adds up over processes. */
export interface Tally {
  /** Connections asked for. */
  readonly clients: number;
  /** Connections that got their first media (players) or were accepted (publishers). */
  readonly joined: number;
  /** Joined connections that are there now. */
  readonly active: number;
  /** Connections that never joined, by reason. */
  readonly failed: Readonly<Record<string, number>>;
  /** Connections that joined and were then ended by the other side, by reason. */
  readonly lost: Readonly<Record<string, number>>;
  /** Length of the window that the following counts cover, seconds. */
  readonly seconds: number;
  /** Bytes read by players, or media payload bytes written by publishers. */
  readonly bytes: number;
  /** RTMP messages written by publishers. */
  readonly messages: number;
  /** {@link bytes} of each connection that was there from the window's begin to its end and is not stalled. */
  readonly perClientBytes: HistogramData;
  /** Connect to first media byte, ms; of the connections that joined in the window. */
  readonly firstMediaMs: HistogramData;
  /** Connect to the end of the first keyframe, ms; of the connections that got it in the window. */
  readonly firstKeyframeMs: HistogramData;
  /** A publisher's write to a player's read, ms. */
  readonly latencyMs: HistogramData;
  /** How late publishers wrote their messages, ms. */
  readonly latenessMs: HistogramData;
  /** Players that stopped reading on purpose, and how many of them the server has ended. */
  readonly stalled: number;
  readonly stalledEnded: number;
}

/** A tally of nothing. */
export function emptyTally(): Tally {
  const nothing = new Histogram().toJSON();
  return {
    clients: 0,
    joined: 0,
    active: 0,
    failed: {},
    lost: {},
    seconds: 0,
    bytes: 0,
    messages: 0,
    perClientBytes: nothing,
    firstMediaMs: nothing,
    firstKeyframeMs: nothing,
    latencyMs: nothing,
    latenessMs: nothing,
    stalled: 0,
    stalledEnded: 0,
  };
}

/** The sum of the tallies of processes that ran side by side: counts add up, the window is the longest one. */
export function addTallies(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (sum, tally) => ({
      clients: sum.clients + tally.clients,
      joined: sum.joined + tally.joined,
      active: sum.active + tally.active,
      failed: addCounts(sum.failed, tally.failed),
      lost: addCounts(sum.lost, tally.lost),
      seconds: Math.max(sum.seconds, tally.seconds),
      bytes: sum.bytes + tally.bytes,
      messages: sum.messages + tally.messages,
      perClientBytes: addHistograms(sum.perClientBytes, tally.perClientBytes),
      firstMediaMs: addHistograms(sum.firstMediaMs, tally.firstMediaMs),
      firstKeyframeMs: addHistograms(sum.firstKeyframeMs, tally.firstKeyframeMs),
      latencyMs: addHistograms(sum.latencyMs, tally.latencyMs),
      latenessMs: addHistograms(sum.latenessMs, tally.latenessMs),
      stalled: sum.stalled + tally.stalled,
      stalledEnded: sum.stalledEnded + tally.stalledEnded,
    }),
    emptyTally(),
  );
}

/** Adds one to a count by reason. */
export function countReason(counts: Map<string, number>, reason: string): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}

/** All counts by reason together. */
export function sumOfCounts(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}

function addHistograms(one: HistogramData, other: HistogramData): HistogramData {
  const sum = new Histogram();
  sum.merge(one);
  sum.merge(other);
  return sum.toJSON();
}

function addCounts(
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum = new Map(Object.entries(one));
  for (const [reason, count] of Object.entries(other)) sum.set(reason, (sum.get(reason) ?? 0) + count);
  return Object.fromEntries(sum);
}
