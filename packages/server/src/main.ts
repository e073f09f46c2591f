#!/usr/bin/env node
import { EarlySignals } from './early-signals.ts';
import { loadProblem } from './load-problem.ts';
import { nodeVersionProblem } from './node-version.ts';

// Before anything else is loaded, which takes some hundred milliseconds.
const signals = new EarlySignals();
// A Node that is too old may not even be able to load the rest.
const problem = nodeVersionProblem(process.versions.node);
if (problem === undefined) {
  try {
    const { runCommandLine } = await import('./cli/index.ts');
    process.exitCode = await runCommandLine(process.argv.slice(2), signals);
    // Where the event loop just runs out, Node takes its listeners of signals away before the process ends: a signal in
    // that moment would decide the exit status.
    process.once('beforeExit', () => process.exit());
  } catch (error) {
    const text = loadProblem(error);
    if (text === undefined) throw error;
    process.stderr.write(`sluice: ${text}\n`);
    process.exit(1);
  }
} else {
  process.stderr.write(`${problem}.\n`);
  process.exitCode = 1;
}
