import { MediaError } from '@sluice/media';
import type { Packet } from '@sluice/media/model';
import { Mp4AudioClock, Mp4Recording, type Mp4RecordingFragment } from '@sluice/media/mp4';

import { errorOf, errorText } from '../../error-text.ts';
import { codecName, type MediaFaultCode } from '../../live/index.ts';
import { type Disk, type DiskFile, UnusableMediaError } from '../disk/index.ts';
import type { BlockPool } from './block-pool.ts';
import { MAX_FILE_SAMPLES, MAX_FRAGMENT_BYTES, MAX_FRAGMENT_SAMPLES, SAMPLE_COST_BYTES } from './limits.ts';
import { AUDIO_TRACK, fitsMp4, type RecordedTrack, trackOf, VIDEO_TRACK } from './mp4-tracks.ts';
import { type FileEvents, type HeaderPackets, type RecordedFile, temporaryName } from './recorded-file.ts';

/** What an MP4 file is made with. */
export interface Mp4FileOptions {
  readonly disk: Disk;
  readonly path: string;
  readonly pool: BlockPool;
  readonly events: FileEvents;
  readonly headers: HeaderPackets;
  /** When the recording began, ms since the epoch. */
  readonly createdAt: number;
}

/**
 * Begins an MP4 file under a temporary name.
 *
 * @throws DiskError, UnusableMediaError
 */
export async function openMp4File(options: Mp4FileOptions): Promise<Mp4File> {
  const { disk, path, headers, createdAt } = options;
  const tracks = tracksOf(path, headers);
  let recording: Mp4Recording;
  try {
    const configs = tracks.map(({ config }) => config);
    recording = new Mp4Recording(configs, { createdAt, maxSamples: MAX_FILE_SAMPLES });
  } catch (error) {
    throw unusable('bad-media', path, `the stream's configuration is not valid: ${errorText(error)}`, error);
  }
  const workPath = temporaryName(path);
  const file = await disk.open(workPath, 'create');
  try {
    await file.append(recording.head);
  } catch (error) {
    await file.close().catch(() => undefined);
    await disk.remove(workPath).catch(() => undefined);
    throw error;
  }
  return new Mp4File(file, options, workPath, recording, tracks);
}

function tracksOf(path: string, { video, audio }: HeaderPackets): RecordedTrack[] {
  const tracks: RecordedTrack[] = [];
  const codecs: string[] = [];
  const unreadable: string[] = [];
  const headerless: string[] = [];
  for (const header of [video, audio]) {
    if (header === undefined) continue;
    const { codec, configuration } = header.track;
    const track = trackOf(header);
    if (track !== undefined) tracks.push(track);
    else if (configuration?.problem !== undefined) {
      unreadable.push(`the sequence header of ${codec} can't be read: ${configuration.problem}`);
    } else (fitsMp4(codec) ? headerless : codecs).push(codecName(codec));
  }
  if (tracks.length > 0) return tracks;
  if (unreadable.length > 0) throw unusable('bad-media', path, unreadable.join('; '));
  if (headerless.length > 0) {
    const reason = `${headerless.join(' and ')} came without a sequence header, which MP4 needs`;
    throw unusable('missing-header', path, reason);
  }
  throw unusable('unsupported-codec', path, `MP4 can't carry ${codecs.join(' and ') || 'an empty stream'}`);
}

function unusable(code: MediaFaultCode, path: string, reason: string, cause?: unknown): UnusableMediaError {
  const message = `${path}: ${reason}; a path that ends in .flv records every codec`;
  return new UnusableMediaError(code, message, { cause });
}

/**
 * An MP4 file that is being recorded: fragments while it grows, an ordinary MP4 once it is finished. A track that MP4
 * can't hold is left out.
 */
export class Mp4File implements RecordedFile {
  readonly path: string;
  readonly workPath: string;
  readonly startTimestamp = 0;
  readonly #disk: Disk;
  readonly #file: DiskFile;
  readonly #pool: BlockPool;
  readonly #events: FileEvents;
  readonly #recording: Mp4Recording;
  readonly #audio: RecordedTrack | undefined;
  readonly #video: RecordedTrack | undefined;
  readonly #audioClock: Mp4AudioClock | undefined;
  /** Fragments that wait for the disk; the first one may be on its way. */
  readonly #fragments: Mp4RecordingFragment[] = [];
  #queuedBytes = 0;
  #queuedSamples = 0;
  /** What the pool knows of. */
  #counted = 0;
  #running: Promise<void> | undefined;
  #failure: unknown;
  #firstTimestamp: number | undefined;
  #lastTimestamp = 0;
  #frames = 0;
  #exhausted = false;

  constructor(
    file: DiskFile,
    options: Mp4FileOptions,
    workPath: string,
    recording: Mp4Recording,
    tracks: readonly RecordedTrack[],
  ) {
    const { disk, path, pool, events } = options;
    this.path = path;
    this.workPath = workPath;
    this.#disk = disk;
    this.#file = file;
    this.#pool = pool;
    this.#events = events;
    this.#recording = recording;
    this.#video = tracks.find(({ config }) => config.id === VIDEO_TRACK);
    this.#audio = tracks.find(({ config }) => config.id === AUDIO_TRACK);
    const { frameSamples, timescale } = this.#audio ?? {};
    if (frameSamples !== undefined && timescale !== undefined)
      this.#audioClock = new Mp4AudioClock(timescale);
  }

  get bytes(): number {
    return this.#file.size + this.#recording.pendingBytes + this.#queuedBytes;
  }

  get durationMs(): number {
    return this.#lastTimestamp - (this.#firstTimestamp ?? this.#lastTimestamp);
  }

  get waitingBytes(): number {
    const { pendingBytes, pendingSamples } = this.#recording;
    const samples = pendingSamples + this.#queuedSamples;
    return pendingBytes + this.#queuedBytes + samples * SAMPLE_COST_BYTES;
  }

  get frames(): number {
    return this.#frames;
  }

  accepts(packet: Packet): boolean {
    if (this.#exhausted) return false;
    const { codec, kind, primary } = packet.track;
    // What MP4 can't hold is left out, and needs no other file.
    if (kind === 'data' || !primary || !fitsMp4(codec)) return true;
    const track = kind === 'video' ? this.#video : this.#audio;
    if (packet.type === 'configuration') return isSameConfiguration(track, packet);
    // Of the others only MP3 can begin without a configuration.
    return codec !== 'mp3' || track?.config.codec === 'mp3';
  }

  write(packet: Packet, timestamp: number): void {
    if (packet.type !== 'media' || !packet.track.primary) return;
    if (!this.#add(packet, timestamp)) return;
    this.#firstTimestamp ??= timestamp;
    if (timestamp > this.#lastTimestamp) this.#lastTimestamp = timestamp;
    this.#frames += 1;
    const { pendingBytes, pendingSamples } = this.#recording;
    if (pendingBytes >= MAX_FRAGMENT_BYTES || pendingSamples >= MAX_FRAGMENT_SAMPLES) this.flush();
    else this.#account();
  }

  flush(): void {
    if (this.#failure !== undefined) return;
    const fragment = this.#recording.cut();
    if (fragment !== undefined) {
      this.#fragments.push(fragment);
      this.#queuedBytes += fragment.size;
      this.#queuedSamples += samplesOf(fragment);
      this.#account();
    }
    if (this.#fragments.length > 0) this.#running ??= this.#run();
  }

  refresh(): void {
    this.flush();
  }

  async finish(): Promise<void> {
    this.flush();
    await this.#running;
    if (this.#failure !== undefined) throw errorOf(this.#failure);
    const { size, tail, patch } = this.#recording.finishInPieces();
    if (this.#file.size > size) await this.#file.truncate(size);
    for (const piece of tail) await this.#file.append(piece);
    await this.#file.writeAt(patch.offset, patch.bytes);
    await this.#file.close();
    await this.#disk.rename(this.workPath, this.path);
  }

  async abandon(): Promise<void> {
    this.#failure ??= new Error('given up');
    await this.#running;
    this.#drop();
    await this.#file.close();
  }

  #add(packet: Packet, timestamp: number): boolean {
    const isVideo = packet.track.kind === 'video';
    const track = isVideo ? this.#video : this.#audio;
    if (track?.config.codec !== packet.track.codec || packet.payloadSize === 0) return false;
    const data = packet.payload;
    if (data.length === 0) {
      this.#events.onBroken?.(packet);
      return false;
    }
    try {
      if (isVideo) this.#addVideo(packet, timestamp, data);
      else this.#addAudio(timestamp, track, data);
      return true;
    } catch (error) {
      // More samples, or a larger step in time, than the format can say.
      if (!(error instanceof MediaError)) throw error;
      this.#exhausted = true;
      return false;
    }
  }

  #addVideo({ compositionOffset, keyframe, track }: Packet, timestamp: number, data: Uint8Array): void {
    // Video counts in milliseconds.
    const offset = Math.round((compositionOffset * 1000) / track.timescale);
    this.#recording.add(VIDEO_TRACK, timestamp, offset, keyframe, data);
  }

  #addAudio(timestamp: number, { frameSamples, timescale }: RecordedTrack, data: Uint8Array): void {
    const ticks =
      frameSamples === undefined || this.#audioClock === undefined
        ? Math.round((timestamp * timescale) / 1000)
        : this.#audioClock.ticks(timestamp, frameSamples);
    this.#recording.add(AUDIO_TRACK, ticks, 0, true, data);
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const [fragment] = this.#fragments;
        if (fragment === undefined || this.#failure !== undefined) break;
        await this.#file.append(fragment.pieces);
        // Once it is written its samples are gone from it.
        const samples = samplesOf(fragment);
        this.#recording.written(fragment);
        this.#fragments.shift();
        this.#queuedBytes -= fragment.size;
        this.#queuedSamples -= samples;
        this.#account();
        this.#events.onWritten();
      }
    } catch (error) {
      if (this.#failure === undefined) {
        this.#failure = error;
        this.#drop();
        this.#events.onFailure(error);
      }
    } finally {
      this.#running = undefined;
    }
  }

  #drop(): void {
    this.#fragments.length = 0;
    this.#queuedBytes = 0;
    this.#queuedSamples = 0;
    this.#pool.count(-this.#counted);
    this.#counted = 0;
  }

  #account(): void {
    const waiting = this.waitingBytes;
    this.#pool.count(waiting - this.#counted);
    this.#counted = waiting;
  }
}

function samplesOf({ parts }: Mp4RecordingFragment): number {
  return parts.reduce((sum, { samples }) => sum + samples.count, 0);
}

/** Whether a configuration says what the track began with. */
function isSameConfiguration(track: RecordedTrack | undefined, packet: Packet): boolean {
  const other = trackOf(packet);
  // A configuration that can't be read changes nothing.
  if (other === undefined) return true;
  if (track?.config.codec !== other.config.codec) return false;
  const [one, two] = [track.config.configuration, other.config.configuration];
  return one === undefined || two === undefined || Buffer.compare(one, two) === 0;
}
