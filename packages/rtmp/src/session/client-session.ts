import { AmfObject } from '@sluice/media/amf';
import type { AmfValue } from '@sluice/media/amf';
import { RtmpError } from '../errors.ts';
import type { RtmpStatus } from '../errors.ts';
import { ClientHandshake } from '../handshake/index.ts';
import {
  dataValuesBytes,
  decodeAggregate,
  decodeUserControl,
  encodeUserControl,
  encodeWindowAcknowledgementSize,
  messageType,
  userControlType,
} from '../message/index.ts';
import type { Command, RtmpMessage, UserControl } from '../message/index.ts';
import { wholeRtmpLimits } from './limits.ts';
import type { RtmpLimits } from './limits.ts';
import { mediaKindOf, mediaMessageType } from './media-kind.ts';
import type { MediaKind } from './media-kind.ts';
import { RtmpLink } from './link.ts';
import { commandMessage, controlMessage, serverChunkStream } from './replies.ts';
import { readCommand } from './requests.ts';
import { readServerProperties, readStatus } from './status.ts';
import type { ServerProperties } from './status.ts';

/** What a {@link ClientSession} reports to its owner, synchronously out of `write()`. */
export interface ClientSessionHandler {
  /** The handshake is done: `connect()` may be called. */
  onHandshaken(): void;
  /** The server accepted `connect`: `play()` or `publish()` may be called. */
  onConnected(server: ServerProperties): void;
  /** The server refused connect, createStream, play or publish. */
  onRejected(status: RtmpStatus): void;
  /** The server accepted `play`. */
  onPlayStarted?(): void;
  /** The server accepted `publish`: media may be sent. */
  onPublishStarted?(): void;
  /** Every `onStatus`, those that the calls above tell included. */
  onStatus?(status: RtmpStatus): void;
  /** A media message; see `ServerSessionHandler.onMedia`, the same holds. */
  onMedia?(kind: MediaKind, timestamp: number, payload: Uint8Array): void;
  /** A user control event other than a ping, such as the end of the stream. */
  onUserControl?(event: UserControl): void;
  /** A call of the server that the session doesn't know, such as `onBWDone`. */
  onCall?(name: string, transactionId: number, args: readonly AmfValue[]): void;
}

/** Options of a {@link ClientSession}. */
export interface ClientSessionOptions {
  readonly handler: ClientSessionHandler;
  /** Takes bytes for the server, in order, synchronously; they are never changed afterwards. */
  readonly send: (bytes: Uint8Array) => void;
  /** Bytes given to `send` that the server has not taken yet, such as a socket's `writableLength`. Default: 0. */
  readonly unsent?: (() => number) | undefined;
  /** Default: {@link defaultRtmpLimits}. */
  readonly limits?: Partial<RtmpLimits>;
  /** `complex` falls back to simple by itself. Default `complex`. */
  readonly handshake?: 'complex' | 'simple';
  /** Bytes of payload in each chunk sent after `connect`, 1..2^31-1. Default 60000. */
  readonly chunkSize?: number;
}

/** What `connect` sends to the server. */
export interface ConnectOptions {
  /** The URL without the stream's name. */
  readonly tcUrl: string;
  /** Application name, as the server shall see it. */
  readonly app: string;
  /** Default `FMLE/3.0 (compatible; Sluice)`, which servers take for a publisher's and a player's alike. */
  readonly flashVer?: string;
  /** Default: not sent. */
  readonly swfUrl?: string;
  /** Default: not sent. */
  readonly pageUrl?: string;
  /** The argument behind the command object, for instance the session of an edge. Default: not sent. */
  readonly args?: AmfObject;
}

/** What `play` sends to the server. */
export interface PlayOptions {
  /** ms to start from; negative for live. Default -2000. */
  readonly start?: number;
  /** ms to play; negative until the end. Default -1. */
  readonly duration?: number;
  /** ms that the player says it buffers. Default 1000. */
  readonly bufferLength?: number;
}

const defaultFlashVersion = 'FMLE/3.0 (compatible; Sluice)';
/** Window that a client announces when the server sets its bandwidth, in bytes. */
const clientWindow = 2_500_000;

/** What a call of ours waits for. */
type Reply = (accepted: boolean, args: readonly AmfValue[]) => void;

/**
 * The client's side of an RTMP connection, without I/O: bytes go in by `write()`, bytes come out through `send`.
 * In order: `start()`, `connect()` on `onHandshaken`, then `play()` or `publish()` on `onConnected`.
 */
export class ClientSession {
  readonly #handler: ClientSessionHandler;
  readonly #limits: RtmpLimits;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #link: RtmpLink;
  readonly #handshake: ClientHandshake;
  readonly #chunkSize: number;
  readonly #replies = new Map<number, Reply>();
  #lastTransaction = 0;
  #streamId = 0;
  #streamName = '';
  #doing: 'play' | 'publish' | undefined;
  /** Why nothing more can be sent, once that is so. */
  #over: RtmpError | undefined;

  constructor(options: ClientSessionOptions) {
    this.#handler = options.handler;
    this.#send = options.send;
    this.#limits = wholeRtmpLimits(options.limits);
    this.#chunkSize = options.chunkSize ?? 60_000;
    this.#handshake = new ClientHandshake({ kind: options.handshake ?? 'complex' });
    this.#link = new RtmpLink({
      handshake: this.#handshake,
      limits: this.#limits,
      send: options.send,
      unsent: options.unsent,
      onHandshaken: () => {
        this.#handler.onHandshaken();
      },
      onMessage: (message) => {
        this.#receive(message);
      },
    });
  }

  /** Bytes received, the handshake's included. */
  get bytesReceived(): number {
    return this.#link.bytesReceived;
  }

  /** The message stream that the server gave us; 0 before there is one. */
  get streamId(): number {
    return this.#streamId;
  }

  /** Which handshake the server answered; `undefined` until it did. */
  get handshakeKind(): 'complex' | 'simple' | undefined {
    return this.#handshake.kind;
  }

  /** Sends C0 and C1. */
  start(): void {
    this.#send(this.#handshake.start());
  }

  /**
   * Takes the next bytes from the server, however they are cut.
   *
   * @param bytes used during the call only
   * @throws RtmpError on anything the protocol or the limits forbid; what the handler throws comes out unchanged
   */
  write(bytes: Uint8Array): void {
    this.#link.write(bytes);
  }

  /**
   * Ends the session: nothing is read or sent any more.
   *
   * @param cause what calls that would send throw from now on; default: `connection-closed`
   */
  close(cause?: RtmpError): void {
    this.#over ??= cause ?? new RtmpError('connection-closed', 'the session was ended by close()');
    this.#link.close();
  }

  /** Sends `connect`; answered by `onConnected` or `onRejected`. */
  connect(options: ConnectOptions): void {
    const properties = AmfObject.from({
      app: options.app,
      type: 'nonprivate',
      flashVer: options.flashVer ?? defaultFlashVersion,
      tcUrl: options.tcUrl,
      fpad: false,
      capabilities: 15,
      audioCodecs: 4071,
      videoCodecs: 252,
      videoFunction: 1,
      objectEncoding: 0,
    });
    if (options.swfUrl !== undefined) {
      properties.set('swfUrl', options.swfUrl);
    }
    if (options.pageUrl !== undefined) {
      properties.set('pageUrl', options.pageUrl);
    }
    this.#link.announceChunkSize(this.#chunkSize);
    const args = options.args === undefined ? [properties] : [properties, options.args];
    this.#call('connect', args, (accepted, answer) => {
      if (accepted) {
        this.#handler.onConnected(readServerProperties(answer));
      } else {
        this.#handler.onRejected(readStatus(answer[1], 'NetConnection.Connect.Rejected'));
      }
    });
  }

  /** Asks for a stream and plays it; answered by `onPlayStarted` or `onRejected`. */
  play(streamName: string, options: PlayOptions = {}): void {
    this.#createStream('play', streamName, () => {
      const { start = -2000, duration = -1, bufferLength = 1000 } = options;
      const buffer = encodeUserControl({
        event: userControlType.setBufferLength,
        streamId: this.#streamId,
        bufferLength,
      });
      this.#link.send(
        commandMessage(this.#streamId, 'play', 0, [null, streamName, start, duration, true]),
        controlMessage(messageType.userControl, buffer),
      );
    });
  }

  /** Publishes a stream in the order of Adobe's encoder FMLE; answered by `onPublishStarted` or `onRejected`. */
  publish(streamName: string, mode = 'live'): void {
    this.#call('releaseStream', [null, streamName]);
    this.#call('FCPublish', [null, streamName]);
    this.#createStream('publish', streamName, () => {
      const transaction = this.#nextTransaction();
      this.#link.send(commandMessage(this.#streamId, 'publish', transaction, [null, streamName, mode]));
    });
  }

  /** Asks the server to pause or to go on; `timeMs` is the player's position. */
  pause(paused: boolean, timeMs = 0): void {
    this.#sendStreamCommand('pause', [paused, timeMs]);
  }

  /** Asks for another position, in ms. Live servers ignore it. */
  seek(timeMs: number): void {
    this.#sendStreamCommand('seek', [timeMs]);
  }

  receiveAudio(on: boolean): void {
    this.#sendStreamCommand('receiveAudio', [on]);
  }

  receiveVideo(on: boolean): void {
    this.#sendStreamCommand('receiveVideo', [on]);
  }

  /** Ends the play or the publish; the connection stays, and may play or publish again. */
  stop(): void {
    if (this.#over !== undefined) return;
    if (this.#doing === 'publish') {
      this.#call('FCUnpublish', [null, this.#streamName]);
    }
    if (this.#streamId !== 0) {
      this.#link.send(commandMessage(0, 'deleteStream', this.#nextTransaction(), [null, this.#streamId]));
    }
    this.#doing = undefined;
    this.#streamId = 0;
  }

  /** Sends an FLV AUDIODATA body. `timestamp` in ms, taken modulo 2^32. */
  sendAudio(timestamp: number, body: Uint8Array): void {
    this.#sendMedia('audio', serverChunkStream.audio, timestamp, body);
  }

  /** Sends an FLV VIDEODATA body. `timestamp` in ms, taken modulo 2^32. */
  sendVideo(timestamp: number, body: Uint8Array): void {
    this.#sendMedia('video', serverChunkStream.video, timestamp, body);
  }

  /** Sends AMF0 values, such as `@setDataFrame`, `onMetaData` and its properties. `timestamp` in ms. */
  sendData(timestamp: number, body: Uint8Array): void {
    this.#sendMedia('data', serverChunkStream.stream, timestamp, body);
  }

  /**
   * Calls the server; the answer, if there is one, comes to `onResult`: whether it is `_result`, and its values.
   */
  call(name: string, args: readonly AmfValue[], onResult?: Reply): void {
    this.#call(name, args, onResult);
  }

  #createStream(doing: 'play' | 'publish', streamName: string, next: () => void): void {
    this.#doing = doing;
    this.#streamName = streamName;
    this.#call('createStream', [null], (accepted, answer) => {
      if (accepted && typeof answer[1] === 'number') {
        this.#streamId = answer[1];
        next();
      } else {
        this.#handler.onRejected(readStatus(answer[1], 'NetConnection.Call.Failed'));
      }
    });
  }

  #sendStreamCommand(name: string, args: readonly AmfValue[]): void {
    this.#requireStream(name);
    this.#link.send(commandMessage(this.#streamId, name, 0, [null, ...args]));
  }

  #sendMedia(kind: MediaKind, chunkStreamId: number, timestamp: number, payload: Uint8Array): void {
    this.#requireStream('media');
    const type = mediaMessageType[kind];
    this.#link.send({ chunkStreamId, type, streamId: this.#streamId, timestamp, payload });
  }

  #requireStream(what: string): void {
    if (this.#over !== undefined) throw this.#over;
    if (this.#streamId === 0) {
      throw new RtmpError(
        'bad-state',
        `${what} needs a stream: no play or publish has been accepted, or it was stopped`,
      );
    }
  }

  #nextTransaction(): number {
    this.#lastTransaction += 1;
    return this.#lastTransaction;
  }

  #call(name: string, args: readonly AmfValue[], reply?: Reply): void {
    if (this.#over !== undefined) throw this.#over;
    const transaction = this.#nextTransaction();
    if (reply !== undefined) {
      this.#replies.set(transaction, reply);
    }
    this.#link.send(commandMessage(0, name, transaction, args));
  }

  #receive(message: RtmpMessage): void {
    const { type, timestamp, payload } = message;
    switch (type) {
      case messageType.audio:
        this.#handler.onMedia?.('audio', timestamp, payload);
        return;
      case messageType.video:
        this.#handler.onMedia?.('video', timestamp, payload);
        return;
      case messageType.dataAmf0:
      case messageType.dataAmf3: {
        const values = dataValuesBytes(type, payload);
        if (values.length > 0) {
          this.#handler.onMedia?.('data', timestamp, values);
        }
        return;
      }
      case messageType.aggregate:
        this.#receiveAggregate(timestamp, payload);
        return;
      case messageType.userControl:
        this.#handler.onUserControl?.(decodeUserControl(payload));
        return;
      case messageType.setPeerBandwidth: {
        const window = encodeWindowAcknowledgementSize({ windowSize: clientWindow });
        this.#link.send(controlMessage(messageType.windowAcknowledgementSize, window));
        return;
      }
      case messageType.commandAmf0:
      case messageType.commandAmf3:
        this.#receiveCommand(readCommand(type, payload, this.#limits));
        return;
      default:
        return;
    }
  }

  #receiveAggregate(timestamp: number, payload: Uint8Array): void {
    for (const { type, timestamp: time, payload: body } of decodeAggregate(
      timestamp,
      payload,
      this.#limits.maxAggregateParts,
    )) {
      const kind = mediaKindOf(type);
      if (kind !== undefined && body.length > 0) {
        this.#handler.onMedia?.(kind, time, body);
      }
    }
  }

  #receiveCommand(command: Command): void {
    const { name, transactionId, args } = command;
    if (name === '_result' || name === '_error') {
      const reply = this.#replies.get(transactionId);
      this.#replies.delete(transactionId);
      reply?.(name === '_result', args);
    } else if (name === 'onStatus') {
      this.#receiveStatus(readStatus(args[1], ''));
    } else {
      this.#handler.onCall?.(name, transactionId, args);
    }
  }

  #receiveStatus(status: RtmpStatus): void {
    this.#handler.onStatus?.(status);
    if (status.level === 'error') {
      this.#handler.onRejected(status);
    } else if (status.code === 'NetStream.Play.Start' && this.#doing === 'play') {
      this.#handler.onPlayStarted?.();
    } else if (status.code === 'NetStream.Publish.Start' && this.#doing === 'publish') {
      this.#handler.onPublishStarted?.();
    }
  }
}
