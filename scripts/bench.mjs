/**
 * `npm run bench`: installs and builds what is missing or stale, gets what comes from Debian (ffmpeg, and
 * nginx-rtmp to compare with), and runs the benchmark. Arguments after `--` go to it:
 * `npm run bench -- --quick`.
 */
import './lib/node-version.mjs';
import { existsSync } from 'node:fs';

const { root } = await import('./lib/run.mjs');
const { prepare } = await import('./lib/prepare.mjs');
const { installDebianPackages, onPath } = await import('./lib/debian.mjs');

if (!(await prepare())) process.exit(1);

const missing = onPath('ffmpeg') ? [] : ['ffmpeg'];
// A quick run compares nothing. Where the peer cannot be had, the benchmark says that it is left out.
if (!process.argv.includes('--quick') && !existsSync('/usr/lib/nginx/modules/ngx_rtmp_module.so')) {
  missing.push('nginx-light', 'libnginx-mod-rtmp');
}
if (missing.length > 0) await installDebianPackages(missing);

process.chdir(root);
const { register } = await import('tsx/esm/api');
register();
await import('../bench/run.ts');
