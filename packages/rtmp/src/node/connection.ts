import type { LookupFunction, Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { MediaQueue, parseRtmpUrl } from '../client/index.ts';
import type { RtmpUrl } from '../client/index.ts';
import { RtmpError } from '../errors.ts';
import type { RtmpStatus } from '../errors.ts';
import { ClientSession, MediaMessage } from '../session/index.ts';
import type {
  ClientSessionOptions,
  ConnectOptions,
  PlayOptions,
  ServerProperties,
} from '../session/index.ts';
import type { RtmpClientConnectionHandle } from './connection-handle.ts';
import { RtmpClientPlayer } from './player.ts';
import { RtmpClientPublisher } from './publisher.ts';
import { describeSocketError, openSocket } from './transport.ts';

/** Options of {@link connectRtmp}; all have defaults. */
export interface RtmpClientOptions
  extends
    Omit<ClientSessionOptions, 'handler' | 'send'>,
    Pick<ConnectOptions, 'args' | 'flashVer' | 'pageUrl' | 'swfUrl'> {
  /** ms that each step may take: opening the socket, handshake and connect, play or publish. Default 10000. */
  readonly timeoutMs?: number;
  /** For `rtmps`: what `tls.connect` takes, such as `ca` or `rejectUnauthorized`. */
  readonly tls?: ConnectionOptions;
  /** Resolves the host name, as in `net.connect`; not called for an IP address. Default `dns.lookup`. */
  readonly lookup?: LookupFunction;
}

/** Options of `RtmpClientConnection.play()`. */
export interface RtmpPlayOptions extends PlayOptions {
  /** Gets each message as it comes. Without it the player is iterated with `for await`. */
  readonly onMedia?: (message: MediaMessage) => void;
  /** When iterated: bytes that may wait before the server is asked to wait too. Default 4 MiB. */
  readonly highWaterBytes?: number;
}

const defaultTimeoutMs = 10_000;
const defaultHighWaterBytes = 4 * 1024 * 1024;
/** Codes with which a server ends a play. */
const endOfPlay: ReadonlySet<string> = new Set(['NetStream.Play.Stop', 'NetStream.Play.Complete']);

/** A promise's ends, for the step that is waited for. */
interface Step {
  readonly resolve: (server: ServerProperties | undefined) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Connects to the app that a URL names. The URL's stream isn't played or published yet.
 *
 * @throws RtmpError `tc-url`, `connection-failed`, `timeout`, `rejected`, or what broke the protocol
 */
export async function connectRtmp(
  url: string,
  options: RtmpClientOptions = {},
): Promise<RtmpClientConnection> {
  const target = parseRtmpUrl(url);
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const socket = await openSocket(target, timeoutMs, options);
  const connection = new RtmpClientConnection(socket, target, options);
  await connection.open();
  return connection;
}

/** A connection of this client to an app of a server. Made by {@link connectRtmp}. */
export class RtmpClientConnection implements RtmpClientConnectionHandle {
  /** The URL, taken apart. */
  readonly url: RtmpUrl;
  /** Fulfilled when the connection is over, with the error that ended it if one did. Never rejected. */
  readonly closed: Promise<Error | undefined>;
  readonly #socket: Socket;
  readonly #session: ClientSession;
  readonly #options: RtmpClientOptions;
  readonly #timeoutMs: number;
  readonly #statusListeners = new Set<(status: RtmpStatus) => void>();
  #server: ServerProperties | undefined;
  #step: Step | undefined;
  #error: Error | undefined;
  #over = false;
  #onMedia: ((message: MediaMessage) => void) | undefined;
  #onEnd: ((error: Error | undefined) => void) | undefined;

  /** @param socket open and paused; the connection owns it from now on */
  constructor(socket: Socket, url: RtmpUrl, options: RtmpClientOptions) {
    this.url = url;
    this.#socket = socket;
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    this.#session = this.#makeSession();
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        const lost = new RtmpError('connection-closed', 'the server closed the connection');
        this.#finish(this.#error, lost);
        resolve(this.#error);
      });
    });
    socket.on('error', (error) => {
      this.#error ??= describeSocketError('connection lost', error);
    });
    socket.on('data', (bytes: Uint8Array) => {
      this.#receive(bytes);
    });
  }

  /** What the server said about itself; `undefined` before `open()` is done. */
  get server(): ServerProperties | undefined {
    return this.#server;
  }

  /** The session below, for calls that this class doesn't wrap. */
  get session(): ClientSession {
    return this.#session;
  }

  /** Bytes written that the operating system hasn't taken yet. */
  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  /** Handshake and connect. {@link connectRtmp} has done it already. */
  async open(): Promise<void> {
    this.#server = await this.#run('handshake and connect', () => {
      this.#session.start();
    });
  }

  /**
   * Plays a stream.
   *
   * @param streamName default: the URL's
   * @throws RtmpError `rejected`, `timeout`, `stream-name`, `connection-closed`
   */
  async play(
    options: RtmpPlayOptions = {},
    streamName = this.url.streamName,
  ): Promise<RtmpClientPlayer<RtmpClientConnection>> {
    this.#requireName(streamName);
    const queue = new MediaQueue({
      highWaterBytes: options.highWaterBytes ?? defaultHighWaterBytes,
      onFull: () => this.#socket.pause(),
      onDrained: () => this.#socket.resume(),
    });
    this.#onMedia =
      options.onMedia ??
      ((message) => {
        queue.push(message);
      });
    this.#onEnd = (error) => {
      queue.end(error);
    };
    await this.#run(`play of ${streamName}`, () => {
      this.#session.play(streamName, options);
    });
    return new RtmpClientPlayer<RtmpClientConnection>(this, queue);
  }

  /**
   * Publishes a stream.
   *
   * @param streamName default: the URL's
   * @throws RtmpError `rejected`, `timeout`, `stream-name`, `connection-closed`
   */
  async publish(streamName = this.url.streamName): Promise<RtmpClientPublisher<RtmpClientConnection>> {
    this.#requireName(streamName);
    await this.#run(`publish of ${streamName}`, () => {
      this.#session.publish(streamName);
    });
    return new RtmpClientPublisher<RtmpClientConnection>(this);
  }

  /** Calls the listener with every status notice of the server; returns a function that ends it. */
  onStatus(listener: (status: RtmpStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  /** Whether the socket takes more without buffering. */
  get writable(): boolean {
    return !this.#over && !this.#socket.writableNeedDrain;
  }

  /** Fulfilled when the socket takes more without buffering, or is closed. */
  drained(): Promise<void> {
    if (this.#over || !this.#socket.writableNeedDrain) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.once('drain', done);
      this.#socket.once('close', done);
    });
  }

  /** Sends what is buffered, then closes. Fulfilled when closed; at the latest after the step's time limit. */
  async close(): Promise<void> {
    if (!this.#over) {
      this.#finish(undefined, new RtmpError('connection-closed', 'the connection was ended by close()'));
      // What still comes in is of no use, but has to be read for the end to be seen.
      this.#socket.resume();
      this.#socket.end();
      const timer = setTimeout(() => this.#socket.destroy(), this.#timeoutMs);
      await this.closed;
      clearTimeout(timer);
    }
  }

  #makeSession(): ClientSession {
    const {
      args,
      flashVer,
      pageUrl,
      swfUrl,
      timeoutMs: _timeoutMs,
      tls: _tls,
      lookup: _lookup,
      ...session
    } = this.#options;
    return new ClientSession({
      ...session,
      send: (bytes) => {
        this.#socket.write(bytes);
      },
      unsent: () => this.#socket.writableLength,
      handler: {
        onHandshaken: () => {
          this.#session.connect({
            tcUrl: this.url.tcUrl,
            app: this.url.app,
            ...(args === undefined ? {} : { args }),
            ...(flashVer === undefined ? {} : { flashVer }),
            ...(pageUrl === undefined ? {} : { pageUrl }),
            ...(swfUrl === undefined ? {} : { swfUrl }),
          });
        },
        onConnected: (server) => {
          this.#step?.resolve(server);
        },
        onPlayStarted: () => {
          this.#step?.resolve(undefined);
        },
        onPublishStarted: () => {
          this.#step?.resolve(undefined);
        },
        onRejected: (status) => {
          this.#receiveRejection(status);
        },
        onStatus: (status) => {
          this.#receiveStatus(status);
        },
        onMedia: (kind, timestamp, payload) => {
          this.#onMedia?.(new MediaMessage(kind, timestamp, payload));
        },
      },
    });
  }

  /** A refusal of what we wait for fails it; one that comes later ends the connection. */
  #receiveRejection(status: RtmpStatus): void {
    const text = status.description === '' ? status.code : `${status.code}: ${status.description}`;
    const error = new RtmpError('rejected', `server refused: ${text}`, { status });
    if (this.#step !== undefined) {
      this.#step.reject(error);
    } else {
      this.#fail(error);
    }
  }

  #receiveStatus(status: RtmpStatus): void {
    for (const listener of this.#statusListeners) {
      listener(status);
    }
    if (endOfPlay.has(status.code)) {
      this.#onEnd?.(undefined);
    }
  }

  #receive(bytes: Uint8Array): void {
    try {
      this.#session.write(bytes);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new RtmpError('bad-message', String(error)));
    }
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#finish(this.#error);
    this.#socket.destroy();
  }

  /**
   * Ends everything that waits for the server.
   *
   * @param error what broke the connection
   * @param reason what sending says from now on where nothing broke it
   */
  #finish(error: Error | undefined, reason?: RtmpError): void {
    if (this.#over) {
      return;
    }
    this.#over = true;
    this.#session.close(error instanceof RtmpError ? error : reason);
    this.#onEnd?.(error);
    this.#step?.reject(error ?? new RtmpError('connection-closed', 'connection closed'));
  }

  #requireName(streamName: string): void {
    if (streamName === '') {
      throw new RtmpError('stream-name', 'the URL names no stream');
    }
  }

  /** Begins a step and waits for its answer; a step that takes too long or fails ends the connection. */
  async #run(what: string, begin: () => void): Promise<ServerProperties | undefined> {
    if (this.#over || this.#step !== undefined) {
      const code = this.#over ? 'connection-closed' : 'bad-state';
      throw new RtmpError(code, `${what}: ${this.#over ? 'connection closed' : 'another step is under way'}`);
    }
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<ServerProperties | undefined>((resolve, reject) => {
        this.#step = { resolve, reject };
        timer = setTimeout(() => {
          reject(new RtmpError('timeout', `${what}: no answer within ${this.#timeoutMs} ms`));
        }, this.#timeoutMs);
        this.#socket.resume();
        begin();
      });
    } catch (error) {
      this.#step = undefined;
      this.#fail(error instanceof Error ? error : new Error(String(error)));
      throw error;
    } finally {
      this.#step = undefined;
      clearTimeout(timer);
    }
  }
}
