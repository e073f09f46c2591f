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

import type {
  ActivePublish,
  Client,
  ClientEnd,
  ClientFailure,
  ClientTransport,
} from '../../clients/index.ts';
import type { VhostConfig } from '../../config/index.ts';
import type { FanOutFamily } from '../../live/index.ts';
import { plainAddress } from '../../log/index.ts';
import { rtmpFamily } from '../../remux/index.ts';
import type { EndReason } from '../../stats/index.ts';
import { BandwidthCheck } from './bandwidth-check.ts';
import { connectData } from './connect-data.ts';
import type { RtmpContext } from './context.ts';
import { Deadline } from './deadline.ts';
import { MergedReads } from './merged-reads.ts';
import { refusalCodes } from './refusal-codes.ts';
import { rtmpTimeouts } from './timeouts.ts';

/** How a connection is taken. */
export interface RtmpConnectionOptions {
  /** Gives back what the connection was counted against. */
  readonly release: () => void;
  /** Why the client is refused as soon as it connects. */
  readonly refusal?: EndReason | undefined;
  readonly onEnded: (connection: RtmpConnection) => void;
}

/** The connection of one RTMP client: its socket and the dialogue on it. */
export class RtmpConnection implements ServerSessionHandler, ClientTransport {
  readonly #context: RtmpContext;
  readonly #client: Client;
  readonly #serverIp: string;
  readonly #socket: Socket;
  readonly #session: ServerSession;
  readonly #deadline = new Deadline();
  #bandwidth: BandwidthCheck | undefined;
  #publishing: ActivePublish | undefined;
  #mergedReads: MergedReads | undefined;
  /** Which tracks the player wants (`receiveAudio`, `receiveVideo`). */
  #tracks = { audio: true, video: true };
  #lingerTimer: NodeJS.Timeout | undefined;
  /** The client is told this when it connects, and nothing else is done for it. */
  readonly #refusal: EndReason | undefined;

  constructor(accepted: Socket, context: RtmpContext, { release, refusal, onEnded }: RtmpConnectionOptions) {
    this.#refusal = refusal;
    this.#context = context;
    this.#socket = adoptSocket(accepted, (bytes) => {
      this.#read(bytes);
    });
    const ip = plainAddress(accepted.remoteAddress);
    this.#serverIp = plainAddress(accepted.localAddress);
    this.#client = context.clients.open({ ip, transport: this, hasConnect: true, release });
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
      this.#client.end('socket-error', error.message);
    });
    this.#socket.on('close', () => {
      clearTimeout(this.#lingerTimer);
      this.#endDialogue();
      this.#client.closed();
      onEnded(this);
    });
    this.#socket.on('drain', () => {
      this.#client.player?.drained();
    });
  }

  get bytesIn(): number {
    return this.#socket.bytesRead;
  }

  get bytesOut(): number {
    return this.#socket.bytesWritten;
  }

  /** Looks at the deadline. `now` is ms of the monotonic clock. */
  check(now: number): void {
    const overdue = this.#deadline.overdue(now);
    if (overdue !== undefined) this.#client.end(overdue);
  }

  /**
   * What has been written is still sent, unless the peer doesn't take it in time; a client that waits for an answer is
   * refused first.
   */
  close({ reason, publicText }: ClientEnd): void {
    this.#endDialogue();
    if (reason === 'play-stalled' || reason === 'socket-error') {
      this.#socket.destroy();
      return;
    }
    this.#session.close({ description: publicText, codes: refusalCodes(reason) });
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

  onWaiting(): void {
    this.#deadline.clear();
  }

  configure(vhost: VhostConfig): undefined {
    this.#mergedReads?.configure(vhost.publish, vhost.minLatency);
  }

  /** Whatever goes wrong with what a peer sent ends its connection, and nothing else. */
  failureOf(error: unknown): ClientFailure | undefined {
    if (!(error instanceof RtmpError)) return undefined;
    const reason = error.code === 'stream-name' ? 'bad-stream-name' : 'protocol-error';
    return { reason, detail: error.message };
  }

  onHandshaken(): void {
    if (this.#refusal === undefined) this.#deadline.set('idle-timeout', rtmpTimeouts.idle);
  }

  onConnect(request: ConnectRequest): void {
    const { tcUrl, pageUrl, swfUrl, url } = request;
    this.#client.describe({ tcUrl, pageUrl, swfUrl });
    if (this.#refusal !== undefined) {
      this.#client.end(this.#refusal);
      return;
    }
    const { stream, query } = streamBehindQuery(url.param);
    this.#client.connect({ host: url.vhost, app: url.app, stream, param: query }, (vhost) => {
      this.#connected(vhost, request);
    });
  }

  /** A bandwidth test's calls are its own; others are answered by the session. */
  onCall(name: string): boolean {
    return this.#bandwidth?.receive(name) ?? false;
  }

  onPublish({ url, flavour }: PublishRequest): void {
    const { vhost: host, app, stream, param } = url;
    this.#client.publishTo({ host, app, stream, param, type: flavour }, () => {
      this.#deadline.clear();
      this.#client.startPublish((publishing, vhost) => {
        this.#publishing = publishing;
        this.#mergedReads = new MergedReads(this.#socket, vhost.publish, vhost.minLatency);
        this.#session.acceptPublish();
      });
    });
  }

  onUnpublish(cause: UnpublishCause): void {
    this.#leaveStream('unpublish', cause);
    if (cause === 'FCUnpublish') this.#session.finishUnpublish();
    this.#deadline.set('republish-timeout', rtmpTimeouts.republish);
  }

  onPlay(request: PlayRequest): void {
    const { vhost: host, app, stream, param } = request.url;
    this.#client.play({ host, app, stream, param, type: request.flavour }, () => {
      this.#deadline.clear();
      this.#startPlay(request);
    });
  }

  onStop(cause: StopCause): void {
    this.#leaveStream('stop', cause);
    this.#deadline.set('idle-timeout', rtmpTimeouts.stopped);
  }

  onPause(paused: boolean): void {
    const { player } = this.#client;
    if (paused) player?.pause();
    else player?.resume();
  }

  onReceiveAudio(on: boolean): void {
    this.#changeTracks({ ...this.#tracks, audio: on });
  }

  onReceiveVideo(on: boolean): void {
    this.#changeTracks({ ...this.#tracks, video: on });
  }

  onMedia(kind: MediaKind, timestamp: number, payload: Uint8Array): void {
    this.#publishing?.write(mediaMessageType[kind], timestamp, payload);
  }

  #read(bytes: Uint8Array): void {
    if (this.#client.reason !== undefined) return;
    try {
      this.#session.write(bytes);
      this.#publishing?.flush();
      this.#mergedReads?.afterRead(bytes.length);
    } catch (error) {
      this.#client.fail(error);
    }
  }

  #connected(vhost: VhostConfig, request: ConnectRequest): void {
    if (vhost.bandcheck.enabled) {
      this.#testBandwidth(vhost, request);
      return;
    }
    const { app, ip, log } = this.#client;
    log.info(`connect ${request.tcUrl} from ${ip}, vhost ${vhost.name}, app ${app}`);
    this.#deadline.set('idle-timeout', rtmpTimeouts.idle);
    this.#acceptConnect(vhost);
  }

  #acceptConnect({ chunkSize }: VhostConfig): void {
    const { version } = this.#context;
    const data = connectData({ version, serverIp: this.#serverIp, sessionId: this.#client.id });
    this.#session.acceptConnect({ chunkSize, data });
  }

  #testBandwidth(vhost: VhostConfig, request: ConnectRequest): void {
    const check = new BandwidthCheck({
      session: this.#session,
      socket: this.#socket,
      close: (reason, detail) => {
        this.#client.end(reason, detail);
      },
    });
    const refusal = check.refusal(this.#context.bandwidth, vhost, request.tcUrl);
    if (refusal !== undefined) {
      this.#client.end(refusal.reason, refusal.detail, refusal.detail);
      return;
    }
    this.#deadline.clear();
    this.#client.log.info(`bandwidth test of ${this.#client.ip}, vhost ${vhost.name}`);
    this.#acceptConnect(vhost);
    this.#bandwidth = check;
    check.start(vhost, request.swfUrl !== '');
  }

  #startPlay(request: PlayRequest): void {
    // The answer, the headers and the cached GOP leave in one write.
    this.#socket.cork();
    try {
      this.#session.acceptPlay();
      this.#tracks = { audio: true, video: true };
      this.#client.startPlay({
        sink: this.#socket,
        family: () => this.#family(),
        durationMs: request.duration > 0 ? request.duration : undefined,
        endsWithPublisher: 'never',
        name: 'play',
      });
    } finally {
      this.#socket.uncork();
    }
  }

  /** The chunk size is the one that the client was told, whichever vhost it plays from. */
  #family(): FanOutFamily {
    return rtmpFamily(this.#session.chunkSize, this.#tracks);
  }

  #changeTracks(tracks: { audio: boolean; video: boolean }): void {
    const { player } = this.#client;
    if (player === undefined) return;
    this.#tracks = tracks;
    player.change(this.#family());
  }

  /** Ends what the connection publishes or plays; the connection itself goes on. */
  #leaveStream(what: 'unpublish' | 'stop', cause: UnpublishCause | StopCause): void {
    const { app, log, stream } = this.#client;
    log.info(`${what} ${app}/${stream} by ${cause}`);
    this.#endDialogue();
    this.#client.leave();
  }

  /** Stops what runs beside the dialogue. */
  #endDialogue(): void {
    this.#bandwidth?.stop();
    this.#publishing = undefined;
    this.#mergedReads?.end();
    this.#mergedReads = undefined;
  }
}
