import {
  FLV_MAX_BODY_BYTES,
  FLV_TAG_HEADER_BYTES,
  flvHeader,
  flvTagSize,
  flvTagTypeOf,
  writeFlvPreviousTagSize,
  writeFlvTagHeader,
} from '@sluice/media/flv';
import type { Packet } from '@sluice/media/model';

import { startsGop } from '../../live/index.ts';
import type { Disk, DiskFile } from '../disk/index.ts';
import type { BlockPool } from './block-pool.ts';
import { DiskWriter } from './disk-writer.ts';
import { FlvHead, kindsPatch } from './flv-head.ts';
import { type FlvContents, readFlvContents } from './flv-scan.ts';
import { KeyframeIndex } from './keyframe-index.ts';
import { type FileEvents, type HeaderPackets, type RecordedFile, temporaryName } from './recorded-file.ts';

/** Time between the last frame of a file and the first that is appended to it, ms. */
const APPEND_STEP_MS = 40;

/** What an FLV file is made with. */
export interface FlvFileOptions {
  readonly disk: Disk;
  readonly path: string;
  readonly pool: BlockPool;
  readonly events: FileEvents;
  readonly headers: HeaderPackets;
  /** The server's signature. */
  readonly service: string;
  /** Keyframes that the index has room for. */
  readonly indexCapacity: number;
}

/**
 * Opens the FLV file of a path: one that is there is written on, at its end; else a new one is begun under a
 * temporary name (V003). One that is written on keeps its name: as long as that goes on, an empty file with the
 * temporary name stands beside it, which tells the next start that a crash has cut it.
 *
 * @throws DiskError; NotFlvError when something else has the name
 */
export async function openFlvFile(options: FlvFileOptions): Promise<FlvFile> {
  const { disk, path, headers } = options;
  if ((await disk.size(path)) !== undefined) {
    const file = await disk.open(path, 'update');
    try {
      const contents = await readFlvContents(file, false);
      await (await disk.open(temporaryName(path), 'create')).close();
      if (contents.end < file.size) await file.truncate(contents.end);
      return new FlvFile(file, options, path, contents);
    } catch (error) {
      await file.close();
      throw error;
    }
  }
  const workPath = temporaryName(path);
  const file = await disk.open(workPath, 'create');
  const head = FlvHead.create(headers.metadata?.body, options.service, options.indexCapacity);
  return new FlvFile(file, options, workPath, head);
}

/** An FLV file that is being recorded. */
export class FlvFile implements RecordedFile {
  readonly path: string;
  readonly workPath: string;
  readonly startTimestamp: number;
  readonly #disk: Disk;
  readonly #writer: DiskWriter;
  readonly #head: FlvHead;
  readonly #index: KeyframeIndex;
  #firstTimestamp: number | undefined;
  #lastTimestamp = 0;
  #frames = 0;
  #hasAudio = false;
  #hasVideo = false;

  /** @param from - the head of a new file, or what is in one that is written on */
  constructor(file: DiskFile, options: FlvFileOptions, workPath: string, from: FlvHead | FlvContents) {
    const { disk, path, pool, events } = options;
    this.path = path;
    this.workPath = workPath;
    this.#disk = disk;
    const existing = from instanceof FlvHead ? undefined : from;
    this.#writer = new DiskWriter(file, pool, existing?.end ?? 0, events);
    if (from instanceof FlvHead) {
      this.#head = from;
      this.#index = new KeyframeIndex(from.capacity);
      this.startTimestamp = 0;
      this.#writer.put(flvHeader({ audio: true, video: true }));
      this.#writer.put(from.tag({ durationMs: 0, fileSize: 0, index: this.#index }));
    } else {
      this.#head = from.head;
      this.#index = from.index;
      this.#hasAudio = from.kinds.audio;
      this.#hasVideo = from.kinds.video;
      this.#firstTimestamp = from.firstTimestamp;
      this.#lastTimestamp = from.lastTimestamp;
      this.startTimestamp = from.mediaTags === 0 ? 0 : from.lastTimestamp + APPEND_STEP_MS;
    }
  }

  get bytes(): number {
    return this.#writer.position;
  }

  get durationMs(): number {
    return Math.max(0, this.#lastTimestamp - (this.#firstTimestamp ?? this.#lastTimestamp));
  }

  get waitingBytes(): number {
    return this.#writer.waitingBytes;
  }

  get frames(): number {
    return this.#frames;
  }

  accepts(): boolean {
    return true;
  }

  /** A message with several tracks is written with its first packet. */
  write(packet: Packet, timestamp: number): void {
    const { body, flvHeader: header, flvSize: size, track } = packet;
    if (size > FLV_MAX_BODY_BYTES || packet.part > 0) return;
    const writer = this.#writer;
    if (track.kind === 'audio') this.#hasAudio = true;
    else if (track.kind === 'video') this.#hasVideo = true;
    if (startsGop(packet)) this.#index.add(timestamp, writer.position);
    const offset = writer.claim(flvTagSize(size));
    const { block } = writer;
    writeFlvTagHeader(block, offset, flvTagTypeOf(track.kind), size, timestamp);
    if (header !== undefined) block.set(header, offset + FLV_TAG_HEADER_BYTES);
    block.set(body, offset + FLV_TAG_HEADER_BYTES + size - body.length);
    writeFlvPreviousTagSize(block, offset + FLV_TAG_HEADER_BYTES + size, size);
    this.#firstTimestamp ??= timestamp;
    if (timestamp > this.#lastTimestamp) this.#lastTimestamp = timestamp;
    this.#frames += 1;
  }

  flush(): void {
    this.#writer.flush();
  }

  refresh(): void {
    this.#patch();
    this.#writer.flush();
  }

  async finish(): Promise<void> {
    await this.#writer.drain();
    this.#patch();
    this.#writer.patch([kindsPatch({ audio: this.#hasAudio, video: this.#hasVideo })]);
    await this.#writer.drain();
    await this.#writer.close();
    if (this.workPath !== this.path) await this.#disk.rename(this.workPath, this.path);
    else await this.#disk.remove(temporaryName(this.path));
  }

  async abandon(): Promise<void> {
    await this.#writer.abandon();
    await this.#writer.file.close();
  }

  #patch(): void {
    const { durationMs, bytes: fileSize } = this;
    this.#writer.patch(this.#head.patches({ durationMs, fileSize, index: this.#index }));
  }
}
