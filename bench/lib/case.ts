import type { Context } from './context.ts';
import type { CaseResult } from './results.ts';

/** What a case finds; the runner adds title and date. */
export type CaseOutcome = Omit<CaseResult, 'title' | 'date' | 'note'> & { readonly note?: string };

/** One measurement of the benchmark, named on the command line. */
export interface BenchCase {
  readonly name: string;
  readonly title: string;
  /** Part of `--quick`. */
  readonly quick: boolean;
  run(context: Context): Promise<CaseOutcome>;
}
