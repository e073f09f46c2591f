/**
 * `npm start`: installs and builds what is missing or stale, then runs the server in this process, so
 * that signals reach it directly. Arguments after `--` go to it: `npm start -- -c conf/full.conf`.
 */
import './lib/node-version.mjs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { root } = await import('./lib/run.mjs');
const { prepare } = await import('./lib/prepare.mjs');

if (!(await prepare())) process.exit(1);

const main = join(root, 'packages/server/dist/main.js');
const args = process.argv.slice(2);
process.argv = [process.execPath, main, ...(args.length > 0 ? args : ['-c', 'conf/sluice.conf'])];
process.chdir(root);
await import(pathToFileURL(main).href);
