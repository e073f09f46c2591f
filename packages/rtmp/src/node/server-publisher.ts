import type { PublishRequest, StreamUrl } from '../session/index.ts';
import type { RtmpServerConnection } from './server-connection.ts';

/** A client's publish at an `RtmpServer`. Its messages come to `onMedia`; `connection.close()` ends it. */
export class RtmpServerPublisher {
  readonly connection: RtmpServerConnection;
  readonly request: PublishRequest;

  constructor(connection: RtmpServerConnection, request: PublishRequest) {
    this.connection = connection;
    this.request = request;
  }

  /** What is published: vhost, app, stream and query. */
  get url(): StreamUrl {
    return this.request.url;
  }
}
