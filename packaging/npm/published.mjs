/** What a package of the workspace publishes, as `npm pack` would choose it. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { root } from '../../scripts/lib/run.mjs';

/** Copies what a package publishes; returns its manifest. */
export function copyPackage(folder, to) {
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

export function writeManifest(folder, manifest) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
}
