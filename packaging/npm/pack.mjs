/**
 * Packs `sluice` into one file that npm installs anywhere: `node packaging/npm/pack.mjs [FOLDER]`, default `objs`.
 *
 * The file has everything that the server needs inside (`bundleDependencies`), in the versions that the lock file
 * names and the tests ran with: it installs without a registry, and nobody gets a version that nobody has tried.
 */
import '../../scripts/lib/node-version.mjs';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';

import { prepare } from '../../scripts/lib/prepare.mjs';
import { root, run, say } from '../../scripts/lib/run.mjs';
import { copyPackage, writeManifest } from './published.mjs';

/** Of these packages the server uses single files; the rest is many times larger. */
const USED_FILES = {
  'hls.js': ['package.json', 'LICENSE', 'dist/hls.min.js'],
  'mpegts.js': ['package.json', 'LICENSE', 'dist/mpegts.js', 'dist/mpegts.js.LICENSE.txt'],
};

/** Folders at the top of a package that nothing asks for when it runs. */
const LEFT_OUT = /^(tests?|docs|examples?|bench(marks?)?|integration|\.github)$/;

const target = resolve(process.argv[2] ?? join(root, 'objs'));
if (!(await prepare())) process.exit(1);
const stage = mkdtempSync(join(tmpdir(), 'sluice-pack-'));
try {
  const manifest = copyPackage('server', stage);
  for (const name of ['conf', 'docs', 'packaging'])
    cpSync(join(root, name), join(stage, name), { recursive: true });
  for (const name of ['README.md', 'CHANGELOG.md', 'LICENSE']) cpSync(join(root, name), join(stage, name));
  copyDependencies(join(root, 'packages/server'), manifest, stage);
  writeManifest(stage, {
    ...manifest,
    files: [...manifest.files, 'conf', 'docs', 'packaging', '!packaging/npm', 'CHANGELOG.md'],
    bundleDependencies: Object.keys(manifest.dependencies),
  });
  mkdirSync(target, { recursive: true });
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { code, output } = await run(npm, ['pack', stage, '--pack-destination', target, '--loglevel=error'], {
    quiet: true,
  });
  if (code !== 0) {
    say(`npm pack failed:\n${output}`);
    process.exitCode = 1;
  } else {
    console.log(join(target, output.trim().split('\n').at(-1)));
  }
} finally {
  rmSync(stage, { recursive: true, force: true });
}

/** Copies what a package needs, and what that needs, to where it is found from the copy of the package. */
function copyDependencies(from, manifest, stage, seen = new Set()) {
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    const found = findDependency(from, name);
    if (seen.has(found)) continue;
    seen.add(found);
    const workspace = realpathSync(found);
    const isOurs = workspace.startsWith(join(root, 'packages'));
    const to = join(stage, relative(root, found));
    if (isOurs) copyOurs(relative(join(root, 'packages'), workspace), to);
    else cpSync(found, to, { recursive: true, filter: (path) => isNeeded(name, found, path) });
    copyDependencies(found, JSON.parse(readFileSync(join(found, 'package.json'), 'utf8')), stage, seen);
  }
}

/** Where Node finds a package: in the nearest node_modules upwards, which has to be one of the root's. */
function findDependency(from, name) {
  const top = resolve(root);
  for (let folder = from; folder.startsWith(top); folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name);
    if (!existsSync(path)) continue;
    if (relative(root, path).startsWith('packages')) break;
    return path;
  }
  throw new Error(`${name} is not in node_modules of the checkout`);
}

function isNeeded(name, folder, path) {
  const inside = relative(folder, path);
  if (inside === 'node_modules') return false;
  const used = USED_FILES[name];
  if (inside === '') return true;
  if (used === undefined) return !LEFT_OUT.test(inside.split(sep)[0]) && !inside.endsWith('.map');
  return used.some((file) => file === inside || file.startsWith(`${inside}/`));
}

/** The packages of the workspace stand beside each other in the file: none is bundled by another. */
function copyOurs(folder, to) {
  const manifest = copyPackage(folder, to);
  delete manifest.bundleDependencies;
  writeManifest(to, manifest);
}
