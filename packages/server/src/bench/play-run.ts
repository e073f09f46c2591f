import { createDeferred } from './deferred.ts';
import { Histogram } from './histogram.ts';
import type { LoadRun, Progress } from './load-run.ts';
import { localAddressOf } from './local-address.ts';
import { Player, type PlayerHandler } from './player.ts';
import { Ramp } from './ramp.ts';
import { countReason, emptyTally, sumOfCounts, type Tally } from './tally.ts';
import type { Target } from './target.ts';

/** All players of a process read into one buffer of this size. */
const READ_BUFFER_BYTES = 64 * 1024;
const SWEEP_MS = 250;
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
  readonly #pending = new Set<Player>();
  readonly #active = new Set<Player>();
  readonly #stalledPlayers = new Set<Player>();
  readonly #failed = new Map<string, number>();
  readonly #lost = new Map<string, number>();
  #ramp: Ramp | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #joined = 0;
  #settled = 0;
  #gone = 0;
  #stalled = 0;
  #stalledEnded = 0;
  #goneBytes = 0;
  #windowBytes = 0;
  #windowStart = performance.now();
  #firstMedia = new Histogram();
  #firstKeyframe = new Histogram();
  readonly #ready = createDeferred();
  readonly #finish = createDeferred();

  constructor(options: PlayRunOptions) {
    this.#options = options;
    this.finished = this.#finish.promise;
  }

  get #total(): number {
    return this.#options.rounds > 0 ? this.#options.rounds : this.#options.clients;
  }

  async start(): Promise<void> {
    const { clients, ratePerSecond, joinTimeoutMs } = this.#options;
    this.#windowStart = performance.now();
    this.#ramp = new Ramp({
      total: this.#total,
      atOnce: clients,
      ratePerSecond,
      launch: (index) => {
        this.#launch(index);
      },
    });
    this.#sweep = setInterval(() => {
      const oldest = performance.now() - joinTimeoutMs;
      for (const player of this.#pending) {
        if (player.startedAt > oldest) break;
        player.fail(`no media within ${joinTimeoutMs / 1000} s`);
      }
    }, SWEEP_MS);
    await this.#ready.promise;
  }

  progress(): Progress {
    return {
      joined: this.#joined,
      active: this.#active.size,
      failed: sumOfCounts(this.#failed),
      lost: sumOfCounts(this.#lost),
      bytes: this.#bytes(),
    };
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
      clients: this.#total,
      joined: this.#joined,
      active: this.#active.size,
      failed: Object.fromEntries(this.#failed),
      lost: Object.fromEntries(this.#lost),
      seconds: (now - this.#windowStart) / 1000,
      bytes: bytes - this.#windowBytes,
      perClientBytes: perClient.toJSON(),
      firstMediaMs: this.#firstMedia.toJSON(),
      firstKeyframeMs: this.#firstKeyframe.toJSON(),
      stalled: this.#stalled,
      stalledEnded: this.#stalledEnded,
    };
    this.#windowStart = now;
    this.#windowBytes = bytes;
    this.#firstMedia = new Histogram();
    this.#firstKeyframe = new Histogram();
    return Promise.resolve(tally);
  }

  async stop(): Promise<void> {
    this.#ramp?.stop();
    for (const player of this.#stalledPlayers) player.unstall();
    if (this.#stalledPlayers.size > 0) await new Promise((resolve) => setTimeout(resolve, STALL_CHECK_MS));
    clearInterval(this.#sweep);
    for (const player of this.#pending) player.leave();
    for (const player of this.#active) player.leave();
    this.#finish.resolve();
    this.#ready.resolve();
  }

  onJoined(player: Player): void {
    this.#pending.delete(player);
    this.#active.add(player);
    this.#joined++;
    this.#firstMedia.add(player.joinedAt - player.startedAt);
    if (this.#options.rounds === 0) this.#settle();
  }

  onKeyframe(player: Player): void {
    this.#firstKeyframe.add(player.keyframeAt - player.startedAt);
    if (this.#options.rounds > 0) {
      player.leave();
      this.#remove(player);
      this.#settle();
    } else if (this.#stalled < this.#options.stall) {
      this.#stalled++;
      player.stall();
      this.#stalledPlayers.add(player);
    }
  }

  onEnd(player: Player, reason: string): void {
    const joined = this.#active.has(player);
    this.#remove(player);
    if (this.#stalledPlayers.delete(player)) this.#stalledEnded++;
    else countReason(joined ? this.#lost : this.#failed, reason);
    if (!joined || this.#options.rounds > 0) this.#settle();
    if (this.#gone === this.#total) this.#finish.resolve();
  }

  #launch(index: number): void {
    const { target, address, observer, keepParsing } = this.#options;
    const player = new Player({
      target,
      address,
      localAddress: localAddressOf(address, index),
      readBuffer: this.#readBuffer,
      keepParsing,
      observe: observer?.(),
      handler: this,
    });
    this.#pending.add(player);
  }

  #remove(player: Player): void {
    this.#pending.delete(player);
    if (this.#active.delete(player)) this.#goneBytes += player.bytes;
    this.#gone++;
    this.#ramp?.release();
  }

  #settle(): void {
    this.#settled++;
    if (this.#settled < this.#total) return;
    this.#ready.resolve();
    if (this.#options.rounds > 0) this.#finish.resolve();
  }

  #bytes(): number {
    let bytes = this.#goneBytes;
    for (const player of this.#active) bytes += player.bytes;
    return bytes;
  }
}
