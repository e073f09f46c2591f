import { Attendance } from './attendance.ts';
import { Histogram } from './histogram.ts';
import type { LoadRun, Progress } from './load-run.ts';
import { localAddressOf } from './local-address.ts';
import { Player, type PlayerHandler } from './player.ts';
import type { Tally } from './tally.ts';
import { isTransportStream, type Target } from './target.ts';

/** All players of a process read into one buffer of this size. */
const READ_BUFFER_BYTES = 64 * 1024;
/** One of so many players of MPEG-TS looks at every packet's sync byte for the whole run. */
const TS_PLAYERS_PER_CHECKED_ONE = 64;
/** How long the stalled players have, once they read again at the end, to see that the server is gone, ms. */
const STALL_CHECK_MS = 1000;

/** What to play, and how. */
export interface PlayRunOptions {
  readonly target: Target;
  /** IP address of the target's host. */
  readonly address: string;
  /** Players at a time, or in all without rounds. */
  readonly clients: number;
  /** Join, see a keyframe, leave: so many times in all. 0: join once and stay. */
  readonly rounds: number;
  readonly ratePerSecond: number;
  /** How long a player may take to its first media, ms. */
  readonly joinTimeoutMs: number;
  /** So many of the players stop reading after their first keyframe. */
  readonly stall: number;
  readonly keepParsing: boolean;
  /** Makes what sees all bytes of one player. */
  readonly observer?: () => (bytes: Buffer) => void;
}

/** Players of one stream in this process. */
export class PlayRun implements LoadRun, PlayerHandler {
  readonly finished: Promise<void>;
  readonly #options: PlayRunOptions;
  readonly #readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  readonly #attendance: Attendance<Player>;
  readonly #stalledPlayers = new Set<Player>();
  #stalled = 0;
  #stalledEnded = 0;
  #firstKeyframe = new Histogram();

  constructor(options: PlayRunOptions) {
    this.#options = options;
    this.#attendance = new Attendance({
      ...options,
      missed: 'no media',
      launch: (index) => this.#launch(index),
    });
    this.finished = this.#attendance.finished;
  }

  start(): Promise<void> {
    return this.#attendance.start();
  }

  progress(): Progress {
    return this.#attendance.progress();
  }

  tally(): Promise<Tally> {
    const tally: Tally = {
      ...this.#attendance.tally(),
      firstKeyframeMs: this.#firstKeyframe.toJSON(),
      stalled: this.#stalled,
      stalledEnded: this.#stalledEnded,
    };
    this.#firstKeyframe = new Histogram();
    return Promise.resolve(tally);
  }

  async stop(): Promise<void> {
    for (const player of this.#stalledPlayers) player.unstall();
    if (this.#stalledPlayers.size > 0) await new Promise((resolve) => setTimeout(resolve, STALL_CHECK_MS));
    this.#attendance.stop();
  }

  onJoined(player: Player): void {
    this.#attendance.join(player);
  }

  onKeyframe(player: Player): void {
    this.#firstKeyframe.add(player.keyframeAt - player.startedAt);
    if (this.#options.rounds > 0) {
      player.leave();
      this.#attendance.leave(player);
    } else if (this.#stalled < this.#options.stall) {
      this.#stalled++;
      player.stall();
      this.#stalledPlayers.add(player);
    }
  }

  onEnd(player: Player, reason: string): void {
    const stalled = this.#stalledPlayers.delete(player);
    if (stalled) this.#stalledEnded++;
    this.#attendance.end(player, reason, stalled);
  }

  #launch(index: number): Player {
    const { target, address, observer, keepParsing } = this.#options;
    return new Player({
      target,
      address,
      localAddress: localAddressOf(address, index),
      readBuffer: this.#readBuffer,
      keepParsing: keepParsing || (isTransportStream(target) && index % TS_PLAYERS_PER_CHECKED_ONE === 0),
      observe: observer?.(),
      handler: this,
    });
  }
}
