import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installDebianPackages, onPath } from './debian.mjs';
import { prepare } from './prepare.mjs';
import { root, run, say } from './run.mjs';

/** The programs of the end-to-end tests: what is left out without them, and the Debian package of each. */
const tools = [
  { programs: ['ffmpeg', 'ffprobe'], package: 'ffmpeg', without: 'every end-to-end test' },
  { programs: ['chromium'], package: 'chromium', without: 'the browser tests' },
  { programs: ['rtmpdump'], package: 'rtmpdump', without: 'the rtmpdump tests' },
  { programs: ['openssl'], package: 'openssl', without: 'the TLS tests' },
];

const reports = join(root, 'node_modules/.cache/sluice/tests');

/**
 * @param {string[]} args for vitest: filters, options
 * @returns {Promise<number>} the exit code
 */
export async function runTests(args) {
  if (!(await prepare())) return 1;
  await getTools();

  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  const projects = await inTemporaryFolder(args);

  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { counts } of projects) {
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
  }
  if (total.passed + total.failed + total.skipped === 0) {
    say(`no test matches ${args.join(' ')}`);
    return 1;
  }
  console.log(
    `\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
  );
  return projects.every(({ code }) => code === 0) && total.failed === 0 ? 0 : 1;
}

/** Runs the tests with a folder for all that they, ffmpeg and the browser keep for a while, and removes it. */
async function inTemporaryFolder(args) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-'));
  // Ctrl-C ends the programs that run here; this one has something left to do.
  let interrupted = false;
  const onInterrupt = () => (interrupted = true);
  process.on('SIGINT', onInterrupt);
  try {
    const projects = [await runProject('unit', args, folder)];
    if (!interrupted && onPath('ffmpeg') && onPath('ffprobe'))
      projects.push(await runProject('e2e', args, folder));
    return projects;
  } finally {
    process.off('SIGINT', onInterrupt);
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

async function getTools() {
  const missing = () => tools.filter(({ programs }) => !programs.every(onPath));
  const wanted = missing();
  if (wanted.length === 0) return;
  await installDebianPackages(wanted.map((tool) => tool.package));
  const still = missing();
  if (still.length === 0) return;
  const packages = still.map((tool) => tool.package);
  const leftOut = packages.includes('ffmpeg') ? [tools[0].without] : still.map((tool) => tool.without);
  say(
    `missing: ${packages.join(', ')}; left out: ${leftOut.join(', ')}. Install: apt-get install ${packages.join(' ')}`,
  );
}

async function runProject(project, args, temporary) {
  const report = join(reports, `${project}.json`);
  const words = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    ...['--project', project],
    '--passWithNoTests',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...args,
  ];
  const { code } = await run(process.execPath, words, { env: { ...process.env, TMPDIR: temporary } });
  return { code, counts: count(report, code) };
}

/** A file that could not be loaded, and a run that failed outside its tests, count as one failure each. */
function count(path, code) {
  let report;
  try {
    report = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const unloaded = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  const failed = report.numFailedTests + unloaded;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}
