import type { BenchCase, CaseOutcome } from '../lib/case.ts';
import type { Context, PeerName } from '../lib/context.ts';
import { RunError } from '../lib/errors.ts';
import { deliveredShare, Load } from '../lib/load.ts';
import { interleave, measureWindow, present, requireDelivery } from '../lib/measure.ts';
import { atLeast, atMost, type Check, type Figures } from '../lib/results.ts';
import { median, pairedRatio } from '../lib/statistics.ts';
import { startServer, type TestedServer } from '../servers/index.ts';

const WINDOW_SECONDS = 10;
const ROUNDS = 3;
/** What every peer takes: their listen backlogs are 511. */
const JOINS_PER_SECOND = 500;
const STREAM = 'livestream';
/**
 * What counts as all bytes of a window, %: the window's two ends may each miss one flush of 350 ms, and
 * players get headers that are not counted as due.
 */
export const ALL_BYTES_PERCENT = 96;

/** How players come: by RTMP, or over HTTP as FLV or MPEG-TS. */
type Way = 'rtmp' | '.flv' | '.ts';

/** One server with its players, measured. */
export interface PlayersMeasure {
  readonly cpu: number;
  readonly loadCpu: number;
  readonly memory: number;
  /** Bytes delivered of bytes due, %: the worst player and the middle one. */
  readonly worst: number;
  readonly middle: number;
}

/** Starts a publisher of the usual stream; nothing for the floor, which is its own source. */
export async function startPublisher(
  context: Context,
  server: TestedServer,
  file = context.fixture.file,
): Promise<Load | undefined> {
  if (server.name === 'floor') return undefined;
  const load = new Load(context, ['publish', server.rtmpUrl(STREAM), '--file', file]);
  await load.ready();
  return load;
}

/** Starts players and waits until each of them gets media. */
export async function startPlayers(
  context: Context,
  url: string,
  clients: number,
  ...args: string[]
): Promise<Load> {
  const load = new Load(context, [
    ...['play', url, '--clients', String(clients), '--rate', String(JOINS_PER_SECOND), '--timeout', '30'],
    ...args,
  ]);
  await load.ready();
  return load;
}

/** Measures players of one stream on one server, started for this and stopped afterwards. */
export async function measurePlayers(
  context: Context,
  name: PeerName,
  clients: number,
  via: Way,
): Promise<PlayersMeasure> {
  const server = await startServer(context, name, { http: via !== 'rtmp' });
  const publisher = await startPublisher(context, server);
  const url = via === 'rtmp' ? server.rtmpUrl(STREAM) : server.httpUrl(STREAM, via);
  const players = await startPlayers(context, url, clients);
  const loads: Record<string, Load> = publisher === undefined ? { players } : { players, publisher };
  const { cpu, loadCpu, memory, seconds, tallies } = await measureWindow(
    context,
    server.child.pid,
    loads,
    WINDOW_SECONDS,
  );
  await Promise.all(Object.values(loads).map((load) => load.stop()));
  await server.child.stop();
  const due = tallies['publisher']?.bytes ?? (context.fixture.payloadKbps * 1000 * seconds) / 8;
  const tally = tallies['players'];
  const lost = Object.keys(tally?.lost ?? {});
  if (lost.length > 0) throw new RunError('not-delivered', `${name} lost players: ${lost.join(', ')}`);
  const share = tally === undefined ? { min: 0, p50: 0 } : deliveredShare(tally, due);
  requireDelivery(name, share.p50);
  return { cpu, loadCpu, memory, worst: share.min * 100, middle: share.p50 * 100 };
}

/** The figures of a server over its runs. */
export function playerFigures(runs: readonly PlayersMeasure[]): Figures {
  return {
    'CPU %': median(runs.map((run) => run.cpu)),
    'memory MB': median(runs.map((run) => run.memory)),
    'delivered %, middle': median(runs.map((run) => run.middle)),
    'delivered %, worst': Math.min(...runs.map((run) => run.worst)),
    'loads CPU %': median(runs.map((run) => run.loadCpu)),
  };
}

function cpus(runs: readonly PlayersMeasure[] | undefined): number[] {
  return (runs ?? []).map((run) => run.cpu);
}

interface PlayersCaseOptions {
  readonly clients: number;
  readonly quickClients: number;
  readonly quick: boolean;
  /** The most of each peer's CPU that Sluice may use, as a ratio. */
  readonly bounds: Readonly<Partial<Record<PeerName, number>>>;
}

/** RTMP players of one stream: Sluice's CPU against each peer's. */
export function playersCase(options: PlayersCaseOptions): BenchCase {
  const count = options.clients.toLocaleString('en-US');
  return {
    name: `players-${options.clients}`,
    title: `${count} RTMP players, a write every 350 ms`,
    quick: options.quick,
    run: async (context): Promise<CaseOutcome> => {
      const clients = context.quick ? options.quickClients : options.clients;
      const names = present(context, ['sluice', 'nginx-rtmp', 'node-media-server', 'floor']).filter(
        (name) => name === 'sluice' || name in options.bounds,
      );
      const { results, note } = await interleave(context, names, ROUNDS, (name) =>
        measurePlayers(context, name, clients, 'rtmp'),
      );
      const sluice = results.get('sluice') ?? [];
      const checks: Record<string, Check> = {
        'bytes delivered to the worst player': atLeast(
          playerFigures(sluice)['delivered %, worst'] ?? NaN,
          ALL_BYTES_PERCENT,
          '%',
        ),
      };
      for (const [peer, bound] of Object.entries(options.bounds) as [PeerName, number][]) {
        if (!results.has(peer)) continue;
        checks[`CPU against ${peer}`] = atMost(
          pairedRatio(cpus(sluice), cpus(results.get(peer))),
          bound,
          '×',
        );
      }
      const figures = Object.fromEntries([...results].map(([name, runs]) => [name, playerFigures(runs)]));
      return { checks, figures, note };
    },
  };
}

/** HTTP-FLV players against RTMP players of the same server. */
export const httpFlvCase = wayCase({
  name: 'http-flv-4000',
  title: '4,000 HTTP-FLV players',
  ways: { 'sluice, HTTP-FLV': '.flv', 'sluice, RTMP': 'rtmp' },
  check: 'CPU against RTMP players',
  bound: 1.3,
});

/** HTTP-TS players against HTTP-FLV players of the same server. */
export const httpTsCase = wayCase({
  name: 'http-ts-4000',
  title: '4,000 HTTP-TS players',
  ways: { 'sluice, HTTP-TS': '.ts', 'sluice, HTTP-FLV': '.flv' },
  check: 'CPU against HTTP-FLV players',
  bound: 1.5,
});

interface WayCaseOptions<Name extends string> {
  readonly name: string;
  readonly title: string;
  /** The first is measured against the second. */
  readonly ways: Readonly<Record<Name, Way>>;
  readonly check: string;
  readonly bound: number;
}

/** Players that come one way against as many of the same server that come another. */
function wayCase<Name extends string>(options: WayCaseOptions<Name>): BenchCase {
  const { name, title, ways, check, bound } = options;
  return {
    name,
    title,
    quick: true,
    run: async (context) => {
      const clients = context.quick ? 50 : 4000;
      const names = Object.keys(ways) as Name[];
      const { results, note } = await interleave(context, names, ROUNDS, (way) =>
        measurePlayers(context, 'sluice', clients, ways[way]),
      );
      const [ones = [], others = []] = names.map((way) => results.get(way));
      return {
        checks: {
          [check]: atMost(pairedRatio(cpus(ones), cpus(others)), bound, '×'),
          'bytes delivered to the worst player': atLeast(
            playerFigures(ones)['delivered %, worst'] ?? NaN,
            ALL_BYTES_PERCENT,
            '%',
          ),
        },
        figures: Object.fromEntries([...results].map(([way, runs]) => [way, playerFigures(runs)])),
        note,
      };
    },
  };
}
