import { Attendance } from './attendance.ts';
import { Histogram } from './histogram.ts';
import type { LoadRun, Progress } from './load-run.ts';
import { localAddressOf } from './local-address.ts';
import { Player, type PlayerHandler } from './player.ts';
import { emptyTally, type Tally } from './tally.ts';
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
  readonly #active = new Set<Player>();
  readonly #stalledPlayers = new Set<Player>();
  #stalled = 0;
  #stalledEnded = 0;
  #goneBytes = 0;
  #windowBytes = 0;
  #windowStart = performance.now();
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

  async start(): Promise<void> {
    this.#windowStart = performance.now();
    await this.#attendance.start();
  }

  progress(): Progress {
    return { ...this.#attendance.progress(), active: this.#active.size, bytes: this.#bytes() };
  }

  tally(): Promise<Tally> {
    const now = performance.now();
    const bytes = this.#bytes();
    const perClient = new Histogram();
    for (const player of this.#active) {
      if (player.windowStartBytes >= 0 && !player.stalled)
        perClient.add(player.bytes - player.windowStartBytes);
      player.windowStartBytes = player.bytes;
    }
    const tally: Tally = {
      ...emptyTally(),
      ...this.#attendance.tally(),
      active: this.#active.size,
      seconds: (now - this.#windowStart) / 1000,
      bytes: bytes - this.#windowBytes,
      perClientBytes: perClient.toJSON(),
      firstKeyframeMs: this.#firstKeyframe.toJSON(),
      stalled: this.#stalled,
      stalledEnded: this.#stalledEnded,
    };
    this.#windowStart = now;
    this.#windowBytes = bytes;
    this.#firstKeyframe = new Histogram();
    return Promise.resolve(tally);
  }

  async stop(): Promise<void> {
    for (const player of this.#stalledPlayers) player.unstall();
    if (this.#stalledPlayers.size > 0) await new Promise((resolve) => setTimeout(resolve, STALL_CHECK_MS));
    this.#attendance.stop();
    for (const player of this.#active) player.leave();
  }

  onJoined(player: Player): void {
    this.#active.add(player);
    this.#attendance.join(player);
  }

  onKeyframe(player: Player): void {
    this.#firstKeyframe.add(player.keyframeAt - player.startedAt);
    if (this.#options.rounds > 0) {
      player.leave();
      this.#remove(player);
      this.#attendance.leave(player);
    } else if (this.#stalled < this.#options.stall) {
      this.#stalled++;
      player.stall();
      this.#stalledPlayers.add(player);
    }
  }

  onEnd(player: Player, reason: string): void {
    const joined = this.#remove(player);
    const stalled = this.#stalledPlayers.delete(player);
    if (stalled) this.#stalledEnded++;
    this.#attendance.end(player, reason, joined, stalled);
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

  /** @returns whether it had joined */
  #remove(player: Player): boolean {
    const joined = this.#active.delete(player);
    if (joined) this.#goneBytes += player.bytes;
    return joined;
  }

  #bytes(): number {
    let bytes = this.#goneBytes;
    for (const player of this.#active) bytes += player.bytes;
    return bytes;
  }
}
