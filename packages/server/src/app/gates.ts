import type { VhostConfig } from '../config/index.ts';
import type { HttpCallbacks } from '../hooks/index.ts';
import type { AccessControl, ClientAction, ClientRequest, Gates, Verdict } from '../security/index.ts';
import type { EndReason } from '../stats/index.ts';

/** The gates of all doors: the rules of the configuration first, then the callback servers (S002). */
export class ServerGates implements Gates {
  readonly #access: AccessControl;
  readonly #callbacks: HttpCallbacks;
  readonly #current: (vhost: VhostConfig) => VhostConfig;

  /** @param current - a vhost as it is configured now */
  constructor(access: AccessControl, callbacks: HttpCallbacks, current: (vhost: VhostConfig) => VhostConfig) {
    this.#access = access;
    this.#callbacks = callbacks;
    this.#current = current;
  }

  check(action: ClientAction, client: ClientRequest): Verdict | Promise<Verdict> {
    const verdict = this.#access.check(action, client);
    if (verdict instanceof Promise) {
      return verdict.then((answer) => answer ?? this.#callbacks.check(action, client));
    }
    return verdict ?? this.#callbacks.check(action, client);
  }

  entered(action: 'play' | 'publish', client: ClientRequest): void {
    if (action === 'publish') this.#callbacks.published(client);
  }

  left(action: 'play' | 'publish', client: ClientRequest, reason: EndReason | undefined): void {
    this.#callbacks.tell({
      action: action === 'play' ? 'on_stop' : 'on_unpublish',
      client: this.#now(client),
      reason,
    });
  }

  closed(
    client: ClientRequest,
    reason: EndReason,
    bytes: { readonly in: number; readonly out: number },
  ): void {
    this.#callbacks.tell({
      action: 'on_close',
      client: this.#now(client),
      reason,
      sentBytes: bytes.out,
      receivedBytes: bytes.in,
    });
  }

  /** Callbacks go where the configuration says when they are made: a reload may lie behind the client. */
  #now(client: ClientRequest): ClientRequest {
    const vhost = this.#current(client.vhost);
    return vhost === client.vhost ? client : { ...client, vhost };
  }
}
