#!/usr/bin/env node
/**
 * The command `sluice`. It is not part of the build: npm makes its link when it installs a checkout, and then nothing
 * is built yet. What it starts says so itself when Node is too old.
 */
'use strict';
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const main = join(__dirname, '../dist/main.js');
if (existsSync(main)) {
  import(pathToFileURL(main).href);
} else {
  process.stderr.write('sluice: not built yet: run `npm run build` (or `npm start`) in the checkout\n');
  process.exitCode = 1;
}
