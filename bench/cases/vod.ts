import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchCase } from '../lib/case.ts';
import type { Context } from '../lib/context.ts';
import { RunError } from '../lib/errors.ts';
import { writeLongFlv } from '../lib/long-flv.ts';
import { interleave } from '../lib/measure.ts';
import { fetchPlaylist } from '../lib/playlists.ts';
import { atMost, type Figures } from '../lib/results.ts';
import { median } from '../lib/statistics.ts';
import { peakMegabytes, residentMegabytes } from '../lib/system.ts';
import { startSluice } from '../servers/index.ts';

const ROUNDS = 5;
/** The fixture's length, ms, and so that of a round. */
const ROUND_MS = 24_000;
const TEN_MINUTES = 25;
const TWO_HOURS = 300;
/** Of quick runs. */
const FEW_ROUNDS = 2;
/** Playlists may be this much shorter than the file: its last frame's own duration is not in it. */
const DURATION_SHARE = 0.99;

/** What is recorded: so many rounds of the fixture, with or without the places of its keyframes in the metadata. */
const FILES = {
  'sluice, ten minutes, no index': { rounds: TEN_MINUTES, index: false },
  'sluice, ten minutes, keyframe index': { rounds: TEN_MINUTES, index: true },
  'sluice, two hours, no index': { rounds: TWO_HOURS, index: false },
  'sluice, two hours, keyframe index': { rounds: TWO_HOURS, index: true },
} as const;
type FileName = keyof typeof FILES;

interface VodMeasure {
  /** From the request to the whole playlist, ms. */
  readonly playlistMs: number;
  /** The same for a segment from the middle of the file. */
  readonly segmentMs: number;
  /** The most memory above that of the idle server, MB. */
  readonly growth: number;
  readonly segments: number;
}

/** A recording as HLS: how soon a server that has just started has its playlist, and what memory that takes. */
export const vodCase: BenchCase = {
  name: 'vod-first-playlist',
  title: 'a recorded FLV as HLS: the first playlist of a server that has just started',
  quick: true,
  run: async (context) => {
    const folder = join(context.folder, 'vod-files');
    const names = Object.keys(FILES) as FileName[];
    const fileOf = (name: FileName): string => `${names.indexOf(name)}.flv`;
    const roundsOf = (name: FileName): number => (context.quick ? FEW_ROUNDS : FILES[name].rounds);
    for (const name of names) {
      writeLongFlv(join(folder, 'vod', fileOf(name)), context.fixture.file, {
        roundMs: ROUND_MS,
        rounds: roundsOf(name),
        index: FILES[name].index,
      });
    }
    const { results, note } = await interleave(context, names, ROUNDS, (name) =>
      measureVod(context, folder, fileOf(name), (roundsOf(name) * ROUND_MS) / 1000),
    );
    rmSync(folder, { recursive: true });
    const growth = (name: FileName): number => median((results.get(name) ?? []).map((run) => run.growth));
    const playlist = (name: FileName): number =>
      median((results.get(name) ?? []).map((run) => run.playlistMs));
    return {
      checks: {
        'two hours, no index: first playlist': atMost(playlist('sluice, two hours, no index'), 300, 'ms'),
        'two hours, keyframe index: first playlist': atMost(
          playlist('sluice, two hours, keyframe index'),
          300,
          'ms',
        ),
        'no index: memory that two hours take more than ten minutes': atMost(
          growth('sluice, two hours, no index') - growth('sluice, ten minutes, no index'),
          16,
          'MB',
        ),
      },
      figures: Object.fromEntries([...results].map(([name, runs]) => [name, figures(runs)])),
      note,
    };
  },
};

async function measureVod(
  context: Context,
  files: string,
  file: string,
  seconds: number,
): Promise<VodMeasure> {
  const server = await startSluice(context, { http: true, files });
  const { pid } = server.child;
  const idle = residentMegabytes(pid);
  const url = new URL(`/vod/${file}/index.m3u8`, server.httpUrl('any')).href;
  const asked = performance.now();
  const { playlist, segments } = await fetchPlaylist(url);
  const playlistMs = performance.now() - asked;
  const listed = playlist.segments.reduce((total, { duration }) => total + duration, 0);
  if (playlist.endList !== true || listed < seconds * DURATION_SHARE) {
    throw new RunError('not-delivered', `${url} names ${listed.toFixed(0)} s of ${seconds} s`);
  }
  const segmentAsked = performance.now();
  const response = await fetch(segments[segments.length >> 1] ?? '');
  const { byteLength } = await response.arrayBuffer();
  const segmentMs = performance.now() - segmentAsked;
  if (!response.ok || byteLength === 0) {
    throw new RunError('not-delivered', `a segment of ${url} answers ${response.status}`);
  }
  const growth = peakMegabytes(pid) - idle;
  await server.child.stop();
  return { playlistMs, segmentMs, growth, segments: segments.length };
}

function figures(runs: readonly VodMeasure[]): Figures {
  return {
    'first playlist ms': median(runs.map((run) => run.playlistMs)),
    'longest ms': Math.max(...runs.map((run) => run.playlistMs)),
    'segment in the middle ms': median(runs.map((run) => run.segmentMs)),
    'memory growth MB': median(runs.map((run) => run.growth)),
    segments: median(runs.map((run) => run.segments)),
  };
}
