import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';

import type { VhostConfig } from '../../config/index.ts';
import type { LiveHub, LiveSettings } from '../../live/index.ts';
import type { Log, SessionEnd } from '../../log/index.ts';
import type { Gates } from '../../security/index.ts';
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
  readonly gates: Gates;
  findVhost(host: string): VhostConfig | undefined;
  settings(vhost: VhostConfig): LiveSettings;
}

/** What this door needs to know of a request. */
export interface ViewerRequest {
  readonly host: string;
  readonly path: string;
}

/** A player whose socket the HTTP server has handed over; `socket` has an `error` listener already. */
export type Viewer = {
  readonly request: ViewerRequest;
  readonly search: string;
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress: string;
  readonly socket: Socket;
  readonly serverName: string;
} & (
  | { readonly kind: 'http'; readonly method: 'GET' | 'HEAD'; readonly httpVersion: '1.0' | '1.1' }
  | { readonly kind: 'websocket' }
);
