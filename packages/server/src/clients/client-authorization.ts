import type { ClientAction, ClientRequest, Verdict } from '../security/index.ts';
import type { EndReason } from '../stats/index.ts';
import type { Authorizer } from './authorizer.ts';

/** The client that a {@link ClientAuthorization} is for. */
export interface AuthorizedClient {
  /** Why it ends; undefined while it goes on. */
  readonly reason: EndReason | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  end(reason: EndReason, detail?: string): void;
  fail(error: unknown): void;
  /** Somebody outside the process is asked; the answer comes in a later turn. */
  onWaiting(): void;
  /** It goes on after such an answer. */
  onAnswered(): void;
}

/** What one client was admitted to: each admission is reported again when it is over, once. */
export class ClientAuthorization {
  readonly #authorizer: Authorizer;
  readonly #client: AuthorizedClient;
  /** As it was admitted to connect, once for each vhost that it has used: most use one. */
  #connected: readonly ClientRequest[] = [];
  #admitted: { readonly action: 'play' | 'publish'; readonly request: ClientRequest } | undefined;
  #isWaiting = false;
  /** How it ended, once its connection is gone. */
  #closedBy: EndReason | undefined;

  constructor(authorizer: Authorizer, client: AuthorizedClient) {
    this.#authorizer = authorizer;
    this.#client = client;
  }

  /** An answer is still to come. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Whether it was admitted to connect to the vhost. */
  isConnected(vhostName: string): boolean {
    return this.#connected.some(({ vhost }) => vhost.name === vhostName);
  }

  /** The request by which it was admitted. @throws Error when it was not, or is no longer */
  admittedTo(action: 'play' | 'publish'): ClientRequest {
    if (this.#admitted?.action === action) return this.#admitted.request;
    throw new Error(`the client has not been admitted to ${action}`);
  }

  /**
   * Asks the authorizer, and goes on at once when nobody has to be asked.
   *
   * @param next - not called for a client that is refused, which is ended, or that is gone meanwhile
   */
  check(action: ClientAction, request: ClientRequest, next: () => void): void {
    const verdict = this.#authorizer.check(action, request);
    if (!(verdict instanceof Promise)) {
      this.#decide(action, request, verdict, next);
      return;
    }
    this.#isWaiting = true;
    this.#client.onWaiting();
    verdict
      .then((answer) => {
        this.#isWaiting = false;
        this.#decide(action, request, answer, next);
        if (this.#client.reason === undefined) this.#client.onAnswered();
      })
      .catch((error: unknown) => {
        this.#client.fail(error);
      });
  }

  /** It was admitted to play by somebody who asked for it. */
  adopt(request: ClientRequest): void {
    this.#admitted = { action: 'play', request };
  }

  /** It begins what it was admitted to. */
  began(): void {
    if (this.#admitted !== undefined) this.#authorizer.began(this.#admitted.action, this.#admitted.request);
  }

  /** It no longer plays or publishes. Idempotent. */
  ended(): void {
    const admitted = this.#admitted;
    this.#admitted = undefined;
    if (admitted !== undefined) {
      this.#authorizer.ended(admitted.action, admitted.request, this.#client.reason);
    }
  }

  /** Its connection is gone. */
  closed(reason: EndReason): void {
    this.ended();
    this.#closedBy = reason;
    for (const request of this.#connected) this.#reportClosed(request, reason);
  }

  #decide(action: ClientAction, request: ClientRequest, verdict: Verdict, next: () => void): void {
    if (verdict !== undefined) {
      // Without effect where the client is gone already.
      this.#client.end(verdict.reason, verdict.detail);
      return;
    }
    if (action === 'connect') this.#connected = [...this.#connected, request];
    else this.#admitted = { action, request };
    if (this.#client.reason === undefined) {
      next();
      return;
    }
    // Whoever counts the clients that it has admitted must not count one who didn't wait for the answer.
    this.ended();
    if (action === 'connect' && this.#closedBy !== undefined) this.#reportClosed(request, this.#closedBy);
  }

  #reportClosed(request: ClientRequest, reason: EndReason): void {
    const { bytesIn, bytesOut } = this.#client;
    this.#authorizer.closed(request, reason, { in: bytesIn, out: bytesOut });
  }
}
