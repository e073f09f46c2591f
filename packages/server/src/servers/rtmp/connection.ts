import type { Socket } from 'node:net';

import {
  type ConnectRequest,
  type MediaKind,
  mediaMessageType,
  type PlayRequest,
  type PublishRequest,
  RtmpError,
  ServerSession,
  type ServerSessionHandler,
  type StopCause,
  streamBehindQuery,
  type UnpublishCause,
} from '@sluice/rtmp';
import { adoptSocket } from '@sluice/rtmp/node';

import type { VhostConfig } from '../../config/index.ts';
import type { LiveStream, Publication } from '../../live/index.ts';
import { endSession, type Log, newSessionId, plainAddress } from '../../log/index.ts';
import { rtmpFamily } from '../../remux/index.ts';
import { type Refusal, referAllows } from '../../security/index.ts';
import { type EndReason, endReasons, type Session, type SessionType } from '../../stats/index.ts';
import { BandwidthCheck } from './bandwidth-check.ts';
import { claimProblem } from './claim.ts';
import { ClientGates, type GatedConnection } from './client-gates.ts';
import { connectData } from './connect-data.ts';
import type { RtmpContext } from './context.ts';
import { Deadline } from './deadline.ts';
import { RtmpPlayer } from './player.ts';
import { PublishAttempt } from './publish-attempt.ts';
import { RtmpPublisher } from './publisher.ts';
import { refusalCodes } from './refusal-codes.ts';
import { rtmpTimeouts } from './timeouts.ts';

/** One RTMP client from accept to its closing log line. */
export class RtmpConnection implements Session, ServerSessionHandler, GatedConnection {
  readonly id = newSessionId();
  readonly startedAt = Date.now();
  readonly since = performance.now();
  readonly ip: string;
  type: SessionType = 'unknown';
  publish = false;
  vhost = '';
  app = '';
  stream = '';
  tcUrl = '';
  pageUrl = '';
  swfUrl = '';
  readonly #context: RtmpContext;
  readonly #serverIp: string;
  readonly #log: Log;
  readonly #socket: Socket;
  readonly #session: ServerSession;
  readonly #onEnded: (connection: RtmpConnection) => void;
  readonly #gates: ClientGates;
  readonly #deadline = new Deadline();
  #bandwidth: BandwidthCheck | undefined;
  #attempt: PublishAttempt | undefined;
  #publisher: RtmpPublisher | undefined;
  #player: RtmpPlayer | undefined;
  #droppedBefore = 0;
  #framesBefore = 0;
  /** Of the last play. */
  #lastSource: string | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;
  /** The client is told this when it connects, and nothing else is done for it. */
  readonly #refusal: EndReason | undefined;
  #reason: EndReason | undefined;
  #detail: string | undefined;

  /** @param refusal - why the client is refused as soon as it connects */
  constructor(
    accepted: Socket,
    context: RtmpContext,
    onEnded: (connection: RtmpConnection) => void,
    refusal?: EndReason,
  ) {
    this.#refusal = refusal;
    this.#context = context;
    this.#onEnded = onEnded;
    this.ip = plainAddress(accepted.remoteAddress);
    this.#serverIp = plainAddress(accepted.localAddress);
    this.#log = context.log.child({ id: this.id, ip: this.ip });
    this.#gates = new ClientGates(context.gates, this);
    this.#socket = adoptSocket(accepted, (bytes) => {
      this.#read(bytes);
    });
    const { limits, chunkSize } = context.config();
    this.#session = new ServerSession({
      handler: this,
      send: (bytes) => {
        this.#socket.write(bytes);
      },
      unsent: () => this.#socket.writableLength,
      limits: {
        maxMessageBytes: limits.maxMessageBytes,
        maxChunkStreams: limits.maxChunkStreams,
        maxPendingBytes: limits.maxPendingBytes,
      },
      // The engine copies what it keeps.
      lendsMedia: true,
      chunkSize,
    });
    if (refusal === undefined) this.#deadline.set('handshake-timeout', limits.handshakeTimeoutMs);
    else this.#deadline.set(refusal, rtmpTimeouts.refusalLinger);
    this.#socket.on('error', (error) => {
      this.close('socket-error', error.message);
    });
    this.#socket.on('close', () => {
      this.#ended();
    });
    this.#socket.on('drain', () => {
      this.#player?.drained();
    });
  }

  get reason(): EndReason | undefined {
    return this.#reason;
  }

  get bytesIn(): number {
    return this.#socket.bytesRead;
  }

  get bytesOut(): number {
    return this.#socket.bytesWritten;
  }

  get droppedFrames(): number {
    return this.#droppedBefore + (this.#player?.droppedFrames ?? 0);
  }

  get videoFrames(): number {
    const present = this.#publisher?.publication.meter.videoFrames ?? this.#player?.videoFrames ?? 0;
    return this.#framesBefore + present;
  }

  get source(): string | undefined {
    return this.#player?.source ?? this.#lastSource;
  }

  /** Looks at the deadlines. `now` is ms of the monotonic clock. */
  check(now: number): void {
    const overdue = this.#publisher?.overdue(now) ?? this.#deadline.overdue(now);
    if (overdue !== undefined) this.close(overdue);
  }

  /**
   * Closes the connection. The first reason given is the one that counts. What has been written is still
   * sent, unless the peer doesn't take it in time; a client that waits for an answer is refused first.
   *
   * @param told - what such a client is told: the kind of reason only, where the details may name our own servers
   */
  close(reason: EndReason, detail?: string, told: string = endReasons[reason]): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#detail = detail;
    this.#bandwidth?.stop();
    this.#leaveStream();
    if (reason === 'play-stalled' || reason === 'socket-error') {
      this.#socket.destroy();
      return;
    }
    this.#session.close({ description: told, codes: refusalCodes(reason) });
    const { refused } = this.#session;
    // What a client has sent and nobody has read would make the system drop the refusal at a close: it is read, and
    // the client closes.
    if (refused) this.#socket.end();
    else this.#socket.destroySoon();
    this.#lingerTimer = setTimeout(
      () => {
        this.#socket.destroy();
      },
      refused ? rtmpTimeouts.refusalLinger : rtmpTimeouts.linger,
    );
  }

  /** The configuration has changed: the client goes on by it, or goes with its vhost. */
  reconfigured(): void {
    if (this.vhost === '') return;
    const vhost = this.#context.config().vhosts.get(this.vhost);
    if (vhost?.enabled === true) this.#publisher?.configure(vhost.publish, vhost.minLatency);
    else this.close('vhost-not-found', `vhost ${this.vhost} was removed or switched off`);
  }

  onHandshaken(): void {
    if (this.#refusal === undefined) this.#deadline.set('idle-timeout', rtmpTimeouts.idle);
  }

  onConnect(request: ConnectRequest): void {
    this.tcUrl = request.tcUrl;
    this.pageUrl = request.pageUrl;
    this.swfUrl = request.swfUrl;
    this.app = request.url.app;
    if (this.#refusal !== undefined) {
      this.close(this.#refusal);
      return;
    }
    const vhost = this.#context.findVhost(request.url.vhost);
    if (vhost === undefined) {
      this.#refuse('vhost-not-found', `vhost ${request.url.vhost} is not served here`);
      return;
    }
    if (!referAllows(vhost.refer, 'all', request.pageUrl)) {
      this.#refuse('refer-denied', `page ${request.pageUrl || '(none)'} may not use ${vhost.name}`);
      return;
    }
    this.vhost = vhost.name;
    if (vhost.httpHooks.onConnectAt === 'identified') {
      this.#connected(vhost, request);
      return;
    }
    const { stream, query } = streamBehindQuery(request.url.param);
    this.stream = stream;
    this.#gates.ask('connect', this, vhost, query, () => {
      this.#connected(vhost, request);
    });
  }

  /** A bandwidth test's calls are its own; others are answered by the session. */
  onCall(name: string): boolean {
    return this.#bandwidth?.receive(name) ?? false;
  }

  onPublish(request: PublishRequest): void {
    this.type = request.flavour;
    const vhost = this.#claim(request.url, 'publish');
    if (vhost === undefined) return;
    const problem = this.#context.nameProblem(vhost, this.app, this.stream);
    if (problem !== undefined) {
      this.#refuse('bad-stream-name', problem);
      return;
    }
    this.#gates.askIdentified('publish', this, vhost, request.url.param, () => {
      this.#startPublish(vhost);
    });
  }

  onUnpublish(cause: UnpublishCause): void {
    this.#log.info(`unpublish ${this.app}/${this.stream} by ${cause}`);
    this.#leaveStream();
    if (cause === 'FCUnpublish') this.#session.finishUnpublish();
    this.#deadline.set('republish-timeout', rtmpTimeouts.republish);
  }

  onPlay(request: PlayRequest): void {
    this.type = request.flavour;
    this.publish = false;
    const vhost = this.#claim(request.url, 'play');
    if (vhost === undefined) return;
    this.#gates.askIdentified('play', this, vhost, request.url.param, () => {
      this.#gates.entered();
      this.#startPlay(vhost, request);
    });
  }

  onStop(cause: StopCause): void {
    this.#log.info(`stop ${this.app}/${this.stream} by ${cause}`);
    this.#leaveStream();
    this.#deadline.set('idle-timeout', rtmpTimeouts.stopped);
  }

  onPause(paused: boolean): void {
    this.#player?.pause(paused);
  }

  onReceiveAudio(on: boolean): void {
    this.#player?.receive({ audio: on });
  }

  onReceiveVideo(on: boolean): void {
    this.#player?.receive({ video: on });
  }

  onMedia(kind: MediaKind, timestamp: number, payload: Uint8Array): void {
    this.#publisher?.write(mediaMessageType[kind], timestamp, payload);
  }

  onAsking(): void {
    this.#deadline.clear();
  }

  onRefused({ reason, detail }: Refusal): void {
    this.close(reason, detail);
  }

  onAnswered(): void {
    // A reload may lie between question and answer.
    this.reconfigured();
    this.#publisher?.publication.flush();
  }

  /** Whatever goes wrong with what a peer sent ends its connection, and nothing else. */
  onFailed(error: unknown): void {
    if (error instanceof RtmpError) {
      this.close(error.code === 'stream-name' ? 'bad-stream-name' : 'protocol-error', error.message);
    } else {
      this.#log.error(error);
      this.close('internal-error', error instanceof Error ? error.message : String(error));
    }
  }

  #read(bytes: Uint8Array): void {
    if (this.#reason !== undefined) return;
    try {
      this.#session.write(bytes);
      this.#publisher?.afterRead(bytes.length);
    } catch (error) {
      this.onFailed(error);
    }
  }

  #connected(vhost: VhostConfig, request: ConnectRequest): void {
    if (vhost.bandcheck.enabled) {
      this.#testBandwidth(vhost, request);
      return;
    }
    this.#log.info(`connect ${request.tcUrl} from ${this.ip}, vhost ${vhost.name}, app ${this.app}`);
    this.#deadline.set('idle-timeout', rtmpTimeouts.idle);
    this.#acceptConnect(vhost);
  }

  #acceptConnect({ chunkSize }: VhostConfig): void {
    const { version } = this.#context;
    const data = connectData({ version, serverIp: this.#serverIp, sessionId: this.id });
    this.#session.acceptConnect({ chunkSize, data });
  }

  #testBandwidth(vhost: VhostConfig, request: ConnectRequest): void {
    const check = new BandwidthCheck({
      session: this.#session,
      socket: this.#socket,
      close: (reason, detail) => {
        this.close(reason, detail);
      },
    });
    const refusal = check.refusal(this.#context.bandwidth, vhost, request.tcUrl);
    if (refusal !== undefined) {
      this.#refuse(refusal.reason, refusal.detail);
      return;
    }
    this.#deadline.clear();
    this.#log.info(`bandwidth test of ${this.ip}, vhost ${vhost.name}`);
    this.#acceptConnect(vhost);
    this.#bandwidth = check;
    check.start(vhost, request.swfUrl !== '');
  }

  /** Closes for a reason whose details the client may know. */
  #refuse(reason: EndReason, detail: string): void {
    this.close(reason, detail, detail);
  }

  /** Takes the stream's name, and its vhost; undefined when the stream may not be used, which has closed. */
  #claim(url: PlayRequest['url'], what: 'play' | 'publish'): VhostConfig | undefined {
    this.app = url.app;
    this.stream = url.stream;
    const vhost = this.#context.findVhost(url.vhost);
    if (vhost === undefined) {
      this.#refuse('vhost-not-found', `vhost ${url.vhost} is not served here`);
      return undefined;
    }
    this.vhost = vhost.name;
    const problem = claimProblem(vhost, this.pageUrl, what);
    if (problem === undefined) return vhost;
    this.#refuse(problem, `${endReasons[problem]}: ${vhost.name}`);
    return undefined;
  }

  #openStream(vhost: VhostConfig): LiveStream {
    const id = { vhost: this.vhost, app: this.app, stream: this.stream };
    return this.#context.hub.open(id, this.#context.settings(vhost));
  }

  #startPublish(vhost: VhostConfig): void {
    const publish = (): Publication =>
      this.#openStream(vhost).publish({
        id: this.id,
        onEnd: (reason, detail) => {
          this.close(reason, detail);
        },
        onWarning: (message) => {
          this.#log.warn(message);
        },
      });
    this.#attempt = new PublishAttempt(publish, {
      published: (publication) => {
        this.#attempt = undefined;
        this.#goOnAir(vhost, publication);
      },
      waits: ({ message }) => {
        this.#log.info(`${message}; waiting ${rtmpTimeouts.busyPause} ms for it`);
      },
      busy: ({ message }) => {
        this.#refuse('stream-busy', message);
      },
      failed: (error) => {
        this.onFailed(error);
      },
    });
    this.#attempt.start();
  }

  #goOnAir({ publish, minLatency }: VhostConfig, publication: Publication): void {
    this.#deadline.clear();
    this.#gates.entered();
    this.#log.info(`${this.type} ${this.vhost}/${this.app}/${this.stream} from ${this.ip}`);
    this.publish = true;
    this.#publisher = new RtmpPublisher(publication, publish, minLatency, this.#socket, performance.now());
    this.#context.sessions.add(this);
    this.#session.acceptPublish();
  }

  #startPlay(vhost: VhostConfig, request: PlayRequest): void {
    this.#deadline.clear();
    // The answer, the headers and the cached GOP leave in one write.
    this.#socket.cork();
    try {
      this.#session.acceptPlay();
      this.#join(this.#openStream(vhost), request);
    } finally {
      this.#socket.uncork();
    }
  }

  #join(stream: LiveStream, request: PlayRequest): void {
    const source = stream.publisherId === undefined ? 'nobody publishes yet' : `source ${stream.publisherId}`;
    this.#log.info(`play ${stream.key} from ${this.ip}, ${source}`);
    this.#player = new RtmpPlayer(stream, {
      sink: this.#socket,
      // The chunk size is the one that the client was told, whichever vhost it plays from.
      family: (tracks) => rtmpFamily(this.#session.chunkSize, tracks),
      durationMs: request.duration > 0 ? request.duration : undefined,
      onWarning: (message) => {
        this.#log.warn(message);
      },
      onEnd: (reason) => {
        this.close(reason);
      },
    });
    this.#context.sessions.add(this);
  }

  /** Ends what the connection publishes or plays; the connection itself may go on. */
  #leaveStream(): void {
    this.#attempt?.cancel();
    this.#attempt = undefined;
    this.#context.sessions.remove(this);
    this.#framesBefore = this.videoFrames;
    this.#lastSource = this.source;
    this.#publisher?.end();
    this.#publisher = undefined;
    this.#droppedBefore = this.droppedFrames;
    this.#player?.leave();
    this.#player = undefined;
    this.#gates.left();
  }

  #ended(): void {
    this.#reason ??= 'closed-by-peer';
    clearTimeout(this.#lingerTimer);
    this.#bandwidth?.stop();
    this.#leaveStream();
    this.#gates.closed(this.#reason, { in: this.bytesIn, out: this.bytesOut });
    endSession(this, {
      reason: this.#reason,
      detail: this.#detail,
      log: this.#log,
      ended: this.#context.sessions.ended,
    });
    this.#onEnded(this);
  }
}
