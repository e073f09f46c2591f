import { ChunkReader, ChunkWriter } from '../chunk/index.ts';
import type { ChunkLimits } from '../chunk/index.ts';
import type { HandshakeProgress } from '../handshake/index.ts';
import {
  decodeUserControl,
  decodeWindowAcknowledgementSize,
  encodeAcknowledgement,
  encodeSetChunkSize,
  encodeUserControl,
  messageType,
  userControlType,
} from '../message/index.ts';
import { RtmpError } from '../errors.ts';
import type { RtmpMessage } from '../message/index.ts';
import type { RtmpLimits } from './limits.ts';
import { ReceiveWindow } from './receive-window.ts';
import { controlMessage } from './replies.ts';

/** Options of an {@link RtmpLink}. */
export interface RtmpLinkOptions {
  /** Either side's handshake. */
  readonly handshake: { write(bytes: Uint8Array): HandshakeProgress };
  readonly limits: ChunkLimits & Pick<RtmpLimits, 'maxUnsentPongBytes' | 'maxUnsentReplyBytes'>;
  /** See `ChunkReaderOptions.lendsMedia`. */
  readonly lendsMedia?: boolean;
  readonly send: (bytes: Uint8Array) => void;
  /** Bytes given to `send` that the peer has not taken yet. Default: it takes them at once. */
  readonly unsent?: (() => number) | undefined;
  /** Whether all that is sent answers what the peer has sent, so that it can make it grow. Default false. */
  readonly countsReplies?: boolean;
  readonly onHandshaken: () => void;
  /** Gets every message that isn't empty and that the link doesn't deal with by itself. */
  readonly onMessage: (message: RtmpMessage) => void;
}

/**
 * What both sides of a connection have in common: handshake, chunks, acknowledgements (Adobe RTMP 1.0, 5.4.3) and
 * answers to pings (Adobe RTMP 1.0, 7.1.7). Without I/O.
 */
export class RtmpLink {
  readonly #options: Omit<RtmpLinkOptions, 'handshake'>;
  readonly #window = new ReceiveWindow();
  readonly #writer = new ChunkWriter();
  readonly #reader: ChunkReader;
  #handshake: RtmpLinkOptions['handshake'] | undefined;
  /** The peer broke the protocol: nothing more is taken. */
  #broken = false;
  #closed = false;
  /** The most bytes of replies that may wait for the peer. */
  #replied = 0;

  constructor(options: RtmpLinkOptions) {
    const { handshake, ...others } = options;
    this.#options = others;
    this.#handshake = handshake;
    this.#reader = new ChunkReader({
      limits: options.limits,
      lendsMedia: options.lendsMedia ?? false,
      onMessage: (message) => {
        this.#receive(message);
      },
    });
  }

  /** Bytes of payload in the chunks that are sent now. */
  get chunkSize(): number {
    return this.#writer.chunkSize;
  }

  get bytesReceived(): number {
    return this.#window.received;
  }

  /** Takes the next bytes; after an error, or once closed, ignores them. After an error it still sends. */
  write(bytes: Uint8Array): void {
    if (this.#closed || this.#broken) {
      return;
    }
    this.#window.add(bytes.length);
    try {
      if (this.#handshake === undefined) {
        this.#reader.write(bytes);
      } else {
        this.#writeHandshake(bytes, this.#handshake);
      }
    } catch (error) {
      this.#broken = true;
      throw error;
    }
    if (this.#replied > this.#options.limits.maxUnsentReplyBytes) this.#checkReplies();
    const due = this.#window.takeDue(() => this.#takesPongs());
    if (due !== undefined) {
      const payload = encodeAcknowledgement({ sequenceNumber: due });
      this.send(controlMessage(messageType.acknowledgement, payload));
    }
  }

  /** Stops: nothing is taken or sent any more. */
  close(): void {
    this.#closed = true;
  }

  /** Sends messages in one call of the owner's `send`. */
  send(...messages: readonly RtmpMessage[]): void {
    if (this.#closed) return;
    const bytes = this.#writer.encodeAll(messages);
    if (this.#options.countsReplies === true) this.#replied += bytes.length;
    this.#options.send(bytes);
  }

  /** Announces the size of our chunks to the peer and uses it from then on; `messages` follow in the same `send`. */
  announceChunkSize(chunkSize: number, ...messages: readonly RtmpMessage[]): void {
    // Set Chunk Size itself fits into one chunk of either size.
    this.#writer.setChunkSize(chunkSize);
    this.send(controlMessage(messageType.setChunkSize, encodeSetChunkSize({ chunkSize })), ...messages);
  }

  /** A peer that sends and does not read would make what waits for it grow without end. */
  #checkReplies(): void {
    const { limits, unsent } = this.#options;
    this.#replied = Math.min(this.#replied, unsent?.() ?? 0);
    if (this.#replied <= limits.maxUnsentReplyBytes) return;
    this.#broken = true;
    throw new RtmpError(
      'pending-limit',
      `${this.#replied} bytes of answers wait for the peer, at most ${limits.maxUnsentReplyBytes} are allowed`,
    );
  }

  /** One that is left out is no loss: who doesn't read doesn't wait for it. */
  #takesPongs(): boolean {
    const { limits, unsent } = this.#options;
    return (unsent?.() ?? 0) <= limits.maxUnsentPongBytes;
  }

  #writeHandshake(bytes: Uint8Array, handshake: RtmpLinkOptions['handshake']): void {
    const progress = handshake.write(bytes);
    if (progress.reply !== undefined) {
      this.#options.send(progress.reply);
    }
    if (progress.done) {
      this.#handshake = undefined;
      this.#options.onHandshaken();
      this.#reader.write(bytes.subarray(progress.used));
    }
  }

  #receive(message: RtmpMessage): void {
    const { type, payload } = message;
    if (this.#closed || payload.length === 0) {
      return;
    }
    switch (type) {
      case messageType.setChunkSize:
      case messageType.abort:
      case messageType.acknowledgement:
        return;
      case messageType.windowAcknowledgementSize:
        this.#window.setSize(decodeWindowAcknowledgementSize(payload).windowSize);
        return;
      case messageType.userControl:
        if (payload[0] === 0 && payload[1] === userControlType.pingRequest) {
          this.#answerPing(payload);
          return;
        }
        break;
      default:
        break;
    }
    this.#options.onMessage(message);
  }

  #answerPing(payload: Uint8Array): void {
    const ping = decodeUserControl(payload);
    if (ping.event === userControlType.pingRequest && this.#takesPongs()) {
      const response = encodeUserControl({ event: userControlType.pingResponse, timestamp: ping.timestamp });
      this.send(controlMessage(messageType.userControl, response));
    }
  }
}
