import { errorText } from '../error-text.ts';
import type { VhostConfig } from '../config/index.ts';
import type { LiveStream, Player } from '../live/index.ts';
import { endSession, type Log } from '../log/index.ts';
import type { ClientAction, ClientRequest } from '../security/index.ts';
import { type EndReason, endReasons, type Session, type SessionType } from '../stats/index.ts';
import type { ActivePublish } from './active-publish.ts';
import { type AuthorizedClient, ClientAuthorization } from './client-authorization.ts';
import type { ClientsContext } from './context.ts';
import { clientTimes } from './limits.ts';
import type { ClientOptions, PlayOptions } from './options.ts';
import { refusalByVhost } from './rules.ts';
import { type StreamEnd, StreamUse, type StreamUser } from './stream-use.ts';
import type {
  ClientEnd,
  ClientFailure,
  ClientTarget,
  ClientTransport,
  PeerDetails,
  StreamTarget,
} from './transport.ts';

/** What a client does to the registry that it is in. */
export interface ClientOwner {
  /** The reason to end a client that wants to begin something, while the server stops. */
  stopping(): EndReason | undefined;
  beganPublishing(client: Client): void;
  stoppedPublishing(client: Client): void;
  closed(client: Client): void;
}

/**
 * One client from its connection to its closing log line, whatever its protocol. The protocol asks to connect, play and
 * publish, and is called back once the client is admitted, in the same turn where nobody outside the process has to be
 * asked; a client that is refused is ended instead. One reason ends it: the first one given.
 */
export class Client implements Session, AuthorizedClient, StreamUser {
  readonly id: string;
  readonly ip: string;
  readonly startedAt = Date.now();
  readonly since = performance.now();
  readonly #context: ClientsContext;
  readonly #owner: ClientOwner;
  readonly #transport: ClientTransport;
  readonly #hasConnect: boolean;
  readonly #release: (() => void) | undefined;
  #type: SessionType = 'unknown';
  #publish = false;
  #vhost = '';
  #app = '';
  #stream = '';
  #tcUrl = '';
  #pageUrl = '';
  #swfUrl = '';
  readonly #authorization: ClientAuthorization;
  readonly #use: StreamUse;
  #expectedEnd: ClientFailure | undefined;
  #end: ClientEnd | undefined;
  #isClosed = false;

  /** Made by {@link ClientRegistry.open}. */
  constructor(id: string, options: ClientOptions, context: ClientsContext, owner: ClientOwner) {
    this.id = id;
    this.ip = options.ip;
    this.#context = context;
    this.#owner = owner;
    this.#transport = options.transport;
    this.#hasConnect = options.hasConnect ?? false;
    this.#release = options.release;
    this.#authorization = new ClientAuthorization(context.authorizer, this);
    this.#use = new StreamUse(this);
    this.describe(options);
  }

  get type(): SessionType {
    return this.#type;
  }

  get publish(): boolean {
    return this.#publish;
  }

  /** The name of its vhost; empty until it has named one that is served. */
  get vhost(): string {
    return this.#vhost;
  }

  get app(): string {
    return this.#app;
  }

  get stream(): string {
    return this.#stream;
  }

  get tcUrl(): string {
    return this.#tcUrl;
  }

  get pageUrl(): string {
    return this.#pageUrl;
  }

  get swfUrl(): string {
    return this.#swfUrl;
  }

  get bytesIn(): number {
    return this.#transport.bytesIn;
  }

  get bytesOut(): number {
    return this.#transport.bytesOut;
  }

  get droppedFrames(): number {
    return this.#use.droppedFrames;
  }

  get videoFrames(): number {
    return this.#use.videoFrames;
  }

  get source(): string | undefined {
    return this.#use.source;
  }

  /** Why it ends; undefined while it goes on. */
  get reason(): EndReason | undefined {
    return this.#end?.reason;
  }

  /** The connection's own log. */
  get log(): Log {
    return this.#context.log.child({ id: this.id, ip: this.ip });
  }

  /** What it plays. */
  get player(): Player | undefined {
    return this.#use.player;
  }

  /** Notes what the peer says of itself. */
  describe({ tcUrl, pageUrl, swfUrl }: PeerDetails): void {
    this.#tcUrl = tcUrl ?? this.#tcUrl;
    this.#pageUrl = pageUrl ?? this.#pageUrl;
    this.#swfUrl = swfUrl ?? this.#swfUrl;
  }

  /**
   * Asks whether it may connect to a vhost; only where the protocol has such a step. With `on_connect_at identified`
   * the callback is asked later, when the stream is known.
   */
  connect(target: ClientTarget, admitted: (vhost: VhostConfig) => void): void {
    const vhost = this.#resolve({ ...target, stream: '' }, 'connect', this.#type);
    if (vhost === undefined) return;
    if (!this.#hasConnect || vhost.httpHooks.onConnectAt === 'identified') {
      admitted(vhost);
      return;
    }
    this.#stream = target.stream;
    this.#authorization.check('connect', this.#request(vhost, target.param), () => {
      admitted(vhost);
    });
  }

  /** Asks whether it may play; {@link startPlay} has to follow in `admitted`, or an end. */
  play(target: StreamTarget, admitted: (vhost: VhostConfig) => void): void {
    this.#enter('play', target, admitted);
  }

  /** Asks whether it may publish; {@link startPublish} has to follow in `admitted`, or an end. */
  publishTo(target: StreamTarget, admitted: (vhost: VhostConfig) => void): void {
    this.#enter('publish', target, admitted);
  }

  /**
   * Plays the stream that it was admitted to: it is in the statistics from now on.
   *
   * @throws Error when it was not admitted to play
   */
  startPlay(options: PlayOptions): Player {
    const stream = this.#openStream('play');
    const { publisherId, key } = stream;
    const what = `${options.name ?? this.#type} ${key}${options.via === undefined ? '' : ` ${options.via}`}`;
    const source = publisherId === undefined ? 'nobody publishes yet' : `source ${publisherId}`;
    this.log.info(`${what} from ${this.ip}, ${source}`);
    this.#begin();
    return this.#use.play(stream, options);
  }

  /**
   * Is a client of files, which follow each other without a connection, of the stream that it was admitted to by
   * {@link ClientRegistry.authorize}: it is in the statistics from now on.
   */
  startFetching(request: ClientRequest, type: SessionType): void {
    this.#type = type;
    this.#vhost = request.vhost.name;
    this.#app = request.app;
    this.#stream = request.stream;
    this.#authorization.adopt(request);
    const id = this.#streamId;
    const publisher = this.#context.hub.find(id)?.publisherId;
    const source = publisher === undefined ? 'nobody publishes now' : `source ${publisher}`;
    this.log.info(`${type} ${id.vhost}/${id.app}/${id.stream} from ${this.ip}, ${source}`);
    this.#begin();
  }

  /**
   * Publishes the stream that it was admitted to, at once or, when another one has it, after a short wait.
   *
   * @param published - goes on the air
   * @throws Error when it was not admitted to publish
   */
  startPublish(published: (publishing: ActivePublish, vhost: VhostConfig) => void): void {
    const open = (): LiveStream => this.#openStream('publish');
    const config = (): VhostConfig['publish'] => this.#currentVhost().publish;
    this.#use.publish(open, config, {
      published: (publishing) => {
        this.log.info(`${this.#type} ${this.#vhost}/${this.#app}/${this.#stream} from ${this.ip}`);
        this.#publish = true;
        this.#begin();
        this.#owner.beganPublishing(this);
        published(publishing, this.#currentVhost());
      },
      waits: (message) => {
        this.log.info(`${message}; waiting ${clientTimes.busyWait} ms for it`);
      },
      busy: (message) => {
        this.end('stream-busy', message, message);
      },
    });
  }

  /** Ends what it plays or publishes; the connection itself may go on. Idempotent. */
  leave(): void {
    const wasPublishing = this.#use.publishing !== undefined;
    this.#context.sessions.remove(this);
    this.#use.leave();
    if (wasPublishing) this.#owner.stoppedPublishing(this);
    this.#authorization.ended();
  }

  /**
   * Ends the client. The first reason given is the one that counts.
   *
   * @param publicText - what the peer is told: by default the kind of reason only, as the detail may name our own servers
   */
  end(reason: EndReason, detail?: string, publicText: string = endReasons[reason]): void {
    this.#endWith(reason, { detail, publicText });
  }

  /** Ends the client because of an error that was thrown on its behalf. */
  fail(error: unknown): void {
    const failure = this.#transport.failureOf?.(error);
    if (failure === undefined) {
      this.log.error(error);
      this.end('internal-error', errorText(error));
    } else {
      this.end(failure.reason, failure.detail);
    }
  }

  /** {@link endAsExpected} follows in this turn: this reason counts, also when its publisher's end takes it along. */
  expectEnd(reason: EndReason, detail?: string): void {
    this.#expectedEnd = { reason, detail };
  }

  /** Ends as {@link expectEnd} said. */
  endAsExpected(): void {
    if (this.#expectedEnd !== undefined) this.end(this.#expectedEnd.reason);
  }

  /** See {@link StreamUser.onStreamEnd}. */
  onStreamEnd({ reason, ...rest }: StreamEnd): void {
    this.#endWith(reason, rest);
  }

  /** See {@link AuthorizedClient.onWaiting}. */
  onWaiting(): void {
    this.#transport.onWaiting?.();
  }

  /** See {@link AuthorizedClient.onAnswered}. */
  onAnswered(): void {
    // A reload may lie between question and answer.
    const problem = this.reconfigure();
    if (problem !== undefined) this.end(problem.reason, problem.detail);
    // What was held back meanwhile is not followed by the flush of a read.
    this.#use.publishing?.flush();
  }

  /** The connection is gone. Idempotent. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const end = this.#end ?? {
      reason: 'closed-by-peer',
      publicText: endReasons['closed-by-peer'],
      isStreamEnd: false,
    };
    this.#end = end;
    this.leave();
    this.#authorization.closed(end.reason);
    endSession(this, {
      reason: end.reason,
      detail: end.detail,
      log: this.log,
      ended: this.#context.sessions.ended,
    });
    this.#release?.();
    this.#owner.closed(this);
  }

  /** Looks whether it has published nothing for too long. `now` is ms of the monotonic clock. */
  checkSilence(now: number): void {
    const overdue = this.#use.publishing?.overdue(now);
    if (overdue !== undefined) this.end(overdue);
  }

  /**
   * Applies another configuration of its vhost.
   *
   * @returns the reason to end it; undefined when it goes on
   */
  reconfigure(): ClientFailure | undefined {
    if (this.#vhost === '') return undefined;
    const vhost = this.#context.findVhost(this.#vhost);
    if (vhost?.name !== this.#vhost) {
      return { reason: 'vhost-not-found', detail: `vhost ${this.#vhost} was removed or switched off` };
    }
    this.#use.publishing?.configure(vhost.publish);
    return this.#transport.configure?.(vhost);
  }

  get #streamId() {
    return { vhost: this.#vhost, app: this.#app, stream: this.#stream };
  }

  #enter(action: 'play' | 'publish', target: StreamTarget, admitted: (vhost: VhostConfig) => void): void {
    if (this.#authorization.isWaiting) {
      this.end('protocol-error', `${action} before the answer to what it asked before`);
      return;
    }
    this.leave();
    this.#publish = false;
    const vhost = this.#resolve(target, action, target.type);
    if (vhost === undefined) return;
    const ask = (): void => {
      const request = this.#request(vhost, target.param);
      this.#authorization.check(action, request, () => {
        admitted(vhost);
      });
    };
    // Its vhost has not been asked yet with `on_connect_at identified`, or where the stream's name led to another vhost.
    if (!this.#hasConnect || this.#authorization.isConnected(vhost.name)) ask();
    else this.#authorization.check('connect', this.#request(vhost, target.param), ask);
  }

  /** Takes the names over; undefined when the vhost alone decides that it can't be, which has ended the client. */
  #resolve(
    { host, app, stream }: ClientTarget,
    action: ClientAction,
    type: SessionType,
  ): VhostConfig | undefined {
    this.#type = type;
    this.#app = app;
    this.#stream = stream;
    const stopping = this.#owner.stopping();
    if (stopping !== undefined) {
      this.end(stopping);
      return undefined;
    }
    const vhost = this.#context.findVhost(host);
    if (vhost === undefined) {
      const text = `vhost ${host} is not served here`;
      this.end('vhost-not-found', text, text);
      return undefined;
    }
    this.#vhost = vhost.name;
    const names = { vhost, app, stream, pageUrl: this.#pageUrl };
    const refusal = refusalByVhost(action, names, this.#context.nameProblem);
    if (refusal === undefined) return vhost;
    this.end(refusal.reason, refusal.detail, refusal.detail);
    return undefined;
  }

  #request(vhost: VhostConfig, param: string): ClientRequest {
    const { id, ip, app, stream, tcUrl, pageUrl } = this;
    return { id, ip, vhost, app, stream, param, tcUrl, pageUrl };
  }

  #openStream(action: 'play' | 'publish'): LiveStream {
    const { vhost } = this.#authorization.admittedTo(action);
    return this.#context.hub.open(this.#streamId, this.#context.settings(vhost));
  }

  /** The vhost as it is configured now, or as it was when the client was admitted. */
  #currentVhost(): VhostConfig {
    const vhost = this.#context.findVhost(this.#vhost);
    return vhost?.name === this.#vhost ? vhost : this.#authorization.admittedTo('publish').vhost;
  }

  #begin(): void {
    this.#authorization.began();
    this.#context.sessions.add(this);
  }

  #endWith(given: EndReason, rest: Partial<Omit<ClientEnd, 'reason'>>): void {
    if (this.#end !== undefined) return;
    const { reason, detail } = this.#expectedEnd ?? { reason: given, detail: rest.detail };
    this.#end = {
      reason,
      detail,
      publicText: rest.publicText ?? endReasons[reason],
      isStreamEnd: rest.isStreamEnd ?? false,
    };
    this.leave();
    this.#transport.close(this.#end);
  }
}
