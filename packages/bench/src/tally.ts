import { z } from 'zod';
import { Histogram, type HistogramData } from './histogram.ts';

const counts = z.record(z.string(), z.number()).readonly();
const histogram = z.object({
  count: z.number(),
  sum: z.number(),
  min: z.number(),
  max: z.number(),
  buckets: z.array(z.number()).readonly(),
});

/** A {@link Tally} on its way from a load process. */
export const TallySchema = z
  .object({
    /** Connections asked for. */
    clients: z.number(),
    /** Connections that got their first media (players, fetchers) or were accepted (publishers). */
    joined: z.number(),
    /** Joined connections that are there now. */
    active: z.number(),
    /** Connections that never joined, by reason. */
    failed: counts,
    /** Connections that joined and were then ended by the other side, by reason. */
    lost: counts,
    /** Length of the window that the following counts cover, seconds. */
    seconds: z.number(),
    /** Bytes read by players and fetchers, or media payload bytes written by publishers. */
    bytes: z.number(),
    /** RTMP messages written by publishers, or whole answers to fetchers. */
    messages: z.number(),
    /** `bytes` of each connection that was there from the window's begin to its end and is not stalled. */
    perClientBytes: histogram,
    /** Connect to first media byte, ms; of the connections that joined in the window. */
    firstMediaMs: histogram,
    /** Connect to the end of the first keyframe, ms; of the connections that got it in the window. */
    firstKeyframeMs: histogram,
    /** A publisher's write to a player's read, or a fetcher's request to the end of its answer, ms. */
    latencyMs: histogram,
    /** Stamped frames that came to a player with later ones, without ever coming themselves. */
    framesLost: z.number(),
    /** How late publishers wrote their messages, ms. */
    latenessMs: histogram,
    /** Players that stopped reading on purpose. */
    stalled: z.number(),
    /** How many of the stalled ones the server has ended. */
    stalledEnded: z.number(),
  })
  .readonly();

/** What load processes count, as plain JSON that adds up over processes. */
export type Tally = z.infer<typeof TallySchema>;

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
    framesLost: 0,
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
      framesLost: sum.framesLost + tally.framesLost,
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
