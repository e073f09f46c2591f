import type { LoadRun } from './load-run.ts';
import { buildReport, formatProgress, formatReport, type LoadReport } from './report.ts';

const PROGRESS_MS = 500;
const CLEAR_LINE = '\r\u001b[2K';

/** How a run is shown and how long it takes. */
export interface DriveOptions {
  readonly kind: LoadReport['kind'];
  readonly url: string;
  /** From the moment at which all have joined, ms; Infinity until Ctrl-C. */
  readonly durationMs: number;
  readonly json: boolean;
  readonly expectKbps: number | undefined;
}

/** Runs a load for a person at a terminal: progress line, Ctrl-C, report. Returns the report. */
export async function drive(run: LoadRun, options: DriveOptions): Promise<LoadReport> {
  const progress = showProgress(run);
  const interrupted = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  try {
    await Promise.race([run.start(), interrupted]);
    const joining = await run.tally();
    const duration = durationOf(options.durationMs);
    await Promise.race([run.finished, interrupted, duration.over]);
    duration.cancel();
    const last = await run.tally();
    // Where everything was over as soon as all had joined (rounds), the first window is the measured one.
    const measured = last.bytes === 0 && last.seconds < 0.1 ? joining : last;
    await run.stop();
    const closed = await run.tally();
    const joinedBefore = measured === joining ? closed : joining;
    const report = buildReport({ ...options, joining: joinedBefore, measured, closed });
    progress.stop();
    process.stdout.write(options.json ? JSON.stringify(report, undefined, 2) + '\n' : formatReport(report));
    return report;
  } finally {
    progress.stop();
  }
}

function durationOf(durationMs: number): { over: Promise<void>; cancel(): void } {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    if (Number.isFinite(durationMs)) timer = setTimeout(resolve, durationMs);
  });
  return {
    over,
    cancel: () => {
      clearTimeout(timer);
    },
  };
}

/** Keeps one line of progress up to date where standard error is a terminal. */
function showProgress(run: LoadRun): { stop(): void } {
  if (!process.stderr.isTTY) return { stop: () => undefined };
  const start = performance.now();
  let lastBytes = 0;
  const timer = setInterval(() => {
    const progress = run.progress();
    const rate = ((progress.bytes - lastBytes) * 1000) / PROGRESS_MS;
    lastBytes = progress.bytes;
    process.stderr.write(CLEAR_LINE + formatProgress(progress, rate, (performance.now() - start) / 1000));
  }, PROGRESS_MS);
  return {
    stop: () => {
      clearInterval(timer);
      process.stderr.write(CLEAR_LINE);
    },
  };
}
