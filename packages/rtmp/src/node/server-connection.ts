import type { Socket } from 'node:net';
import { RtmpError } from '../errors.ts';
import { MediaMessage, ServerSession, withoutSetDataFrame } from '../session/index.ts';
import type {
  ConnectRequest,
  MediaKind,
  PlayRequest,
  PublishRequest,
  ServerSessionHandler,
  UnpublishCause,
} from '../session/index.ts';
import { adoptSocket } from './adopt-socket.ts';
import { RtmpRefusal } from './server-options.ts';
import type { RtmpCloseInfo, RtmpCloseReason, RtmpServerSettings } from './server-options.ts';
import type { RtmpServerClient } from './server-client.ts';
import { RtmpServerPlayer } from './server-player.ts';
import { RtmpServerPublisher } from './server-publisher.ts';
import { StallWatch } from './stall-watch.ts';

/** ms that a client has to take the last bytes and to close, after the server has ended the connection. */
export const lingerMs = 2000;

/**
 * What the program does with the clients of an {@link RtmpServer}.
 *
 * `onConnect`, `onPublish` and `onPlay` may be asynchronous: until they are done the client's messages wait, within
 * the limits of {@link RtmpLimits}. They refuse the client by throwing an {@link RtmpRefusal}.
 */
export interface RtmpServerHandlers {
  /** A client connects to an app. Default: accepted. */
  onConnect?(connection: RtmpServerConnection, request: ConnectRequest): void | Promise<void>;
  /** A client wants to publish. Default: refused. */
  onPublish?(publisher: RtmpServerPublisher): void | Promise<void>;
  /** A message of a publisher that was accepted. Metadata comes without `@setDataFrame`, ready for players. */
  onMedia?(publisher: RtmpServerPublisher, message: MediaMessage): void;
  /** The publish ended. Called exactly once for each publisher that `onPublish` accepted. */
  onUnpublish?(publisher: RtmpServerPublisher): void;
  /** A client wants to play. What the handler sends to the player follows the acceptance. Default: refused. */
  onPlay?(player: RtmpServerPlayer): void | Promise<void>;
  /** The play ended. Called exactly once for each player that `onPlay` accepted. */
  onStop?(player: RtmpServerPlayer): void;
  /**
   * The connection is closed. Called once for each connection that was admitted, after its `onUnpublish` or `onStop`
   * (but before those of an `onPublish` or `onPlay` that was still running).
   */
  onClose?(connection: RtmpServerConnection, info: RtmpCloseInfo): void;
  /** A listener failed to accept a connection (`EMFILE`, say). The server continues. */
  onListenError?(error: Error): void;
}

/** A client of an `RtmpServer`, from its TCP connection to its end. */
export class RtmpServerConnection implements RtmpServerClient {
  /** The client's address; empty when it was gone at once. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Whether the connection is encrypted (RTMPS). */
  readonly secure: boolean;
  /** Free for the program: what it knows of this client. */
  data: unknown;
  readonly #handlers: RtmpServerHandlers;
  readonly #settings: RtmpServerSettings;
  readonly #session: ServerSession;
  readonly #socket: Socket;
  readonly #onClosed: (connection: RtmpServerConnection) => void;
  #request: ConnectRequest | undefined;
  #publisher: RtmpServerPublisher | undefined;
  #player: RtmpServerPlayer | undefined;
  /** A handler is being waited for. */
  #deciding = false;
  /** When the client last did what its state demands, ms of the monotonic clock. */
  #activeAt = performance.now();
  readonly #stall: StallWatch;
  #reason: RtmpCloseReason | undefined;
  #error: Error | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;

  /** @internal Made by `RtmpServer` of a socket that it owns from then on. */
  constructor(
    accepted: Socket,
    secure: boolean,
    handlers: RtmpServerHandlers,
    settings: RtmpServerSettings,
    onClosed: (connection: RtmpServerConnection) => void,
  ) {
    // On a dual-stack listener an IPv4 address comes in its IPv6 form.
    this.remoteAddress = (accepted.remoteAddress ?? '').replace(/^::ffff:(?=\d+[.])/, '');
    this.remotePort = accepted.remotePort ?? 0;
    this.secure = secure;
    this.#handlers = handlers;
    this.#settings = settings;
    this.#onClosed = onClosed;
    this.#socket = adoptSocket(accepted, (bytes) => {
      this.#run(() => {
        this.#session.write(bytes);
      });
    });
    this.#session = new ServerSession({
      send: (bytes) => {
        this.#socket.write(bytes);
      },
      unsent: () => this.#socket.writableLength,
      limits: settings.limits,
      chunkSize: settings.chunkSize,
      handler: this.#sessionHandler(settings),
    });
    this.#stall = new StallWatch(this.#socket, performance.now());
    this.#socket.on('error', (error) => {
      this.#end('socket-error', error);
    });
    this.#socket.on('close', () => {
      this.#closed();
    });
  }

  /** The client's `connect`, once it has sent one. */
  get request(): ConnectRequest | undefined {
    return this.#request;
  }

  /** What the client publishes now. */
  get publisher(): RtmpServerPublisher | undefined {
    return this.#publisher;
  }

  /** What the client plays now. */
  get player(): RtmpServerPlayer | undefined {
    return this.#player;
  }

  get bytesReceived(): number {
    return this.#socket.bytesRead;
  }

  /** Bytes sent, those that still wait included. */
  get bytesSent(): number {
    return this.#socket.bytesWritten;
  }

  /**
   * Ends the connection; idempotent. What was sent before is still delivered, for two seconds at most.
   *
   * @param description text for a client whose `connect`, `publish` or `play` waits for an answer
   */
  close(description = 'closed by the server'): void {
    this.#end('closed-by-server', undefined, description);
  }

  /** @internal */
  shutDown(): void {
    this.#end('server-closed', undefined, 'the server is shutting down');
  }

  /** @internal Ends the connection if it exceeds a time limit. `now` is ms of the monotonic clock. */
  checkTimeouts(now: number): void {
    const { handshakeTimeoutMs, idleTimeoutMs, publishTimeoutMs, stallTimeoutMs } = this.#settings;
    const inactive = now - this.#activeAt;
    if (this.#player !== undefined) {
      if (this.#stall.stalledMs(now) > stallTimeoutMs) {
        this.#end('play-stalled');
      }
    } else if (this.#publisher !== undefined) {
      if (inactive > publishTimeoutMs) {
        this.#end('publish-timeout', undefined, 'no media');
      }
    } else if (this.#request === undefined) {
      if (inactive > handshakeTimeoutMs) {
        this.#end('handshake-timeout', undefined, 'no connect command');
      }
    } else if (!this.#deciding && inactive > idleTimeoutMs) {
      this.#end('idle-timeout', undefined, 'neither publishes nor plays');
    }
  }

  #sessionHandler(settings: RtmpServerSettings): ServerSessionHandler {
    return {
      onConnect: (request) => {
        this.#request = request;
        this.#decide(
          () => this.#handlers.onConnect?.(this, request),
          () => {
            this.#session.acceptConnect({ data: settings.connectData });
          },
        );
      },
      onPublish: (request) => {
        this.#requestPublish(request);
      },
      onMedia: (kind, timestamp, payload) => {
        this.#receiveMedia(kind, timestamp, payload);
      },
      onUnpublish: (cause) => {
        this.#unpublish(cause);
      },
      onPlay: (request) => {
        this.#requestPlay(request);
      },
      onStop: () => {
        this.#stopPlay();
      },
      onPause: (paused) => {
        this.#player?.pause(paused);
      },
      onReceiveAudio: (on) => {
        this.#player?.receiveAudio(on);
      },
      onReceiveVideo: (on) => {
        this.#player?.receiveVideo(on);
      },
    };
  }

  #requestPublish(request: PublishRequest): void {
    const publisher = new RtmpServerPublisher(this, request);
    this.#decide(
      () => {
        if (this.#handlers.onPublish === undefined) {
          throw new RtmpRefusal('this server accepts no publishers');
        }
        return this.#handlers.onPublish(publisher);
      },
      () => {
        this.#publisher = publisher;
        this.#session.acceptPublish();
      },
      () => this.#handlers.onUnpublish?.(publisher),
    );
  }

  #requestPlay(request: PlayRequest): void {
    const player = new RtmpServerPlayer(request, {
      connection: this,
      session: this.#session,
      socket: this.#socket,
      maxQueuedBytes: this.#settings.maxQueuedBytes,
      end: (description) => {
        if (this.#player === player) {
          this.#session.endPlay(description);
          this.#stopPlay();
        }
      },
    });
    this.#decide(
      () => {
        if (this.#handlers.onPlay === undefined) {
          throw new RtmpRefusal('this server accepts no players');
        }
        return this.#handlers.onPlay(player);
      },
      () => {
        this.#player = player;
        this.#stall.reset(performance.now());
        this.#session.acceptPlay();
        player.start();
      },
      () => {
        player.stop();
        this.#handlers.onStop?.(player);
      },
    );
  }

  /**
   * Asks a handler, and accepts the client when it returns or its promise is fulfilled.
   *
   * @param onLate called instead when the client has left before the handler was done
   */
  #decide(ask: () => void | Promise<void>, accept: () => void, onLate?: () => void): void {
    const answer = (): void => {
      this.#deciding = false;
      this.#activeAt = performance.now();
      if (this.#reason === undefined) {
        this.#run(accept);
      } else if (onLate !== undefined) {
        this.#notify(onLate);
      }
    };
    const refuse = (error: unknown): void => {
      this.#deciding = false;
      this.#refuse(error);
    };
    let decision: void | Promise<void>;
    this.#deciding = true;
    try {
      decision = ask();
    } catch (error) {
      refuse(error);
      return;
    }
    if (decision instanceof Promise) {
      decision.then(answer, refuse);
    } else {
      answer();
    }
  }

  #refuse(error: unknown): void {
    if (error instanceof RtmpRefusal) {
      this.#end('refused', undefined, error.message, error);
    } else {
      this.#end('handler-failed', toError(error), 'internal error');
    }
  }

  #receiveMedia(kind: MediaKind, timestamp: number, payload: Uint8Array): void {
    this.#activeAt = performance.now();
    const publisher = this.#publisher;
    if (publisher === undefined || this.#handlers.onMedia === undefined) {
      return;
    }
    const body = kind === 'data' ? withoutSetDataFrame(payload) : payload;
    try {
      this.#handlers.onMedia(publisher, new MediaMessage(kind, timestamp, body));
    } catch (error) {
      this.#end('handler-failed', toError(error));
    }
  }

  #unpublish(cause: UnpublishCause): void {
    this.#stopPublish();
    if (cause === 'FCUnpublish') {
      this.#session.finishUnpublish();
    }
  }

  #stopPublish(): void {
    const publisher = this.#publisher;
    if (publisher !== undefined) {
      this.#publisher = undefined;
      this.#activeAt = performance.now();
      this.#notify(() => this.#handlers.onUnpublish?.(publisher));
    }
  }

  #stopPlay(): void {
    const player = this.#player;
    if (player !== undefined) {
      this.#player = undefined;
      this.#activeAt = performance.now();
      player.stop();
      this.#notify(() => this.#handlers.onStop?.(player));
    }
  }

  /** Runs what may fail on what the client sent, which ends its connection and nothing else. */
  #run(action: () => void): void {
    if (this.#reason !== undefined) {
      return;
    }
    try {
      action();
    } catch (error) {
      this.#end(error instanceof RtmpError ? 'protocol-error' : 'handler-failed', toError(error));
    }
  }

  /** Calls a handler that only receives news. What it throws is an uncaught exception, as in an event listener. */
  #notify(handler: () => void): void {
    try {
      handler();
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }

  /** Ends the connection; the first reason counts. */
  #end(reason: RtmpCloseReason, error?: Error, description?: string, refusal?: RtmpRefusal): void {
    if (this.#reason !== undefined) {
      return;
    }
    this.#reason = reason;
    this.#error = error;
    this.#session.endPlay();
    this.#closeSession(description ?? reason, refusal);
    this.#stopPublish();
    this.#stopPlay();
    if (reason === 'play-stalled' || reason === 'socket-error') {
      this.#socket.destroy();
      return;
    }
    // After a refusal the client closes: what it has sent meanwhile would make a close at once drop the refusal.
    if (this.#session.refused) {
      this.#socket.end();
    } else {
      this.#socket.destroySoon();
    }
    this.#lingerTimer = setTimeout(() => {
      this.#socket.destroy();
    }, lingerMs);
  }

  #closeSession(description: string, refusal: RtmpRefusal | undefined): void {
    const code = refusal?.code;
    if (refusal?.redirect !== undefined && this.#session.phase === 'connect-requested') {
      this.#session.rejectConnect({
        description,
        redirect: { url: refusal.redirect },
        ...(code === undefined ? {} : { code }),
      });
    } else {
      const codes = code === undefined ? {} : { connect: code, publish: code, play: code };
      this.#session.close({ description, codes });
    }
  }

  #closed(): void {
    clearTimeout(this.#lingerTimer);
    this.#reason ??= 'closed-by-peer';
    this.#session.close();
    this.#stopPublish();
    this.#stopPlay();
    const info = { reason: this.#reason, error: this.#error };
    this.#notify(() => this.#handlers.onClose?.(this, info));
    this.#onClosed(this);
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
