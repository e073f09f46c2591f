/**
 * The benchmark: measures Sluice and its peers side by side, prints what was promised and what was measured,
 * and writes `docs/benchmarks.md`. Started by `npm run bench`, which builds first.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { CASES } from './cases/index.ts';
import { parseArguments, USAGE } from './lib/arguments.ts';
import type { BenchCase } from './lib/case.ts';
import { Children } from './lib/children.ts';
import type { Context, PeerName } from './lib/context.ts';
import { RunError } from './lib/errors.ts';
import { ensureFixture, HEAVY_STREAM, STREAM } from './lib/fixture.ts';
import { noteForgotten } from './lib/forgotten-files.ts';
import { countFiles } from './lib/hls-files.ts';
import { formatChecks, formatFigures, formatPage } from './lib/report.ts';
import { type CaseResult, isMet, mergeResults, type Results } from './lib/results.ts';
import { chooseCores, describeMachine } from './lib/system.ts';
import { hasNginx, nginxVersion } from './servers/nginx.ts';
import { nodeMediaServerFolder, nodeMediaServerVersion } from './servers/node-media-server.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const resultsFolder = join(root, 'bench/results');
const dataFile = join(root, 'docs/benchmarks.json');
const pageFile = join(root, 'docs/benchmarks.md');

try {
  // Exits rather than ends: what a failed case has left running must not keep the process.
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`bench: ${error instanceof RunError ? error.message : String(error)}\n`);
  process.exit(1);
}

async function main(args: readonly string[]): Promise<number> {
  const names = CASES.map((one) => one.name);
  const { cases, quick, list, help } = parseArguments(args, names);
  if (help || list) {
    say(help ? USAGE : names.join('\n'));
    return 0;
  }
  const chosen = CASES.filter((one) => (cases.length > 0 ? cases.includes(one.name) : !quick || one.quick));
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  try {
    const context = await makeContext(folder, quick);
    const head = {
      machine: describeMachine(peerVersions(context.peers)),
      command: ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
    };
    const file = join(resultsFolder, `${quick ? 'quick' : 'run'}-${stamp()}.json`);
    // After each case: a run that is cut off loses none that it has done.
    const { done, failed } = await runCases(context, chosen, (results) => {
      save({ ...head, cases: results }, file, quick);
    });
    const results: Results = { ...head, cases: done };
    if (!quick) say(`\n${formatChecks(results)}`);
    if (failed.length > 0) {
      say(`bench: ${failed.join(', ')} failed; configurations and logs of the servers are in ${folder}`);
      return 1;
    }
    forgetFiles(folder);
    return summary(results, quick);
  } catch (error) {
    say(`bench: configurations and logs of the servers are in ${folder}`);
    throw error;
  }
}

/** Files that servers have written go at the end, and a later run is told: see `lib/forgotten-files.ts`. */
function forgetFiles(folder: string): void {
  const { files } = countFiles(folder);
  rmSync(folder, { recursive: true, force: true });
  noteForgotten(resultsFolder, files);
}

async function makeContext(folder: string, quick: boolean): Promise<Context> {
  const cores = chooseCores();
  if (cores === undefined) say('bench: servers and loads share their cores here; read the figures with care');
  return {
    children: new Children(),
    cores,
    program: join(root, 'packages/server/dist/main.js'),
    folder,
    resultsFolder,
    fixture: await ensureFixture(join(resultsFolder, 'stream-250k.flv'), STREAM),
    heavyFixture: await ensureFixture(join(resultsFolder, 'stream-2500k.flv'), HEAVY_STREAM),
    quick,
    peers: findPeers(),
    say,
  };
}

function findPeers(): Set<PeerName> {
  const peers = new Set<PeerName>(['sluice', 'floor']);
  if (hasNginx()) peers.add('nginx-rtmp');
  else say('bench: nginx-rtmp is left out: install nginx-light and libnginx-mod-rtmp');
  if (nodeMediaServerFolder() !== undefined) peers.add('node-media-server');
  else say('bench: node-media-server is left out: run npm ci');
  return peers;
}

function peerVersions(peers: ReadonlySet<PeerName>): Record<string, string> {
  return {
    ...(peers.has('nginx-rtmp') ? { 'libnginx-mod-rtmp': nginxVersion() } : {}),
    ...(peers.has('node-media-server') ? { 'node-media-server': nodeMediaServerVersion() } : {}),
  };
}

/** Runs the cases in turn. One that fails keeps none of the others from being measured. */
async function runCases(
  context: Context,
  chosen: readonly BenchCase[],
  onDone: (results: Readonly<Record<string, CaseResult>>) => void,
): Promise<{ done: Readonly<Record<string, CaseResult>>; failed: readonly string[] }> {
  const done: Record<string, CaseResult> = {};
  const failed: string[] = [];
  for (const one of chosen) {
    const started = performance.now();
    say(`${one.name}: ${one.title}`);
    try {
      const outcome = await one.run(context);
      const result: CaseResult = {
        title: one.title,
        date: new Date().toISOString().slice(0, 10),
        note: '',
        ...outcome,
      };
      done[one.name] = result;
      say(`${formatFigures(result)}  (${((performance.now() - started) / 1000).toFixed(0)} s)`);
      onDone(done);
    } catch (error) {
      say(`  ${one.name} failed: ${error instanceof RunError ? error.message : inspect(error)}`);
      failed.push(one.name);
      await context.children.killAll();
    }
  }
  return { done, failed };
}

/** Writes what has been measured: the run's own file and, but for a quick one, the page. */
function save(fresh: Results, file: string, quick: boolean): void {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(file, json(fresh));
  // Small counts say nothing about promises.
  if (quick) return;
  const old = existsSync(dataFile) ? (JSON.parse(readFileSync(dataFile, 'utf8')) as Results) : undefined;
  const merged = inOrder(mergeResults(old, fresh));
  writeFileSync(dataFile, json(merged));
  writeFileSync(pageFile, formatPage(merged));
}

function stamp(): string {
  return new Date().toISOString().replaceAll(':', '-').slice(0, 19);
}

/** Cases in the order of the table, whatever the order in which they were run. */
function inOrder(results: Results): Results {
  const known = CASES.flatMap(({ name }) => {
    const result = results.cases[name];
    return result === undefined ? [] : [[name, result] as const];
  });
  return { ...results, cases: Object.fromEntries(known) };
}

function summary(results: Results, quick: boolean): number {
  const checks = Object.values(results.cases).flatMap((result) => Object.values(result.checks));
  if (quick) {
    say(`bench: ${Object.keys(results.cases).length} cases work (a quick run: its figures mean nothing)`);
    return 0;
  }
  const missed = checks.filter((check) => !isMet(check)).length;
  say(`bench: ${checks.length - missed} of ${checks.length} promises met; see docs/benchmarks.md`);
  return missed === 0 ? 0 : 1;
}

function json(value: unknown): string {
  return JSON.stringify(value, undefined, 2) + '\n';
}

function say(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}
