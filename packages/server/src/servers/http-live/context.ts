import type { Authorizer } from '../../clients/index.ts';
import type { VhostConfig } from '../../config/index.ts';
import type { LiveHub, LiveSettings } from '../../live/index.ts';
import type { Log, SessionEnd } from '../../log/index.ts';
import type { Session } from '../../stats/index.ts';

/** What this door needs of the server. */
export interface HttpLiveContext {
  readonly log: Log;
  readonly hub: LiveHub;
  readonly sessions: {
    add(session: Session): void;
    remove(session: Session): void;
    readonly ended: SessionEnd['ended'];
  };
  readonly authorizer: Authorizer;
  findVhost(host: string): VhostConfig | undefined;
  settings(vhost: VhostConfig): LiveSettings;
}
