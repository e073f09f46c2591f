/** Descriptors that the server needs for itself: those of the start, and {@link RESERVE}. */
const OWN = 64;
/** Descriptors that no client gets: logs, recordings, segments and a reload open files with them. */
const RESERVE = 32;
/** Part of {@link RESERVE} that files of clients may use: a file is opened before it is known where it lies. */
const FILE_RESERVE = 24;
/** Clients beyond `max_connections` that are let in to be refused in their protocol. */
const REFUSAL_PLACES = 16;
/** Fewer clients than that are no service. */
const LEAST_CONNECTIONS = 16;
/** An episode is over when nobody was refused for so long, ms. */
const QUIET_MS = 5000;

/** What {@link Descriptors} needs. */
export interface DescriptorsOptions {
  /** The descriptors that the system allows the process; infinity where that is not known. */
  readonly limit: () => number;
  /** Called once at the first refusal of an episode. */
  readonly onShort: (limit: number) => void;
  /** Called once when an episode is over, with what was refused in it. */
  readonly onRelieved: (refused: number) => void;
  /** Milliseconds of a monotonic clock. Default: the process's. */
  readonly now?: () => number;
}

/** How the start goes with the descriptors that there are. */
export type DescriptorNeed =
  | { readonly kind: 'enough' }
  /** Clients that fit; all could not have a file at the same time. */
  | { readonly kind: 'short'; readonly connections: number; readonly wanted: number }
  | { readonly kind: 'too-few'; readonly wanted: number };

/**
 * Compares `max_connections` with the descriptors of the process (R002). A client takes up to two: its socket, and the
 * file that it is sent.
 */
export function descriptorNeed(maxConnections: number, limit: number): DescriptorNeed {
  const wanted = 2 * maxConnections + REFUSAL_PLACES + OWN;
  if (wanted <= limit) return { kind: 'enough' };
  const connections = Math.min(maxConnections, connectionsWithin(limit));
  if (maxConnections > limit || connections < Math.min(maxConnections, LEAST_CONNECTIONS)) {
    return { kind: 'too-few', wanted };
  }
  return { kind: 'short', connections, wanted };
}

/** The most connections that so many descriptors allow, without any file. */
export function connectionsWithin(limit: number): number {
  return Math.max(0, limit - OWN - REFUSAL_PLACES);
}

/**
 * Keeps clients from taking the last descriptors. Without a reserve, accept() itself fails (EMFILE), the system closes
 * new connections unseen, and every file that the server opens for itself fails as well. The system gives the lowest
 * free number, so the number of a new descriptor tells how many are in use at least.
 */
export class Descriptors {
  readonly #options: DescriptorsOptions;
  readonly #now: () => number;
  #limit: number;
  #files = 0;
  #refused = 0;
  #refusedInEpisode = 0;
  #lastRefusalAt = Number.NEGATIVE_INFINITY;

  constructor(options: DescriptorsOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#limit = options.limit();
  }

  /** The descriptors of the process, as they were at the last {@link refresh}. */
  get limit(): number {
    return this.#limit;
  }

  /** Clients and files that were refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Reads the limit again. Where it cannot be read the former one stays. */
  refresh(): void {
    const limit = this.#options.limit();
    if (Number.isFinite(limit)) this.#limit = limit;
  }

  /**
   * Whether a client may keep its connection.
   *
   * @param descriptor - of the accepted socket; undefined where it is not known
   */
  admits(descriptor: number | undefined): boolean {
    if (descriptor !== undefined && descriptor >= this.#limit - RESERVE) {
      this.refuse();
      return false;
    }
    if (this.#refusedInEpisode > 0) this.#endEpisode();
    return true;
  }

  /**
   * Takes a place for a file that a client is sent; {@link releaseFile} gives it back.
   *
   * @param connections - that are open
   */
  takeFile(connections: number): boolean {
    if (connections + this.#files + OWN > this.#limit) {
      this.refuse();
      return false;
    }
    this.#files += 1;
    return true;
  }

  releaseFile(): void {
    this.#files -= 1;
  }

  /** Whether a file that was opened for a client may stay open. */
  fitsFile(descriptor: number): boolean {
    if (descriptor < this.#limit - RESERVE + FILE_RESERVE) return true;
    this.refuse();
    return false;
  }

  /** Counts what was refused, also by the system itself. */
  refuse(): void {
    this.#refused += 1;
    this.#refusedInEpisode += 1;
    this.#lastRefusalAt = this.#now();
    if (this.#refusedInEpisode === 1) this.#options.onShort(this.#limit);
  }

  #endEpisode(): void {
    if (this.#now() - this.#lastRefusalAt < QUIET_MS) return;
    const refused = this.#refusedInEpisode;
    this.#refusedInEpisode = 0;
    this.#options.onRelieved(refused);
  }
}

/**
 * The descriptor of a socket that was just accepted; undefined where Node does not tell.
 *
 * @param socket - a `net.Socket`, whose handle has the number
 */
export function descriptorOf(socket: object): number | undefined {
  const handle: unknown = '_handle' in socket ? socket._handle : undefined;
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) return undefined;
  return typeof handle.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined;
}

/** Whether the system has refused a descriptor: to the process (EMFILE) or to all of them (ENFILE). */
export function isOutOfDescriptors(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE');
}
