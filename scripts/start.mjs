/**
 * `npm start`: installs and builds what is missing or stale, then runs the server in this process, so
 * that signals reach it directly. Arguments after `--` go to it: `npm start -- -c conf/full.conf`.
 */
import './lib/node-version.mjs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// Until the server is loaded there is no configuration to read again and no log to open anew; by default SIGHUP would
// end the process and SIGUSR1 would open the debugger's port.
for (const signal of ['SIGHUP', 'SIGUSR1']) process.on(signal, () => {});

const { root } = await import('./lib/run.mjs');
const { prepare } = await import('./lib/prepare.mjs');

if (!(await prepare())) process.exit(1);

const main = join(root, 'packages/server/dist/main.js');
const args = process.argv.slice(2);
process.argv = [
  process.execPath,
  main,
  ...(namesItsConfiguration(args) ? [] : ['-c', 'conf/sluice.conf']),
  ...args,
];
process.chdir(root);
await import(pathToFileURL(main).href);

function namesItsConfiguration(words) {
  const flags = ['-c', '--config', '-e', '--environment'];
  return (
    words[0] === 'bench' ||
    words.some((word) => flags.includes(word) || word.startsWith('--config=')) ||
    process.env.SRS_CONFIG_FILE !== undefined ||
    process.env.SRS_ENV_ONLY === 'on'
  );
}
