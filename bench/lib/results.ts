import type { Machine } from './system.ts';

/** Units of figures and of what they are checked against. */
export type Unit = '%' | '×' | 'ms' | 'MB' | 's' | 'kbps' | '';

/** One promise and whether it was kept. */
export interface Check {
  readonly value: number;
  readonly bound: number;
  readonly unit: Unit;
  /** The value must be at least the bound rather than at most. */
  readonly atLeast: boolean;
}

/** The figures of one server under one load; the keys are column heads. */
export type Figures = Readonly<Record<string, number>>;

/** What a case has found. Records rather than lists throughout: they have names, and merge by them. */
export interface CaseResult {
  readonly title: string;
  /** Day of the run, ISO 8601. */
  readonly date: string;
  /** By promise. */
  readonly checks: Readonly<Record<string, Check>>;
  /** By server, or by server and setting. */
  readonly figures: Readonly<Record<string, Figures>>;
  /** What a reader must know about this run, e.g. a peer that could not take the load; else empty. */
  readonly note: string;
}

/** All results: what `docs/benchmarks.json` holds. */
export interface Results {
  readonly machine: Machine;
  readonly command: string;
  /** By case name. */
  readonly cases: Readonly<Record<string, CaseResult>>;
}

/** A check that a value is at most the bound. */
export function atMost(value: number, bound: number, unit: Unit): Check {
  return { value, bound, unit, atLeast: false };
}

/** A check that a value is at least the bound. */
export function atLeast(value: number, bound: number, unit: Unit): Check {
  return { value, bound, unit, atLeast: true };
}

/** Whether the promise was kept; a value that could not be measured does not keep it. */
export function isMet(check: Check): boolean {
  return check.atLeast ? check.value >= check.bound : check.value <= check.bound;
}

/** The results with those of a new run in place of the old ones of the same cases. */
export function mergeResults(old: Results | undefined, fresh: Results): Results {
  return { ...fresh, cases: { ...old?.cases, ...fresh.cases } };
}
