import { missedReasons } from './missed.ts';
import { type CaseResult, type Check, type Figures, isMet, type Results, type Unit } from './results.ts';

/** The table of promises as text for the terminal. */
export function formatChecks(results: Results): string {
  const rows = checkRows(results).map((row) => [row.work, row.what, row.value, row.bound, row.met]);
  return alignColumns([['work', 'what', 'measured', 'must be', ''], ...rows]);
}

/** The figures of one case as text for the terminal. */
export function formatFigures(result: CaseResult): string {
  const heads = figureHeads(result.figures);
  const rows = Object.entries(result.figures).map(([server, figures]) => [
    `  ${server}`,
    ...heads.map((head) => figureText(figures[head])),
  ]);
  return alignColumns([[`  `, ...heads], ...rows]) + (result.note === '' ? '' : `  ${result.note}\n`);
}

/** The page `docs/benchmarks.md`. */
export function formatPage(results: Results): string {
  const { machine } = results;
  const peers = Object.entries(machine.peers).map(([name, version]) => `${name} ${version}`);
  const promises = checkRows(results).map((row) => [row.work, row.what, row.value, row.bound, row.met]);
  const cases = Object.entries(results.cases).map(([name, result]) => caseSection(name, result));
  const missed = missedReasons(results);
  const heldBack =
    missed.length === 0 ? '' : `### What holds back what is missed\n\n${missed.join('\n')}\n\n`;
  return `# Benchmarks

This page is written by \`npm run bench\`; its data is in \`benchmarks.json\`. Run it on your own machine: the
figures below are of one machine, and only the ratios travel.

${markdownTable(
  ['machine', ''],
  [
    ['CPU', `${machine.cpu}, ${machine.cores} cores`],
    ['memory', `${machine.memoryGB} GB`],
    ['kernel', machine.kernel],
    ['Node', machine.node],
    ['peers', peers.length === 0 ? 'none' : peers.join(', ')],
    ['command', '`npm run bench`; each case below has its own'],
    ['last run', `\`${results.command}\``],
  ],
)}
## Promises

${markdownTable(['work', 'what', 'measured', 'must be', ''], promises)}
${heldBack}## How to read this

- The stream has about 250 kbps: H.264, 25 frames a second, a keyframe every 2 s, and AAC, together about 68
  messages a second; the stalled player's has ten times that.
- Each server runs alone on one core, the load clients (\`sluice bench\`) on another. CPU is that of the whole
  server process, all threads, user and system, as the operating system counts it, in % of one core, after
  all connections are there; memory is its resident set, in millions of bytes.
- A ratio is taken between runs next to each other (A B A B), and the median of these ratios counts. It still moves by
  a tenth to a third from one run of the benchmark to the next. A case that was run alone has replaced only its own rows.
- Delivered is what a player read in the window against the payload that the publisher wrote in the same
  window. Headers are not counted as due, so it may be above 100 %; a flush every 350 ms may fall to either side of the
  window's ends, so 96 % of the worst player stands for all bytes.
- The load clients' own CPU stands beside it. Near 100 % they are the bottleneck, and the server is measured at
  less than full work: TCP gathers what they have not read yet, which spares the server.
- The floor is a bare Node server without a protocol, which writes the same bytes at the same times to the same
  number of sockets.
- nginx-rtmp runs as one process, with its defaults. node-media-server runs with its defaults. nginx-rtmp has
  no GOP cache: a player that joins waits for the next keyframe.
- Publishers send with a chunk size of 60,000 bytes, as ffmpeg does. What nginx-rtmp allocates for a publisher
  follows from that; the rows with 4,096 bytes, as OBS sends, show by how much.
- Latency is from just before the publisher's write to the player's read callback, for each video message and
  each player, publisher and players in one process with one clock. It holds the load client's own time to
  read from so many sockets, the same for every server.
- HLS viewers and their playlists are fetched over keep-alive connections, each of which asks for the next as soon as
  it has all of the last. nginx serves copies of the segments, once with \`sendfile on; tcp_nopush on;\` as Debian sets
  it, and once with its own default.
- With HLS, neither Sluice nor nginx-rtmp has begun to delete old segments within the time that is measured.
- Event loop delay is what \`perf_hooks\` measures every 10 ms within the server while it records, and a segment is ready
  when its file and the playlist that names it have their names, counted from the cut, which the keyframe behind its
  last frame makes; both are taken in a Sluice embedded in a small program, with the same configuration.
- A server that has just started may find the recording in the system’s page cache.
- API, exporter and callbacks are switched on and off by reloads under the same players, of whom two a second come and
  go; while they are on, the exporter and the API's summary are read every 10 s. The sampler of bit rates, which looks at
  every session once in 10 s, can't be switched off and runs on both sides.
- The first media byte of a connect with callbacks is counted from the player's connect(): TCP, handshake, all commands,
  and twice the callback server's 5 ms. The callback server shares a core with the load client.
- A reload is asked for by the API and takes until its answer. Every video frame has a time stamp in it; one is lost
  when a player gets a later one without it.
- A join lasts from the player's connect to the end of its first keyframe: TCP, handshake and all commands.

## Cases

${cases.join('\n')}`;
}

function caseSection(name: string, result: CaseResult): string {
  const heads = figureHeads(result.figures);
  const rows = Object.entries(result.figures).map(([server, figures]) => [
    server,
    ...heads.map((head) => figureText(figures[head])),
  ]);
  const note = result.note === '' ? '' : `\n${result.note}\n`;
  return `### ${result.title}

\`npm run bench -- --case ${name}\`, ${result.date}

${markdownTable(['', ...heads], rows)}${note}`;
}

function checkRows(
  results: Results,
): { work: string; what: string; value: string; bound: string; met: string }[] {
  return Object.values(results.cases).flatMap((result) =>
    Object.entries(result.checks).map(([what, check]) => ({
      work: result.title,
      what,
      value: quantity(check.value, check.unit),
      bound: boundText(check),
      met: isMet(check) ? 'met' : '**missed**',
    })),
  );
}

function boundText(check: Check): string {
  return `${check.atLeast ? '≥' : '≤'} ${quantity(check.bound, check.unit)}`;
}

function quantity(value: number, unit: Unit): string {
  return unit === '' ? figureText(value) : `${figureText(value)} ${unit}`;
}

/** A figure with three digits or so; a dash for none. */
export function figureText(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}

function figureHeads(figures: Readonly<Record<string, Figures>>): string[] {
  return [...new Set(Object.values(figures).flatMap((row) => Object.keys(row)))];
}

function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return line(heads) + line(heads.map(() => '---')) + rows.map(line).join('');
}

function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd() + '\n',
    )
    .join('');
}
