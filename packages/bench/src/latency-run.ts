import { FrameOrder } from './frame-order.ts';
import { Histogram } from './histogram.ts';
import type { LoadRun, Progress } from './load-run.ts';
import { PlayRun, type PlayRunOptions } from './play-run.ts';
import { PublishRun, type PublishRunOptions } from './publish-run.ts';
import { StampFinder } from './stamp.ts';
import type { Tally } from './tally.ts';

/** How long the publisher runs before the first player joins, ms: so that all players find the stream there. */
const HEAD_START_MS = 500;

/** A publisher and players of its stream in one process, and so on one clock. */
export class LatencyRun implements LoadRun {
  readonly finished: Promise<void>;
  readonly #publish: PublishRun;
  readonly #play: PlayRun;
  readonly #order = new FrameOrder();
  #latency = new Histogram();
  #framesLost = 0;

  constructor(publish: PublishRunOptions, play: PlayRunOptions) {
    this.#publish = new PublishRun({
      ...publish,
      onStamped: (microseconds) => {
        this.#order.sent(microseconds);
      },
    });
    this.#play = new PlayRun({
      ...play,
      observer: () => {
        const passedOver = this.#order.follow();
        const finder = new StampFinder((microseconds) => {
          this.#framesLost += passedOver(microseconds);
          this.#latency.add(performance.now() - microseconds / 1000);
        });
        return (bytes) => {
          finder.write(bytes);
        };
      },
    });
    this.finished = Promise.race([this.#publish.finished, this.#play.finished]);
  }

  async start(): Promise<void> {
    await this.#publish.start();
    await new Promise((resolve) => setTimeout(resolve, HEAD_START_MS));
    await this.#play.start();
  }

  progress(): Progress {
    const publish = this.#publish.progress();
    const play = this.#play.progress();
    return { ...play, failed: play.failed + publish.failed, lost: play.lost + publish.lost };
  }

  async tally(): Promise<Tally> {
    const publish = await this.#publish.tally();
    const play = await this.#play.tally();
    const latencyMs = this.#latency.toJSON();
    this.#latency = new Histogram();
    const framesLost = this.#framesLost;
    this.#framesLost = 0;
    return {
      ...play,
      failed: { ...play.failed, ...asPublisher(publish.failed) },
      lost: { ...play.lost, ...asPublisher(publish.lost) },
      messages: publish.messages,
      latenessMs: publish.latenessMs,
      latencyMs,
      framesLost,
    };
  }

  async stop(): Promise<void> {
    await this.#play.stop();
    await this.#publish.stop();
  }
}

function asPublisher(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts).map(([reason, count]) => [`publisher: ${reason}`, count] as const),
  );
}
