import type { PublishRequest, StreamUrl } from '../session/index.ts';
import type { RtmpServerClient } from './server-client.ts';

/** A client's publish at an `RtmpServer`. Its messages come to `onMedia`; `connection.close()` ends it. */
export class RtmpServerPublisher {
  readonly connection: RtmpServerClient;
  readonly request: PublishRequest;

  constructor(connection: RtmpServerClient, request: PublishRequest) {
    this.connection = connection;
    this.request = request;
  }

  /** What is published: vhost, app, stream and query. */
  get url(): StreamUrl {
    return this.request.url;
  }
}
