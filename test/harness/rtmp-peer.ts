import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { AmfObject } from '@sluice/media/amf';
import type { AmfValue } from '@sluice/media/amf';
import {
  ChunkReader,
  ChunkWriter,
  ClientHandshake,
  decodeCommand,
  encodeCommand,
  encodeSetChunkSize,
  encodeUserControl,
  messageType,
} from '@sluice/rtmp';
import type { ClientHandshakeOptions, Command, RtmpMessage, UserControl } from '@sluice/rtmp';
import { Changes } from './changes.ts';
import { LIMIT_MS } from './process.ts';

/** One media or data message, as it came or goes. */
export interface MediaMessage {
  readonly type: 8 | 9 | 18;
  /** ms. */
  readonly timestamp: number;
  readonly body: Uint8Array;
}

/** What `RtmpPeer.connect` says to the server. */
export interface ConnectOptions {
  /** Default `live`. */
  readonly app?: string;
  /** Default `rtmp://127.0.0.1/APP`. */
  readonly tcUrl?: string;
  /** More properties of the command object, such as `pageUrl`. */
  readonly properties?: Readonly<Record<string, AmfValue>>;
  /** Arguments behind the command object. */
  readonly args?: readonly AmfValue[];
}

/** What a publisher says before `publish`: FMLE's calls and createStream, as Flash createStream alone, or FCPublish after it. */
export type PublishOrder = 'fmle' | 'flash' | 'haivision';

/** Transaction id of the call that `synced` makes; tests use small ones. */
const SYNC_CALL = 9_000;

const chunkStreamOf = { 8: 7, 9: 6, 18: 4 } as const;

/**
 * An RTMP client that does just what a test tells it, also what no good client does. Every message of the
 * server is kept.
 */
export class RtmpPeer {
  readonly socket: Socket;
  /** All that the server has sent, oldest first. */
  readonly messages: RtmpMessage[] = [];
  readonly handshake: ClientHandshake;
  readonly #changes = new Changes();
  readonly #writer = new ChunkWriter();
  readonly #reader = new ChunkReader({ onMessage: (message) => this.messages.push(message) });
  #handshaken = false;
  #closed = false;
  #failure: Error | undefined;

  private constructor(socket: Socket, handshake: ClientHandshake) {
    this.socket = socket;
    this.handshake = handshake;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      this.#read(bytes);
    });
    // A reset is one way in which servers close.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
      this.#changes.notify();
    });
  }

  /** Connects to a port of this machine and shakes hands. */
  static async open(port: number, options: ClientHandshakeOptions = {}): Promise<RtmpPeer> {
    const socket = connect({ port, host: '127.0.0.1' });
    try {
      await once(socket, 'connect');
    } catch (error) {
      // A server that takes no more may reset a connection before we have seen that it was made.
      throw new Error('the server refused or closed the connection', { cause: error });
    }
    const peer = new RtmpPeer(socket, new ClientHandshake(options));
    socket.write(peer.handshake.start());
    await peer.until('the handshake is done', () => (peer.#handshaken ? true : undefined));
    return peer;
  }

  /** Whether the connection is gone. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Every command so far, or since a number of messages. */
  commands(since = 0): readonly Command[] {
    return this.messages
      .slice(since)
      .filter(({ type }) => type === messageType.commandAmf0)
      .map(({ payload }) => decodeCommand(messageType.commandAmf0, payload));
  }

  /** Media of these kinds so far, or since a number of messages. */
  media(kinds: readonly (8 | 9 | 18)[] = [8, 9], since = 0): readonly MediaMessage[] {
    return this.messages
      .slice(since)
      .filter(({ type, streamId }) => streamId === 1 && kinds.some((kind) => kind === type))
      .map(({ type, timestamp, payload }) => ({
        type: type as MediaMessage['type'],
        timestamp,
        body: payload,
      }));
  }

  /** Waits until `find` gives something; fails at once when the server closes the connection. */
  async until<T>(what: string, find: () => T | undefined, limitMs = LIMIT_MS): Promise<T> {
    return this.#changes.until(
      what,
      () => {
        if (this.#failure !== undefined) throw this.#failure;
        return find();
      },
      () => (this.#closed ? 'the server closed the connection' : undefined),
      limitMs,
    );
  }

  /** Waits until the server closes the connection. */
  async untilClosed(limitMs = LIMIT_MS): Promise<void> {
    await this.#changes.until(
      'the server closes the connection',
      () => (this.#closed ? true : undefined),
      () => undefined,
      limitMs,
    );
  }

  /** Waits for `count` media messages of these kinds since a number of messages. */
  async untilMedia(
    count: number,
    kinds: readonly (8 | 9 | 18)[] = [8, 9],
    since = 0,
  ): Promise<readonly MediaMessage[]> {
    return this.until(`${count} media messages came`, () => {
      const media = this.media(kinds, since);
      return media.length >= count ? media : undefined;
    });
  }

  /** Waits for an `onStatus` with this code and gives its info object back. */
  async status(code: string, since = 0): Promise<AmfObject> {
    return this.until(`onStatus ${code}`, () => {
      for (const { name, args } of this.commands(since)) {
        const [, info] = args;
        if (name === 'onStatus' && info instanceof AmfObject && info.get('code') === code) return info;
      }
      return undefined;
    });
  }

  /** Waits for the answer to a call. */
  async answer(transactionId: number, since = 0): Promise<Command> {
    return this.until(`the answer to call ${transactionId}`, () =>
      this.commands(since).find(
        (command) =>
          (command.name === '_result' || command.name === '_error') &&
          command.transactionId === transactionId,
      ),
    );
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  sendMessage(message: RtmpMessage): void {
    this.socket.write(this.#writer.encode(message));
  }

  setChunkSize(chunkSize: number): void {
    const payload = encodeSetChunkSize({ chunkSize });
    this.sendMessage({
      chunkStreamId: 2,
      type: messageType.setChunkSize,
      streamId: 0,
      timestamp: 0,
      payload,
    });
    this.#writer.setChunkSize(chunkSize);
  }

  sendUserControl(event: UserControl): void {
    const payload = encodeUserControl(event);
    this.sendMessage({ chunkStreamId: 2, type: messageType.userControl, streamId: 0, timestamp: 0, payload });
  }

  sendCommand(name: string, transactionId: number, args: readonly AmfValue[] = [null], streamId = 0): void {
    const payload = encodeCommand(messageType.commandAmf0, { name, transactionId, args });
    this.sendMessage({ chunkStreamId: 3, type: messageType.commandAmf0, streamId, timestamp: 0, payload });
  }

  sendMedia({ type, timestamp, body }: MediaMessage): void {
    const chunkStreamId = chunkStreamOf[type];
    this.sendMessage({ chunkStreamId, type, streamId: 1, timestamp, payload: body });
  }

  sendAllMedia(media: readonly MediaMessage[]): void {
    this.socket.write(
      this.#writer.encodeAll(
        media.map(({ type, timestamp, body }) => ({
          chunkStreamId: chunkStreamOf[type],
          type,
          streamId: 1,
          timestamp,
          payload: body,
        })),
      ),
    );
  }

  /** Sends `connect` and waits for its answer, good or bad. */
  async connect({ app = 'live', tcUrl, properties, args }: ConnectOptions = {}): Promise<Command> {
    const command = AmfObject.from({
      app,
      tcUrl: tcUrl ?? `rtmp://127.0.0.1/${app}`,
      objectEncoding: 0,
      ...properties,
    });
    this.sendCommand('connect', 1, [command, ...(args ?? [])]);
    const answer = await this.answer(1);
    this.setChunkSize(60_000);
    return answer;
  }

  /** Publishes a stream of the connected app; its first media may follow. */
  async publish(stream: string, order: PublishOrder = 'fmle'): Promise<void> {
    const since = this.messages.length;
    if (order === 'fmle') {
      this.sendCommand('releaseStream', 2, [null, stream]);
      this.sendCommand('FCPublish', 3, [null, stream]);
    }
    this.sendCommand('createStream', 4);
    await this.answer(4, since);
    if (order === 'haivision') this.sendCommand('FCPublish', 6, [null, stream]);
    this.sendCommand('publish', 5, [null, stream, 'live'], 1);
    await this.status('NetStream.Publish.Start', since);
  }

  /** Plays a stream of the connected app. */
  async play(stream: string, ...args: readonly AmfValue[]): Promise<void> {
    const since = this.messages.length;
    this.sendCommand('createStream', 4);
    await this.answer(4, since);
    this.sendCommand('play', 5, [null, stream, ...args], 1);
    await this.status('NetStream.Play.Start', since);
  }

  /**
   * Waits until the server has read everything that was sent so far: it answers in order. What it has published of
   * it may still be on its way to players.
   */
  async synced(): Promise<void> {
    const since = this.messages.length;
    this.sendCommand('sync', SYNC_CALL);
    await this.answer(SYNC_CALL, since);
  }

  /** Closes the connection in order and waits for that. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.socket.end();
    await this.untilClosed();
  }

  #read(bytes: Uint8Array): void {
    try {
      let rest = bytes;
      if (!this.#handshaken) {
        const { reply, done, used } = this.handshake.write(bytes);
        if (reply !== undefined) this.socket.write(reply);
        this.#handshaken = done;
        rest = bytes.subarray(used);
      }
      if (rest.length > 0) this.#reader.write(rest);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.socket.destroy();
    }
    this.#changes.notify();
  }
}

/** A peer that publishes `stream`; nothing is sent yet. */
export async function openPublisher(
  port: number,
  stream: string,
  options: ConnectOptions = {},
): Promise<RtmpPeer> {
  const peer = await RtmpPeer.open(port);
  await peer.connect(options);
  await peer.publish(stream);
  return peer;
}

/** A peer that plays `stream`. */
export async function openPlayer(
  port: number,
  stream: string,
  options: ConnectOptions = {},
): Promise<RtmpPeer> {
  const peer = await RtmpPeer.open(port);
  await peer.connect(options);
  await peer.play(stream);
  return peer;
}
