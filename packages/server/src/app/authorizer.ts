import type { Authorizer } from '../clients/index.ts';
import type { VhostConfig } from '../config/index.ts';
import type { HttpCallbacks } from '../hooks/index.ts';
import type { StreamId } from '../live/index.ts';
import type { AccessControl, ClientAction, ClientRequest, Verdict } from '../security/index.ts';
import type { EndReason } from '../stats/index.ts';

/** The files of streams. */
export interface StreamFiles {
  /** Resolves when those of a stream that has ended are told of, or soon; undefined when they are. Never rejects. */
  settled(id: StreamId): Promise<void> | undefined;
}

/** Authorizes the clients of all protocols: by the rules of the configuration first, then the callback servers (S002). */
export class ServerAuthorizer implements Authorizer {
  readonly #access: AccessControl;
  readonly #callbacks: HttpCallbacks;
  readonly #files: StreamFiles;
  readonly #current: (vhost: VhostConfig) => VhostConfig;
  /** Clients whose end is told after the files of their stream. */
  readonly #waiting = new Map<string, Promise<void>>();

  /** @param current - a vhost as it is configured now */
  constructor(
    access: AccessControl,
    callbacks: HttpCallbacks,
    files: StreamFiles,
    current: (vhost: VhostConfig) => VhostConfig,
  ) {
    this.#access = access;
    this.#callbacks = callbacks;
    this.#files = files;
    this.#current = current;
  }

  /** Resolves when every end is told. */
  async settled(): Promise<void> {
    while (this.#waiting.size > 0) await Promise.all(this.#waiting.values());
  }

  check(action: ClientAction, client: ClientRequest): Verdict | Promise<Verdict> {
    const verdict = this.#access.check(action, client);
    if (verdict instanceof Promise) {
      return verdict.then((answer) => answer ?? this.#callbacks.check(action, client));
    }
    return verdict ?? this.#callbacks.check(action, client);
  }

  began(action: 'play' | 'publish', client: ClientRequest): void {
    if (action === 'publish') this.#callbacks.published(client);
  }

  /** The end of a publish is told after its files: on_hls, on_dvr, then on_unpublish and on_close (K008). */
  ended(action: 'play' | 'publish', client: ClientRequest, reason: EndReason | undefined): void {
    const isPublisher = action === 'publish';
    const files = isPublisher && client.vhost.httpHooks.enabled ? this.#filesOf(client) : undefined;
    this.#tellAfter(client.id, files, () => {
      const event = isPublisher ? 'on_unpublish' : 'on_stop';
      this.#callbacks.tell({ action: event, client: this.#now(client), reason });
    });
  }

  closed(
    client: ClientRequest,
    reason: EndReason,
    bytes: { readonly in: number; readonly out: number },
  ): void {
    this.#tellAfter(client.id, undefined, () => {
      this.#callbacks.tell({
        action: 'on_close',
        client: this.#now(client),
        reason,
        sentBytes: bytes.out,
        receivedBytes: bytes.in,
      });
    });
  }

  #filesOf({ vhost, app, stream }: ClientRequest): Promise<void> | undefined {
    return this.#files.settled({ vhost: vhost.name, app, stream });
  }

  /** Tells at once, or in the client's own order when something has to be waited for. */
  #tellAfter(clientId: string, files: Promise<void> | undefined, tell: () => void): void {
    const before = this.#waiting.get(clientId);
    if (files === undefined && before === undefined) {
      tell();
      return;
    }
    const told = Promise.all([before, files]).then(() => {
      tell();
      if (this.#waiting.get(clientId) === told) this.#waiting.delete(clientId);
    });
    this.#waiting.set(clientId, told);
  }

  /** Callbacks go where the configuration says when they are made: a reload may lie behind the client. */
  #now(client: ClientRequest): ClientRequest {
    const vhost = this.#current(client.vhost);
    return vhost === client.vhost ? client : { ...client, vhost };
  }
}
