import type { Client, ClientRegistry, ClientTransport } from '../../clients/index.ts';
import type { ClientRequest } from '../../security/index.ts';
import type { VirtualRequest } from '../http/index.ts';
import type { HlsPlaylist } from './context.ts';
import { segmentQuery } from './viewer-id.ts';

/** One HLS viewer: all requests with one id. It has no connection; it is there as long as it asks. */
export class HlsViewer implements ClientTransport {
  readonly client: Client;
  readonly bytesIn = 0;
  /** Content of playlists, segments and keys, without the heads of the responses. */
  bytesOut = 0;
  /** Behind the segments' URIs in this viewer's playlists. */
  readonly segmentQuery: string;
  /** When it last asked for something, ms of the monotonic clock. */
  askedAt = performance.now();
  /** How long it may ask for nothing, ms. */
  idleMs = 0;
  readonly sent: (bytes: number) => void;
  readonly #onEnded: (viewer: HlsViewer) => void;

  /** Begins to watch. @param admitted - the request for the playlist, as it was admitted */
  constructor(
    playlist: HlsPlaylist,
    request: Pick<VirtualRequest, 'search'>,
    admitted: ClientRequest,
    { clients, onEnded }: { clients: ClientRegistry; onEnded: (viewer: HlsViewer) => void },
  ) {
    const { id, ip, pageUrl, tcUrl } = admitted;
    this.#onEnded = onEnded;
    this.segmentQuery = segmentQuery(request.search, playlist.segmentSessions ? id : undefined);
    this.sent = (bytes) => {
      this.bytesOut += bytes;
    };
    this.client = clients.open({ id, ip, pageUrl, tcUrl, transport: this });
    this.client.startFetching(admitted, 'hls-play');
  }

  /** Whether it watches that stream. */
  watches({ vhost, app, stream }: HlsPlaylist['stream']): boolean {
    const { client } = this;
    return client.stream === stream && client.app === app && client.vhost === vhost;
  }

  close(): void {
    this.#onEnded(this);
    this.client.closed();
  }
}
