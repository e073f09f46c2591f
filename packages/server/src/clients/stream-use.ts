import type { PublishConfig } from '../config/index.ts';
import type { LiveStream, Player, PlayerEnd, Publication } from '../live/index.ts';
import type { Log } from '../log/index.ts';
import type { EndReason } from '../stats/index.ts';
import { ActivePublish } from './active-publish.ts';
import type { PlayOptions } from './options.ts';
import { PublishAttempt } from './publish-attempt.ts';

/** Why the live stream ended a client. */
export interface StreamEnd {
  readonly reason: EndReason;
  readonly detail?: string | undefined;
  /** The end mark of the player's form has been written. */
  readonly isStreamEnd: boolean;
}

/** What a {@link StreamUse} needs of its client. */
export interface StreamUser {
  readonly id: string;
  readonly log: Log;
  /** The live stream ends the client. */
  onStreamEnd(end: StreamEnd): void;
  /** Something was thrown in a turn of its own. */
  fail(error: unknown): void;
}

const playerEnds = {
  stalled: 'play-stalled',
  duration: 'play-duration',
  'publisher-gone': 'publisher-gone',
  'wait-timeout': 'play-wait-timeout',
} as const satisfies Record<PlayerEnd, EndReason>;

/** What a client plays or publishes, one after the other, and what it counts over all of them. */
export class StreamUse {
  readonly #user: StreamUser;
  #attempt: PublishAttempt | undefined;
  #publishing: ActivePublish | undefined;
  #live: LiveStream | undefined;
  #player: Player | undefined;
  #droppedBefore = 0;
  #framesBefore = 0;
  #lastSource: string | undefined;

  constructor(user: StreamUser) {
    this.#user = user;
  }

  get player(): Player | undefined {
    return this.#player;
  }

  get publishing(): ActivePublish | undefined {
    return this.#publishing;
  }

  get droppedFrames(): number {
    return this.#droppedBefore + (this.#player?.droppedFrames ?? 0);
  }

  get videoFrames(): number {
    return this.#framesBefore + (this.#publishing?.videoFrames ?? this.#player?.videoFrames ?? 0);
  }

  /** The session id of the publisher whose frames it plays, or has played last. */
  get source(): string | undefined {
    return this.#live?.sourceId ?? this.#lastSource;
  }

  play(stream: LiveStream, { sink, family, durationMs, endsWithPublisher }: PlayOptions): Player {
    this.#live = stream;
    this.#player = stream.play({
      family: family(stream),
      sink,
      durationMs,
      endsWithPublisher,
      onDrop: ({ frames, bytes, behindMs }) => {
        this.#user.log.warn(`behind by ${Math.round(behindMs)} ms: dropped ${frames} frames, ${bytes} B`);
      },
      onEnd: (reason) => {
        this.#user.onStreamEnd({ reason: playerEnds[reason], isStreamEnd: reason !== 'stalled' });
      },
    });
    return this.#player;
  }

  /**
   * Publishes at once, or after a short wait when somebody else does.
   *
   * @param open - the stream as it is then
   * @param config - how silent it may be
   */
  publish(
    open: () => LiveStream,
    config: () => PublishConfig,
    outcome: {
      published(publishing: ActivePublish): void;
      waits(message: string): void;
      busy(message: string): void;
    },
  ): void {
    const publish = (): Publication =>
      open().publish({
        id: this.#user.id,
        onEnd: (reason, detail) => {
          this.#user.onStreamEnd({ reason, detail, isStreamEnd: false });
        },
        onWarning: (message) => {
          this.#user.log.warn(message);
        },
      });
    this.#attempt = new PublishAttempt(publish, {
      published: (publication) => {
        this.#attempt = undefined;
        this.#publishing = new ActivePublish(publication, config(), performance.now());
        outcome.published(this.#publishing);
      },
      waits: ({ message }) => {
        outcome.waits(message);
      },
      busy: ({ message }) => {
        outcome.busy(message);
      },
      failed: (error) => {
        this.#user.fail(error);
      },
    });
    this.#attempt.start();
  }

  /** Idempotent. */
  leave(): void {
    this.#attempt?.cancel();
    this.#attempt = undefined;
    this.#framesBefore = this.videoFrames;
    this.#lastSource = this.source;
    this.#droppedBefore = this.droppedFrames;
    const player = this.#player;
    const publishing = this.#publishing;
    this.#player = undefined;
    this.#publishing = undefined;
    this.#live = undefined;
    player?.leave();
    publishing?.end();
  }
}
