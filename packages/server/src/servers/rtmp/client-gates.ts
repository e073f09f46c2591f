import type { VhostConfig } from '../../config/index.ts';
import type { ClientAction, ClientRequest, Gates, Refusal, Verdict } from '../../security/index.ts';
import type { EndReason, Session } from '../../stats/index.ts';

/** The connection that gates are asked for. */
export interface GatedConnection {
  /** Why it ends; undefined while it goes on. */
  readonly reason: EndReason | undefined;
  /** Somebody is asked, who has time limits of its own; the answer comes in a later turn. */
  onAsking(): void;
  onRefused(refusal: Refusal): void;
  /** The client has gone on, or has been refused, in a turn of its own. */
  onAnswered(): void;
  /** What was thrown on the way. */
  onFailed(error: unknown): void;
}

/** What one connection has to do with the {@link Gates}: who was let in is told of again when it leaves. */
export class ClientGates {
  readonly #gates: Gates;
  readonly #connection: GatedConnection;
  /** The client as it was let in to connect, once for each vhost that it has used: most use one. */
  #connected: readonly ClientRequest[] = [];
  /** The client as what it plays or publishes now. */
  #admitted: { readonly action: 'play' | 'publish'; readonly client: ClientRequest } | undefined;
  /** How the connection has ended. */
  #end: { readonly reason: EndReason; readonly bytes: { in: number; out: number } } | undefined;

  constructor(gates: Gates, connection: GatedConnection) {
    this.#gates = gates;
    this.#connection = connection;
  }

  /**
   * Asks the gates, and goes on at once when nobody has to be asked.
   *
   * @param param - the query of the URL, with its `?`, or empty
   * @param letIn - goes on; not called for a client that is gone meanwhile
   */
  ask(
    action: ClientAction,
    session: Session,
    vhost: VhostConfig,
    param: string,
    letIn: (client: ClientRequest) => void,
  ): void {
    const { id, ip, app, stream, tcUrl, pageUrl } = session;
    const client = { id, ip, vhost, app, stream, param, tcUrl, pageUrl };
    const verdict = this.#gates.check(action, client);
    if (!(verdict instanceof Promise)) {
      this.#decide(action, client, verdict, letIn);
      return;
    }
    this.#connection.onAsking();
    verdict.then(
      (answer) => {
        try {
          this.#decide(action, client, answer, letIn);
          if (this.#connection.reason === undefined) this.#connection.onAnswered();
        } catch (error) {
          this.#connection.onFailed(error);
        }
      },
      (error: unknown) => {
        this.#connection.onFailed(error);
      },
    );
  }

  /**
   * Asks whether an identified client may play or publish, and before that whether it may connect, if its vhost has
   * not been asked: by `on_connect_at identified`, or because the stream's name has led to another vhost.
   */
  askIdentified(
    action: 'play' | 'publish',
    session: Session,
    vhost: VhostConfig,
    param: string,
    letIn: (client: ClientRequest) => void,
  ): void {
    const ask = (): void => {
      this.ask(action, session, vhost, param, letIn);
    };
    if (this.#connected.some((client) => client.vhost.name === vhost.name)) ask();
    else this.ask('connect', session, vhost, param, ask);
  }

  /** The client that was let in to play or publish has begun to. */
  entered(): void {
    if (this.#admitted !== undefined) this.#gates.entered(this.#admitted.action, this.#admitted.client);
  }

  /** The client plays and publishes no more. */
  left(): void {
    const admitted = this.#admitted;
    this.#admitted = undefined;
    if (admitted !== undefined) {
      this.#gates.left(admitted.action, admitted.client, this.#connection.reason);
    }
  }

  /** The connection is gone. */
  closed(reason: EndReason, bytes: { in: number; out: number }): void {
    this.left();
    this.#end = { reason, bytes };
    for (const client of this.#connected) this.#gates.closed(client, reason, bytes);
  }

  #decide(
    action: ClientAction,
    client: ClientRequest,
    verdict: Verdict,
    letIn: (client: ClientRequest) => void,
  ): void {
    const isGone = this.#connection.reason !== undefined;
    if (verdict !== undefined) {
      if (!isGone) this.#connection.onRefused(verdict);
      return;
    }
    if (action === 'connect') this.#connected = [...this.#connected, client];
    else this.#admitted = { action, client };
    if (!isGone) {
      letIn(client);
      return;
    }
    // Whoever keeps count of the clients that it has let in must not count one who didn't wait for the answer.
    this.left();
    if (action === 'connect' && this.#end !== undefined) {
      this.#gates.closed(client, this.#end.reason, this.#end.bytes);
    }
  }
}
