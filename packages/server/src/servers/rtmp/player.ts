import type { FanOutFamily, LiveStream, Player, PlayerEnd, PlayerSink } from '../../live/index.ts';
import type { EndReason } from '../../stats/index.ts';

/** Engine's reasons as the connection's. */
const endReasonOf = {
  stalled: 'play-stalled',
  duration: 'play-duration',
  'publisher-gone': 'publisher-gone',
  'wait-timeout': 'play-wait-timeout',
} as const satisfies Record<PlayerEnd, EndReason>;

/** Which tracks a player wants (`receiveAudio`, `receiveVideo`). */
export interface WantedTracks {
  readonly audio: boolean;
  readonly video: boolean;
}

/** How a connection plays. */
export interface RtmpPlayerOptions {
  readonly sink: PlayerSink;
  /** The form of the stream for these tracks. */
  readonly family: (tracks: WantedTracks) => FanOutFamily;
  readonly durationMs: number | undefined;
  readonly onWarning: (message: string) => void;
  readonly onEnd: (reason: EndReason) => void;
}

/** A connection's play: its player in the live stream, and the tracks that it wants. */
export class RtmpPlayer {
  readonly #family: (tracks: WantedTracks) => FanOutFamily;
  readonly #stream: LiveStream;
  readonly #player: Player;
  #tracks: WantedTracks = { audio: true, video: true };

  /** Joins the stream. */
  constructor(stream: LiveStream, { sink, family, durationMs, onWarning, onEnd }: RtmpPlayerOptions) {
    this.#family = family;
    this.#stream = stream;
    this.#player = stream.play({
      family: family(this.#tracks),
      sink,
      durationMs,
      endsWithPublisher: 'never',
      onDrop: ({ frames, bytes, behindMs }) => {
        onWarning(`behind by ${Math.round(behindMs)} ms: dropped ${frames} frames, ${bytes} B`);
      },
      onEnd: (reason) => {
        onEnd(endReasonOf[reason]);
      },
    });
  }

  get droppedFrames(): number {
    return this.#player.droppedFrames;
  }

  get videoFrames(): number {
    return this.#player.videoFrames;
  }

  /** The session id of the publisher whose frames it got last. */
  get source(): string | undefined {
    return this.#stream.sourceId;
  }

  /** The socket takes bytes again. */
  drained(): void {
    this.#player.drained();
  }

  pause(paused: boolean): void {
    if (paused) this.#player.pause();
    else this.#player.resume();
  }

  /** Goes on with other tracks. */
  receive(change: Partial<WantedTracks>): void {
    this.#tracks = { ...this.#tracks, ...change };
    this.#player.change(this.#family(this.#tracks));
  }

  leave(): void {
    this.#player.leave();
  }
}
