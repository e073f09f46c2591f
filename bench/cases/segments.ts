import type { BenchCase } from '../lib/case.ts';
import { pause } from '../lib/children.ts';
import type { Context } from '../lib/context.ts';
import { RunError } from '../lib/errors.ts';
import { waitForDisk } from '../lib/forgotten-files.ts';
import { countFiles, countHls, requireHls } from '../lib/hls-files.ts';
import {
  absentNote,
  interleave,
  joinNotes,
  measureWindow,
  requireDelivery,
  SETTLE_MS,
} from '../lib/measure.ts';
import { atMost, type Check, type Figures } from '../lib/results.ts';
import { median, pairedRatio, percentileOf, quantile } from '../lib/statistics.ts';
import {
  type HlsOptions,
  type SelfFigures,
  startMeasured,
  startServer,
  type TestedServer,
} from '../servers/index.ts';
import { sentShare, startPublishers } from './publishers.ts';

const PUBLISHERS = 200;
const QUICK_PUBLISHERS = 10;
const HLS: HlsOptions = { fragmentSeconds: 4, windowSeconds: 20 };
const QUICK_HLS: HlsOptions = { fragmentSeconds: 2, windowSeconds: 10 };
/** With the time before a window, the playlists are full then and the first segments leave them, ms. */
const FILL_MS = 17_000;
/** In a quick run: the first segment is there, ms. */
const QUICK_FILL_MS = 3500;
/** A whole number of segments; with the time before, recordings have begun a new file in it. */
const WINDOW_SECONDS = 16;
const ROUNDS = 3;
/** Publishers begin at moments spread over a second, and the last merged read may be lost with its publisher, s. */
const UNRECORDED_SECONDS = 1.5;
/** Less than this share of the bytes due in recordings means that recording is broken. */
const RECORDED_SHARE = 0.8;

interface Writes {
  readonly hls?: boolean;
  readonly dvr?: boolean;
}

interface SegmentsMeasure {
  readonly cpu: number;
  readonly loadCpu: number;
  readonly memory: number;
  readonly late: number;
  /** HLS segments written since the begin, and how much media the playlists name, s. */
  readonly segments: number;
  readonly listedSeconds: number;
  readonly recordings: number;
  readonly recordedMegabytes: number;
}

/** HLS of many publishers: Sluice against nginx-rtmp. */
export const hlsPublishersCase: BenchCase = {
  name: 'hls-publishers-200',
  title: '200 publishers in real time, each message written by itself, with HLS (fragment 4 s, window 20 s)',
  quick: true,
  run: async (context) => {
    const names = (['sluice', 'nginx-rtmp'] as const).filter((name) => context.peers.has(name));
    if (!context.quick) await waitForDisk(context);
    const { results, note } = await interleave(context, names, ROUNDS, async (name) =>
      measureSegments(context, await startWriter(context, name, { hls: true }), { hls: true }),
    );
    const nginx = results.get('nginx-rtmp');
    const checks: Record<string, Check> = {};
    if (nginx !== undefined) {
      const ratio = pairedRatio(pick(results.get('sluice') ?? [], 'cpu'), pick(nginx, 'cpu'));
      checks['CPU against nginx-rtmp'] = atMost(ratio, 0.6, '×');
    }
    return {
      checks,
      figures: Object.fromEntries([...results].map(([name, runs]) => [name, figures(runs)])),
      note: joinNotes(absentNote(context, ['nginx-rtmp']), note),
    };
  },
};

const HLS_AND_DVR = {
  'sluice, HLS': { hls: true },
  'sluice, HLS and DVR': { hls: true, dvr: true },
} as const;

/** What recording adds, how smoothly the event loop runs meanwhile, and how soon segments are on disk. */
export const dvrPublishersCase: BenchCase = {
  name: 'dvr-publishers-200',
  title: '200 publishers with HLS, recorded to FLV (dvr_plan segment)',
  quick: true,
  run: async (context) => {
    const names = Object.keys(HLS_AND_DVR) as (keyof typeof HLS_AND_DVR)[];
    if (!context.quick) await waitForDisk(context);
    const { results, note } = await interleave(context, context.quick ? [] : names, ROUNDS, async (name) => {
      const writes = HLS_AND_DVR[name];
      return measureSegments(context, await startWriter(context, 'sluice', writes), writes);
    });
    const { self, measure } = await measureRecorder(context);
    const cpu = (name: keyof typeof HLS_AND_DVR): number[] => pick(results.get(name) ?? [], 'cpu');
    const { delayMs, readyMs } = self;
    return {
      checks: {
        'CPU of HLS and DVR against HLS': atMost(
          pairedRatio(cpu('sluice, HLS and DVR'), cpu('sluice, HLS')),
          1.3,
          '×',
        ),
        'event loop delay, p99': atMost(delayMs.p99, 20, 'ms'),
        'segment on disk after its last frame, p99': atMost(quantile(readyMs, 0.99), 50, 'ms'),
      },
      figures: {
        ...Object.fromEntries([...results].map(([name, runs]) => [name, figures(runs)])),
        'sluice, HLS and DVR, embedded': {
          ...figures([measure]),
          'event loop delay p50 ms': delayMs.p50,
          'event loop delay p99 ms': delayMs.p99,
          'event loop delay max ms': delayMs.max,
          'segment ready p50 ms': quantile(readyMs, 0.5),
          'segment ready p99 ms': quantile(readyMs, 0.99),
          'segment ready max ms': quantile(readyMs, 1),
          'segments timed': readyMs.length,
        },
      },
      note,
    };
  },
};

function hlsOf(context: Context): HlsOptions {
  return context.quick ? QUICK_HLS : HLS;
}

function startWriter(
  context: Context,
  name: 'sluice' | 'nginx-rtmp',
  { hls, dvr }: Writes,
): Promise<TestedServer> {
  return startServer(context, name, {
    mergedRead: true,
    ...(hls === true ? { hls: hlsOf(context) } : {}),
    ...(dvr === true ? { dvr } : {}),
  });
}

async function measureRecorder(context: Context): Promise<{ self: SelfFigures; measure: SegmentsMeasure }> {
  if (!context.quick) context.say('  sluice, embedded');
  const server = await startMeasured(context, { mergedRead: true, hls: hlsOf(context), dvr: true });
  const seen: SelfFigures[] = [];
  const measure = await measureSegments(
    context,
    server,
    { hls: true, dvr: true },
    {
      begin: () => {
        server.begin();
      },
      end: async () => {
        seen.push(await server.end());
      },
    },
  );
  const [self] = seen;
  if (self === undefined) throw new RunError('server-failed', 'the recorder did not tell its figures');
  return { self, measure };
}

interface WindowWatch {
  begin(): void;
  end(): Promise<void>;
}

/**
 * Publishes to a server until its playlists are full, measures it, and looks at what it has written. Its files stay
 * until the end of the benchmark: a file system that has just let thousands of them go is slower for minutes (ext4 does
 * not use their inodes again at once, and looks past them all), which the next server would pay for.
 */
async function measureSegments(
  context: Context,
  server: TestedServer,
  writes: Writes,
  watch?: WindowWatch,
): Promise<SegmentsMeasure> {
  const clients = context.quick ? QUICK_PUBLISHERS : PUBLISHERS;
  const publishers = await startPublishers(context, server, clients);
  const started = performance.now();
  await pause(context.quick ? QUICK_FILL_MS : FILL_MS);
  watch?.begin();
  const window = await measureWindow(
    context,
    server.child.pid,
    { publishers },
    WINDOW_SECONDS,
    SETTLE_MS / 4,
  );
  await watch?.end();
  const what = server.name;
  const due = {
    streams: clients,
    fragmentSeconds: hlsOf(context).fragmentSeconds,
    elapsedSeconds: (performance.now() - started) / 1000,
    kbps: context.fixture.payloadKbps,
  };
  // Before the publishers go: at the server's end segments may be deleted.
  const hls = writes.hls === true ? countHls(server.hlsFolder ?? '') : undefined;
  if (hls !== undefined) requireHls(what, hls, due);
  await publishers.stop();
  await server.child.stop();
  const recorded = writes.dvr === true ? countFiles(server.dvrFolder ?? '') : { files: 0, bytes: 0 };
  if (writes.dvr === true) {
    const bytes = ((due.elapsedSeconds - UNRECORDED_SECONDS) * clients * due.kbps * 1000) / 8;
    if (recorded.files < clients || recorded.bytes < bytes * RECORDED_SHARE) {
      const found = `${recorded.files} files and ${recorded.bytes} bytes`;
      throw new RunError('not-delivered', `${what} recorded ${found} of ${clients} streams`);
    }
  }
  const { messages, latenessMs } = window.tallies.publishers;
  requireDelivery(`publishers to ${what}`, sentShare(context, messages, clients, window.seconds));
  return {
    cpu: window.cpu,
    loadCpu: window.loadCpu,
    memory: window.memory,
    late: percentileOf(latenessMs, 0.99),
    segments: hls?.written ?? NaN,
    listedSeconds: hls?.seconds ?? NaN,
    recordings: writes.dvr === true ? recorded.files : NaN,
    recordedMegabytes: writes.dvr === true ? recorded.bytes / 1e6 : NaN,
  };
}

function pick(runs: readonly SegmentsMeasure[], key: keyof SegmentsMeasure): number[] {
  return runs.map((run) => run[key]);
}

function figures(runs: readonly SegmentsMeasure[]): Figures {
  const columns: readonly (readonly [string, keyof SegmentsMeasure])[] = [
    ['CPU %', 'cpu'],
    ['memory MB', 'memory'],
    ['segments written', 'segments'],
    ['s in playlists', 'listedSeconds'],
    ['recordings', 'recordings'],
    ['recorded MB', 'recordedMegabytes'],
    ['loads CPU %', 'loadCpu'],
    ['written late, p99 ms', 'late'],
  ];
  return Object.fromEntries(
    columns
      .map(([head, key]) => [head, median(pick(runs, key))] as const)
      .filter(([, value]) => !Number.isNaN(value)),
  );
}
