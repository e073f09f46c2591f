/**
 * `npm test`: installs and builds what is missing or stale, gets the tools that the end-to-end tests use,
 * runs the unit tests and then the end-to-end tests, and ends with one line of counts. Arguments after
 * `--` go to vitest: `npm test -- chunk`.
 */
import './lib/node-version.mjs';

const { runTests } = await import('./lib/tests.mjs');
process.exitCode = await runTests(process.argv.slice(2));
