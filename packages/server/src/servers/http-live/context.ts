import type { ClientRegistry } from '../../clients/index.ts';
import type { VhostConfig } from '../../config/index.ts';
import type { LiveHub } from '../../live/index.ts';

/** What {@link HttpLiveHandler} needs of the server. */
export interface HttpLiveContext {
  readonly hub: LiveHub;
  readonly clients: ClientRegistry;
  findVhost(host: string): VhostConfig | undefined;
}
