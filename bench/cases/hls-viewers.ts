import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchCase } from '../lib/case.ts';
import type { Context } from '../lib/context.ts';
import { RunError } from '../lib/errors.ts';
import { Load } from '../lib/load.ts';
import { absentNote, interleave, joinNotes, measureWindow } from '../lib/measure.ts';
import { type FoundPlaylist, waitForSegments } from '../lib/playlists.ts';
import { atLeast, type Check, type Figures } from '../lib/results.ts';
import { median, pairedRatio, percentileOf } from '../lib/statistics.ts';
import { type HlsOptions, startNginxFiles, startSluice, type SluiceServer } from '../servers/index.ts';
import { startPublisher } from './players.ts';

const STREAM = 'livestream';
const CONNECTIONS = 64;
const QUICK_CONNECTIONS = 8;
const WINDOW_SECONDS = 8;
const ROUNDS = 3;
/** Segments of the live playlist that are fetched: their memory is far beyond the processor's caches. */
const FETCHED_SEGMENTS = 4;
/** Of the stream of ten times the usual bit rate: about 2 MB a segment. */
const LARGE_SEGMENTS: HlsOptions = { fragmentSeconds: 6, windowSeconds: 120 };
const USUAL_SEGMENTS: HlsOptions = { fragmentSeconds: 4, windowSeconds: 20 };
/** For a quick run: the shortest that the keyframes allow. */
const QUICK_SEGMENTS: HlsOptions = { fragmentSeconds: 2, windowSeconds: 20 };
const PLAYLIST_TIMEOUT_MS = 60_000;

interface FetchMeasure {
  readonly cpu: number;
  readonly loadCpu: number;
  readonly memory: number;
  readonly answersPerSecond: number;
  readonly bytesPerAnswer: number;
  /** Bytes given out in one second of the server's CPU. */
  readonly bytesPerCpuSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/** Segments of a live stream from memory, against nginx with the same files. */
export const hlsViewersCase: BenchCase = {
  name: 'hls-viewers',
  title: 'HLS segments of 2 MB from memory over 64 connections',
  quick: true,
  run: async (context) => {
    const { server, publish } = await startLive(context, LARGE_SEGMENTS, context.heavyFixture.file);
    const url = server.httpUrl(STREAM, '.m3u8');
    const recent = async (): Promise<FoundPlaylist> => {
      const found = await waitForSegments(url, context.quick ? 1 : FETCHED_SEGMENTS, PLAYLIST_TIMEOUT_MS);
      return { ...found, segments: found.segments.slice(-FETCHED_SEGMENTS) };
    };
    const files = join(context.folder, 'hls-viewers');
    const names = await copySegments((await recent()).segments, files);
    const nginx = context.peers.has('nginx-rtmp')
      ? {
          'nginx, sendfile on': await startNginxFiles(context, files, true),
          'nginx, sendfile off': await startNginxFiles(context, files, false),
        }
      : undefined;
    const servers = ['sluice', ...Object.keys(nginx ?? {})] as ('sluice' | keyof NonNullable<typeof nginx>)[];
    const { results, note } = await interleave(context, servers, ROUNDS, async (name) => {
      const other = name === 'sluice' ? undefined : nginx?.[name];
      return other === undefined
        ? measureFetch(context, server.child.pid, (await recent()).segments)
        : measureFetch(
            context,
            other.child.pid,
            names.map((file) => other.url(file)),
          );
    });
    await publish.stop();
    await Promise.all([server, ...Object.values(nginx ?? {})].map(({ child }) => child.stop()));
    const checks: Record<string, Check> = {};
    const speed = (name: (typeof servers)[number]): number[] =>
      (results.get(name) ?? []).map((run) => run.bytesPerCpuSecond);
    // Which of its two ways is the better one differs from machine to machine.
    const [best] = servers
      .filter((name) => name !== 'sluice' && results.has(name))
      .sort((one, other) => median(speed(other)) - median(speed(one)));
    if (best !== undefined) {
      checks['bytes per CPU second against the better nginx'] = atLeast(
        pairedRatio(speed('sluice'), speed(best)),
        0.7,
        '×',
      );
    }
    return {
      checks,
      figures: Object.fromEntries(
        [...results].map(([name, runs]) => [
          name,
          {
            'MB per CPU second': median(runs.map((run) => run.bytesPerCpuSecond)) / 1e6,
            'MB a segment': median(runs.map((run) => run.bytesPerAnswer)) / 1e6,
            ...commonFigures(runs),
          },
        ]),
      ),
      note: joinNotes(absentNote(context, ['nginx-rtmp']), note),
    };
  },
};

/** Playlists of a live stream, asked for with a session as players do. */
export const playlistRateCase: BenchCase = {
  name: 'playlist-rate',
  title: 'live playlists over 64 connections, each with a session (hls_ctx)',
  quick: true,
  run: async (context) => {
    const { server, publish } = await startLive(context, USUAL_SEGMENTS, context.fixture.file);
    const url = server.httpUrl(STREAM, '.m3u8');
    const full = USUAL_SEGMENTS.windowSeconds / USUAL_SEGMENTS.fragmentSeconds;
    await waitForSegments(url, context.quick ? 1 : full, PLAYLIST_TIMEOUT_MS);
    const kinds = { 'sluice, plain': [], 'sluice, gzip asked for': ['--gzip'] } as const;
    const names = Object.keys(kinds) as (keyof typeof kinds)[];
    const { results, note } = await interleave(context, names, ROUNDS, (name) =>
      measureFetch(context, server.child.pid, [url], '--session', ...kinds[name]),
    );
    await publish.stop();
    await server.child.stop();
    const rate = (name: (typeof names)[number]): number =>
      median((results.get(name) ?? []).map((run) => run.answersPerSecond));
    return {
      checks: {
        'requests a second': atLeast(rate('sluice, plain'), 8000, ''),
        'requests a second, gzip asked for': atLeast(rate('sluice, gzip asked for'), 8000, ''),
      },
      figures: Object.fromEntries(
        [...results].map(([name, runs]) => [
          name,
          {
            'requests a second': median(runs.map((run) => run.answersPerSecond)),
            'bytes an answer': median(runs.map((run) => run.bytesPerAnswer)),
            ...commonFigures(runs),
          },
        ]),
      ),
      note,
    };
  },
};

async function startLive(
  context: Context,
  hls: HlsOptions,
  file: string,
): Promise<{ server: SluiceServer; publish: Load }> {
  const server = await startSluice(context, { http: true, hls: context.quick ? QUICK_SEGMENTS : hls });
  const publish = await startPublisher(context, server, file);
  if (publish === undefined) throw new Error('Sluice has a publisher');
  return { server, publish };
}

/** Fetches segments once into a folder; returns the files' names. */
async function copySegments(urls: readonly string[], folder: string): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const names: string[] = [];
  for (const url of urls) {
    const response = await fetch(url);
    if (!response.ok) throw new RunError('not-delivered', `${url} answers ${response.status}`);
    const name = `${names.length}.ts`;
    writeFileSync(join(folder, name), Buffer.from(await response.arrayBuffer()));
    names.push(name);
  }
  return names;
}

/** Fetches these addresses for a while over many connections. */
async function measureFetch(
  context: Context,
  pid: number,
  urls: readonly string[],
  ...args: string[]
): Promise<FetchMeasure> {
  const clients = context.quick ? QUICK_CONNECTIONS : CONNECTIONS;
  const load = new Load(context, ['fetch', ...urls, '--clients', String(clients), ...args]);
  await load.ready();
  const { cpu, loadCpu, memory, seconds, tallies } = await measureWindow(
    context,
    pid,
    { load },
    WINDOW_SECONDS,
  );
  await load.stop();
  const { bytes, messages, latencyMs, lost } = tallies.load;
  const reasons = Object.entries(lost).map(([reason, count]) => `${count} × ${reason}`);
  if (messages === 0 || reasons.length > 0) {
    throw new RunError('not-delivered', `${messages} answers of ${urls[0] ?? ''}; ${reasons.join(', ')}`);
  }
  return {
    cpu,
    loadCpu,
    memory,
    answersPerSecond: messages / seconds,
    bytesPerAnswer: bytes / messages,
    bytesPerCpuSecond: bytes / ((cpu / 100) * seconds),
    p50: percentileOf(latencyMs, 0.5),
    p99: percentileOf(latencyMs, 0.99),
  };
}

function commonFigures(runs: readonly FetchMeasure[]): Figures {
  return {
    'CPU %': median(runs.map((run) => run.cpu)),
    'memory MB': median(runs.map((run) => run.memory)),
    'answered after p50 ms': median(runs.map((run) => run.p50)),
    'answered after p99 ms': median(runs.map((run) => run.p99)),
    'loads CPU %': median(runs.map((run) => run.loadCpu)),
  };
}
