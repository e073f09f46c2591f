import { readFileSync } from 'node:fs';

import type { Log } from '../log/index.ts';
import { connectionsWithin, descriptorNeed, Descriptors } from '../stats/index.ts';
import { StartError } from './start-error.ts';

/** The descriptors that the system allows this process; infinity where it does not tell. */
export function descriptorLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** The reserve of the process, with its log lines. */
export function createDescriptors(log: Log, limit: () => number = descriptorLimit): Descriptors {
  return new Descriptors({
    limit,
    onShort: (descriptors) => {
      log.warn(
        `the ${descriptors} open files that the system allows are in use: new clients and files are refused; ` +
          'raise it with "ulimit -n" (systemd: LimitNOFILE), or lower max_connections',
      );
    },
    onRelieved: (refused) => {
      log.warn(`there are open files for new clients again: ${refused} were refused`);
    },
  });
}

/** Connections that are taken: `max_connections`, or as many as the descriptors allow. */
export function effectiveConnections(maxConnections: number, limit: number): number {
  return Math.min(maxConnections, connectionsWithin(limit));
}

/**
 * Checks that the system lets the process hold what `max_connections` may need (R002).
 *
 * @returns a warning; undefined when everything fits or the system does not tell
 * @throws StartError when the connections alone cannot fit
 */
export function checkDescriptors(maxConnections: number, limit: number): string | undefined {
  const need = descriptorNeed(maxConnections, limit);
  if (need.kind === 'enough') return undefined;
  const what =
    `max_connections ${maxConnections} may need ${need.wanted} open files and the system allows ${limit}: ` +
    `raise it with "ulimit -n ${need.wanted}" (systemd: LimitNOFILE)`;
  const fitting = connectionsWithin(limit);
  if (need.kind === 'too-few') {
    throw new StartError(
      'too-few-descriptors',
      fitting > 0 ? `${what}, or set max_connections ${fitting}` : what,
    );
  }
  return need.connections < maxConnections
    ? `${what}; until then ${need.connections} connections are taken`
    : `${what}; until then clients and files are refused when none is left`;
}
