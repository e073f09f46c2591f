import { readFileSync } from 'node:fs';

/** Descriptors that the server needs for itself: listeners, log, epoll, files. */
const OWN_DESCRIPTORS = 64;

/**
 * Checks that the system lets the process hold `max_connections` sockets (R002).
 *
 * @returns what is wrong and how to mend it; undefined when it fits or the system doesn't tell
 */
export function descriptorProblem(maxConnections: number): string | undefined {
  let limits: string;
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return undefined;
  }
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  const needed = maxConnections + OWN_DESCRIPTORS;
  if (needed <= limit) return undefined;
  return (
    `max_connections ${maxConnections} needs ${needed} open files and the system allows ${limit}: ` +
    `raise it with "ulimit -n ${needed}" (systemd: LimitNOFILE), or set max_connections ${limit - OWN_DESCRIPTORS}`
  );
}
