import type { VhostConfig } from '../config/index.ts';
import type { LiveHub, LiveSettings } from '../live/index.ts';
import type { Log } from '../log/index.ts';
import type { Admission, Sessions } from '../stats/index.ts';
import type { Authorizer } from './authorizer.ts';
import type { NameProblem } from './rules.ts';

/** What {@link ClientRegistry} needs of the server. */
export interface ClientsContext {
  readonly log: Log;
  readonly hub: LiveHub;
  readonly sessions: Sessions;
  readonly authorizer: Authorizer;
  /** Counts the connections of all protocols. */
  readonly admission: Admission;
  /** `max_connections`, for the log. */
  readonly maxConnections: () => number;
  /** The vhost of a host name, or of a vhost's own name; undefined when it is not served. */
  findVhost(host: string): VhostConfig | undefined;
  settings(vhost: VhostConfig): LiveSettings;
  readonly nameProblem: NameProblem;
}
