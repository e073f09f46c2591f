import type { RtmpClientConnectionHandle } from './connection-handle.ts';

/**
 * A stream being published. Once the connection is over, by {@link close} or otherwise, each send… throws the RtmpError
 * that says why (`connection-closed`, `rejected` …). Until then it returns whether the socket takes
 * more without buffering; when it doesn't, wait for `drained()` (or drop frames) before the next. The bytes given must not be changed afterwards.
 */
export class RtmpClientPublisher<Connection extends RtmpClientConnectionHandle = RtmpClientConnectionHandle> {
  /** The connection below; `connection.closed` tells its end. */
  readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Sends an FLV AUDIODATA body. `timestamp` in ms. */
  sendAudio(timestamp: number, body: Uint8Array): boolean {
    this.connection.session.sendAudio(timestamp, body);
    return this.connection.writable;
  }

  /** Sends an FLV VIDEODATA body, Enhanced RTMP included. `timestamp` in ms, decoding time. */
  sendVideo(timestamp: number, body: Uint8Array): boolean {
    this.connection.session.sendVideo(timestamp, body);
    return this.connection.writable;
  }

  /** Sends AMF0 values: `@setDataFrame`, `onMetaData` and its properties, for instance. `timestamp` in ms. */
  sendData(timestamp: number, body: Uint8Array): boolean {
    this.connection.session.sendData(timestamp, body);
    return this.connection.writable;
  }

  /** Fulfilled when the socket takes more without buffering, or is closed. */
  drained(): Promise<void> {
    return this.connection.drained();
  }

  /** Ends the publish and the connection; what was sent before is delivered. */
  async close(): Promise<void> {
    this.connection.session.stop();
    await this.connection.close();
  }
}
