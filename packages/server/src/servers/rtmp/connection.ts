import type { Socket } from 'node:net';

import {
  type ConnectRequest,
  type MediaMessageType,
  type PlayRequest,
  type PublishRequest,
  RtmpError,
  ServerSession,
  type ServerSessionHandler,
  type StopCause,
  type UnpublishCause,
} from '@sluice/rtmp';
import { adoptSocket } from '@sluice/rtmp/node';

import { bandwidthRejection, RunningBandwidthTest } from '../../bandwidth/index.ts';
import type { VhostConfig } from '../../config/index.ts';
import {
  type FanOutFamily,
  type Player,
  type PlayerEnd,
  StreamBusyError,
  type StreamId,
} from '../../live/index.ts';
import { endSession, type Log, newSessionId, plainAddress } from '../../log/index.ts';
import { rtmpFamily } from '../../remux/index.ts';
import { type ClientAction, type ClientRequest, type Refusal, referAllows } from '../../security/index.ts';
import { type EndReason, endReasons, type Session, type SessionType } from '../../stats/index.ts';
import type { RtmpContext } from './context.ts';
import { RtmpPublisher } from './publisher.ts';
import { rtmpTimeouts } from './timeouts.ts';

/** Engine's reasons as the connection's. */
const playerEnds = {
  stalled: 'play-stalled',
  duration: 'play-duration',
  'publisher-gone': 'publisher-gone',
} as const satisfies Record<PlayerEnd, EndReason>;

/** One RTMP client from accept to its closing log line. */
export class RtmpConnection implements Session, ServerSessionHandler {
  readonly id = newSessionId();
  readonly startedAt = Date.now();
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
  readonly #log: Log;
  readonly #socket: Socket;
  readonly #session: ServerSession;
  readonly #onEnded: (connection: RtmpConnection) => void;
  #publisher: RtmpPublisher | undefined;
  #player: Player | undefined;
  #bandwidth: RunningBandwidthTest | undefined;
  #tracks = { audio: true, video: true };
  #droppedBefore = 0;
  #busyTimer: NodeJS.Timeout | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;
  /** What the connection waits for, since when, and how long it may. */
  #waits: { reason: EndReason; since: number; limit: number } | undefined;
  /** The client as it was let in at connect, and as what it plays or publishes now. */
  #connected: ClientRequest | undefined;
  #admitted: { readonly action: 'play' | 'publish'; readonly client: ClientRequest } | undefined;
  #reason: EndReason | undefined;
  #detail: string | undefined;

  constructor(accepted: Socket, context: RtmpContext, onEnded: (connection: RtmpConnection) => void) {
    this.#context = context;
    this.#onEnded = onEnded;
    this.ip = plainAddress(accepted.remoteAddress);
    const serverIp = plainAddress(accepted.localAddress);
    this.#log = context.log.child({ id: this.id });
    this.#socket = adoptSocket(accepted, (bytes) => {
      this.#read(bytes);
    });
    const { limits, chunkSize } = context.config();
    this.#session = new ServerSession({
      handler: this,
      send: (bytes) => {
        this.#socket.write(bytes);
      },
      limits: {
        maxMessageBytes: limits.maxMessageBytes,
        maxChunkStreams: limits.maxChunkStreams,
        maxPendingBytes: limits.maxPendingBytes,
      },
      // The engine copies what it keeps.
      lendsMedia: true,
      chunkSize,
      serverInfo: { version: context.version, serverIp, pid: process.pid, sessionId: this.id },
    });
    this.#wait('handshake-timeout', limits.handshakeTimeoutMs);
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

  get bytesIn(): number {
    return this.#socket.bytesRead;
  }

  get bytesOut(): number {
    return this.#socket.bytesWritten;
  }

  get droppedFrames(): number {
    return this.#droppedBefore + (this.#player?.droppedFrames ?? 0);
  }

  /** Looks at the deadlines. `now` is ms of the monotonic clock. */
  check(now: number): void {
    const overdue = this.#publisher?.overdue(now);
    if (overdue !== undefined) {
      this.close(overdue);
      return;
    }
    const waits = this.#waits;
    if (waits === undefined) return;
    if (now - waits.since > waits.limit) this.close(waits.reason);
  }

  /**
   * Closes the connection. The first reason given is the one that counts. What has been written is still
   * sent, unless the peer doesn't take it in time.
   */
  close(reason: EndReason, detail?: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#detail = detail;
    this.#bandwidth?.close();
    this.#leaveStream();
    if (reason === 'play-stalled' || reason === 'socket-error') {
      this.#socket.destroy();
      return;
    }
    this.#socket.destroySoon();
    this.#lingerTimer = setTimeout(() => {
      this.#socket.destroy();
    }, rtmpTimeouts.linger);
  }

  /** The configuration has changed: the client goes on by it, or goes with its vhost. */
  reconfigured(): void {
    if (this.vhost === '') return;
    const vhost = this.#context.config().vhosts.get(this.vhost);
    if (vhost?.enabled === true) this.#publisher?.configure(vhost.publish, vhost.minLatency);
    else this.close('vhost-not-found', `vhost ${this.vhost} was removed or switched off`);
  }

  onHandshaken(): void {
    this.#wait('idle-timeout', rtmpTimeouts.idle);
  }

  onConnect(request: ConnectRequest): void {
    this.tcUrl = request.tcUrl;
    this.pageUrl = request.pageUrl;
    this.swfUrl = request.swfUrl;
    this.app = request.url.app;
    const vhost = this.#context.findVhost(request.url.vhost);
    if (vhost === undefined) {
      this.#rejectConnect('vhost-not-found', `vhost ${request.url.vhost} is not served here`);
      return;
    }
    if (!referAllows(vhost.refer, 'all', request.pageUrl)) {
      this.#rejectConnect('refer-denied', `page ${request.pageUrl || '(none)'} may not use ${vhost.name}`);
      return;
    }
    this.vhost = vhost.name;
    this.#ask('connect', vhost, request.url.param, (client) => {
      this.#connected = client;
      if (vhost.bandcheck.enabled) {
        this.#testBandwidth(vhost, request);
        return;
      }
      this.#log.info(`connect ${request.tcUrl} from ${this.ip}, vhost ${vhost.name}, app ${this.app}`);
      this.#wait('idle-timeout', rtmpTimeouts.idle);
      this.#session.acceptConnect({ chunkSize: vhost.chunkSize });
    });
  }

  /** A bandwidth test's calls are its own; others are answered by the session. */
  onCall(name: string): boolean {
    return this.#bandwidth?.receive(name) ?? false;
  }

  onPublish(request: PublishRequest): void {
    this.type = request.flavour;
    const vhost = this.#claim(request.url, 'publish');
    if (typeof vhost === 'string') {
      this.#session.rejectPublish({ description: `${vhost}: ${request.url.vhost}` });
      this.close(vhost);
      return;
    }
    const problem = this.#context.nameProblem(vhost, this.app, this.stream);
    if (problem !== undefined) {
      this.#session.rejectPublish({ code: 'NetStream.Publish.BadName', description: problem });
      this.close('bad-stream-name', problem);
      return;
    }
    this.#ask('publish', vhost, request.url.param, (client) => {
      this.#startPublish(vhost, client, false);
    });
  }

  onUnpublish(cause: UnpublishCause): void {
    this.#log.info(`unpublish ${this.app}/${this.stream} by ${cause}`);
    this.#leaveStream();
    if (cause === 'FCUnpublish') this.#session.finishUnpublish();
    this.#wait('republish-timeout', rtmpTimeouts.republish);
  }

  onPlay(request: PlayRequest): void {
    this.type = request.flavour;
    this.publish = false;
    const vhost = this.#claim(request.url, 'play');
    if (typeof vhost === 'string') {
      this.#session.rejectPlay({ description: `${vhost}: ${request.url.vhost}` });
      this.close(vhost);
      return;
    }
    this.#ask('play', vhost, request.url.param, (client) => {
      this.#enter('play', client);
      this.#startPlay(vhost, request);
    });
  }

  onStop(cause: StopCause): void {
    this.#log.info(`stop ${this.app}/${this.stream} by ${cause}`);
    this.#leaveStream();
    this.#wait('idle-timeout', rtmpTimeouts.stopped);
  }

  onPause(paused: boolean): void {
    if (paused) this.#player?.pause();
    else this.#player?.resume();
  }

  onReceiveAudio(on: boolean): void {
    this.#changeTracks({ ...this.#tracks, audio: on });
  }

  onReceiveVideo(on: boolean): void {
    this.#changeTracks({ ...this.#tracks, video: on });
  }

  onMedia(type: MediaMessageType, timestamp: number, payload: Uint8Array): void {
    this.#publisher?.write(type, timestamp, payload);
  }

  #read(bytes: Uint8Array): void {
    if (this.#reason !== undefined) return;
    try {
      this.#session.write(bytes);
      this.#publisher?.afterRead(bytes.length);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Whatever goes wrong with what a peer sent ends its connection, and nothing else. */
  #fail(error: unknown): void {
    if (error instanceof RtmpError) {
      this.close('protocol-error', error.message);
    } else {
      this.#log.error(error);
      this.close('internal-error', error instanceof Error ? error.message : String(error));
    }
  }

  /** Asks the gates, and goes on at once when nobody has to be asked. The session holds messages until then. */
  #ask(action: ClientAction, vhost: VhostConfig, param: string, go: (client: ClientRequest) => void): void {
    const { id, ip, app, stream, tcUrl, pageUrl } = this;
    const client = { id, ip, vhost, app, stream, param, tcUrl, pageUrl };
    const verdict = this.#context.gates.check(action, client);
    if (!(verdict instanceof Promise)) {
      if (verdict === undefined) go(client);
      else this.#refuse(action, verdict);
      return;
    }
    // Who is asked has time limits of its own.
    this.#waits = undefined;
    verdict.then(
      (answer) => {
        if (this.#reason !== undefined) return;
        try {
          if (answer === undefined) go(client);
          else this.#refuse(action, answer);
          // A reload may lie between question and answer.
          this.reconfigured();
          this.#publisher?.publication.flush();
        } catch (error) {
          this.#fail(error);
        }
      },
      (error: unknown) => {
        this.#fail(error);
      },
    );
  }

  #enter(action: 'play' | 'publish', client: ClientRequest): void {
    this.#admitted = { action, client };
    this.#context.gates.entered(action, client);
  }

  #refuse(action: ClientAction, { reason, detail }: Refusal): void {
    // The peer is told the kind of reason; the log alone has the details, which may name our own servers.
    const description = endReasons[reason];
    if (action === 'connect') this.#session.rejectConnect({ description });
    else if (action === 'publish') this.#session.rejectPublish({ description });
    else this.#session.rejectPlay({ description });
    this.close(reason, detail);
  }

  /** Each connection to a vhost with `bandcheck{}` is a test, and nothing else (B001). */
  #testBandwidth(vhost: VhostConfig, request: ConnectRequest): void {
    const refusal = this.#context.bandwidth.check(vhost.bandcheck, request.tcUrl, performance.now());
    if (refusal !== undefined) {
      const status = bandwidthRejection();
      this.#session.sendCommand('onStatus', 0, [null, status]);
      this.#rejectConnect(refusal.reason, refusal.detail);
      return;
    }
    this.#waits = undefined;
    this.#log.info(`bandwidth test of ${this.ip}, vhost ${vhost.name}`);
    this.#session.acceptConnect({ chunkSize: vhost.chunkSize });
    this.#bandwidth = new RunningBandwidthTest({
      session: this.#session,
      socket: this.#socket,
      limitKbps: vhost.bandcheck.limitKbps,
      flash: request.swfUrl !== '',
      onEnd: (end) => {
        if (end.kind === 'silent') {
          this.close('idle-timeout', `the bandwidth test waited in vain for ${end.waitedFor}`);
          return;
        }
        const { playKbps, publishKbps } = end.result;
        this.close('bandwidth-tested', `${playKbps} kbps to the client, ${publishKbps} kbps from it`);
      },
    });
  }

  #rejectConnect(reason: EndReason, description: string): void {
    this.#session.rejectConnect({ description });
    this.close(reason, description);
  }

  /**
   * Takes the stream's name. A `?vhost=` on it may lead to another vhost than connect did (R033), which then has
   * its say as it would have had at connect.
   *
   * @returns the vhost, or why the stream may not be used
   */
  #claim(
    url: { readonly vhost: string; readonly app: string; readonly stream: string },
    what: 'play' | 'publish',
  ): VhostConfig | 'vhost-not-found' | 'refer-denied' | 'bandwidth-rejected' {
    this.app = url.app;
    this.stream = url.stream;
    const vhost = this.#context.findVhost(url.vhost);
    if (vhost === undefined) return 'vhost-not-found';
    this.vhost = vhost.name;
    if (vhost.bandcheck.enabled) return 'bandwidth-rejected';
    const { refer } = vhost;
    const allowed = referAllows(refer, 'all', this.pageUrl) && referAllows(refer, what, this.pageUrl);
    return allowed ? vhost : 'refer-denied';
  }

  /** The form for this player. The chunk size is the one that the client was told, whichever vhost it plays from. */
  #family(): FanOutFamily {
    return rtmpFamily(this.#session.chunkSize, this.#tracks);
  }

  #streamId(): StreamId {
    return { vhost: this.vhost, app: this.app, stream: this.stream };
  }

  /** @param lastTry - a busy stream is waited for once (P005) */
  #startPublish(vhost: VhostConfig, client: ClientRequest, lastTry: boolean): void {
    this.#busyTimer = undefined;
    const stream = this.#context.hub.open(this.#streamId(), this.#context.settings(vhost));
    let publication;
    try {
      publication = stream.publish({
        id: this.id,
        onEnd: (reason, detail) => {
          this.close(reason, detail);
        },
        onWarning: (message) => {
          this.#log.warn(message);
        },
      });
    } catch (error) {
      if (!(error instanceof StreamBusyError)) throw error;
      if (!lastTry) {
        this.#log.info(`${error.message}; waiting ${rtmpTimeouts.busyPause} ms for it`);
        this.#busyTimer = setTimeout(() => {
          try {
            this.#startPublish(vhost, client, true);
            this.#publisher?.publication.flush();
          } catch (failure) {
            this.#fail(failure);
          }
        }, rtmpTimeouts.busyPause);
        return;
      }
      this.#session.rejectPublish({ code: 'NetStream.Publish.BadName', description: error.message });
      this.close('stream-busy', error.message);
      return;
    }
    this.#waits = undefined;
    this.#enter('publish', client);
    this.#log.info(`${this.type} ${stream.key} from ${this.ip}`);
    this.publish = true;
    this.#publisher = new RtmpPublisher(
      publication,
      vhost.publish,
      vhost.minLatency,
      this.#socket,
      performance.now(),
    );
    this.#context.sessions.add(this);
    this.#session.acceptPublish();
  }

  #startPlay(vhost: VhostConfig, request: PlayRequest): void {
    this.#waits = undefined;
    this.#tracks = { audio: true, video: true };
    this.#session.acceptPlay();
    const stream = this.#context.hub.open(this.#streamId(), this.#context.settings(vhost));
    const source = stream.publisherId === undefined ? 'nobody publishes yet' : `source ${stream.publisherId}`;
    this.#log.info(`play ${stream.key} from ${this.ip}, ${source}`);
    this.#player = stream.play({
      family: this.#family(),
      sink: this.#socket,
      durationMs: request.duration > 0 ? request.duration : undefined,
      endsWithPublisher: false,
      onDrop: ({ frames, bytes, behindMs }) => {
        this.#log.warn(`behind by ${Math.round(behindMs)} ms: dropped ${frames} frames, ${bytes} B`);
      },
      onEnd: (reason) => {
        this.close(playerEnds[reason]);
      },
    });
    this.#context.sessions.add(this);
  }

  #changeTracks(tracks: { audio: boolean; video: boolean }): void {
    this.#tracks = tracks;
    this.#player?.change(this.#family());
  }

  #wait(reason: EndReason, limit: number): void {
    this.#waits = { reason, since: performance.now(), limit };
  }

  /** Ends what the connection publishes or plays; the connection itself may go on. */
  #leaveStream(): void {
    clearTimeout(this.#busyTimer);
    this.#busyTimer = undefined;
    this.#context.sessions.remove(this);
    this.#publisher?.end();
    this.#publisher = undefined;
    this.#droppedBefore = this.droppedFrames;
    this.#player?.leave();
    this.#player = undefined;
    const admitted = this.#admitted;
    this.#admitted = undefined;
    if (admitted !== undefined) this.#context.gates.left(admitted.action, admitted.client, this.#reason);
  }

  #ended(): void {
    this.#reason ??= 'closed-by-peer';
    clearTimeout(this.#lingerTimer);
    this.#bandwidth?.close();
    this.#leaveStream();
    const bytes = { in: this.bytesIn, out: this.bytesOut };
    if (this.#connected !== undefined) this.#context.gates.closed(this.#connected, this.#reason, bytes);
    endSession(this, {
      reason: this.#reason,
      detail: this.#detail,
      log: this.#log,
      ended: this.#context.sessions.ended,
    });
    this.#onEnded(this);
  }
}
