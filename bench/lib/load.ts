import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ControlEvent, type Tally } from '@sluice/bench';
import { type Child } from './children.ts';
import type { Context } from './context.ts';
import { RunError } from './errors.ts';
import { percentileOf } from './statistics.ts';

/** A `sluice bench` process that this benchmark steers. */
export class Load {
  /** Connections that have joined and are there, as of at most half a second ago. */
  active = 0;
  readonly #child: Child;
  readonly #waiting = new Map<string, (tally: Tally | undefined) => void>();
  readonly #seen = new Set<string>();

  /** @param args the subcommand and its arguments */
  constructor(context: Context, args: readonly string[]) {
    const command = [context.program, 'bench', ...args, '--control'];
    this.#child = context.children.spawn(process.execPath, command, context.cores?.load, {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const { stdout } = this.#child.process;
    if (stdout === null) throw new RunError('load-failed', 'a load process without output');
    createInterface({ input: stdout }).on('line', (line) => {
      this.#onEvent(ControlEvent.parse(JSON.parse(line)));
    });
    this.#child.process.once('close', () => {
      for (const settle of this.#waiting.values()) settle(undefined);
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Waits until all connections have joined.
   * @throws RunError when one of them failed
   */
  async ready(): Promise<Tally> {
    const tally = await this.joined();
    const failed = Object.entries({ ...tally.failed, ...tally.lost });
    if (failed.length > 0) {
      const reasons = failed.map(([reason, count]) => `${count} × ${reason}`).join(', ');
      throw new RunError('load-failed', `${tally.joined} of ${tally.clients} connections joined: ${reasons}`);
    }
    return tally;
  }

  /** Waits until each connection has joined (in rounds: has gone again) or failed, and tells how many did. */
  async joined(): Promise<Tally> {
    await this.#wait('ready');
    return this.tally();
  }

  /** Waits until all rounds are over. */
  async finished(): Promise<void> {
    await this.#wait('finished');
  }

  /** The counts since the tally before. */
  async tally(): Promise<Tally> {
    return this.#ask('tally', 'tally');
  }

  /** Closes all connections; resolves with the last counts when the process is gone. */
  async stop(): Promise<Tally> {
    const closed = once(this.#child.process, 'close');
    const tally = await this.#ask('stop', 'stopped');
    await closed;
    return tally;
  }

  async #ask(request: 'tally' | 'stop', answer: 'tally' | 'stopped'): Promise<Tally> {
    this.#seen.delete(answer);
    const answered = this.#wait(answer);
    this.#child.process.stdin?.write(JSON.stringify({ do: request }) + '\n');
    const tally = await answered;
    if (tally === undefined) throw this.#child.failure('a load process ended early');
    return tally;
  }

  async #wait(event: string): Promise<Tally | undefined> {
    if (this.#seen.has(event)) return undefined;
    const tally = await new Promise<Tally | undefined>((resolve) => {
      if (this.#child.ended) resolve(undefined);
      else this.#waiting.set(event, resolve);
    });
    this.#waiting.delete(event);
    if (this.#child.ended && !this.#seen.has(event)) throw this.#child.failure('a load process ended early');
    return tally;
  }

  #onEvent(event: ControlEvent): void {
    if (event.event === 'progress') {
      this.active = event.progress.active;
      return;
    }
    this.#seen.add(event.event);
    this.#waiting.get(event.event)?.('tally' in event ? event.tally : undefined);
  }
}

/** What each player got of what the publisher sent in the same window, as shares. */
export interface Delivered {
  readonly min: number;
  readonly p50: number;
}

/** Compares players with the bytes that were due to each of them. */
export function deliveredShare(players: Tally, dueBytes: number): Delivered {
  return {
    min: players.perClientBytes.count === 0 ? 0 : players.perClientBytes.min / dueBytes,
    p50: percentileOf(players.perClientBytes, 0.5) / dueBytes,
  };
}
