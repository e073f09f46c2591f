import { plainAddress } from '../../log/index.ts';
import { type ClientRequest, pageUrlOf } from '../../security/index.ts';
import type { Session } from '../../stats/index.ts';
import type { VirtualRequest } from '../http/index.ts';
import type { HlsPlaylist } from './context.ts';
import { segmentQuery } from './viewer-id.ts';

/** One HLS viewer: all requests with one id. It has no connection; it is there as long as it asks. */
export class HlsViewer implements Session {
  readonly id: string;
  readonly startedAt = Date.now();
  readonly since = performance.now();
  readonly type = 'hls-play';
  readonly publish = false;
  readonly ip: string;
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
  readonly tcUrl: string;
  readonly pageUrl: string;
  readonly swfUrl = '';
  readonly bytesIn = 0;
  readonly videoFrames = 0;
  readonly droppedFrames = 0;
  /** Behind the segments' URIs in this viewer's playlists. */
  readonly segmentQuery: string;
  /** Content of playlists, segments and keys, without the heads of the responses. */
  bytesOut = 0;
  /** When it last asked for something, ms of the monotonic clock. */
  askedAt = this.since;
  /** How long it may ask for nothing, ms. */
  idleMs = 0;
  readonly sent: (bytes: number) => void;
  /** As the gates let it in. */
  readonly client: ClientRequest | undefined;

  constructor(id: string, playlist: HlsPlaylist, request: VirtualRequest, client: ClientRequest | undefined) {
    const { vhost, app, stream } = playlist.stream;
    this.id = id;
    this.client = client;
    this.ip = plainAddress(request.remoteAddress);
    this.vhost = vhost;
    this.app = app;
    this.stream = stream;
    this.tcUrl = `http://${request.headers.host ?? request.host}/${app}`;
    this.pageUrl = pageUrlOf(request.headers);
    this.segmentQuery = segmentQuery(request.search, playlist.segmentSessions ? id : undefined);
    this.sent = (bytes) => {
      this.bytesOut += bytes;
    };
  }

  /** Whether it watches that stream. */
  watches({ vhost, app, stream }: HlsPlaylist['stream']): boolean {
    return this.stream === stream && this.app === app && this.vhost === vhost;
  }
}
