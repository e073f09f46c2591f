/**
 * Packs `sluice` into one file that npm installs anywhere: `node packaging/npm/pack.mjs [FOLDER]`, default `objs`.
 *
 * npm packs a workspace without the workspaces that it needs. Here they are copied beside a copy of the server and
 * named in `bundleDependencies`, so the file has them inside; all else comes from the registry at the installation.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { prepare } from '../../scripts/lib/prepare.mjs';
import { root, run, say } from '../../scripts/lib/run.mjs';

/** Packages of this house that the server needs. */
const BUNDLED = ['media', 'rtmp'];

const target = resolve(process.argv[2] ?? join(root, 'objs'));
if (!(await prepare())) process.exit(1);
const stage = mkdtempSync(join(tmpdir(), 'sluice-pack-'));
try {
  const manifest = copyPackage('server', stage);
  for (const name of ['conf', 'packaging']) cpSync(join(root, name), join(stage, name), { recursive: true });
  // Overrides count for the checkout alone; named as dependencies, they count for whoever installs the file.
  const { overrides } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const name of ['README.md', 'CHANGELOG.md', 'LICENSE']) cpSync(join(root, name), join(stage, name));
  const bundled = BUNDLED.map(
    (folder) => copyPackage(folder, join(stage, 'node_modules/@sluice', folder)).name,
  );
  writeManifest(stage, {
    ...manifest,
    files: [...manifest.files, 'conf', 'packaging', '!packaging/npm'],
    dependencies: { ...manifest.dependencies, ...overrides },
    bundleDependencies: bundled,
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

/** Copies what a package publishes; returns its manifest. */
function copyPackage(folder, to) {
  const from = join(root, 'packages', folder);
  const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  delete manifest.devDependencies;
  delete manifest.scripts;
  mkdirSync(to, { recursive: true });
  const entries = readdirSync(from);
  for (const name of manifest.files.filter((pattern) => entries.includes(pattern))) {
    cpSync(join(from, name), join(to, name), { recursive: true, filter: isPublished });
  }
  writeManifest(to, manifest);
  return manifest;
}

function isPublished(path) {
  return !/\.test\.|test-kit\.|[\\/]testdata$|\.tsbuildinfo$/.test(path);
}

function writeManifest(folder, manifest) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
}
