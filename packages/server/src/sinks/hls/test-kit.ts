/** What the tests of HLS share: a disk that fails when it is told to, a clock, and publishers of small frames. */
import { posix } from 'node:path';

import { type MediaPlaylist, isMasterPlaylist, parsePlaylist } from '@sluice/media/m3u8';
import { createPacket, type Packet } from '@sluice/media/model';

import { defaultVhost, type VhostConfig } from '../../config/index.ts';
import type { PacketSubscriber } from '../../live/index.ts';
import { ConfigurationLinker, packetOf } from '../../live/packet-test-kit.ts';
import {
  DiskError,
  diskError,
  type DiskFile,
  type SegmentDisk,
  type WholeFile,
  type Written,
} from '../disk/index.ts';
import { HlsSinks, type HlsSinksOptions } from './hls-sinks.ts';
import type { HlsItem, HlsPlaylistItem } from './items.ts';
import type { HlsSegmentEvent } from './output-options.ts';

export type HlsConfig = VhostConfig['hls'];

/** The directory of all tests; nothing is ever written there. */
export const ROOT = '/hls';
/** Where the tests' clock begins, ms since the epoch. */
export const START = Date.UTC(2026, 10, 21, 1, 2, 3, 45);

/** Files in memory, in the order of what was done to them. */
export class FakeDisk implements SegmentDisk {
  readonly files = new Map<string, Buffer>();
  readonly operations: string[] = [];
  /** What goes wrong with a path, if anything does. */
  failing: (path: string) => DiskError | undefined = () => undefined;
  /** Everything waits for it. */
  gate: Promise<void> = Promise.resolve();

  async write(path: string, pieces: Uint8Array | readonly Uint8Array[]): Promise<void> {
    await this.#begin('write', path);
    const parts = pieces instanceof Uint8Array ? [pieces] : pieces;
    this.files.set(path, Buffer.concat(parts.map((part) => Buffer.from(part))));
  }

  async writeInOrder(files: readonly WholeFile[]): Promise<Written> {
    for (const [count, { path, content }] of files.entries()) {
      try {
        await this.write(path, Buffer.from(content));
      } catch (error) {
        return { count, error: diskError(path, error) };
      }
    }
    return { count: files.length };
  }

  async remove(path: string): Promise<void> {
    await this.#begin('remove', path);
    this.files.delete(path);
  }

  async readText(path: string, maxBytes: number): Promise<string | undefined> {
    await this.#begin('read', path);
    const text = this.files.get(path)?.toString();
    if (text !== undefined && text.length > maxBytes) throw new DiskError('io', path, 'too large');
    return text;
  }

  open(path: string): Promise<DiskFile> {
    return Promise.reject(new DiskError('io', path, 'HLS opens nothing'));
  }

  rename(_from: string, to: string): Promise<void> {
    return Promise.reject(new DiskError('io', to, 'HLS renames nothing itself'));
  }

  async size(path: string): Promise<number | undefined> {
    await this.#begin('size', path);
    return this.files.get(path)?.length;
  }

  list(): Promise<[]> {
    return Promise.resolve([]);
  }

  /** Names below the root, sorted. */
  names(): string[] {
    return [...this.files.keys()].map((path) => posix.relative(ROOT, path)).sort();
  }

  text(name: string): string {
    return this.files.get(`${ROOT}/${name}`)?.toString() ?? '';
  }

  async #begin(operation: string, path: string): Promise<void> {
    await this.gate;
    this.operations.push(`${operation} ${posix.relative(ROOT, path)}`);
    const error = this.failing(path);
    if (error !== undefined) throw error;
  }
}

/** A promise and the way to settle it. */
export function gate(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

/** The default configuration, with fragments of 4 s in a window of 12 s. */
export function hlsConfig(changes: Partial<HlsConfig> = {}): HlsConfig {
  return {
    ...defaultVhost().hls,
    enabled: true,
    path: ROOT,
    keyFilePath: ROOT,
    fragmentMs: 4_000,
    windowMs: 12_000,
    ...changes,
  };
}

/** One run of a server's HLS, with a clock that goes where the frames are. */
export class HlsRun {
  readonly disk: FakeDisk;
  readonly sinks: HlsSinks;
  readonly log: string[] = [];
  readonly events: HlsSegmentEvent[] = [];
  readonly ended: string[] = [];
  config: HlsConfig;
  clock = START;

  constructor(
    changes: Partial<HlsConfig> = {},
    options: Partial<HlsSinksOptions> & { disk?: FakeDisk } = {},
  ) {
    this.disk = options.disk ?? new FakeDisk();
    this.config = hlsConfig(changes);
    this.sinks = new HlsSinks({
      log: { warn: (line) => this.log.push(line), info: (line) => this.log.push(line) },
      now: () => this.clock,
      utc: () => true,
      ...options,
      disk: this.disk,
    });
    this.sinks.onSegment((event) => this.events.push(event));
  }

  /** Publishes; frames move the clock. What an earlier run left has been read by then. */
  async publish(stream = 'livestream', app = 'live'): Promise<Publisher> {
    const key = `__defaultVhost__/${app}/${stream}`;
    const sink = this.sinks.open(
      {
        id: { vhost: '__defaultVhost__', app, stream },
        key,
        endPublisher: (reason, detail) => this.ended.push(`${reason}: ${detail}`),
      },
      { hls: this.config },
    );
    await this.settle();
    return new Publisher(this, sink);
  }

  /** Lets the disk do all it can. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
  }

  item(name = 'live/livestream.m3u8'): HlsItem | undefined {
    return this.sinks.findFile(`${ROOT}/${name}`);
  }

  playlistItem(name?: string): HlsPlaylistItem {
    const item = this.item(name);
    if (item?.kind !== 'playlist') throw new Error('no playlist in memory');
    return item;
  }

  /** The playlist in memory. */
  playlist(name?: string): MediaPlaylist {
    return media(this.playlistItem(name).text(''));
  }

  /** The playlist on disk. */
  onDisk(name = 'live/livestream.m3u8'): MediaPlaylist {
    return media(this.disk.text(name));
  }

  /** `uri` of each segment in memory, with `!` in front where it is a discontinuity. */
  uris(name?: string): string[] {
    return urisOf(this.playlist(name));
  }

  segmentBytes(name: string): Uint8Array {
    const item = this.item(name);
    if (item === undefined || item.kind === 'playlist') throw new Error(`no segment ${name} in memory`);
    return item.bytes;
  }
}

export function media(text: string): MediaPlaylist {
  const playlist = parsePlaylist(text);
  if (isMasterPlaylist(playlist)) throw new Error('a master playlist');
  return playlist;
}

export function urisOf(playlist: MediaPlaylist): string[] {
  return playlist.segments.map(({ uri, discontinuity }) => `${discontinuity === true ? '!' : ''}${uri}`);
}

/** An H.264 sequence header of a 1280x720 High 3.1 stream. */
export function avcHeader(): Uint8Array {
  const sps = Buffer.from('6764001facd9405005bb011000000300100000030320f1831960', 'hex');
  const pps = Buffer.from('68ebe3cb22', 'hex');
  const record = [1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, sps.length, ...sps, 1, 0, pps.length, ...pps];
  return Uint8Array.from([0x17, 0, 0, 0, 0, ...record]);
}

/** An AAC LC sequence header, 44100 Hz, stereo. */
export function aacHeader(): Uint8Array {
  return Uint8Array.from([0xaf, 0, 0x12, 0x10]);
}

/** One slice that carries a number, in an H.264 tag body. */
export function avcBody(number: number, { key = false, size = 40 } = {}): Uint8Array {
  const slice = Buffer.alloc(size, 0x55);
  slice.set([key ? 0x65 : 0x41, 0xa5, 0x80 | (number >> 7), 0x80 | (number & 0x7f)]);
  return Buffer.concat([Buffer.from([key ? 0x17 : 0x27, 1, 0, 0, 0, 0, 0, size >> 8, size & 0xff]), slice]);
}

function aacBody(number: number): Uint8Array {
  const body = Buffer.alloc(16, number);
  body.set([0xaf, 1]);
  return body;
}

/** A publisher of 25 pictures a second with a keyframe every 2 s, and of sound every 40 ms. */
export class Publisher {
  readonly #run: HlsRun;
  readonly #sink: PacketSubscriber;
  readonly #linker = new ConfigurationLinker();
  readonly #zero: number;
  #number = 0;

  constructor(run: HlsRun, sink: PacketSubscriber) {
    this.#run = run;
    this.#sink = sink;
    this.#zero = run.clock;
  }

  packet(packet: Packet, sourceTimestamp = packet.timestamp): void {
    this.#run.clock = Math.max(this.#run.clock, this.#zero + packet.timestamp);
    this.#sink.write(this.#linker.link(from(packet, sourceTimestamp)));
  }

  headers(timestamp = 0): void {
    this.packet(packetOf('video', timestamp, avcHeader()));
    this.packet(packetOf('audio', timestamp, aacHeader()));
  }

  video(timestamp: number, key: boolean, size = 40, sourceTimestamp?: number): void {
    this.#number += 1;
    this.packet(packetOf('video', timestamp, avcBody(this.#number, { key, size })), sourceTimestamp);
  }

  audio(timestamp: number, sourceTimestamp?: number): void {
    this.#number += 1;
    this.packet(packetOf('audio', timestamp, aacBody(this.#number)), sourceTimestamp);
  }

  /**
   * Frames of `[from, to)`, ms.
   *
   * @param tracks - `av`, `a` or `v`
   * @param offset - the publisher's own timestamps are so much later
   */
  play(from: number, to: number, tracks = 'av', offset = 0): void {
    for (let time = from; time < to; time += 40) {
      if (tracks.includes('v')) this.video(time, time % 2000 === 0, 40, time + offset);
      if (tracks.includes('a')) this.audio(time, time + offset);
    }
  }

  /** The same as a live publisher does it: the disk has time to write. */
  async live(from: number, to: number, tracks = 'av'): Promise<void> {
    for (let time = from; time < to; time += 2000) {
      this.play(time, Math.min(to, time + 2000), tracks);
      await this.#run.settle();
    }
  }

  end(): void {
    this.#sink.end();
  }
}

/** The packet as a publisher with other times of its own sent it. */
function from(packet: Packet, sourceTimestamp: number): Packet {
  const { track, type, decodeTime, compositionOffset, keyframe, body, payloadStart, payloadEnd } = packet;
  const options = { track, type, decodeTime, compositionOffset, keyframe, body, payloadStart, payloadEnd };
  return createPacket({ ...options, sourceTimestamp }, packet.lent);
}
