import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { root, run, say, tail } from './run.mjs';

const buildStamp = join(root, 'node_modules/.cache/sluice/build');

/**
 * Installs the dependencies and builds the packages, each only when it is missing or stale. When nothing
 * is to be done it starts no process and takes some tens of milliseconds.
 *
 * @returns {Promise<boolean>} whether all is there; if not, why has been said
 */
export async function prepare() {
  return (await install()) && (await build());
}

async function install() {
  if (installed()) return true;
  say('installing the dependencies (npm ci)');
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const { code, output } = npm?.endsWith('.js')
    ? await run(process.execPath, [npm, ...args], { quiet: true })
    : await run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, { quiet: true });
  if (code === 0) return true;
  say(`the dependencies could not be installed:\n${tail(output)}`);
  return false;
}

/**
 * Whether node_modules holds what the lock file asks for. npm leaves its own account of what it installed
 * there, and leaves it last: an install that was cut off has none.
 */
function installed() {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const present = readPackages(join(root, 'node_modules/.package-lock.json'));
  if (wanted === undefined || present === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    // The root and the workspaces' own folders; packages for other platforms.
    if (!path.includes('node_modules/')) return commandsLinked(path, entry.bin);
    const there = present[path];
    if (there === undefined) return entry.optional === true || entry.devOptional === true;
    return there.version === entry.version && there.resolved === entry.resolved;
  });
}

/** Whether `npx` finds the commands of a workspace: npm made the links when it installed, maybe for an older version. */
function commandsLinked(path, commands = {}) {
  // There, a link is a script that names the file.
  if (process.platform === 'win32') return true;
  return Object.entries(commands).every(([name, file]) => {
    try {
      return realpathSync(join(root, 'node_modules/.bin', name)) === realpathSync(join(root, path, file));
    } catch {
      return false;
    }
  });
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

async function build() {
  const packages = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')).references.map(
    (reference) => reference.path,
  );
  const sources = fingerprint(packages);
  const built = packages.every((path) => existsSync(join(root, path, 'dist/.tsbuildinfo')));
  if (built && existsSync(buildStamp) && readFileSync(buildStamp, 'utf8') === sources) return true;
  say('building');
  const { code, output } = await run(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-b'],
    { quiet: true },
  );
  if (code !== 0) {
    say(`the build failed:\n${tail(output)}`);
    return false;
  }
  mkdirSync(dirname(buildStamp), { recursive: true });
  writeFileSync(buildStamp, sources);
  return true;
}

/** Changes whenever a file that the build reads is added, removed or written. */
function fingerprint(packages) {
  const hash = createHash('sha256');
  const add = (path) => {
    const { mtimeMs, size } = statSync(join(root, path));
    hash.update(`${path} ${mtimeMs} ${size}\n`);
  };
  for (const path of ['tsconfig.json', 'tsconfig.base.json', 'package-lock.json']) add(path);
  for (const path of packages) {
    add(join(path, 'tsconfig.json'));
    add(join(path, 'package.json'));
    const names = readdirSync(join(root, path, 'src'), { recursive: true });
    const sources = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
    for (const name of sources.sort()) add(join(path, 'src', name));
  }
  return hash.digest('hex');
}
