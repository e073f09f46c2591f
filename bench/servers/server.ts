import type { Child } from '../lib/children.ts';
import type { PeerName } from '../lib/context.ts';

/** A server under test. */
export interface TestedServer {
  readonly name: PeerName;
  readonly child: Child;
  /** Where to publish a stream to, and to play it by RTMP; `floor://` for the floor. */
  rtmpUrl(stream: string): string;
  /** Where to play a stream by HTTP-FLV. */
  httpUrl(stream: string): string;
}
