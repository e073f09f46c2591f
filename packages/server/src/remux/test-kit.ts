/** What the tests of the engine and its output forms share: fake sinks, numbered frames, decoders. */
import { FlvTagType, FlvReader } from '@sluice/media/flv';
import { ChunkReader, ChunkWriter, encodeSetChunkSize, messageType, type RtmpMessage } from '@sluice/rtmp';

import { defaultVhost, type PlayConfig, type PublishConfig } from '../config/index.ts';
import {
  type Drop,
  LiveHub,
  type LiveSettings,
  type LiveStream,
  type Player,
  type PlayerEnd,
  type PlayerOptions,
  type PlayerSink,
  type Publication,
  type StreamId,
} from '../live/index.ts';

/** What a socket may hold before it promises `drain`, bytes. */
const FAKE_HIGH_WATER_MARK = 65_536;

/** A player's socket: takes bytes at once, or holds them while it is blocked. */
export class FakeSink implements PlayerSink {
  readonly writes: Uint8Array[] = [];
  writableLength = 0;
  destroyed = false;
  blocked = false;
  writableNeedDrain = false;
  readonly #onTaken: (() => void)[] = [];
  #corked = 0;

  write(bytes: Uint8Array, taken?: () => void): boolean {
    if (bytes.length > 0) this.writes.push(bytes);
    if (this.blocked || this.#corked > 0) this.writableLength += bytes.length;
    if (this.writableLength >= FAKE_HIGH_WATER_MARK) this.writableNeedDrain = true;
    if (taken !== undefined) this.#onTaken.push(taken);
    return this.writableLength === 0;
  }

  /** Takes what it holds; true when it had so much that a socket would emit `drain`. */
  take(): boolean {
    const emitsDrain = this.writableNeedDrain;
    this.blocked = false;
    this.writableNeedDrain = false;
    this.writableLength = 0;
    for (const taken of this.#onTaken.splice(0)) taken();
    return emitsDrain;
  }

  cork(): void {
    this.#corked += 1;
  }

  uncork(): void {
    this.#corked -= 1;
    if (this.#corked === 0 && !this.blocked) this.writableLength = 0;
  }

  /** Everything written so far. */
  get bytes(): Buffer {
    return Buffer.concat(this.writes);
  }
}

/** A player with its sink and what the engine said to it. */
export interface Watcher {
  readonly player: Player;
  readonly sink: FakeSink;
  readonly drops: Drop[];
  readonly ends: PlayerEnd[];
}

/** One audio, video or data message as a player reads it. */
export interface Received {
  readonly kind: number;
  readonly timestamp: number;
  readonly body: Uint8Array;
  /** The number that {@link video} or {@link audio} put in; -1 for headers and data. */
  readonly number: number;
}

/** Adds a player with a fake sink. */
export function watch(
  stream: LiveStream,
  options: Pick<PlayerOptions, 'family'> & Partial<PlayerOptions>,
  blocked = false,
): Watcher {
  const sink = new FakeSink();
  sink.blocked = blocked;
  const drops: Drop[] = [];
  const ends: PlayerEnd[] = [];
  const player = stream.play({
    sink,
    endsWithPublisher: 'never',
    onDrop: (drop) => {
      drops.push(drop);
    },
    onEnd: (reason) => {
      ends.push(reason);
    },
    ...options,
  });
  return { player, sink, drops, ends };
}

/** The sink takes what it holds, and says so. */
export function drain({ player, sink }: Watcher): void {
  if (sink.take()) player.drained();
}

/** Settings with every default, flushing in the same turn unless told otherwise. */
export function settings(
  play: Partial<PlayConfig> = {},
  rest: { minLatency?: boolean; publish?: Partial<PublishConfig> } = {},
): LiveSettings {
  const vhost = defaultVhost();
  return {
    minLatency: rest.minLatency ?? true,
    play: { ...vhost.play, ...play },
    publish: { ...vhost.publish, ...rest.publish },
    metadata: { server: 'Test/1' },
    fastCacheMs: 0,
  };
}

/** The name of the test's stream. */
export const streamId = { vhost: '__defaultVhost__', app: 'live', stream: 'test' } as const;

/** A live stream in a hub of its own. */
export function liveStream(
  given: LiveSettings = settings(),
  hub = new LiveHub(),
  id: StreamId = streamId,
): LiveStream {
  return hub.open(id, given);
}

/** A publisher that records what it is told. */
export interface TestPublisher extends Publication {
  readonly warnings: string[];
  readonly takeovers: number;
}

export function publishTo(stream: LiveStream, id = 'publisher'): TestPublisher {
  const warnings: string[] = [];
  let takeovers = 0;
  const publication = stream.publish({
    id,
    onEnd: () => {
      takeovers += 1;
    },
    onWarning: (message) => {
      warnings.push(message);
    },
  });
  return {
    ...publication,
    warnings,
    get takeovers() {
      return takeovers;
    },
  };
}

/** First bytes of keyframes and other frames, and of sequence headers, by codec. */
const videoHeads = {
  h264: { key: [0x17, 1, 0, 0, 0], inter: [0x27, 1, 0, 0, 0], header: [0x17, 0, 0, 0, 0] },
  hevc: {
    key: [0x91, 0x68, 0x76, 0x63, 0x31, 0, 0, 0],
    inter: [0xa1, 0x68, 0x76, 0x63, 0x31, 0, 0, 0],
    header: [0x90, 0x68, 0x76, 0x63, 0x31],
  },
  av1: {
    key: [0x91, 0x61, 0x76, 0x30, 0x31],
    inter: [0xa1, 0x61, 0x76, 0x30, 0x31],
    header: [0x90, 0x61, 0x76, 0x30, 0x31],
  },
  vp6: { key: [0x14], inter: [0x24], header: [] },
  h263: { key: [0x12], inter: [0x22], header: [] },
} as const;

const audioHeads = {
  aac: [0xaf, 1],
  mp3: [0x2f],
  speex: [0xb2],
  nellymoser: [0x6a],
} as const;

/** Marks a body whose next four bytes are its frame's number. */
const MARK = 0xa5;

/** How a numbered video body looks. */
export interface VideoOptions {
  readonly key?: boolean;
  /** Bytes. */
  readonly size?: number;
  readonly codec?: keyof typeof videoHeads;
}

/** How a numbered audio body looks. */
export interface AudioOptions {
  /** Bytes. */
  readonly size?: number;
  readonly codec?: keyof typeof audioHeads;
}

/** A video tag body that carries a number. */
export function video(
  number: number,
  { key = false, size = 32, codec = 'h264' }: VideoOptions = {},
): Uint8Array {
  const { key: keyHead, inter } = videoHeads[codec];
  return numbered(key ? keyHead : inter, number, size);
}

/** An audio tag body that carries a number. */
export function audio(number: number, { size = 16, codec = 'aac' }: AudioOptions = {}): Uint8Array {
  return numbered(audioHeads[codec], number, size);
}

function numbered(head: readonly number[], number: number, size: number): Uint8Array {
  const body = new Uint8Array(Math.max(size, head.length + 5));
  for (let index = 0; index < body.length; index += 1) body[index] = (number * 7 + index * 13) & 0xff;
  body.set(head);
  body[head.length] = MARK;
  new DataView(body.buffer).setUint32(head.length + 1, number);
  return body;
}

/** The number in a body, or -1. */
export function numberIn(kind: number, body: Uint8Array): number {
  const heads: readonly (readonly number[])[] =
    kind === FlvTagType.video
      ? Object.values(videoHeads).flatMap(({ key, inter }) => [key, inter])
      : Object.values(audioHeads);
  for (const head of heads) {
    if (body.length < head.length + 5 || !head.every((byte, index) => body[index] === byte)) continue;
    if (body[head.length] !== MARK) continue;
    return new DataView(body.buffer, body.byteOffset).getUint32(head.length + 1);
  }
  return -1;
}

/** An H.264 sequence header of a 1280x720 High 3.1 stream; `variant` makes another one. */
export function avcHeader(variant = 0): Uint8Array {
  const sps = Buffer.from('6764001facd9405005bb011000000300100000030320f1831960', 'hex');
  const pps = Buffer.from([0x68, 0xeb, 0xe3, 0xcb, 0x22 + variant]);
  return Uint8Array.from([
    ...videoHeads.h264.header,
    ...[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, sps.length, ...sps],
    ...[1, 0, pps.length, ...pps],
  ]);
}

/** An AAC LC sequence header, 44100 Hz, stereo. */
export function aacHeader(): Uint8Array {
  return Uint8Array.from([0xaf, 0, 0x12, 0x10]);
}

/** Reads what an RTMP player was written, whole or byte by byte. */
export function readRtmp(bytes: Uint8Array, chunkSize: number, byteByByte = false): Received[] {
  const messages: RtmpMessage[] = [];
  const reader = new ChunkReader({
    onMessage: (message) => {
      messages.push(message);
    },
  });
  reader.write(
    new ChunkWriter().encode({
      chunkStreamId: 2,
      timestamp: 0,
      type: messageType.setChunkSize,
      streamId: 0,
      payload: encodeSetChunkSize({ chunkSize }),
    }),
  );
  messages.length = 0;
  if (byteByByte) for (const byte of bytes) reader.write(Uint8Array.of(byte));
  else reader.write(bytes);
  if (reader.pendingBytes > 0) throw new Error(`${reader.pendingBytes} bytes of an unfinished message`);
  return messages.map(({ type, timestamp, payload }) => received(type, timestamp, payload));
}

/** Reads what an FLV player was written, the transport's framing taken off. */
export function readFlv(bytes: Uint8Array): { reader: FlvReader; tags: Received[] } {
  const reader = new FlvReader();
  const tags = reader.write(bytes).map(({ type, timestamp, body }) => received(type, timestamp, body));
  if (bytes.length > 0 && reader.end().cut) throw new Error('the FLV body ends inside a tag');
  return { reader, tags };
}

function received(kind: number, timestamp: number, body: Uint8Array): Received {
  return { kind, timestamp, body, number: numberIn(kind, body) };
}

/** Audio and video with a number, without headers and data. */
export function media(messages: readonly Received[]): Received[] {
  return messages.filter(({ number }) => number >= 0);
}

/** `kind@timestamp#number` of each message: short to compare and to read. */
export function brief(messages: readonly Received[]): string[] {
  return messages.map(({ kind, timestamp, number, body }) => {
    const name = kind === FlvTagType.video ? 'v' : kind === FlvTagType.audio ? 'a' : 'd';
    const header = kind !== FlvTagType.script && number < 0 && body.length > 1;
    return `${name}${header ? 'h' : ''}@${timestamp}${number < 0 ? '' : `#${number}`}`;
  });
}
