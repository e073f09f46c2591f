import type { Command } from 'commander';
import { Option } from 'commander';
import { DEFAULT_CHUNK_SIZE } from './chunk-encoder.ts';
import { runControlled } from './control.ts';
import { checkDescriptors } from './descriptors.ts';
import { drive } from './drive.ts';
import { BenchError } from './errors.ts';
import { LatencyRun } from './latency-run.ts';
import { FetchRun } from './fetch-run.ts';
import type { LoadRun } from './load-run.ts';
import { addressOf, MAX_CLIENTS, MAX_PROCESSES, positiveNumber, share, wholeNumber } from './options.ts';
import { PlayRun } from './play-run.ts';
import { ProcessGroup } from './process-group.ts';
import { PublishRun } from './publish-run.ts';
import { loadPublishScript } from './publish-script.ts';
import type { LoadReport } from './report.ts';
import { parseTarget } from './target.ts';

interface CommonOptions {
  readonly clients: number;
  readonly rate: number;
  readonly timeout: number;
  readonly duration?: number;
  readonly json: boolean;
  readonly control: boolean;
}

interface PlayOptions extends CommonOptions {
  readonly rounds: number;
  readonly processes: number;
  readonly stall: number;
  readonly parse: boolean;
  readonly expectKbps?: number;
}

interface PublishOptions extends CommonOptions {
  readonly file: string;
  readonly rounds: number;
  readonly processes: number;
  readonly firstNumber: number;
  readonly chunkSize: number;
}

interface LatencyOptions extends CommonOptions {
  readonly file: string;
  readonly play?: string;
}

interface FetchOptions extends CommonOptions {
  readonly session: boolean;
  readonly gzip: boolean;
  readonly interval: number;
}

/**
 * Adds `bench` with its subcommands `play`, `publish`, `latency` and `fetch` to a program. What they do ends with
 * the process's exit code: 0 when every connection joined and stayed, 1 when not, or when the run cannot start.
 */
export function registerBenchCommands(program: Command): void {
  const bench = program
    .command('bench')
    .description('put load on a live server: players, publishers, or both to measure latency; HLS over HTTP');
  addPlay(bench);
  addPublish(bench);
  addLatency(bench);
  addFetch(bench);
}

function addPlay(bench: Command): void {
  withCommonOptions(
    bench
      .command('play')
      .description('play one stream many times')
      .argument(
        '<url>',
        'rtmp://host/app/stream, http://host/app/stream.flv (or .ts) or ws://host/app/stream.flv',
      ),
    'players',
  )
    .option(
      '-p, --processes <n>',
      'spread the players over so many processes',
      wholeNumber(1, MAX_PROCESSES),
      1,
    )
    .option('--rounds <n>', 'join, see a keyframe and leave, so many times in all', wholeNumber(0, 1e9), 0)
    .option(
      '--stall <n>',
      'so many of the players stop reading after their first keyframe',
      wholeNumber(0, 1e6),
      0,
    )
    .option('--parse', 'look at every message for the whole run, and answer pings', false)
    .option('--expect-kbps <kbps>', 'report the delivered share of this bit rate', positiveNumber(1e7))
    .action(async (url: string, options: PlayOptions) => {
      await perform('play', url, options, options.expectKbps, () => playRun(url, options));
    });
}

function addPublish(bench: Command): void {
  withCommonOptions(
    bench
      .command('publish')
      .description('publish an FLV file in real time, again and again, many times at once')
      .argument('<url>', 'rtmp://host/app/stream{n}; {n} stands for the number of the publisher'),
    'publishers',
  )
    .requiredOption('-f, --file <flv>', 'the FLV file to publish')
    .option(
      '-p, --processes <n>',
      'spread the publishers over so many processes',
      wholeNumber(1, MAX_PROCESSES),
      1,
    )
    .option('--rounds <n>', 'publish a few frames and leave, so many times in all', wholeNumber(0, 1e9), 0)
    .option(
      '--chunk-size <bytes>',
      'the RTMP chunk size to send with',
      wholeNumber(128, 65_536),
      DEFAULT_CHUNK_SIZE,
    )
    .option('--first-number <n>', 'the first {n}', wholeNumber(0, 1e9), 0)
    .action(async (url: string, options: PublishOptions) => {
      await perform('publish', url, options, undefined, () => publishRun(url, options));
    });
}

function addLatency(bench: Command): void {
  withCommonOptions(
    bench
      .command('latency')
      .description("measure the time from a publisher's write to each player's read; the file must be H.264")
      .argument('<url>', 'rtmp://host/app/stream to publish to, and to play unless --play is given'),
    'players',
  )
    .requiredOption('-f, --file <flv>', 'the FLV file to publish')
    .option('--play <url>', 'where to play: rtmp://, http:// or ws://')
    .action(async (url: string, options: LatencyOptions) => {
      await perform('latency', url, options, undefined, () => latencyRun(url, options));
    });
}

function addFetch(bench: Command): void {
  withCommonOptions(
    bench
      .command('fetch')
      .description('fetch playlists or segments over keep-alive connections, one request after the other')
      .argument('<urls...>', 'http://host/path; several of one server are asked for in turn'),
    'connections',
  )
    .option(
      '--session',
      'the first answer is a playlist: ask for the first address in it from then on',
      false,
    )
    .option('--gzip', 'ask for gzip', false)
    .option(
      '--interval <ms>',
      'from one request of a connection to its next, at least',
      wholeNumber(0, 3_600_000),
      0,
    )
    .action(async (urls: string[], options: FetchOptions) => {
      await perform('fetch', urls.join(' '), options, undefined, () => fetchRun(urls, options));
    });
}

function withCommonOptions(command: Command, what: string): Command {
  return command
    .option('-n, --clients <n>', `how many ${what} at a time`, wholeNumber(1, MAX_CLIENTS), 1)
    .option('-r, --rate <n>', 'connections started per second', positiveNumber(1e6), 1000)
    .option('-d, --duration <s>', 'seconds to run once all have joined (until Ctrl-C)', positiveNumber(1e7))
    .option('--timeout <s>', 'seconds that a connection may take to join', positiveNumber(3600), 15)
    .option('--json', 'print the report as JSON', false)
    .addOption(new Option('--control', 'be steered by JSON lines on stdin').default(false).hideHelp());
}

async function perform(
  kind: LoadReport['kind'],
  url: string,
  options: CommonOptions,
  expectKbps: number | undefined,
  makeRun: () => Promise<LoadRun>,
): Promise<void> {
  try {
    const run = await makeRun();
    if (options.control) {
      await runControlled(run);
      return;
    }
    const durationMs = options.duration === undefined ? Infinity : options.duration * 1000;
    const report = await drive(run, { kind, url, durationMs, json: options.json, expectKbps });
    const clean = report.joined > 0 && Object.keys({ ...report.failed, ...report.lost }).length === 0;
    if (!clean) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    process.stderr.write(`sluice bench: ${error.message}\n`);
    process.exitCode = 1;
  }
}

async function playRun(url: string, options: PlayOptions): Promise<LoadRun> {
  const target = parseTarget(url);
  if (options.processes > 1) {
    const { clients, rounds, stall, processes } = options;
    const shares = share(clients, processes);
    const roundShares = share(rounds, shares.length);
    const stallShares = share(stall, shares.length);
    return new ProcessGroup(
      shares.map((part, index) => [
        ...commonArguments('play', url, options, part, shares.length),
        ...['--rounds', String(roundShares[index] ?? 0), '--stall', String(stallShares[index] ?? 0)],
        ...(options.parse ? ['--parse'] : []),
      ]),
    );
  }
  checkDescriptors(options.clients);
  return new PlayRun({
    target,
    address: await addressOf(target),
    clients: options.clients,
    rounds: options.rounds,
    ratePerSecond: options.rate,
    joinTimeoutMs: options.timeout * 1000,
    stall: options.stall,
    keepParsing: options.parse,
  });
}

async function publishRun(url: string, options: PublishOptions): Promise<LoadRun> {
  const target = parseTarget(url);
  if (target.protocol !== 'rtmp')
    throw new BenchError('bad-option', `cannot publish to ${url}: only to rtmp://`);
  if (options.clients > 1 && !target.stream.includes('{n}')) {
    throw new BenchError(
      'bad-option',
      `${options.clients} publishers need a stream each: put {n} into the stream name, as in ${url}{n}`,
    );
  }
  if (options.processes > 1) {
    const shares = share(options.clients, options.processes);
    const roundShares = share(options.rounds, shares.length);
    const numbers = options.rounds > 0 ? roundShares : shares;
    return new ProcessGroup(
      shares.map((part, index) => [
        ...commonArguments('publish', url, options, part, shares.length),
        ...['--file', options.file, '--rounds', String(roundShares[index] ?? 0)],
        ...['--chunk-size', String(options.chunkSize)],
        ...['--first-number', String(options.firstNumber + total(numbers.slice(0, index)))],
      ]),
    );
  }
  checkDescriptors(options.clients);
  return new PublishRun({
    target,
    address: await addressOf(target),
    script: loadPublishScript(options.file, { chunkSize: options.chunkSize }),
    clients: options.clients,
    rounds: options.rounds,
    ratePerSecond: options.rate,
    joinTimeoutMs: options.timeout * 1000,
    firstNumber: options.firstNumber,
  });
}

async function latencyRun(url: string, options: LatencyOptions): Promise<LoadRun> {
  const target = parseTarget(url);
  if (target.protocol !== 'rtmp')
    throw new BenchError('bad-option', `cannot publish to ${url}: only to rtmp://`);
  const script = loadPublishScript(options.file, { stamped: true });
  if (!script.stampOffsets.some((offset) => offset >= 0)) {
    throw new BenchError('bad-file', `${options.file} has no H.264 video to carry the time stamps`);
  }
  const playTarget = parseTarget(options.play ?? url);
  checkDescriptors(options.clients + 1);
  const common = { ratePerSecond: options.rate, joinTimeoutMs: options.timeout * 1000, rounds: 0 };
  const address = await addressOf(target);
  return new LatencyRun(
    { ...common, target, address, script, clients: 1, firstNumber: 0 },
    {
      ...common,
      target: playTarget,
      address: await addressOf(playTarget),
      clients: options.clients,
      stall: 0,
      keepParsing: false,
    },
  );
}

async function fetchRun(urls: readonly string[], options: FetchOptions): Promise<LoadRun> {
  const targets = urls.map(parseTarget);
  const [first] = targets;
  for (const target of targets) {
    if (target.protocol === 'http' && target.host === first?.host && target.port === first.port) continue;
    throw new BenchError('bad-option', `cannot fetch ${target.url}: only http://, and all of one server`);
  }
  if (first === undefined) throw new BenchError('bad-option', 'nothing to fetch');
  checkDescriptors(options.clients);
  return new FetchRun({
    targets,
    address: await addressOf(first),
    clients: options.clients,
    ratePerSecond: options.rate,
    joinTimeoutMs: options.timeout * 1000,
    session: options.session,
    gzip: options.gzip,
    intervalMs: options.interval,
  });
}

/** The arguments of one process of several: a part of the connections, and of the rate. */
function commonArguments(
  command: string,
  url: string,
  options: CommonOptions,
  clients: number,
  processes: number,
): string[] {
  return [
    ...['bench', command, url, '--clients', String(clients)],
    ...['--rate', String(options.rate / processes), '--timeout', String(options.timeout)],
  ];
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
