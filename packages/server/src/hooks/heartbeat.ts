import { errorText } from '../error-text.ts';
import { background } from '../background.ts';
import type { Config } from '../config/index.ts';
import type { OutboundLimit } from '../security/index.ts';
import { CallError } from './errors.ts';
import { HttpCaller, placeOf } from './http-caller.ts';
import { defaultHookLimits } from './limits.ts';
import { type HookLog, Outage } from './outage.ts';

/** What a heartbeat tells beyond its configuration. */
export interface HeartbeatSource {
  readonly serverId: string;
  readonly serviceId: string;
  /** The address of this machine that `stats { network }` picks. */
  ip(): string;
  /** The answer of `/api/v1/summaries`. */
  summaries(): unknown;
  /** The addresses that are listened on, `port` or `ip:port`. */
  ports(): Readonly<Record<'rtmp' | 'http' | 'api', readonly string[]>>;
}

/** Reports to a server in a regular interval (K007). What is answered doesn't matter. */
export class Heartbeat {
  readonly #log: HookLog;
  readonly #source: HeartbeatSource;
  readonly #timeoutMs: number;
  readonly #caller: HttpCaller;
  #timer: NodeJS.Timeout | undefined;
  #outage: Outage | undefined;
  #beating = false;

  constructor(options: {
    readonly log: HookLog;
    readonly source: HeartbeatSource;
    /** ms; default: 10,000. */
    readonly timeoutMs?: number;
    /** Default: every URL is the administrator's. */
    readonly outbound?: OutboundLimit;
  }) {
    this.#caller = new HttpCaller({
      connections: 1,
      maxOpen: 1,
      maxAnswerBytes: defaultHookLimits.maxAnswerBytes,
      outbound: options.outbound,
    });
    this.#log = options.log;
    this.#source = options.source;
    this.#timeoutMs = options.timeoutMs ?? defaultHookLimits.heartbeatTimeoutMs;
  }

  /** Beats by this configuration from now on: at once, then in its interval; not at all when it is off. */
  apply(config: Config['heartbeat']): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (!config.enabled) return;
    const outage = new Outage(this.#log, `heartbeat to ${placeOf(config.url)}`);
    this.#outage = outage;
    const beat = (): void => {
      background('heartbeat', this.#beat(config, outage));
    };
    this.#timer = setInterval(beat, config.intervalMs);
    beat();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#outage = undefined;
    await this.#caller.close();
  }

  async #beat(config: Config['heartbeat'], outage: Outage): Promise<void> {
    // A server that takes longer than the interval gets fewer beats.
    if (this.#beating) return;
    this.#beating = true;
    try {
      const body = JSON.stringify(this.#report(config));
      await this.#caller.call({ method: 'POST', url: config.url, body, timeoutMs: this.#timeoutMs });
      outage.clear();
    } catch (error) {
      if (this.#outage !== outage) return;
      const kind = error instanceof CallError ? error.code : 'internal';
      outage.raise(kind, errorText(error));
    } finally {
      this.#beating = false;
    }
  }

  #report(config: Config['heartbeat']): Readonly<Record<string, unknown>> {
    const source = this.#source;
    return {
      device_id: config.deviceId,
      ip: source.ip(),
      server: source.serverId,
      service: source.serviceId,
      pid: String(process.pid),
      ...(config.summaries ? { summaries: source.summaries() } : {}),
      ...(config.ports ? source.ports() : {}),
    };
  }
}
