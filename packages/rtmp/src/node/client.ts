import { connectRtmp } from './connection.ts';
import type { RtmpClientOptions, RtmpConnection, RtmpPlayOptions } from './connection.ts';
import type { RtmpPlayer } from './player.ts';
import type { RtmpPublisher } from './publisher.ts';

/**
 * Connects and plays the URL's stream.
 *
 * @throws RtmpError `tc-url`, `stream-name`, `connection-failed`, `timeout`, `rejected`, or what broke the protocol
 */
export async function play(
  url: string,
  options: RtmpClientOptions & RtmpPlayOptions = {},
): Promise<RtmpPlayer<RtmpConnection>> {
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
): Promise<RtmpPublisher<RtmpConnection>> {
  const connection = await connectRtmp(url, options);
  return connection.publish();
}
