import type { BenchCase } from '../lib/case.ts';
import type { Context } from '../lib/context.ts';
import { Load } from '../lib/load.ts';
import { interleave, measureWindow, requireDelivery } from '../lib/measure.ts';
import { atMost, type Check, type Figures } from '../lib/results.ts';
import { median, pairedRatio, percentileOf } from '../lib/statistics.ts';
import { startServer, type TestedServer } from '../servers/index.ts';

const WINDOW_SECONDS = 10;
const ROUNDS = 3;
/** The chunk size of OBS, bytes; the load client's default is that of ffmpeg. */
const SMALL_CHUNK_SIZE = 4096;
const JOINS_PER_SECOND = 400;

const SERVERS = ['sluice, mr on', 'sluice, mr off', 'nginx-rtmp'] as const;
/** Measured once, for the reader: what servers allocate depends on their publishers' chunk size. */
const SMALL_CHUNK_SERVERS = ['sluice, mr on, chunk size 4,096', 'nginx-rtmp, chunk size 4,096'] as const;
type ServerName = (typeof SERVERS)[number] | (typeof SMALL_CHUNK_SERVERS)[number];

interface PublishersMeasure {
  readonly cpu: number;
  readonly loadCpu: number;
  readonly memory: number;
  readonly messages: number;
  readonly sent: number;
  readonly late: number;
}

/** Publishers in real time, each message written by itself, nobody playing. */
export function publishersCase(clients: number, quick: boolean): BenchCase {
  return {
    name: `publishers-${clients}`,
    title: `${clients.toLocaleString('en-US')} publishers in real time, each message written by itself, no players`,
    quick,
    run: async (context) => {
      const isPresent = (name: ServerName): boolean =>
        !name.startsWith('nginx-rtmp') || context.peers.has('nginx-rtmp');
      const names = SERVERS.filter(isPresent);
      const { results, note } = await interleave(context, names, ROUNDS, (name) =>
        measurePublishers(context, name, context.quick ? 20 : clients),
      );
      const small = await interleave(
        context,
        context.quick ? [] : SMALL_CHUNK_SERVERS.filter(isPresent),
        1,
        (name) => measurePublishers(context, name, clients),
      );
      const nginx = results.get('nginx-rtmp');
      const merged = results.get('sluice, mr on') ?? [];
      const plain = results.get('sluice, mr off') ?? [];
      const checks: Record<string, Check> = {};
      if (nginx !== undefined) {
        checks['mr on: CPU against nginx-rtmp'] = atMost(
          pairedRatio(pick(merged, 'cpu'), pick(nginx, 'cpu')),
          0.5,
          '×',
        );
        checks['mr on: memory against nginx-rtmp'] = atMost(
          pairedRatio(pick(merged, 'memory'), pick(nginx, 'memory')),
          1.5,
          '×',
        );
        checks['mr off: CPU against nginx-rtmp'] = atMost(
          pairedRatio(pick(plain, 'cpu'), pick(nginx, 'cpu')),
          1.2,
          '×',
        );
      }
      const all = [...results, ...small.results];
      return { checks, figures: Object.fromEntries(all.map(([name, runs]) => [name, figures(runs)])), note };
    },
  };
}

/** Starts publishers of the usual stream, each of a stream of its own, and waits until all are accepted. */
export async function startPublishers(
  context: Context,
  server: TestedServer,
  clients: number,
  ...args: string[]
): Promise<Load> {
  const load = new Load(context, [
    ...['publish', server.rtmpUrl('stream{n}'), '--file', context.fixture.file],
    ...['--clients', String(clients), '--rate', String(JOINS_PER_SECOND), '--timeout', '30'],
    ...args,
  ]);
  await load.ready();
  return load;
}

/** What publishers sent of what they should have sent in a window, as a share. */
export function sentShare(context: Context, messages: number, clients: number, seconds: number): number {
  return messages / (context.fixture.messagesPerSecond * clients * seconds);
}

async function measurePublishers(
  context: Context,
  name: ServerName,
  clients: number,
): Promise<PublishersMeasure> {
  const server = await startServer(context, name.startsWith('nginx-rtmp') ? 'nginx-rtmp' : 'sluice', {
    mergedRead: name.startsWith('sluice, mr on'),
  });
  const chunkSize = name.endsWith('chunk size 4,096') ? ['--chunk-size', String(SMALL_CHUNK_SIZE)] : [];
  const publishers = await startPublishers(context, server, clients, ...chunkSize);
  const { cpu, loadCpu, memory, seconds, tallies } = await measureWindow(
    context,
    server.child.pid,
    { publishers },
    WINDOW_SECONDS,
  );
  await publishers.stop();
  await server.child.stop();
  const { messages, latenessMs } = tallies.publishers;
  const sent = sentShare(context, messages, clients, seconds);
  requireDelivery(`publishers to ${name}`, sent);
  return {
    cpu,
    loadCpu,
    memory,
    messages: messages / seconds,
    sent: sent * 100,
    late: percentileOf(latenessMs, 0.99),
  };
}

function pick(runs: readonly PublishersMeasure[], key: keyof PublishersMeasure): number[] {
  return runs.map((run) => run[key]);
}

function figures(runs: readonly PublishersMeasure[]): Figures {
  return {
    'CPU %': median(pick(runs, 'cpu')),
    'memory MB': median(pick(runs, 'memory')),
    'messages a second': median(pick(runs, 'messages')),
    'sent %': median(pick(runs, 'sent')),
    'loads CPU %': median(pick(runs, 'loadCpu')),
    'written late, p99 ms': median(pick(runs, 'late')),
  };
}
