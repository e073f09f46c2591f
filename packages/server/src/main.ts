#!/usr/bin/env node
import { EarlySignals } from './early-signals.ts';

// Before anything else is loaded, which takes some hundred milliseconds.
const signals = new EarlySignals();
const { runCommandLine } = await import('./cli/index.ts');
process.exitCode = await runCommandLine(process.argv.slice(2), signals);
