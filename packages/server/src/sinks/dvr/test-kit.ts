/** What the tests of recordings share: a disk in memory that can fail, frames, and a server around it all. */
import { AmfEcmaArray, encodeAmf0 } from '@sluice/media/amf';
import { FlvReader, type FlvTag, parseFlvMetadata } from '@sluice/media/flv';
import { createPacket, type KeptPacket } from '@sluice/media/model';
import { pino } from 'pino';

import { defaultVhost, type VhostConfig } from '../../config/index.ts';
import type { PacketSubscriber } from '../../live/index.ts';
import { ConfigurationLinker, dataPacketOf, packetOf } from '../../live/packet-test-kit.ts';
import { type Disk, type DiskEntry, DiskError, type DiskErrorCode, type DiskFile } from '../disk/index.ts';
import { type DvrOptions, DvrSinks, type DvrStream } from './dvr-sinks.ts';
import type { FinishedFile } from './recording-files.ts';

interface StoredFile {
  bytes: Uint8Array;
  modifiedMs: number;
}

/** A disk in memory. */
export class FakeDisk implements Disk {
  readonly files = new Map<string, StoredFile>();
  readonly now: () => number;
  /** What every write fails with. */
  failure: DiskErrorCode | undefined;
  /** What every open of a new file fails with. */
  openFailure: DiskErrorCode | undefined;
  /** Writes wait for this. */
  gate: Promise<void> = Promise.resolve();
  /** Opening a file waits for this. */
  gateOfOpen: Promise<void> = Promise.resolve();
  writes = 0;
  /** Bytes of each append. */
  appends: number[] = [];
  opened = 0;
  closed = 0;

  constructor(now: () => number = () => 0) {
    this.now = now;
  }

  names(): string[] {
    return [...this.files.keys()].sort();
  }

  bytes(path: string): Uint8Array {
    const file = this.files.get(path);
    if (file === undefined) throw new Error(`${path} is not there: ${this.names().join(' ')}`);
    return file.bytes;
  }

  put(path: string, bytes: Uint8Array, modifiedMs = 0): void {
    this.files.set(path, { bytes, modifiedMs });
  }

  write(path: string, pieces: Uint8Array | readonly Uint8Array[]): Promise<void> {
    return later(() => {
      this.put(path, Buffer.concat(pieces instanceof Uint8Array ? [pieces] : pieces), this.now());
    });
  }

  async open(path: string, mode: 'create' | 'update'): Promise<DiskFile> {
    await this.gateOfOpen;
    if (mode === 'create') {
      if (this.openFailure !== undefined) throw this.error(this.openFailure, path);
      this.put(path, new Uint8Array(0), this.now());
    }
    const stored = this.files.get(path);
    if (stored === undefined) throw this.error('missing', path);
    this.opened += 1;
    return new FakeFile(this, path, stored);
  }

  rename(from: string, to: string): Promise<void> {
    return later(() => {
      const stored = this.files.get(from);
      if (stored === undefined) throw this.error('missing', from);
      this.files.delete(from);
      this.files.set(to, stored);
    });
  }

  remove(path: string): Promise<void> {
    return later(() => void this.files.delete(path));
  }

  size(path: string): Promise<number | undefined> {
    return later(() => this.files.get(path)?.bytes.length);
  }

  readText(): Promise<string | undefined> {
    return later(() => undefined);
  }

  list(directory: string): Promise<readonly DiskEntry[]> {
    return later(() => this.#list(directory));
  }

  #list(directory: string): readonly DiskEntry[] {
    const prefix = directory === '.' ? '' : `${directory.replace(/\/$/, '')}/`;
    const entries = new Map<string, DiskEntry>();
    for (const [path, { bytes, modifiedMs }] of this.files) {
      if (!path.startsWith(prefix)) continue;
      const [name = '', ...rest] = path.slice(prefix.length).split('/');
      entries.set(name, { name, directory: rest.length > 0, size: bytes.length, modifiedMs });
    }
    return [...entries.values()];
  }

  error(code: DiskErrorCode, path: string): DiskError {
    return new DiskError(code, path, `${path}: ${code}`);
  }
}

class FakeFile implements DiskFile {
  readonly path: string;
  readonly #disk: FakeDisk;
  readonly #stored: StoredFile;

  constructor(disk: FakeDisk, path: string, stored: StoredFile) {
    this.#disk = disk;
    this.path = path;
    this.#stored = stored;
  }

  get size(): number {
    return this.#stored.bytes.length;
  }

  async append(pieces: Uint8Array | readonly Uint8Array[]): Promise<void> {
    await this.#ready();
    const added = Buffer.concat(pieces instanceof Uint8Array ? [pieces] : pieces);
    this.#disk.appends.push(added.length);
    this.#stored.bytes = Buffer.concat([this.#stored.bytes, added]);
  }

  async writeAt(position: number, bytes: Uint8Array): Promise<void> {
    await this.#ready();
    const size = Math.max(this.size, position + bytes.length);
    const changed = new Uint8Array(size);
    changed.set(this.#stored.bytes);
    changed.set(bytes, position);
    this.#stored.bytes = changed;
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return later(() => this.#stored.bytes.slice(position, position + length));
  }

  truncate(size: number): Promise<void> {
    return later(() => {
      this.#stored.bytes = this.#stored.bytes.slice(0, size);
    });
  }

  close(): Promise<void> {
    return later(() => void (this.#disk.closed += 1));
  }

  async #ready(): Promise<void> {
    await this.#disk.gate;
    this.#disk.writes += 1;
    if (this.#disk.failure !== undefined) throw this.#disk.error(this.#disk.failure, this.path);
    this.#stored.modifiedMs = this.#disk.now();
  }
}

async function later<Value>(work: () => Value): Promise<Value> {
  await Promise.resolve();
  return work();
}

/** A gate that can be opened. */
export function gate(): { readonly closed: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { closed, open: () => open() };
}

/** An H.264 frame with a body of so many bytes. */
export function video(timestamp: number, key = false, bytes = 20): KeptPacket {
  const body = new Uint8Array(bytes);
  body.set([key ? 0x17 : 0x27, 1, 0, 0, 0, 0, 0, 0, bytes - 9, key ? 0x65 : 0x41]);
  return packetOf('video', timestamp, body);
}

/** An AAC frame. */
export function audio(timestamp: number, bytes = 8): KeptPacket {
  const body = new Uint8Array(bytes);
  body.set([0xaf, 1]);
  return packetOf('audio', timestamp, body);
}

/** A High profile SPS of 320 × 240 in an AVC sequence header. */
export function avcHeader(timestamp = 0): KeptPacket {
  const sps = [
    0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x07, 0xe8, 0x40, 0, 0, 3, 0, 0x40, 0, 0, 0x0c, 3, 0xc5, 0x0a, 0xa8,
  ];
  const pps = [0x68, 0xce, 0x0f, 0xc8];
  const record = [1, 0x42, 0xc0, 0x0d, 0xff, 0xe1, 0, sps.length, ...sps, 1, 0, pps.length, ...pps];
  return packetOf('video', timestamp, Uint8Array.of(0x17, 0, 0, 0, 0, ...record));
}

/** AAC LC, 44,100 Hz, stereo. */
export function aacHeader(timestamp = 0): KeptPacket {
  return packetOf('audio', timestamp, Uint8Array.of(0xaf, 0, 0x12, 0x10));
}

/** A data message. */
export function data(timestamp: number, body: Uint8Array): KeptPacket {
  return dataPacketOf(timestamp, body);
}

/** `onMetaData` as the live stream gives it. */
export function metadata(properties: Record<string, number | string> = { width: 320 }): KeptPacket {
  return data(0, encodeAmf0('onMetaData', AmfEcmaArray.from(properties)));
}

/** A vhost with recording on. */
export function vhostWith(dvr: Partial<VhostConfig['dvr']> = {}): VhostConfig {
  const vhost = defaultVhost();
  const on = { enabled: true, path: './rec/[app]/[stream].[timestamp].flv' };
  return { ...vhost, dvr: { ...vhost.dvr, ...on, ...dvr } };
}

/** A live stream that a test publishes to. */
export class TestStream implements DvrStream {
  readonly id: DvrStream['id'];
  #subscribers: PacketSubscriber[] = [];
  readonly #linker = new ConfigurationLinker();
  readonly headers: KeptPacket[] = [];

  constructor(stream = 'cam', app = 'live') {
    this.id = { vhost: '__defaultVhost__', app, stream };
  }

  get subscribers(): number {
    return this.#subscribers.length;
  }

  subscribe(subscriber: PacketSubscriber): () => void {
    this.#subscribers.push(subscriber);
    for (const header of this.headers) subscriber.write(header);
    return () => {
      if (!this.#subscribers.includes(subscriber)) return;
      this.#subscribers = this.#subscribers.filter((one) => one !== subscriber);
      subscriber.end();
    };
  }

  write(...packets: readonly KeptPacket[]): void {
    for (const one of packets) {
      // What is lent is another's after the call.
      const lent = createPacket(this.#linker.link(one).keptAs(Buffer.from(one.body)), true);
      for (const subscriber of this.#subscribers) subscriber.write(lent);
      lent.body.fill(0xee);
    }
  }

  /** Headers, then a frame of video each 40 ms and of audio each 20, a keyframe each `gop` ms, up to `ms`. */
  play(from: number, ms: number, gop = 1_000): void {
    for (let time = from; time < from + ms; time += 20) {
      if ((time - from) % 40 === 0) this.write(video(time, (time - from) % gop === 0));
      this.write(audio(time));
    }
  }

  start(): void {
    this.headers.push(metadata(), aacHeader(), avcHeader());
    this.write(...this.headers);
  }

  end(): void {
    const subscribers = this.#subscribers;
    this.#subscribers = [];
    for (const subscriber of subscribers) subscriber.end();
  }
}

/** A whole set of recordings around a fake disk and clock. */
export function dvr(options: Partial<DvrOptions> & { readonly vhost?: VhostConfig } = {}) {
  const clock = { now: Date.UTC(2026, 10, 21, 12, 0, 0) };
  const disk = options.disk instanceof FakeDisk ? options.disk : new FakeDisk(() => clock.now);
  const lines: string[] = [];
  const log = pino(
    {},
    { write: (json: string) => void lines.push((JSON.parse(json) as { msg: string }).msg) },
  );
  const finished: FinishedFile[] = [];
  const streams = new Map<string, TestStream>();
  const vhost = options.vhost ?? vhostWith();
  const sinks = new DvrSinks({
    log,
    disk,
    service: 'Test/1',
    utc: () => true,
    now: () => clock.now,
    vhosts: () => [vhost],
    findVhost: (name) => (name === vhost.name ? vhost : undefined),
    findStream: ({ stream }) => streams.get(stream),
    onFile: (file) => finished.push(file),
    ...options,
  });
  function publish(name = 'cam'): TestStream {
    const stream = new TestStream(name);
    streams.set(name, stream);
    sinks.published(stream, vhost);
    return stream;
  }
  return { sinks, disk, clock, lines, finished, streams, vhost, publish };
}

/** Lets everything go on that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** The tags of an FLV file, all of which have to be whole. */
export function tagsOf(bytes: Uint8Array): FlvTag[] {
  const reader = new FlvReader();
  const tags = reader.write(bytes);
  if (reader.end().cut) throw new Error('the file is cut');
  return tags;
}

/** Short names of tags: `m` metadata, `d` data, `ah` `vh` headers, `a` `v` `k` frames, each with its time. */
export function brief(tags: readonly FlvTag[]): string[] {
  return tags.map(({ type, timestamp, body }) => `${kindOf(type, body)}@${timestamp}`);
}

function kindOf(type: number, body: Uint8Array): string {
  if (type === 18) return parseFlvMetadata(body) === undefined ? 'd' : 'm';
  if (type === 8) return body[1] === 0 ? 'ah' : 'a';
  if (body[1] === 0) return 'vh';
  return body[0] === 0x17 ? 'k' : 'v';
}

/** What the metadata of a file says of itself. */
export function factsOf(bytes: Uint8Array) {
  const metadata = parseFlvMetadata(tagsOf(bytes)[0]?.body ?? new Uint8Array(0));
  const keyframes = metadata?.properties.get('keyframes');
  if (!(keyframes instanceof Map)) throw new Error('no keyframes');
  return {
    metadata: metadata?.properties ?? new AmfEcmaArray(),
    duration: metadata?.duration,
    fileSize: metadata?.fileSize,
    times: keyframes.get('times') as number[],
    positions: keyframes.get('filepositions') as number[],
  };
}
