import { connect, type Socket } from 'node:net';
import type { Attendee } from './attendance.ts';
import type { PublishScript } from './publish-script.ts';
import { RtmpDialogue, type RtmpDialogueHandler } from './rtmp-dialogue.ts';
import type { Target } from './target.ts';

/** A publisher whose server leaves more than this unread is ended, bytes. */
export const MAX_UNSENT_BYTES = 4 * 1024 * 1024;

/** What a publisher tells its run. */
export interface PublisherHandler {
  /** The server has accepted; the publisher has sent its preamble. */
  onJoined(publisher: Publisher): void;
  /** The connection is gone, or the server has refused; called at most once. */
  onEnd(publisher: Publisher, reason: string): void;
}

/** How a publisher connects. */
export interface PublisherOptions {
  readonly target: Target;
  readonly address: string;
  readonly localAddress: string | undefined;
  /** Memory that all connections of the process read into. */
  readonly readBuffer: Buffer;
  readonly script: PublishScript;
  readonly handler: PublisherHandler;
}

/** One publisher's connection: the dialogue, then whatever its run sends. */
export class Publisher implements Attendee {
  readonly startedAt = performance.now();
  joinedAt = 0;
  /** Payload bytes sent. */
  bytes = 0;
  windowStartBytes = -1;
  readonly #options: PublisherOptions;
  readonly #socket: Socket;
  readonly #dialogue: RtmpDialogue;
  #ended = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    const socket = connect({
      host: options.address,
      port: options.target.port,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
      onread: { buffer: options.readBuffer, callback: (size, buffer) => this.#onRead(size, buffer) },
    });
    this.#socket = socket;
    const handler: RtmpDialogueHandler = {
      send: (bytes) => {
        socket.write(bytes);
      },
      onReady: (streamId) => {
        socket.write(options.script.preamble(streamId));
        this.joinedAt = performance.now();
        options.handler.onJoined(this);
      },
      onRefused: (reason) => {
        this.fail(reason);
      },
      onMedia: () => undefined,
    };
    this.#dialogue = new RtmpDialogue(options.target, 'publish', handler, options.script.chunkSize);
    socket.on('connect', () => {
      socket.setNoDelay(true);
      this.#dialogue.start();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.fail(error.code ?? error.message);
    });
    socket.on('close', () => {
      this.fail('closed by the server');
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Writes one message by itself. */
  send(bytes: Uint8Array, payloadBytes: number): void {
    this.bytes += payloadBytes;
    if (!this.#socket.write(bytes) && this.#socket.writableLength > MAX_UNSENT_BYTES) {
      this.fail('the server does not read');
    }
  }

  /** Closes the connection once everything is sent; nothing is told any more. */
  leave(): void {
    this.#ended = true;
    this.#socket.destroySoon();
  }

  /** Ends the connection at once, with a reason. */
  fail(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.destroy();
    this.#options.handler.onEnd(this, reason);
  }

  #onRead(size: number, buffer: Uint8Array): boolean {
    if (this.#ended) return false;
    try {
      this.#dialogue.write(buffer.subarray(0, size));
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    }
    return true;
  }
}
