import type { HttpCallbacks } from '../hooks/index.ts';
import type { AccessControl, ClientAction, ClientRequest, Gates, Verdict } from '../security/index.ts';
import type { EndReason } from '../stats/index.ts';

/** The gates of all doors: the rules of the configuration first, then the callback servers (S002). */
export class ServerGates implements Gates {
  readonly #access: AccessControl;
  readonly #callbacks: HttpCallbacks;

  constructor(access: AccessControl, callbacks: HttpCallbacks) {
    this.#access = access;
    this.#callbacks = callbacks;
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
    this.#callbacks.tell({ action: action === 'play' ? 'on_stop' : 'on_unpublish', client, reason });
  }

  closed(
    client: ClientRequest,
    reason: EndReason,
    bytes: { readonly in: number; readonly out: number },
  ): void {
    this.#callbacks.tell({
      action: 'on_close',
      client,
      reason,
      sentBytes: bytes.out,
      receivedBytes: bytes.in,
    });
  }
}
