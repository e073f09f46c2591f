/**
 * Imported first, for its effect: in a Node that is too old, the import of the package fails with one clear message,
 * rather than with that of the first library that misses something.
 */
import { nodeVersionProblem } from './node-version.ts';

const problem = nodeVersionProblem(process.versions.node);
if (problem !== undefined) throw new Error(problem);
