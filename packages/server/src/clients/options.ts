import type { EndsWithPublisher, FanOutFamily, LiveStream, PlayerSink } from '../live/index.ts';
import type { ClientTransport, PeerDetails } from './transport.ts';

/** How a client is made. */
export interface ClientOptions extends PeerDetails {
  /** Default: a new one. */
  readonly id?: string | undefined;
  readonly ip: string;
  readonly transport: ClientTransport;
  /** `on_connect` is asked for it, and `on_close` reported. Default: only what it plays and publishes is. */
  readonly hasConnect?: boolean | undefined;
  /** Gives back what its connection was counted against; called once, when the client has closed. */
  readonly release?: (() => void) | undefined;
}

/** How an admitted client plays. */
export interface PlayOptions {
  readonly sink: PlayerSink;
  /** The output form. */
  readonly family: (stream: LiveStream) => FanOutFamily;
  /** Ends after this much stream time, ms. Default: never. */
  readonly durationMs?: number | undefined;
  readonly endsWithPublisher: EndsWithPublisher;
  /** What the log calls it; default: its type. */
  readonly name?: string | undefined;
  /** Put behind the stream in the log, e.g. `by websocket`. */
  readonly via?: string | undefined;
}
