import type { Tally } from '@sluice/bench';
import { pause } from './children.ts';
import type { Context, PeerName } from './context.ts';
import { RunError } from './errors.ts';
import type { Load } from './load.ts';
import { cpuMilliseconds, residentMegabytes } from './system.ts';

/**
 * Between the last join and the measuring window, ms: longer than the keyframe interval, because a server
 * without a GOP cache sends a player no video before the next keyframe, and long enough for servers in
 * JavaScript to have compiled what they do all the time.
 */
export const SETTLE_MS = 4000;
const QUICK_SETTLE_MS = 200;
/** Less than this share of the bytes due, even in a short window, means that delivery is broken. */
const BROKEN_SHARE = 0.4;

/** A measuring window of one server. */
export interface Window<Tallies> {
  /** CPU of the whole process, % of one core. */
  readonly cpu: number;
  /** The same of the load processes together: near 100 they are the bottleneck. */
  readonly loadCpu: number;
  /** Resident memory at the end, MB. */
  readonly memory: number;
  readonly seconds: number;
  /** What each load counted. */
  readonly tallies: Tallies;
}

/**
 * Measures a server's CPU, and what its loads count, for a while.
 * @param quickSettleMs how long to wait before the window of a quick run
 */
export async function measureWindow<Names extends string>(
  context: Context,
  pid: number,
  loads: Readonly<Record<Names, Load>>,
  seconds: number,
  quickSettleMs: number = QUICK_SETTLE_MS,
): Promise<Window<Record<Names, Tally>>> {
  await pause(context.quick ? quickSettleMs : SETTLE_MS);
  await tallyAll(loads);
  const cpuBefore = cpuMilliseconds(pid);
  const loadBefore = loadMilliseconds(loads);
  const before = performance.now();
  await pause(context.quick ? Math.min(seconds, 1) * 1000 : seconds * 1000);
  const cpuAfter = cpuMilliseconds(pid);
  const loadAfter = loadMilliseconds(loads);
  const elapsed = performance.now() - before;
  const tallies = await tallyAll(loads);
  return {
    cpu: ((cpuAfter - cpuBefore) / elapsed) * 100,
    loadCpu: ((loadAfter - loadBefore) / elapsed) * 100,
    memory: residentMegabytes(pid),
    seconds: elapsed / 1000,
    tallies,
  };
}

/**
 * Runs each of the named things in turn, so many times over (A B A B), so that whatever else changes on the
 * machine meets all of them. A peer that fails is left out, with a note; Sluice may not fail.
 */
export async function interleave<Name extends string, Result>(
  context: Context,
  names: readonly Name[],
  rounds: number,
  run: (name: Name) => Promise<Result>,
): Promise<{ results: Map<Name, Result[]>; note: string }> {
  const results = new Map<Name, Result[]>();
  const failed = new Map<Name, string>();
  for (let round = 0; round < (context.quick ? 1 : rounds); round++) {
    for (const name of names) {
      if (failed.has(name)) continue;
      context.say(`  ${name}${rounds > 1 && !context.quick ? `, run ${round + 1} of ${rounds}` : ''}`);
      try {
        const all = results.get(name) ?? [];
        results.set(name, all);
        all.push(await run(name));
      } catch (error) {
        if (!(error instanceof RunError) || name.startsWith('sluice')) throw error;
        context.say(`  ${name} failed: ${error.message}`);
        failed.set(name, error.message.split('\n')[0] ?? '');
        results.delete(name);
      }
    }
  }
  const note = [...failed].map(([name, reason]) => `${name} could not take this load (${reason}).`).join(' ');
  return { results, note };
}

/** The servers among these that can be measured here. */
export function present(context: Context, names: readonly PeerName[]): PeerName[] {
  return names.filter((name) => context.peers.has(name));
}

/** A note for each of these servers that is not installed here, for the reader. */
export function absentNote(context: Context, names: readonly PeerName[]): string {
  const absent = names.filter((name) => !context.peers.has(name));
  return absent.map((name) => `${name} is not installed here: nothing is compared with it.`).join(' ');
}

/** Notes with something in them, as one. */
export function joinNotes(...notes: readonly string[]): string {
  return notes.filter((note) => note !== '').join(' ');
}

/**
 * In a quick run nothing is timed, but bytes must have come.
 * @throws RunError `not-delivered`
 */
export function requireDelivery(what: string, share: number): void {
  if (share >= BROKEN_SHARE) return;
  throw new RunError('not-delivered', `${what} delivered ${(share * 100).toFixed(0)} % of the bytes due`);
}

function loadMilliseconds(loads: Readonly<Record<string, Load>>): number {
  return Object.values(loads).reduce((sum, load) => sum + cpuMilliseconds(load.pid), 0);
}

async function tallyAll<Names extends string>(
  loads: Readonly<Record<Names, Load>>,
): Promise<Record<Names, Tally>> {
  const entries = Object.entries<Load>(loads).map(
    async ([name, load]) => [name, await load.tally()] as const,
  );
  return Object.fromEntries(await Promise.all(entries)) as Record<Names, Tally>;
}
