import type { LookupFunction } from 'node:net';

import { parseRtmpUrl, RtmpError } from '@sluice/rtmp';

import { background } from '../../background.ts';
import type { Config, VhostConfig } from '../../config/types.ts';
import { MediaFileError } from '../../files/index.ts';
import { type Log, newSessionId } from '../../log/index.ts';
import { FilePush, type FilePushOptions } from './file-push.ts';

/** How long an ingest rests between its end and its next start, ms (I005). */
const RESTART_DELAY_MS = 3_000;

/** What ingests need; only `log` has no default. */
export interface IngestLoopsOptions {
  readonly log: Log;
  /** Default 3,000. */
  readonly restartDelayMs?: number;
  /** Default: every output is the administrator's. */
  readonly outbound?: OutputLimit;
}

/** Which outputs do not stand in the administrator's own file, and the rule for where they lead. */
export interface OutputLimit {
  /** @param output - as it is configured */
  isLimited(output: string): boolean;
  readonly rule: {
    /** Why a host may not be connected to, or undefined. */
    hostProblem(host: string): string | undefined;
    /** Resolves a name, and fails where it leads to a host that may not be connected to. */
    readonly lookup: LookupFunction;
  };
}

type IngestConfig = VhostConfig['ingests'][number];

/** The part of the configuration that ingests read. */
export type IngestHost = Pick<Config, 'vhosts'>;

/**
 * The ingests of type `loop`: each plays a media file for ever, with a clock of its own, to the outputs of its
 * engines (I005, I006). There is no ffmpeg, so nothing is transcoded: an engine counts for its `output` only.
 */
export class IngestLoops {
  readonly #log: Log;
  readonly #restartDelayMs: number;
  readonly #outbound: OutputLimit | undefined;
  readonly #running = new Map<string, { readonly recipe: string; readonly loops: readonly IngestLoop[] }>();

  constructor(options: IngestLoopsOptions) {
    this.#log = options.log;
    this.#outbound = options.outbound;
    this.#restartDelayMs = options.restartDelayMs ?? RESTART_DELAY_MS;
  }

  /**
   * Makes the ingests what the configuration says: starts, stops or restarts those that differ, and leaves the
   * others alone (I007). Call it once the RTMP server listens.
   *
   * @param port the first RTMP port, for `[port]`
   */
  apply(config: IngestHost, port: number): void {
    const wanted = new Map<string, { readonly recipe: string; readonly start: () => IngestLoop[] }>();
    for (const { name: vhost, enabled, ingests } of config.vhosts.values()) {
      for (const ingest of ingests) {
        if (!enabled || !ingest.enabled || ingest.input.type !== 'loop') continue;
        const key = `${vhost}/${ingest.label}`;
        const limited = ingest.engines.map(({ output }) => this.#outbound?.isLimited(output));
        const recipe = JSON.stringify([port, ingest, limited]);
        wanted.set(key, { recipe, start: () => this.#start(vhost, ingest, port) });
      }
    }
    for (const [key, { recipe, loops }] of this.#running) {
      if (wanted.get(key)?.recipe === recipe) continue;
      this.#running.delete(key);
      for (const loop of loops) background('stopping an ingest', loop.stop());
    }
    for (const [key, { recipe, start }] of wanted) {
      if (!this.#running.has(key)) this.#running.set(key, { recipe, loops: start() });
    }
  }

  /** Stops all, and waits until their streams are closed. */
  async close(): Promise<void> {
    const loops = [...this.#running.values()].flatMap((entry) => entry.loops);
    this.#running.clear();
    await Promise.all(loops.map((loop) => loop.stop()));
  }

  #start(vhost: string, ingest: IngestConfig, port: number): IngestLoop[] {
    const log = this.#log.child({ id: newSessionId() });
    const what = `ingest ${ingest.label} of vhost ${vhost}`;
    const { url: file } = ingest.input;
    if (file === '') {
      log.error(`${what} is not started: its input names no file (\`url\`)`);
      return [];
    }
    const outputs = ingest.engines.filter(({ output }) => output !== '').map(({ output }) => output);
    if (outputs.length === 0) {
      log.error(`${what} is not started: no engine of it has an \`output\``);
      return [];
    }
    if (ingest.engines.some(transcodes)) {
      log.warn(`${what} is not transcoded: an ingest of type \`loop\` plays the file as it is`);
    }
    return outputs.map((template) => {
      const url = template.replaceAll('[vhost]', vhost).replaceAll('[port]', String(port));
      const rule =
        this.#outbound?.isLimited(template) === true && !isOwn(url, port) ? this.#outbound.rule : undefined;
      const push = { file, url, rounds: Infinity, lookup: rule?.lookup };
      return new IngestLoop(what, push, { log, restartDelayMs: this.#restartDelayMs, rule });
    });
  }
}

function transcodes({ enabled, videoCodec, audioCodec }: IngestConfig['engines'][number]): boolean {
  return enabled && [videoCodec, audioCodec].some((codec) => codec !== '' && codec !== 'copy');
}

/** Whether an output is this server itself, on this machine. */
function isOwn(url: string, port: number): boolean {
  try {
    const target = parseRtmpUrl(url);
    return target.port === port && ['127.0.0.1', '::1', 'localhost'].includes(target.host);
  } catch {
    return false;
  }
}

/** What an {@link IngestLoop} works with. */
interface IngestLoopOptions {
  readonly log: Log;
  readonly restartDelayMs: number;
  /** Undefined where the output may lead anywhere. */
  readonly rule: OutputLimit['rule'] | undefined;
}

/** One file that is played to one URL until it is stopped. */
class IngestLoop {
  readonly #what: string;
  readonly #options: FilePushOptions;
  readonly #rule: OutputLimit['rule'] | undefined;
  readonly #log: Log;
  readonly #restartDelayMs: number;
  readonly #done: Promise<void>;
  #push: FilePush | undefined;
  #stopped = false;
  #wake: (() => void) | undefined;
  /** What was logged last: a failure that goes on is told once. */
  #lastFailure = '';

  constructor(what: string, options: FilePushOptions, { log, restartDelayMs, rule }: IngestLoopOptions) {
    this.#what = what;
    this.#options = options;
    this.#rule = rule;
    this.#log = log;
    this.#restartDelayMs = restartDelayMs;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#push?.stop();
    this.#wake?.();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { file, url } = this.#options;
    while (!this.#stopped) {
      const push = new FilePush({
        ...this.#options,
        onEvent: (event) => {
          if (event.kind === 'skipped') this.#log.warn(`${this.#what}: ${file}: ${event.what} is not sent`);
          if (event.kind === 'publishing') {
            this.#lastFailure = '';
            this.#log.info(`${this.#what}: ${file} is played to ${url}`);
          }
        },
      });
      this.#push = push;
      try {
        this.#checkHost();
        await push.run();
      } catch (error) {
        this.#report(error);
      }
      if (!this.#isStopped()) await this.#rest();
    }
    this.#log.info(`${this.#what} is stopped`);
  }

  /** A method, so that the compiler expects a change across an await. */
  #isStopped(): boolean {
    return this.#stopped;
  }

  /** @throws RtmpError when the output may not lead there */
  #checkHost(): void {
    if (this.#rule === undefined) return;
    const problem = this.#rule.hostProblem(parseRtmpUrl(this.#options.url).host);
    if (problem !== undefined) throw new RtmpError('connection-failed', `it is not connected: ${problem}`);
  }

  #report(error: unknown): void {
    const known = error instanceof RtmpError || error instanceof MediaFileError;
    const reason = known ? error.message : String(error);
    const again = `tried again each ${this.#restartDelayMs / 1000} s`;
    const line = `${this.#what}: ${this.#options.file} to ${this.#options.url}: ${reason}; ${again}`;
    if (line === this.#lastFailure) {
      this.#log.debug(line);
      return;
    }
    this.#lastFailure = line;
    if (known) this.#log.error(line);
    else this.#log.error(error instanceof Error ? error : new Error(reason), line);
  }

  async #rest(): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(done, this.#restartDelayMs);
      this.#wake = done;
    });
    this.#wake = undefined;
  }
}
