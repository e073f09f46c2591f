import type { Child } from '../lib/children.ts';
import type { PeerName } from '../lib/context.ts';

/** A server under test. */
export interface TestedServer {
  readonly name: PeerName;
  readonly child: Child;
  /** Where to publish a stream to, and to play it by RTMP; `floor://` for the floor. */
  rtmpUrl(stream: string): string;
  /** Where to play a stream over HTTP: as FLV unless the extension says otherwise, with its point. */
  httpUrl(stream: string, extension?: '.flv' | '.ts' | '.m3u8'): string;
  /** Where HLS goes, if it is on. */
  readonly hlsFolder?: string;
  /** Where recordings go, if there are any. */
  readonly dvrFolder?: string;
}

/** How HLS is cut: the same for every server. */
export interface HlsOptions {
  /** Length of a segment, s; the keyframes of the fixture are 2 s apart. */
  readonly fragmentSeconds: number;
  /** What the playlist holds, s. */
  readonly windowSeconds: number;
}
