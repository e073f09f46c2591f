/**
 * `prepack` and `postpack` of the packages that need others of the workspace, which are on no registry: copies them to
 * where npm takes bundled dependencies from, and removes the copies afterwards. So `npm pack` in any package makes a file
 * that can be installed. For a file of the server with everything inside, see pack.mjs.
 */
import '../../scripts/lib/node-version.mjs';
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { prepare } from '../../scripts/lib/prepare.mjs';
import { root } from '../../scripts/lib/run.mjs';
import { copyPackage, writeManifest } from './published.mjs';

const SCOPE = '@sluice/';

const [step] = process.argv.slice(2);
const folder = process.cwd();
const { bundleDependencies = [] } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const copies = join(folder, 'node_modules', SCOPE);
/** Beside the copies: what is made here, or removed from there, comes and goes in one step. */
const stage = join(folder, 'node_modules', '.sluice-pack');

rmSync(stage, { recursive: true, force: true });
if (existsSync(copies)) renameSync(copies, stage);
rmSync(stage, { recursive: true, force: true });
if (step === 'stage') {
  if (!(await prepare())) process.exit(1);
  for (const name of bundleDependencies) {
    const from = name.slice(SCOPE.length);
    const to = join(stage, from);
    const manifest = copyPackage(from, to);
    cpSync(join(root, 'packages', from, 'LICENSE'), join(to, 'LICENSE'));
    // Each is bundled by the package that is packed.
    delete manifest.bundleDependencies;
    writeManifest(to, manifest);
  }
  // A server that starts meanwhile finds all of the copies or none.
  if (existsSync(stage)) renameSync(stage, copies);
}
