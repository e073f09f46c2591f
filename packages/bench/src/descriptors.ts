import { readFileSync } from 'node:fs';
import { BenchError } from './errors.ts';

/** Descriptors that Node and the terminal need beside the connections. */
const OTHER_DESCRIPTORS = 64;

/**
 * Says so when this process may not open that many connections. Node has raised its soft limit to the hard
 * one by itself.
 * @throws BenchError `too-few-descriptors`
 */
export function checkDescriptors(connections: number, limit: number | undefined = descriptorLimit()): void {
  const wanted = connections + OTHER_DESCRIPTORS;
  if (limit === undefined || limit >= wanted) return;
  throw new BenchError(
    'too-few-descriptors',
    `${connections} connections need ${wanted} open files, but this process may open ${limit}: ` +
      `run \`ulimit -n ${wanted}\` first (as root, \`ulimit -Hn\` is the bound), or spread them with --processes`,
  );
}

/** The soft limit of open files, or undefined where the system does not tell. */
export function descriptorLimit(): number | undefined {
  let text: string;
  try {
    text = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return undefined;
  }
  const match = /^Max open files\s+(\d+)/m.exec(text);
  return match === null ? undefined : Number(match[1]);
}
