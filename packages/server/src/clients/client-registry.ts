import { newSessionId } from '../log/index.ts';
import type { ClientAction, ClientRequest, Verdict } from '../security/index.ts';
import type { AdmissionRefusal, EndReason } from '../stats/index.ts';
import { Client, type ClientOwner } from './client.ts';
import type { ClientsContext } from './context.ts';
import { clientTimes } from './limits.ts';
import type { ClientOptions } from './options.ts';
import { refusalByVhost } from './rules.ts';

/** All clients of a server, of every protocol, each from its connection to its closing log line. */
export class ClientRegistry {
  readonly #context: ClientsContext;
  readonly #clients = new Map<string, Client>();
  readonly #publishing = new Set<Client>();
  readonly #owner: ClientOwner;
  #stopping: EndReason | undefined;
  #onEmpty: (() => void)[] = [];
  #sweeper: NodeJS.Timeout | undefined;
  #refused = 0;
  #refusedLoggedAt = Number.NEGATIVE_INFINITY;

  constructor(context: ClientsContext) {
    this.#context = context;
    this.#owner = {
      stopping: () => this.#stopping,
      beganPublishing: (client) => {
        this.#publishing.add(client);
        this.#sweeper ??= setInterval(() => {
          this.#sweep();
        }, clientTimes.sweepInterval);
      },
      stoppedPublishing: (client) => {
        this.#publishing.delete(client);
        if (this.#publishing.size === 0) this.#stopSweeper();
      },
      closed: (client) => {
        this.#clients.delete(client.id);
        if (this.#clients.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
      },
    };
  }

  get size(): number {
    return this.#clients.size;
  }

  /** {@link endAll} has been called: nobody begins to play or to publish any more. */
  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  get(id: string): Client | undefined {
    return this.#clients.get(id);
  }

  /** Every client, in the order in which they came. */
  all(): IterableIterator<Client> {
    return this.#clients.values();
  }

  /**
   * Counts a connection against the limits of the server and of its address, before anything is read of it.
   *
   * @param descriptor - of the accepted socket; undefined where it is not known
   * @returns why it is not taken; undefined when it is, until {@link release} with the same address
   */
  admit(ip: string, descriptor?: number): AdmissionRefusal | undefined {
    const refusal = this.#context.admission.admit(ip, descriptor);
    // A limit of the address is logged by who counts it.
    if (refusal === 'too-many-connections') this.#logRefusal();
    return refusal;
  }

  /** A connection that {@link admit} has counted is gone. */
  release(ip: string): void {
    this.#context.admission.release(ip);
  }

  /** A listener could not accept a connection: the system has no descriptor for it. */
  refusedBySystem(): void {
    this.#context.admission.refusedBySystem();
  }

  /**
   * A client has come; the registry has it until {@link Client.closed}.
   *
   * @throws Error when there is a client with its id already
   */
  open(options: ClientOptions): Client {
    const id = options.id ?? newSessionId();
    if (this.#clients.has(id)) throw new Error(`there is a client with the id ${id} already`);
    const client = new Client(id, options, this.#context, this.#owner);
    this.#clients.set(id, client);
    return client;
  }

  /**
   * Whether somebody may play or publish who has no client (yet): a request for a file. One that is admitted has to
   * begin ({@link Client.startFetching}) or be dismissed.
   */
  authorize(action: ClientAction, request: ClientRequest): Verdict | Promise<Verdict> {
    const refusal = refusalByVhost(action, request, this.#context.nameProblem);
    return refusal ?? this.#context.authorizer.check(action, request);
  }

  /** Reports the end of a play that was admitted by {@link authorize} and is not counted: a file has no end. */
  dismiss(request: ClientRequest): void {
    this.#context.authorizer.ended('play', request, undefined);
  }

  /** Ends a client by its id, with the reason `kicked`; false when there is none. */
  kick(id: string): boolean {
    const client = this.#clients.get(id);
    client?.end('kicked');
    return client !== undefined;
  }

  /** The configuration has changed: clients go on by it, or go with their vhost or mount (C006, H014). */
  reconfigure(): void {
    const ends = [];
    for (const client of this.#clients.values()) {
      const problem = client.reason === undefined ? client.reconfigure() : undefined;
      if (problem === undefined) continue;
      client.expectEnd(problem.reason, problem.detail);
      ends.push(client);
    }
    this.#endExpected(ends);
  }

  /** Ends every client, and each one that begins something later. */
  endAll(reason: EndReason): void {
    this.#stopping = reason;
    const clients = [...this.#clients.values()];
    for (const client of clients) client.expectEnd(reason);
    this.#endExpected(clients);
  }

  /** Resolves as soon as no client is left. */
  async allClosed(): Promise<void> {
    if (this.#clients.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty.push(resolve);
    });
  }

  /** Publishers go first, so that players get what was published last; each has its own reason all the same. */
  #endExpected(clients: readonly Client[]): void {
    const publishing = clients.filter((client) => this.#publishing.has(client));
    for (const client of [...publishing, ...clients]) {
      try {
        client.endAsExpected();
      } catch (error) {
        // The others end all the same.
        client.log.error(error);
      }
    }
  }

  #sweep(): void {
    const now = performance.now();
    for (const client of this.#publishing) client.checkSilence(now);
  }

  #stopSweeper(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  #logRefusal(): void {
    this.#refused += 1;
    const now = performance.now();
    if (now - this.#refusedLoggedAt < clientTimes.refusalLogInterval) return;
    const { admission, log, maxConnections } = this.#context;
    const { limit } = admission;
    const allowed = limit < maxConnections() ? `the ${limit} that the open files allow` : String(limit);
    log.warn(`refused ${this.#refused} connections: max_connections ${allowed} is reached`);
    this.#refused = 0;
    this.#refusedLoggedAt = now;
  }
}
