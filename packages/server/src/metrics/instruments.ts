import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

import { FLUSH_BOUNDS_MS } from '../live/index.ts';
import { CountedHistogram } from './counted-histogram.ts';

/** Seconds; most delays are below a millisecond, and above 100 ms players begin to feel them. */
const DELAY_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
/** Seconds. */
const PAUSE_BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
/** Seconds; players have a segment from memory at once, on disk it is a little later. */
const READY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** What SRS's own exporter has, under its names (5.1). */
function srsInstruments(registry: Registry) {
  const registers = [registry];
  return {
    buildInfo: new Gauge({
      name: 'srs_build_info',
      help: 'Always 1; the labels tell what the server is.',
      labelNames: ['server', 'service', 'pid', 'major', 'version', 'code', 'label', 'tag'],
      registers,
    }),
    unameInfo: new Gauge({
      name: 'srs_node_uname_info',
      help: 'Always 1; the labels tell what uname(2) tells of the machine.',
      labelNames: ['sysname', 'nodename', 'release', 'version', 'machine'],
      registers,
    }),
    cpuPercent: new Gauge({
      name: 'srs_cpu_percent',
      help: 'CPU that the server uses, in percent of one CPU.',
      registers,
    }),
    memory: new Gauge({ name: 'srs_memory', help: 'Memory that the server uses, in KiB.', registers }),
    sendBytes: new Counter({
      name: 'srs_send_bytes_total',
      help: 'Bytes that have been sent to players.',
      registers,
    }),
    receiveBytes: new Counter({
      name: 'srs_receive_bytes_total',
      help: 'Bytes that publishers have sent.',
      registers,
    }),
    streams: new Gauge({
      name: 'srs_streams',
      help: 'Streams that are published or waited for.',
      registers,
    }),
    clients: new Gauge({ name: 'srs_clients', help: 'Publishers and players.', registers }),
    clientsTotal: new Counter({
      name: 'srs_clients_total',
      help: 'Publishers and players that have come.',
      registers,
    }),
    internalFaults: new Counter({
      name: 'sluice_internal_faults_total',
      help: 'Failures of timers, listeners and background work that were caught.',
      registers,
    }),
    descriptorRefusals: new Counter({
      name: 'sluice_descriptor_refusals_total',
      help: 'Clients and files that were refused for want of file descriptors.',
      registers,
    }),
    clientErrors: new Counter({
      name: 'srs_clients_errs_total',
      help: 'Connections that have ended otherwise than they should.',
      registers,
    }),
  };
}

/** What only this server has. */
function ownInstruments(registry: Registry) {
  const registers = [registry];
  return {
    publishers: new Gauge({ name: 'sluice_publishers', help: 'Publishers.', registers }),
    players: new Gauge({ name: 'sluice_players', help: 'Players.', registers }),
    sessions: new Gauge({
      name: 'sluice_sessions',
      help: 'Publishers and players, by the type that the API calls them by.',
      labelNames: ['type'],
      registers,
    }),
    publishedStreams: new Gauge({
      name: 'sluice_published_streams',
      help: 'Streams that somebody publishes.',
      registers,
    }),
    connections: new Gauge({
      name: 'sluice_connections',
      help: 'Open connections of every kind.',
      registers,
    }),
    maxConnections: new Gauge({
      name: 'sluice_max_connections',
      help: 'The most connections that are taken.',
      registers,
    }),
    ends: new Counter({
      name: 'sluice_sessions_ended_total',
      help: 'Connections that have ended, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    droppedFrames: new Counter({
      name: 'sluice_dropped_frames_total',
      help: 'Frames that players who fell behind were not sent.',
      registers,
    }),
    frames: new Counter({
      name: 'sluice_frames_received_total',
      help: 'Frames that publishers have sent, sequence headers aside.',
      labelNames: ['kind'],
      registers,
    }),
    corrections: new Counter({
      name: 'sluice_timestamp_corrections_total',
      help: 'How often the timestamps of publishers jumped and were corrected.',
      registers,
    }),
    correctedSeconds: new Counter({
      name: 'sluice_timestamp_corrected_seconds_total',
      help: 'By how much timestamps of publishers were corrected, back or forth.',
      registers,
    }),
    flushes: new CountedHistogram({
      name: 'sluice_flush_duration_seconds',
      help: 'How long a flush to a group of players keeps the event loop.',
      boundsMs: FLUSH_BOUNDS_MS,
      registers,
    }),
    heldBytes: new Gauge({
      name: 'sluice_queue_bytes',
      help: 'Bytes of frames that are held for players, all streams together.',
      registers,
    }),
    heldBytesMax: new Gauge({
      name: 'sluice_queue_bytes_max',
      help: 'Bytes of frames that are held for players of the stream that holds most.',
      registers,
    }),
    faults: new Gauge({
      name: 'sluice_faults',
      help: 'Streams whose HLS, HDS or recording suffers now, by what from.',
      labelNames: ['sink', 'code'],
      registers,
    }),
    segmentReady: new Histogram({
      name: 'sluice_hls_segment_ready_seconds',
      help: 'From the cut of an HLS segment until it and its playlist are where hls_storage wants them.',
      buckets: READY_BUCKETS,
      registers,
    }),
  };
}

/** What the process tells of itself. */
function processInstruments(registry: Registry) {
  const registers = [registry];
  return {
    loopDelay: new Histogram({
      name: 'sluice_event_loop_delay_seconds',
      help: 'How much later than it should the event loop turns to a timer.',
      buckets: DELAY_BUCKETS,
      registers,
    }),
    loopActive: new Counter({
      name: 'sluice_event_loop_active_seconds_total',
      help: 'Time that the event loop was not waiting for anything to do.',
      registers,
    }),
    gcPause: new Histogram({
      name: 'sluice_gc_duration_seconds',
      help: 'Pauses of the garbage collector.',
      labelNames: ['kind'],
      buckets: PAUSE_BUCKETS,
      registers,
    }),
    memoryBytes: new Gauge({
      name: 'sluice_memory_bytes',
      help: 'Memory of the process, by what it is for.',
      labelNames: ['kind'],
      registers,
    }),
    cpuSeconds: new Counter({
      name: 'process_cpu_seconds_total',
      help: 'CPU time of the process, user and system.',
      registers,
    }),
    residentBytes: new Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Resident memory of the process.',
      registers,
    }),
    startTime: new Gauge({
      name: 'process_start_time_seconds',
      help: 'When the process started, seconds since 1970.',
      registers,
    }),
  };
}

/** All that is measured, in one registry of its own. */
export function createInstruments(registry: Registry) {
  return { ...srsInstruments(registry), ...ownInstruments(registry), ...processInstruments(registry) };
}

/** What {@link createInstruments} makes. */
export type Instruments = ReturnType<typeof createInstruments>;
