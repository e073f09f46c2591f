import { closeUnwantedDebugger } from './unwanted-debugger.ts';

/**
 * Signals whose default action would end the process without a line, or open Node's debugger (SIGUSR1). Signals of
 * faults of the program itself (SIGSEGV, SIGABRT) and SIGPROF, which profilers use, keep their default action.
 */
const held = ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGINT', 'SIGTERM', 'SIGQUIT'] as const;
const withoutMeaning = [
  'SIGALRM',
  'SIGVTALRM',
  'SIGIO',
  'SIGPWR',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGSTKFLT',
] as const;

type SignalSource = Pick<NodeJS.Process, 'on' | 'off' | 'emit' | 'kill' | 'pid'>;
type HeldSignal = (typeof held)[number];

/**
 * Keeps the signals that arrive before the server can act on them. Created before anything else is loaded. Each kind
 * is kept once, in the order of arrival.
 */
export class EarlySignals {
  readonly #source: SignalSource;
  readonly #kept = new Set<HeldSignal>();
  readonly #keep = (signal: NodeJS.Signals): void => {
    this.#kept.add(signal as HeldSignal);
  };
  readonly #ignore = (): void => {};

  constructor(source: SignalSource = process) {
    this.#source = source;
    for (const signal of held) source.on(signal, this.#keep);
    for (const signal of withoutMeaning) {
      if (process.platform === 'linux') source.on(signal, this.#ignore);
    }
    closeUnwantedDebugger();
  }

  /**
   * The server's own listeners of these signals are there: they get what was kept. The process keeps a listener for each signal until
   * its end, so that no signal has its default action while the server stops.
   */
  passOn(signals: readonly HeldSignal[] = held): void {
    for (const signal of signals) {
      this.#source.on(signal, this.#ignore);
      this.#source.off(signal, this.#keep);
    }
    // Node may have taken a signal before there was a listener, and act on it a moment later.
    closeUnwantedDebugger();
    const kept = [...this.#kept].filter((signal) => signals.includes(signal));
    for (const signal of kept) {
      this.#kept.delete(signal);
      this.#source.emit(signal, signal);
    }
  }

  /** The process is not a server: signals have their default action again, those that were kept included. */
  release(): void {
    for (const signal of held) this.#source.off(signal, this.#keep);
    for (const signal of withoutMeaning) this.#source.off(signal, this.#ignore);
    for (const signal of this.#kept) this.#source.kill(this.#source.pid, signal);
    this.#kept.clear();
  }
}
