import type { AmfValue } from '@sluice/media/amf';
import { copyBytes } from '@sluice/media/bytes';
import { RtmpError } from '../errors.ts';
import { ServerHandshake } from '../handshake/index.ts';
import {
  dataValuesBytes,
  decodeAggregate,
  encodeUserControl,
  messageType,
  userControlType,
} from '../message/index.ts';
import type { Command, RtmpMessage } from '../message/index.ts';
import type {
  ConnectRequest,
  PublishFlavour,
  ServerSessionHandler,
  ServerSessionPhase,
  StopCause,
  UnpublishCause,
} from './events.ts';
import { HeldMessages, holdsMessages } from './held-messages.ts';
import { wholeRtmpLimits } from './limits.ts';
import type { RtmpLimits } from './limits.ts';
import { mediaKindOf } from './media-kind.ts';
import type { MediaKind } from './media-kind.ts';
import { RtmpLink } from './link.ts';
import { checkServerChunkSize } from './options.ts';
import type {
  AcceptConnectOptions,
  AcceptPlayOptions,
  CloseRefusal,
  RejectConnectOptions,
  RejectStreamOptions,
  ServerSessionOptions,
} from './options.ts';
import { answerNames, publishEnd } from './publish-end.ts';
import { PublisherOrder } from './publisher-order.ts';
import {
  commandMessage,
  connectAccepted,
  connectRejected,
  controlMessage,
  mediaStreamId,
  pauseNotices,
  playAccepted,
  publishAccepted,
  refusalOf,
  statusMessage,
  streamEventMessage,
  unpublishDone,
  unpublishSuccess,
  usualPlayDetails,
  usualRefusalCodes,
} from './replies.ts';
import type { TcUrl } from './tc-url.ts';
import { readCommand, readConnect, readPlay, readPublish } from './requests.ts';

/** Chunk size that a server announces unless told otherwise (Adobe RTMP 1.0, 5.4.1). */
const defaultServerChunkSize = 60_000;

/**
 * The server's side of an RTMP connection, without I/O: bytes go in by `write()`, bytes come out through `send`,
 * and the handler hears what the client wants. The owner answers each request when it likes; until then the
 * client's later messages wait, within limits.
 *
 * The session sends on chunk streams 2, 3 and 5 only, always with type-0 headers, and keeps no output: an owner
 * that sends media by itself, on other chunk streams, may do so between any two calls.
 *
 * After an RtmpError out of any call the owner closes the connection; further input is ignored. A client that
 * waits for an answer has been told what was wrong.
 */
export class ServerSession {
  readonly #handler: ServerSessionHandler;
  readonly #limits: RtmpLimits;
  readonly #link: RtmpLink;
  readonly #held: HeldMessages;
  readonly #lendsMedia: boolean;
  readonly #order = new PublisherOrder();
  #phase: ServerSessionPhase = 'handshake';
  #draining = false;
  /** The id of the first command, which `_error` answers. */
  #connectTransaction = 1;
  #refused = false;
  /** Until it is answered. */
  #connect: ConnectRequest | undefined;
  #tcUrl: TcUrl | undefined;
  /** The client is a Flash player: it has said which SWF plays. */
  #flash = false;
  #chunkSize: number;
  /** Whether the client has said what it wants to do. */
  #identified = false;
  #chunkSizeAnnounced = false;
  #flavour: PublishFlavour = 'flash-publish';
  #unpublishTransaction = 0;

  constructor(options: ServerSessionOptions) {
    this.#handler = options.handler;
    this.#limits = wholeRtmpLimits(options.limits);
    this.#chunkSize = checkServerChunkSize(options.chunkSize ?? defaultServerChunkSize);
    this.#held = new HeldMessages(this.#limits);
    this.#lendsMedia = options.lendsMedia ?? false;
    this.#link = new RtmpLink({
      handshake: new ServerHandshake(),
      limits: this.#limits,
      lendsMedia: this.#lendsMedia,
      send: options.send,
      unsent: options.unsent,
      countsReplies: true,
      onHandshaken: () => {
        this.#phase = 'awaiting-connect';
        this.#handler.onHandshaken?.();
      },
      onMessage: (message) => {
        this.#receive(message);
      },
    });
  }

  get phase(): ServerSessionPhase {
    return this.#phase;
  }

  /**
   * Bytes of payload in the chunks that are sent now: 128 until the announced size holds (Adobe RTMP 1.0, 5.4.1).
   */
  get chunkSize(): number {
    return this.#link.chunkSize;
  }

  /**
   * Whether the session was closed with a refusal, which the client has to get before its connection is closed.
   */
  get refused(): boolean {
    return this.#refused;
  }

  /** The message stream that media for this client must carry. */
  get audioVideoStreamId(): number {
    return mediaStreamId;
  }

  /** Bytes received, the handshake's included. */
  get bytesReceived(): number {
    return this.#link.bytesReceived;
  }

  /**
   * Takes the next bytes from the client, however they are cut.
   *
   * @param bytes used during the call only
   * @throws RtmpError on anything the protocol or the limits forbid; what the handler throws comes out unchanged
   */
  write(bytes: Uint8Array): void {
    try {
      this.#link.write(bytes);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /**
   * Ends the session: what the client still sends is ignored.
   *
   * @param refusal what a request that waits for its answer is refused with; without it, and while none waits,
   *   nothing is sent
   */
  close(refusal?: CloseRefusal): void {
    const message =
      refusal === undefined ? undefined : refusalOf(this.#phase, this.#connectTransaction, refusal);
    this.#phase = 'closed';
    if (message !== undefined) {
      this.#refused = true;
      this.sendMessage(message);
    }
    this.#link.close();
  }

  /**
   * Answers `onConnect` with success (Adobe RTMP 1.0, 7.2.1.1). Like the other accept… and reject… calls it then
   * handles what the client has sent meanwhile, so it can throw what `write()` throws: call it last.
   */
  acceptConnect(options: AcceptConnectOptions = {}): void {
    if (this.#leave('connect-requested', 'idle') === undefined || this.#connect === undefined) {
      return;
    }
    this.#chunkSize = checkServerChunkSize(options.chunkSize ?? this.#chunkSize);
    const replies = connectAccepted(this.#connect, options.data);
    this.#tcUrl = this.#connect.url;
    this.#flash = this.#connect.swfUrl !== '';
    this.#connect = undefined;
    this.#sendAll(...replies);
    this.#drain();
  }

  /** Answers `onConnect` with a refusal and closes the session; the owner closes the transport after it. */
  rejectConnect(options: RejectConnectOptions): void {
    if (this.#leave('connect-requested', 'closed') !== undefined) {
      this.#refused = true;
      this.sendMessage(connectRejected(this.#connectTransaction, options));
      this.close();
    }
  }

  /** Answers `onPublish` with success (Adobe RTMP 1.0, 7.2.2.6); from now on media come through `onMedia`. */
  acceptPublish(): void {
    if (this.#leave('publish-requested', 'publishing') !== undefined) {
      this.#sendAll(...publishAccepted(this.#flavour));
      this.#drain();
    }
  }

  /** Answers `onPublish` with a refusal. The client may try again on the same connection. */
  rejectPublish(options: RejectStreamOptions): void {
    if (this.#leave('publish-requested', 'idle') !== undefined) {
      this.#order.reset();
      this.sendMessage(
        statusMessage('error', options.code ?? usualRefusalCodes.publish, options.description),
      );
      this.#drain();
    }
  }

  /** Confirms the end that `onUnpublish('FCUnpublish')` asked for. Does nothing after other causes. */
  finishUnpublish(): void {
    if (this.#phase === 'unpublishing') {
      this.#phase = 'idle';
      this.#sendAll(...unpublishDone(this.#unpublishTransaction));
      this.#drain();
    }
  }

  /** Answers `onPlay` with success, in the order of Adobe RTMP 1.0, 7.2.2.1; media may follow at once. */
  acceptPlay(options: AcceptPlayOptions = {}): void {
    if (this.#leave('play-requested', 'playing') !== undefined) {
      this.#sendAll(...playAccepted(options.details ?? usualPlayDetails, this.#flash));
      this.#drain();
    }
  }

  /** Answers `onPlay` with a refusal. The client may try again on the same connection. */
  rejectPlay(options: RejectStreamOptions): void {
    if (this.#leave('play-requested', 'idle') !== undefined) {
      this.sendMessage(statusMessage('error', options.code ?? usualRefusalCodes.play, options.description));
      this.#drain();
    }
  }

  /** Ends the client's play from the server's side; the connection goes on. Does nothing when none is on. */
  endPlay(description = 'Stopped playing stream.'): void {
    if (this.#phase === 'playing') {
      this.#phase = 'idle';
      this.#sendAll(
        streamEventMessage('streamEof'),
        statusMessage('status', 'NetStream.Play.Stop', description, { details: 'stream' }),
      );
    }
  }

  /** Notifies a player that the publisher has left; the play continues. No effect unless the client plays. */
  notifyUnpublish(): void {
    this.#notifyPlayer('NetStream.Play.UnpublishNotify', 'Stream is no longer published.');
  }

  /** Notifies a waiting player that there is a publisher. No effect unless the client plays. */
  notifyPublish(): void {
    this.#notifyPlayer('NetStream.Play.PublishNotify', 'Stream is now published.');
  }

  /** Asks for a sign of life; the client answers by itself. `timestamp` in ms, modulo 2^32. */
  sendPing(timestamp: number): void {
    const payload = encodeUserControl({ event: userControlType.pingRequest, timestamp: timestamp >>> 0 });
    this.sendMessage(controlMessage(messageType.userControl, payload));
  }

  /** Sends a command of the owner's own, on the connection's stream unless told otherwise. */
  sendCommand(name: string, transactionId: number, args: readonly AmfValue[], streamId = 0): void {
    this.sendMessage(commandMessage(streamId, name, transactionId, args));
  }

  /** Sends any message, in chunks of the present size, in one call of `send`. Does nothing once closed. */
  sendMessage(message: RtmpMessage): void {
    this.#sendAll(message);
  }

  /**
   * Sends messages in one call of `send`; before the first answer to a client that has said what it wants goes our
   * chunk size (Adobe RTMP 1.0, 5.4.1). In one call, as a small write behind another one waits for the network
   * (Nagle).
   */
  #sendAll(...messages: readonly RtmpMessage[]): void {
    if (this.#identified && !this.#chunkSizeAnnounced) {
      this.#chunkSizeAnnounced = true;
      this.#link.announceChunkSize(this.#chunkSize, ...messages);
    } else {
      this.#link.send(...messages);
    }
  }

  /** Closes the session after an error, and reports it to a client that waits for an answer. */
  #fail(error: unknown): void {
    const description = error instanceof RtmpError ? error.message : 'internal error';
    const isName = error instanceof RtmpError && error.code === 'stream-name';
    if (this.#phase === 'idle') {
      // Which command it was that can't be read isn't known.
      this.#refused = true;
      this.sendMessage(statusMessage('error', 'NetConnection.Call.Failed', description));
    } else if (this.#phase === 'awaiting-connect') {
      this.#phase = 'connect-requested';
    }
    this.close({ description, codes: isName ? { play: 'NetStream.Play.StreamNotFound' } : {} });
  }

  #notifyPlayer(code: string, description: string): void {
    if (this.#phase === 'playing') {
      this.sendMessage(statusMessage('status', code, description));
    }
  }

  /**
   * Goes from the phase in which an answer is due to the next. An answer to a closed session is dropped, since
   * the client may leave while the owner decides.
   *
   * @returns `undefined` when the session is closed
   * @throws RtmpError `bad-state` when no such answer is due
   */
  #leave(from: ServerSessionPhase, to: ServerSessionPhase): ServerSessionPhase | undefined {
    if (this.#phase === 'closed') {
      return undefined;
    }
    if (this.#phase !== from) {
      throw new RtmpError(
        'bad-state',
        `answer is due in phase ${from} only, the session is in ${this.#phase}`,
      );
    }
    this.#phase = to;
    return from;
  }

  /** A method, since the phase can change in any call of the handler, which the compiler doesn't see. */
  #isClosed(): boolean {
    return this.#phase === 'closed';
  }

  /** Handles the messages held back, until the next request among them. */
  #drain(): void {
    if (this.#draining) {
      return;
    }
    this.#draining = true;
    try {
      while (!holdsMessages(this.#phase) && !this.#isClosed()) {
        const message = this.#held.take();
        if (message === undefined) {
          break;
        }
        this.#handle(message);
      }
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      this.#draining = false;
    }
  }

  #receive(message: RtmpMessage): void {
    if (holdsMessages(this.#phase)) {
      this.#held.add(this.#lendsMedia ? { ...message, payload: copyBytes(message.payload) } : message);
    } else if (!this.#isClosed()) {
      this.#handle(message);
    }
  }

  #handle(message: RtmpMessage): void {
    const { type, timestamp, payload } = message;
    switch (type) {
      case messageType.audio:
      case messageType.video:
        this.#handleMedia(type === messageType.audio ? 'audio' : 'video', timestamp, payload);
        return;
      case messageType.dataAmf0:
      case messageType.dataAmf3:
        this.#handleMedia('data', timestamp, dataValuesBytes(type, payload));
        return;
      case messageType.aggregate:
        this.#handleAggregate(timestamp, payload);
        return;
      case messageType.commandAmf0:
      case messageType.commandAmf3:
        this.#handleCommand(readCommand(type, payload, this.#limits), message.streamId);
        return;
      default:
        return;
    }
  }

  #handleMedia(kind: MediaKind, timestamp: number, payload: Uint8Array): void {
    if (this.#phase === 'publishing' && payload.length > 0) {
      this.#handler.onMedia(kind, timestamp, payload);
    }
  }

  #handleAggregate(timestamp: number, payload: Uint8Array): void {
    if (this.#phase !== 'publishing') return;
    for (const part of decodeAggregate(timestamp, payload, this.#limits.maxAggregateParts)) {
      const kind = mediaKindOf(part.type);
      if (kind !== undefined) this.#handleMedia(kind, part.timestamp, part.payload);
    }
  }

  #handleCommand(command: Command, streamId: number): void {
    if (this.#phase === 'awaiting-connect') {
      this.#handleConnect(command);
      return;
    }
    if (this.#phase === 'publishing' && this.#endsPublish(command, streamId)) {
      return;
    }
    switch (command.name) {
      case 'createStream':
        this.#order.createStream();
        this.#answer(command, mediaStreamId);
        return;
      case 'releaseStream':
      case 'FCPublish':
        this.#order.fmleStart(command.name);
        this.#identified = true;
        this.#answer(command, undefined);
        return;
      case 'getStreamLength':
        // A live stream has none; ffmpeg warns about any answer but a number.
        this.#answer(command, 0);
        return;
      case 'publish':
        this.#handlePublish(command);
        return;
      case 'play':
        this.#handlePlay(command);
        return;
      case 'pause':
      case 'pauseRaw':
        this.#handlePause(command);
        return;
      case 'receiveAudio':
        this.#handler.onReceiveAudio(command.args[1] !== false);
        return;
      case 'receiveVideo':
        this.#handler.onReceiveVideo(command.args[1] !== false);
        return;
      case 'closeStream':
      case 'deleteStream':
        this.#endPlay(command.name);
        return;
      default:
        this.#handleCall(command);
    }
  }

  #handleConnect(command: Command): void {
    this.#connectTransaction = command.transactionId;
    if (command.name !== 'connect') {
      throw new RtmpError(
        'connect-expected',
        `first command must be connect, got ${command.name.slice(0, 64)}`,
      );
    }
    const request = readConnect(command, this.#limits);
    this.#connect = request;
    this.#phase = 'connect-requested';
    this.#handler.onConnect(request);
  }

  /**
   * Ends the publish where the command asks for it.
   *
   * @returns whether the command is dealt with
   */
  #endsPublish(command: Command, streamId: number): boolean {
    const cause = publishEnd(command, streamId, this.#flavour);
    if (cause === undefined) {
      return false;
    }
    if (cause === 'FCUnpublish') {
      this.#phase = 'unpublishing';
      this.#unpublishTransaction = command.transactionId;
      this.#order.reset();
      this.#handler.onUnpublish(cause);
      return true;
    }
    this.#endPublish(cause);
    if (cause === 'publish(false)') {
      this.sendMessage(unpublishSuccess());
    }
    return cause !== 'command';
  }

  #endPublish(cause: UnpublishCause): void {
    this.#phase = 'idle';
    this.#order.reset();
    this.#handler.onUnpublish(cause);
  }

  #endPlay(cause: StopCause): void {
    if (this.#phase === 'playing') {
      this.#phase = 'idle';
      this.#handler.onStop(cause);
    }
  }

  #handlePublish(command: Command): void {
    const tcUrl = this.#begin('publish-requested', command);
    if (tcUrl !== undefined) {
      this.#flavour = this.#order.flavour;
      this.#handler.onPublish(readPublish(command, tcUrl, this.#flavour, this.#limits));
    }
  }

  #handlePlay(command: Command): void {
    const tcUrl = this.#begin('play-requested', command);
    if (tcUrl !== undefined) {
      this.#handler.onPlay(readPlay(command, tcUrl, this.#limits));
    }
  }

  /**
   * Takes a `publish` or `play`, after the end of an earlier play. The phase changes before the request is read,
   * as a bad one is refused by its phase.
   *
   * @returns `undefined` when none may begin, or none is to: Flash's publish(false) and play(false) only end one
   */
  #begin(phase: ServerSessionPhase, command: Command): TcUrl | undefined {
    this.#endPlay('command');
    if (this.#phase !== 'idle' || command.args[1] === false) {
      return undefined;
    }
    this.#identified = true;
    this.#phase = phase;
    return this.#tcUrl;
  }

  #handlePause(command: Command): void {
    if (this.#phase !== 'playing') {
      return;
    }
    const paused = command.args[1] !== false;
    const timeMs = typeof command.args[2] === 'number' ? command.args[2] : 0;
    if (paused) {
      this.#handler.onPause(true, timeMs);
      this.#sendAll(...pauseNotices(true));
    } else {
      this.#sendAll(...pauseNotices(false));
      this.#handler.onPause(false, timeMs);
    }
  }

  #handleCall(command: Command): void {
    const { name, transactionId, args } = command;
    if (answerNames.has(name) || this.#handler.onCall?.(name, transactionId, args) === true) {
      return;
    }
    if (transactionId > 0) {
      this.#answer(command, null);
    }
  }

  #answer(command: Command, value: AmfValue): void {
    this.sendMessage(commandMessage(0, '_result', command.transactionId, [null, value]));
  }
}
