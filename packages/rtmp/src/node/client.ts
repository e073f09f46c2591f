import { connectRtmp } from './connection.ts';
import type { RtmpClientOptions, RtmpClientConnection, RtmpPlayOptions } from './connection.ts';
import type { RtmpClientPlayer } from './player.ts';
import type { RtmpClientPublisher } from './publisher.ts';

/**
 * Connects and plays the URL's stream.
 *
 * @throws RtmpError `tc-url`, `stream-name`, `connection-failed`, `timeout`, `rejected`, or what broke the protocol
 */
export async function play(
  url: string,
  options: RtmpClientOptions & RtmpPlayOptions = {},
): Promise<RtmpClientPlayer<RtmpClientConnection>> {
  const connection = await connectRtmp(url, options);
  return connection.play(options);
}

/**
 * Connects and publishes the URL's stream.
 *
 * @throws RtmpError like {@link play}; `rejected` when the server says that the stream is busy, with its words
 */
export async function publish(
  url: string,
  options: RtmpClientOptions = {},
): Promise<RtmpClientPublisher<RtmpClientConnection>> {
  const connection = await connectRtmp(url, options);
  return connection.publish();
}
