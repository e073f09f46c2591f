import type { CountedTimes } from './counted-histogram.ts';
import type { Session, Sessions } from '../stats/index.ts';

/** A stream, as the metrics see it. */
export interface MeasuredStream {
  /** `vhost/app/stream`. */
  readonly key: string;
  /** Undefined while nobody publishes it. */
  readonly publisherId: string | undefined;
  /** Bytes kept for players: of those that join, and of those that are behind. */
  readonly heldBytes: number;
}

/** What all streams have counted since the start. */
export interface MeasuredTotals {
  readonly videoFrames: number;
  readonly audioFrames: number;
  /** How often timestamps were corrected. */
  readonly corrections: number;
  /** By how much, ms. */
  readonly correctedMs: number;
  /** How long flushes took. */
  readonly flushes: CountedTimes;
}

/** What the metrics look at. Everything is asked anew at each scrape. */
export interface MetricsSource {
  readonly version: string;
  readonly serverId: string;
  readonly serviceId: string;
  readonly sessions: Pick<Sessions, 'totals' | 'ended'> & {
    all(): Iterable<{ readonly session: Pick<Session, 'type'> }>;
  };
  readonly hub: { streams(): Iterable<MeasuredStream>; readonly totals: MeasuredTotals };
  /** Connections of every kind that are open. */
  connections(): number;
  /** Failures that were caught and that nobody waited for. */
  internalFaults(): number;
  /** Clients and files that were refused for want of descriptors. */
  descriptorRefusals(): number;
  /** `max_connections`, or what the descriptors allow of it. */
  maxConnections(): number;
  /** What the sinks of a stream suffer from now. */
  faults(streamKey: string): Iterable<{ readonly sink: string; readonly code: string }>;
  /** This process. Default: as the process itself tells, its CPU since the scrape before. */
  readonly system?:
    { read(): { readonly process: { readonly cpuShare: number; readonly rssKbytes: number } } } | undefined;
  /** `exporter{}`. */
  exporter(): { readonly label: string; readonly tag: string };
}
