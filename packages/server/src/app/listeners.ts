import { errorText } from '../error-text.ts';
import { distinctAddresses, formatListenAddress, type ListenAddress } from '../config/index.ts';
import { StartError } from './start-error.ts';

/** One kind of address that the server listens on. */
export interface ListenDoor {
  /** For people: `RTMP`. */
  readonly name: string;
  /** Where the addresses stand in a file: `http_server.listen`. */
  readonly directive: string;
  /**
   * Listens on one more address.
   *
   * @returns the address, with the port that the system chose for port 0
   * @throws the system's error, or one that has it as its cause
   */
  open(address: ListenAddress): Promise<ListenAddress>;
  /**
   * Takes no new clients on an address that `open` has answered; those that are there stay. Another door may open
   * the same port in the same turn.
   */
  close(bound: ListenAddress): void;
}

/** Where a door is to listen. */
export interface WantedAddresses {
  readonly door: ListenDoor;
  readonly addresses: readonly ListenAddress[];
}

/** Addresses that are open, but not settled: one of the two has to be called. */
export interface PreparedAddresses {
  /** Closes what is not wanted any more. */
  commit(): void;
  /** Puts everything back as it was. */
  rollback(): Promise<void>;
}

interface Listener {
  readonly door: ListenDoor;
  /** As the configuration has it. */
  readonly asked: ListenAddress;
  readonly bound: ListenAddress;
}

/** Everything that the server listens on: all that a configuration wants, or as before. */
export class Listeners {
  readonly #onError: (error: StartError) => void;
  #listeners: readonly Listener[] = [];

  /** @param onError - told when an address could not be taken back */
  constructor(onError: (error: StartError) => void) {
    this.#onError = onError;
  }

  /** Where a door listens, in the order of the configuration. */
  of(door: ListenDoor): ListenAddress[] {
    return this.#listeners.filter((listener) => listener.door === door).map(({ bound }) => bound);
  }

  /**
   * Opens what is wanted and not open yet, in order; what is not wanted any more goes on until `commit`. But where a
   * new address takes the port of an old one, that one is closed at once.
   *
   * @throws StartError when one can't be opened; then nothing has changed
   */
  async prepare(wanted: readonly WantedAddresses[]): Promise<PreparedAddresses> {
    const change = new ListenerChange(this.#listeners, this.#onError);
    const all = wanted.flatMap(({ door, addresses }) =>
      distinctAddresses(addresses).map((asked) => ({ door, asked })),
    );
    const places = change.claim(all);
    const rollback = async (): Promise<void> => {
      this.#listeners = await change.undo();
    };
    for (const [index, { door, asked }] of all.entries()) {
      try {
        places[index] ??= await change.open(door, asked);
      } catch (error) {
        await rollback();
        throw listenError(door, asked, error);
      }
    }
    const commit = (): void => {
      change.closeRest();
      this.#listeners = places.filter((listener) => listener !== undefined);
    };
    return { commit, rollback };
  }
}

/** One change of the addresses, until it is settled. */
class ListenerChange {
  readonly #before: readonly Listener[];
  readonly #onError: (error: StartError) => void;
  /** Not wanted any more, and still open. */
  readonly #surplus = new Set<Listener>();
  readonly #closed = new Set<Listener>();
  readonly #opened: Listener[] = [];

  constructor(before: readonly Listener[], onError: (error: StartError) => void) {
    this.#before = before;
    this.#onError = onError;
    for (const listener of before) this.#surplus.add(listener);
  }

  /** Finds what is open already. */
  claim(
    all: readonly { readonly door: ListenDoor; readonly asked: ListenAddress }[],
  ): (Listener | undefined)[] {
    return all.map(({ door, asked }) => {
      const text = formatListenAddress(asked);
      for (const listener of this.#surplus) {
        const names = [listener.asked, listener.bound].map(formatListenAddress);
        if (listener.door !== door || !names.includes(text)) continue;
        this.#surplus.delete(listener);
        return { ...listener, asked };
      }
      return undefined;
    });
  }

  async open(door: ListenDoor, asked: ListenAddress): Promise<Listener> {
    for (const listener of this.#surplus) {
      if (!isInTheWay(listener.bound, asked)) continue;
      listener.door.close(listener.bound);
      this.#surplus.delete(listener);
      this.#closed.add(listener);
    }
    const listener = { door, asked, bound: await door.open(asked) };
    this.#opened.push(listener);
    return listener;
  }

  closeRest(): void {
    for (const { door, bound } of this.#surplus) door.close(bound);
    this.#surplus.clear();
  }

  /** @returns what is open again */
  async undo(): Promise<Listener[]> {
    for (const { door, bound } of this.#opened.splice(0)) door.close(bound);
    for (const listener of this.#closed) {
      const { door, bound } = listener;
      try {
        await door.open(bound);
        this.#closed.delete(listener);
      } catch (error) {
        this.#onError(listenError(door, bound, error));
      }
    }
    return this.#before.filter((listener) => !this.#closed.has(listener));
  }
}

function isInTheWay(open: ListenAddress, wanted: ListenAddress): boolean {
  if (open.port !== wanted.port) return false;
  return open.host === wanted.host || isEveryAddress(open.host) || isEveryAddress(wanted.host);
}

function isEveryAddress(host: string | undefined): boolean {
  return host === undefined || host === '0.0.0.0' || host === '::';
}

function listenError({ name, directive }: ListenDoor, address: ListenAddress, error: unknown): StartError {
  const where = formatListenAddress(address);
  const code = systemCode(error);
  const cause = { cause: error };
  if (code === 'EADDRINUSE') {
    const remedy = `stop the other program or change \`${directive}\``;
    return new StartError('listen-failed', `${name} port ${where} is in use: ${remedy}`, cause);
  }
  if (code === 'EACCES') {
    const remedy = `run with the right to open it, or change \`${directive}\``;
    return new StartError('listen-failed', `${name} port ${where} may not be opened: ${remedy}`, cause);
  }
  const text = errorText(error);
  const message = `${name} can't listen on ${where} (\`${directive}\`): ${text}`;
  return new StartError('listen-failed', message, cause);
}

/** The system's error code, also from below a wrapping error. */
function systemCode(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('syscall' in at && 'code' in at && typeof at.code === 'string') return at.code;
  }
  return undefined;
}
