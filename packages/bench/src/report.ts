import { Histogram, type HistogramData, type Percentiles } from './histogram.ts';
import type { Progress } from './load-run.ts';
import type { Tally } from './tally.ts';

/** The end of a run as `--json` prints it. Counts of bytes are of the measuring window. */
export interface LoadReport {
  readonly kind: 'play' | 'publish' | 'latency' | 'fetch';
  readonly url: string;
  readonly clients: number;
  readonly joined: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly lost: Readonly<Record<string, number>>;
  /** Length of the measuring window: from the moment at which all had joined to the end. */
  readonly seconds: number;
  readonly bytes: number;
  readonly megabitsPerSecond: number;
  readonly messages: number;
  /** Bit rate of each connection that was there for the whole window, kbps. */
  readonly perClientKbps: Percentiles | null;
  /** The slowest and the middle connection against `--expect-kbps`, as shares; null without that option. */
  readonly delivered: { readonly min: number; readonly p50: number } | null;
  readonly firstMediaMs: Percentiles | null;
  readonly firstKeyframeMs: Percentiles | null;
  readonly latencyMs: Percentiles | null;
  /** Publishers: how late messages were written. Above a few ms this machine was too slow for the load. */
  readonly latenessMs: Percentiles | null;
  readonly stalled: number;
  readonly stalledEnded: number;
}

/** What a report is made of. */
export interface ReportInput {
  readonly kind: LoadReport['kind'];
  readonly url: string;
  /** The window until all had joined. */
  readonly joining: Tally;
  /** The window from there to the end. */
  readonly measured: Tally;
  /** After all connections were closed. */
  readonly closed: Tally;
  /** What each connection should get, kbps, if the user knows. */
  readonly expectKbps: number | undefined;
}

/** Makes the report of a run. */
export function buildReport(input: ReportInput): LoadReport {
  const { joining, measured, closed, expectKbps } = input;
  const perClientKbps = ratesOf(measured);
  return {
    kind: input.kind,
    url: input.url,
    clients: measured.clients,
    joined: measured.joined,
    failed: measured.failed,
    lost: measured.lost,
    seconds: measured.seconds,
    bytes: measured.bytes,
    megabitsPerSecond: measured.seconds > 0 ? (measured.bytes * 8) / measured.seconds / 1e6 : 0,
    messages: measured.messages,
    perClientKbps,
    delivered:
      expectKbps === undefined || perClientKbps === null
        ? null
        : { min: perClientKbps.min / expectKbps, p50: perClientKbps.p50 / expectKbps },
    firstMediaMs: percentilesOf(joining.firstMediaMs, measured.firstMediaMs),
    firstKeyframeMs: percentilesOf(joining.firstKeyframeMs, measured.firstKeyframeMs),
    latencyMs: percentilesOf(measured.latencyMs),
    latenessMs: percentilesOf(measured.latenessMs),
    stalled: closed.stalled,
    stalledEnded: closed.stalledEnded,
  };
}

/** What the clients of a run are, what `messages` counts, and what its times are of. */
const WORDS = {
  play: { clients: 'players', messages: 'messages', joined: 'first media', latency: 'latency' },
  publish: { clients: 'publishers', messages: 'messages', joined: 'accepted after', latency: 'latency' },
  latency: { clients: 'players', messages: 'messages', joined: 'first media', latency: 'latency' },
  fetch: { clients: 'connections', messages: 'answers', joined: 'first answer', latency: 'answered after' },
} as const;

/** The report as text for people. */
export function formatReport(report: LoadReport): string {
  const words = WORDS[report.kind];
  const failures = sum(report.failed);
  const losses = sum(report.lost);
  const lines = [
    row(
      words.clients,
      `${integer(report.joined)} of ${integer(report.clients)} joined, ${integer(failures)} failed, ${integer(losses)} lost`,
    ),
    ...reasons('failed', report.failed),
    ...reasons('lost', report.lost),
    row(
      'bytes',
      `${decimal(report.bytes / 1e6)} MB in ${decimal(report.seconds)} s, ${decimal(report.megabitsPerSecond)} Mbps`,
    ),
  ];
  if (report.messages > 0) {
    lines.push(row(words.messages, `${integer(Math.round(report.messages / report.seconds))} a second`));
  }
  if (report.perClientKbps !== null) {
    const { min, p50, max } = report.perClientKbps;
    lines.push(row('each', `min ${decimal(min)}  p50 ${decimal(p50)}  max ${decimal(max)} kbps`));
  }
  if (report.delivered !== null) {
    const { min, p50 } = report.delivered;
    lines.push(row('of what is due', `min ${decimal(min * 100)} %  p50 ${decimal(p50 * 100)} %`));
  }
  const times: readonly (readonly [string, Percentiles | null])[] = [
    [words.joined, report.firstMediaMs],
    ['first keyframe', report.firstKeyframeMs],
    [words.latency, report.latencyMs],
    ['written late by', report.latenessMs],
  ];
  for (const [name, value] of times) {
    if (value !== null) lines.push(row(name, `${percentileText(value)} ms`));
  }
  if (report.stalled > 0) {
    lines.push(row('stalled', `${report.stalled}, ended by the server: ${report.stalledEnded}`));
  }
  return lines.join('\n') + '\n';
}

/** One line about a run under way. */
export function formatProgress(progress: Progress, bytesPerSecond: number, seconds: number): string {
  return (
    `${seconds.toFixed(0)} s  ${integer(progress.active)} connected  ${integer(progress.failed)} failed  ` +
    `${integer(progress.lost)} lost  ${decimal((bytesPerSecond * 8) / 1e6)} Mbps`
  );
}

function ratesOf(tally: Tally): Percentiles | null {
  const bytes = percentilesOf(tally.perClientBytes);
  if (bytes === null || tally.seconds <= 0) return null;
  const factor = 8 / 1000 / tally.seconds;
  return {
    count: bytes.count,
    min: bytes.min * factor,
    p50: bytes.p50 * factor,
    p90: bytes.p90 * factor,
    p99: bytes.p99 * factor,
    max: bytes.max * factor,
    mean: bytes.mean * factor,
  };
}

function percentilesOf(...parts: readonly HistogramData[]): Percentiles | null {
  const histogram = new Histogram();
  for (const part of parts) histogram.merge(part);
  return histogram.percentiles() ?? null;
}

function percentileText({ p50, p90, p99, max }: Percentiles): string {
  return `p50 ${decimal(p50)}  p90 ${decimal(p90)}  p99 ${decimal(p99)}  max ${decimal(max)}`;
}

function reasons(what: string, counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts)
    .sort(([, one], [, other]) => other - one)
    .map(([reason, count]) => row(`  ${what}`, `${integer(count)} × ${reason}`));
}

function row(name: string, text: string): string {
  return name.padEnd(17) + text;
}

function integer(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

function decimal(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 2 : 1 });
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
