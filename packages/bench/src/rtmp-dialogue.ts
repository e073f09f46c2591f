import { AmfObject, decodeAmf0, encodeAmf0 } from '@sluice/media/amf';
import { ChunkStreamId, DEFAULT_CHUNK_SIZE, encodeFullMessage, MessageType } from './chunk-encoder.ts';
import { ChunkScanner, type ScannedMessage } from './chunk-scanner.ts';
import type { Target } from './target.ts';

const HANDSHAKE_BYTES = 1536;
/** C0 and C1 of the simple handshake: version 3, time 0, zero. */
const C0_C1 = ((): Uint8Array => {
  const bytes = new Uint8Array(1 + HANDSHAKE_BYTES);
  bytes[0] = 3;
  return bytes;
})();
/** Transaction ids of the commands; a server answers with the same. */
const Transaction = { connect: 1, release: 2, fcPublish: 3, createStream: 4, start: 5 } as const;
/** What players ask the server to buffer, ms. */
const BUFFER_MS = 3000;
const USER_CONTROL_SET_BUFFER_LENGTH = 3;
const USER_CONTROL_PING_REQUEST = 6;
const USER_CONTROL_PING_RESPONSE = 7;

/** What a dialogue tells its connection. */
export interface RtmpDialogueHandler {
  /** Bytes to send now. */
  send(bytes: Uint8Array): void;
  /** The server has accepted the play or publish on this message stream. */
  onReady(streamId: number): void;
  /** The server has refused; the text is the server's code or its words. */
  onRefused(reason: string): void;
  /** An audio or video message has come, from its first byte to its last; the body is its head. */
  onMedia(message: ScannedMessage): void;
}

/**
 * The client side of RTMP up to the first frame, without a socket: simple handshake, connect, createStream,
 * play or publish. It answers pings and acknowledges received bytes as long as it is given the bytes.
 */
export class RtmpDialogue {
  readonly #target: Target;
  readonly #verb: 'play' | 'publish';
  readonly #handler: RtmpDialogueHandler;
  readonly #chunkSize: number;
  readonly #scanner = new ChunkScanner((message) => {
    this.#onMessage(message);
  });
  #answer: Uint8Array | undefined = new Uint8Array(1 + 2 * HANDSHAKE_BYTES);
  #answered = 0;
  #streamId = 0;
  #ready = false;
  #window = 0;
  #received = 0;
  #acknowledged = 0;

  /** @param chunkSize what everything is sent with, bytes */
  constructor(
    target: Target,
    verb: 'play' | 'publish',
    handler: RtmpDialogueHandler,
    chunkSize: number = DEFAULT_CHUNK_SIZE,
  ) {
    this.#chunkSize = chunkSize;
    this.#target = target;
    this.#verb = verb;
    this.#handler = handler;
  }

  /** The window after which the server wants an acknowledgement, bytes; 0 before it has said so. */
  get acknowledgementWindow(): number {
    return this.#window;
  }

  /** Sends the client's first bytes; call once the socket is connected. */
  start(): void {
    this.#handler.send(C0_C1);
  }

  /**
   * Takes the next bytes from the server.
   * @throws BenchError when they are no RTMP
   */
  write(bytes: Uint8Array): void {
    let rest = bytes;
    const answer = this.#answer;
    if (answer !== undefined) {
      const taken = Math.min(answer.length - this.#answered, rest.length);
      answer.set(rest.subarray(0, taken), this.#answered);
      this.#answered += taken;
      rest = rest.subarray(taken);
      if (this.#answered < answer.length) return;
      this.#answer = undefined;
      // C2 repeats S1.
      this.#handler.send(answer.subarray(1, 1 + HANDSHAKE_BYTES));
      this.#sendConnect();
    }
    if (rest.length === 0) return;
    this.#received += rest.length;
    this.#scanner.write(rest);
    if (this.#window > 0 && this.#received - this.#acknowledged >= this.#window) {
      this.#acknowledged = this.#received;
      this.#handler.send(acknowledgement(this.#received));
    }
  }

  #sendConnect(): void {
    const info = AmfObject.from({
      app: this.#target.app,
      type: 'nonprivate',
      flashVer: this.#verb === 'play' ? 'LNX 9,0,124,2' : 'FMLE/3.0 (compatible; sluice bench)',
      tcUrl: this.#target.tcUrl,
      ...(this.#verb === 'play'
        ? { fpad: false, capabilities: 15, audioCodecs: 4071, videoCodecs: 252, videoFunction: 1 }
        : {}),
    });
    const connect = command(encodeAmf0('connect', Transaction.connect, info), 0);
    this.#handler.send(Buffer.concat([setChunkSize(this.#chunkSize), connect]));
  }

  #onMessage(message: ScannedMessage): void {
    const { type, body } = message;
    if (type === MessageType.audio || type === MessageType.video) this.#handler.onMedia(message);
    else if (type === MessageType.command) this.#onCommand(body);
    else if (type === MessageType.windowAcknowledgementSize && body.length >= 4)
      this.#window = readU32(body, 0);
    else if (type === MessageType.userControl && body.length >= 6) this.#onUserControl(body);
  }

  #onUserControl(body: Uint8Array): void {
    if (((body[0] ?? 0) << 8) + (body[1] ?? 0) !== USER_CONTROL_PING_REQUEST) return;
    this.#handler.send(userControl(USER_CONTROL_PING_RESPONSE, readU32(body, 2)));
  }

  #onCommand(body: Uint8Array): void {
    const [name, transaction, , info] = decodeAmf0(body);
    if (name === '_result' && transaction === Transaction.connect) this.#sendCreateStream();
    else if (name === '_result' && transaction === Transaction.createStream && typeof info === 'number') {
      this.#streamId = info;
      this.#sendStart();
    } else if (
      name === '_error' &&
      transaction !== Transaction.release &&
      transaction !== Transaction.fcPublish
    ) {
      this.#handler.onRefused(statusText(info, 'the server answered _error'));
    } else if (name === 'onStatus' && info instanceof Map) {
      const code = info.get('code');
      const started = this.#verb === 'play' ? 'NetStream.Play.Start' : 'NetStream.Publish.Start';
      if (info.get('level') === 'error') this.#handler.onRefused(statusText(info, 'the server refused'));
      else if (code === started && !this.#ready) {
        this.#ready = true;
        this.#handler.onReady(this.#streamId);
      }
    }
  }

  #sendCreateStream(): void {
    const createStream = command(encodeAmf0('createStream', Transaction.createStream, null), 0);
    if (this.#verb === 'play') {
      this.#handler.send(createStream);
      return;
    }
    const { stream } = this.#target;
    this.#handler.send(
      Buffer.concat([
        command(encodeAmf0('releaseStream', Transaction.release, null, stream), 0),
        command(encodeAmf0('FCPublish', Transaction.fcPublish, null, stream), 0),
        createStream,
      ]),
    );
  }

  #sendStart(): void {
    const { stream } = this.#target;
    if (this.#verb === 'publish') {
      const publish = encodeAmf0('publish', Transaction.start, null, stream, 'live');
      this.#handler.send(command(publish, this.#streamId));
      return;
    }
    this.#handler.send(
      Buffer.concat([
        command(encodeAmf0('play', Transaction.start, null, stream, -2000), this.#streamId),
        userControl(USER_CONTROL_SET_BUFFER_LENGTH, this.#streamId, BUFFER_MS),
      ]),
    );
  }
}

/** The acknowledgement of all bytes received so far (RTMP 1.0, 5.4.3), as fresh bytes. */
export function acknowledgement(received: number): Uint8Array {
  return control(MessageType.acknowledgement, u32s(received));
}

function setChunkSize(size: number): Uint8Array {
  return control(MessageType.setChunkSize, u32s(size));
}

function userControl(event: number, ...values: number[]): Uint8Array {
  return control(MessageType.userControl, Uint8Array.of(event >> 8, event & 0xff, ...u32s(...values)));
}

function control(type: MessageType, payload: Uint8Array): Uint8Array {
  return encodeFullMessage({
    chunkStreamId: ChunkStreamId.control,
    type,
    streamId: 0,
    timestamp: 0,
    payload,
  });
}

function command(payload: Uint8Array, streamId: number): Uint8Array {
  const message = { chunkStreamId: ChunkStreamId.command, type: MessageType.command, streamId, timestamp: 0 };
  return encodeFullMessage({ ...message, payload });
}

function u32s(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setUint32(4 * index, value >>> 0);
  });
  return bytes;
}

function readU32(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset);
}

function statusText(info: unknown, otherwise: string): string {
  if (!(info instanceof Map)) return otherwise;
  const code: unknown = info.get('code');
  const description: unknown = info.get('description');
  if (typeof code === 'string' && code !== '') return code;
  return typeof description === 'string' ? description : otherwise;
}
