/** What a stop may cost: players may finish, or connections are ended in order, at once. */
export type StopKind = 'graceful' | 'fast';

/** The first wish to stop. */
export interface StopRequest {
  readonly kind: StopKind;
  /** Who asked, for the log: a signal's name. */
  readonly by: string;
}

/** What stop requests need. */
export interface StopRequestsOptions {
  /** `force_grace_quit`: SIGTERM is graceful, too. Read at each signal. Default: off. */
  readonly forceGraceful?: () => boolean;
  /** Somebody asks again while the server ends its connections already: the process is to end as it is. */
  readonly onImpatience: (by: string) => void;
}

/** Signals that ask for a stop; what is not here has another meaning. */
const stopSignals = {
  SIGTERM: 'fast',
  SIGINT: 'fast',
  SIGUSR2: 'fast',
  SIGQUIT: 'graceful',
} as const satisfies Partial<Record<NodeJS.Signals, StopKind>>;

type StopSignal = keyof typeof stopSignals;

/**
 * The wishes to stop (G003). The first one says how; each one after it makes the stop more urgent: graceful, fast,
 * at once.
 */
export class StopRequests {
  readonly #options: StopRequestsOptions;
  readonly #first: Promise<StopRequest>;
  readonly #hurry = new AbortController();
  #resolve: (request: StopRequest) => void = () => {};
  #asked = false;

  constructor(options: StopRequestsOptions) {
    this.#options = options;
    this.#first = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Fulfilled when somebody asks for the first time. */
  get first(): Promise<StopRequest> {
    return this.#first;
  }

  /** Aborted when the stop has to be a fast one. */
  get hurry(): AbortSignal {
    return this.#hurry.signal;
  }

  ask(kind: StopKind, by: string): void {
    if (!this.#asked) {
      this.#asked = true;
      if (kind === 'fast') this.#hurry.abort();
      this.#resolve({ kind, by });
    } else if (!this.#hurry.signal.aborted) {
      this.#hurry.abort();
    } else {
      this.#options.onImpatience(by);
    }
  }

  /**
   * Asks at each stop signal of the process.
   *
   * @returns stops to listen for them
   */
  listen(source: NodeJS.EventEmitter = process): () => void {
    const listeners = Object.entries(stopSignals).map(([name, kind]) => {
      const listener = (): void => {
        this.ask(this.#kindOf(name as StopSignal, kind), name);
      };
      source.on(name, listener);
      return () => source.off(name, listener);
    });
    return () => {
      for (const forget of listeners) forget();
    };
  }

  #kindOf(name: StopSignal, kind: StopKind): StopKind {
    return name === 'SIGTERM' && this.#options.forceGraceful?.() === true ? 'graceful' : kind;
  }
}
