import { pino } from 'pino';

import { type Config, findVhost } from '../config/index.ts';
import { LiveHub } from '../live/index.ts';
import { Admission, Sessions } from '../stats/index.ts';
import { allowAll } from './authorizer.ts';
import { ClientRegistry } from './client-registry.ts';
import type { ClientsContext } from './context.ts';

/** A line of a {@link TestClients} log. */
export interface TestLogLine {
  readonly id?: string;
  readonly msg: string;
  readonly level: number;
}

/** A registry of clients, and all that tests look at. */
export interface TestClients {
  readonly clients: ClientRegistry;
  readonly context: ClientsContext;
  readonly hub: LiveHub;
  readonly sessions: Sessions;
  readonly admission: Admission;
  readonly lines: TestLogLine[];
  /** The reasons of the closing lines so far. */
  readonly reasons: () => string[];
}

/** Clients by a configuration. Everyone is admitted, and streams are as the defaults have them, unless told otherwise. */
export function testClients(config: () => Config, changes: Partial<ClientsContext> = {}): TestClients {
  const lines: TestLogLine[] = [];
  const write = (json: string): void => {
    lines.push(JSON.parse(json) as TestLogLine);
  };
  const hub = new LiveHub();
  const sessions = new Sessions();
  const admission = new Admission(() => config().maxConnections);
  const context: ClientsContext = {
    log: pino({ level: 'trace', base: null }, { write }),
    hub,
    sessions,
    admission,
    authorizer: allowAll,
    maxConnections: () => config().maxConnections,
    findVhost: (host) => findVhost(config(), host),
    settings: ({ minLatency, play, publish }) => ({
      ...{ minLatency, play, publish },
      metadata: { server: 'Test/1' },
      fastCacheMs: 0,
    }),
    nameProblem: () => undefined,
    ...changes,
  };
  const reasons = (): string[] =>
    lines.map(({ msg }) => /^closed: (\S+)/.exec(msg)?.[1]).filter((reason) => reason !== undefined);
  return { clients: new ClientRegistry(context), context, hub, sessions, admission, lines, reasons };
}
