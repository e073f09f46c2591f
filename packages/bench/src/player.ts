import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Attendee } from './attendance.ts';
import { parseVideoTagHeader } from '@sluice/media/flv';
import { MessageType } from './chunk-encoder.ts';
import type { ScannedMessage } from './chunk-scanner.ts';
import { ChunkedBody, FlvScanner, ResponseHead, WebSocketBody } from './flv-scanner.ts';
import { acknowledgement, RtmpDialogue } from './rtmp-dialogue.ts';
import { isTransportStream, type Target } from './target.ts';
import { TsScanner } from './ts-scanner.ts';

/** How long a player looks at messages for a keyframe before it only counts bytes, ms. */
const KEYFRAME_SEARCH_MS = 15_000;

/** What a player tells its run. Each is called at most once. */
export interface PlayerHandler {
  /** The first media byte has come. */
  onJoined(player: Player): void;
  /** The first whole keyframe has come. */
  onKeyframe(player: Player): void;
  /** The connection is gone, or the server has refused. */
  onEnd(player: Player, reason: string): void;
}

/** How a player connects and reads. */
export interface PlayerOptions {
  readonly target: Target;
  /** IP address to connect to. */
  readonly address: string;
  /** Local address to connect from, or undefined for the system's choice. */
  readonly localAddress: string | undefined;
  /** Memory that all players of the process read into. */
  readonly readBuffer: Buffer;
  /** Look at every message for the whole run: pings are answered then. */
  readonly keepParsing: boolean;
  /** Sees all bytes that come; they are valid during the call only. */
  readonly observe: ((bytes: Buffer) => void) | undefined;
  readonly handler: PlayerHandler;
}

/**
 * One player: it asks for a stream over RTMP, or for FLV or MPEG-TS over HTTP or WebSocket, looks at the first messages until it
 * has seen a keyframe, and from then on only counts the bytes that it reads.
 */
export class Player implements Attendee {
  /** All bytes read. */
  bytes = 0;
  windowStartBytes = -1;
  readonly startedAt = performance.now();
  /** When it got its first media; 0 before. */
  joinedAt = 0;
  /** When it got its first keyframe; 0 before. */
  keyframeAt = 0;
  /** It has stopped reading on purpose. */
  stalled = false;
  readonly #options: PlayerOptions;
  readonly #socket: Socket;
  #parse: ((bytes: Buffer) => void) | undefined;
  #acknowledgeAt = Infinity;
  #dialogue: RtmpDialogue | undefined;
  #ended = false;

  constructor(options: PlayerOptions) {
    this.#options = options;
    const socket = connect({
      host: options.address,
      port: options.target.port,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
      onread: { buffer: options.readBuffer, callback: (size, buffer) => this.#onRead(size, buffer) },
    });
    this.#socket = socket;
    socket.on('connect', () => {
      this.#begin();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#end(error.code ?? error.message);
    });
    socket.on('close', () => {
      this.#end('closed by the server');
    });
  }

  /** Closes the connection; nothing is told any more. */
  leave(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  /** Ends the connection with a reason of the run's own. */
  fail(reason: string): void {
    this.#end(reason);
  }

  /** Stops reading; the server's queue for this player grows. */
  stall(): void {
    this.stalled = true;
    this.#socket.pause();
  }

  /** Reads again after {@link stall}. */
  unstall(): void {
    this.stalled = false;
    this.#socket.resume();
  }

  #begin(): void {
    const { target } = this.#options;
    this.#socket.setNoDelay(true);
    switch (target.protocol) {
      case 'rtmp':
        this.#beginRtmp();
        break;
      case 'http':
        this.#beginHttp('Connection: keep-alive\r\n', 200);
        break;
      case 'ws':
        this.#beginHttp(
          `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
            `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n`,
          101,
        );
        break;
      case 'floor':
        this.#joined();
        break;
    }
  }

  #beginRtmp(): void {
    const dialogue = new RtmpDialogue(this.#options.target, 'play', {
      send: (bytes) => {
        this.#socket.write(bytes);
      },
      onReady: () => undefined,
      onRefused: (reason) => {
        this.#end(reason);
      },
      onMedia: (message) => {
        this.#onMessage(message);
      },
    });
    this.#dialogue = dialogue;
    this.#parse = (bytes) => {
      dialogue.write(bytes);
    };
    dialogue.start();
  }

  #beginHttp(headers: string, wantedStatus: number): void {
    const { target } = this.#options;
    const host = target.host.includes(':') ? `[${target.host}]` : target.host;
    this.#socket.write(
      `GET ${target.path} HTTP/1.1\r\nHost: ${host}:${target.port}\r\nUser-Agent: sluice-bench\r\n${headers}\r\n`,
    );
    const head = new ResponseHead();
    this.#parse = (bytes) => {
      const answer = head.write(bytes);
      if (answer === undefined) return;
      if (answer.status !== wantedStatus) {
        this.#end(answer.statusLine);
        return;
      }
      const scanner = isTransportStream(target)
        ? new TsScanner((keyframe) => {
            this.#onMedia(keyframe);
          })
        : new FlvScanner((tag) => {
            this.#onMessage(tag);
          });
      const pass = (bytes: Buffer): void => {
        scanner.write(bytes);
      };
      const body =
        wantedStatus === 101
          ? new WebSocketBody(pass)
          : /transfer-encoding:\s*chunked/.test(answer.headers)
            ? new ChunkedBody(pass)
            : { write: pass };
      this.#parse = (more) => {
        body.write(more);
      };
      if (answer.rest.length > 0) body.write(answer.rest);
    };
  }

  #onRead(size: number, buffer: Uint8Array): boolean {
    if (this.#ended) return false;
    this.bytes += size;
    const parse = this.#parse;
    const observe = this.#options.observe;
    if (parse !== undefined || observe !== undefined) {
      const bytes = (buffer as Buffer).subarray(0, size);
      observe?.(bytes);
      if (parse !== undefined) this.#parseSafely(parse, bytes);
    }
    if (this.bytes >= this.#acknowledgeAt) this.#acknowledge();
    return !this.stalled;
  }

  #parseSafely(parse: (bytes: Buffer) => void, bytes: Buffer): void {
    try {
      parse(bytes);
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
    }
  }

  #onMessage(message: ScannedMessage): void {
    if (message.type === MessageType.audio) this.#onMedia(false);
    else if (message.type === MessageType.video)
      this.#onMedia(this.keyframeAt === 0 && isKeyframe(message.body));
  }

  #onMedia(keyframe: boolean): void {
    if (this.joinedAt === 0) this.#joined();
    if (this.keyframeAt !== 0) return;
    if (keyframe) {
      this.keyframeAt = performance.now();
      this.#stopParsing();
      this.#options.handler.onKeyframe(this);
    } else if (performance.now() - this.joinedAt > KEYFRAME_SEARCH_MS) this.#stopParsing();
  }

  #joined(): void {
    this.joinedAt = performance.now();
    this.#options.handler.onJoined(this);
  }

  #stopParsing(): void {
    if (this.#options.keepParsing) return;
    this.#parse = undefined;
    const window = this.#dialogue?.acknowledgementWindow ?? 0;
    if (window > 0) this.#acknowledgeAt = this.bytes + window;
  }

  #acknowledge(): void {
    this.#socket.write(acknowledgement(this.bytes));
    this.#acknowledgeAt = this.bytes + (this.#dialogue?.acknowledgementWindow ?? Infinity);
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.destroy();
    this.#options.handler.onEnd(this, reason);
  }
}

/** True for a video message that holds a keyframe, and not just a sequence header. */
function isKeyframe(body: Uint8Array): boolean {
  const header = parseVideoTagHeader(body);
  return header?.keyframe === true && header.packetType === 'coded-frames';
}
