import { errorText } from '../../error-text.ts';
import type { VhostConfig } from '../../config/index.ts';
import { type MediaFault, type PacketSubscriber, type StreamId, streamKey } from '../../live/index.ts';
import { TsPacker } from '../../remux/index.ts';
import type { FaultLog, FaultState, SegmentDisk } from '../disk/index.ts';
import { type HlsItem, type HlsSource, ItemRegistry } from './items.ts';
import { Leftovers } from './leftovers.ts';
import { DEFAULT_HLS_LIMITS, type HlsLimits } from './limits.ts';
import { HlsOutput } from './output.ts';
import type { HlsSegmentEvent, NumbersLeft } from './output-options.ts';
import { HlsPaths } from './paths.ts';
import { SegmentMemory } from './segment-memory.ts';
import { type AnnouncedCodecs, HlsPublication, type SegmentPacker, type SinkStream } from './publication.ts';

/** How often outdated segments and streams are looked for, ms. */
const SWEEP_MS = 1_000;
/** How long a stop of the server waits for a disk, ms. */
const CLOSE_TIMEOUT_MS = 5_000;

/** What {@link HlsSinks} needs. */
export interface HlsSinksOptions {
  readonly log: FaultLog;
  readonly disk: SegmentDisk;
  /** ms since the epoch. Default: Date.now. */
  readonly now?: (() => number) | undefined;
  /**
   * Whether times in file names are those of UTC (`utc_time`), asked for each stream. Default: the machine's zone.
   */
  readonly utc?: (() => boolean) | undefined;
  /** Default: {@link DEFAULT_HLS_LIMITS}. */
  readonly limits?: Partial<HlsLimits> | undefined;
  /** Default: a TsPacker. */
  readonly createPacker?: ((announced: AnnouncedCodecs) => SegmentPacker) | undefined;
  /** The vhosts that are on: what an earlier run has left in their directories is disposed of. Default none. */
  readonly vhosts?: (() => Iterable<Pick<VhostConfig, 'name' | 'hls'>>) | undefined;
}

/** The HLS of one stream, for the API. */
export interface HlsStatus {
  /** Segments in the playlist. */
  readonly segments: number;
  /** Media sequence number of the next segment. */
  readonly sequence: number;
  /** Bytes of segments in memory. */
  readonly bytesInMemory: number;
  /** What it suffers from; undefined while all is well. */
  readonly fault?: FaultState | undefined;
}

/** All HLS of the server: a sink for each publisher, and what is in memory for the HTTP server. */
export class HlsSinks implements HlsSource {
  readonly #log: FaultLog;
  readonly #disk: SegmentDisk;
  readonly #now: () => number;
  readonly #utc: () => boolean;
  readonly #limits: HlsLimits;
  readonly #createPacker: (announced: AnnouncedCodecs) => SegmentPacker;
  readonly #memory: SegmentMemory;
  readonly #registry = new ItemRegistry();
  readonly #outputs = new Map<string, HlsOutput>();
  /** Outputs whose stream has another one now. */
  readonly #leaving = new Set<HlsOutput>();
  /** What the disk still has to do for streams that are forgotten otherwise. */
  readonly #settling = new Map<string, Promise<void>>();
  /** Numbers of streams that are forgotten otherwise, oldest first. */
  readonly #numbers = new Map<string, NumbersLeft>();
  readonly #publications = new Set<HlsPublication>();
  /** The newest one of each stream. */
  readonly #publishing = new Map<string, HlsPublication>();
  readonly #listeners = new Set<(event: HlsSegmentEvent) => void>();
  readonly #options: HlsSinksOptions;
  #leftovers: Leftovers | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HlsSinksOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#disk = options.disk;
    this.#now = options.now ?? Date.now;
    this.#utc = options.utc ?? (() => false);
    this.#limits = { ...DEFAULT_HLS_LIMITS, ...options.limits };
    this.#memory = new SegmentMemory(this.#limits.maxSpareBytes);
    this.#createPacker = options.createPacker ?? ((announced) => new TsPacker(announced));
  }

  /** Looks after what an earlier run left, from now on. */
  start(): void {
    const { disk, log, vhosts } = this.#options;
    if (vhosts === undefined || this.#leftovers !== undefined) return;
    this.#leftovers = new Leftovers({
      ...{ log, disk, vhosts, limits: this.#limits, now: this.#now, utc: this.#utc },
      ownerOf: (path) => this.#registry.ownerOf(path),
      hold: (key, work) => {
        this.#settleAfter(key, Promise.all([this.#settling.get(key), work]));
      },
    });
  }

  /** What an earlier run left has been looked after, as far as it is time for that. */
  async leftoversSettled(): Promise<void> {
    await this.#leftovers?.settled();
  }

  /** HLS of a publisher, until `end()` of the sink: the playlist goes on where an earlier publisher left it. */
  open(stream: SinkStream, { hls: config }: Pick<VhostConfig, 'hls'>): PacketSubscriber {
    const paths = new HlsPaths(config, stream.id, new Date(this.#now()), this.#utc());
    const output = this.#outputFor(stream, config, paths);
    const publication = new HlsPublication({
      stream,
      config,
      output,
      log: this.#log,
      memory: this.#memory,
      maxSegmentBytes: this.#limits.maxSegmentBytes,
      now: this.#now,
      createPacker: this.#createPacker,
    });
    this.#publications.add(publication);
    this.#publishing.set(stream.key, publication);
    this.#timer ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
    return {
      write: (packet) => publication.write(packet),
      end: () => {
        this.#publications.delete(publication);
        if (this.#publishing.get(stream.key) === publication) this.#publishing.delete(stream.key);
        publication.end();
      },
    };
  }

  findFile(path: string): HlsItem | undefined {
    return this.#registry.findFile(path);
  }

  findUrl(vhost: string, path: string): HlsItem | undefined {
    return this.#registry.findUrl(vhost, path);
  }

  ownerOf(path: string): StreamId | undefined {
    return this.#registry.ownerOf(path);
  }

  /**
   * Tells of each segment that is ready, for hooks, statistics and measurements.
   *
   * @returns stops it
   */
  onSegment(listener: (event: HlsSegmentEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Resolves when what a stream's HLS has is on disk and told of; undefined for one that has no HLS. */
  settled(streamKey: string): Promise<void> | undefined {
    return this.#outputs.get(streamKey)?.settled() ?? this.#settling.get(streamKey);
  }

  /** What the API tells of a stream; undefined for one that has no HLS. */
  status(streamKey: string): HlsStatus | undefined {
    const output = this.#outputs.get(streamKey);
    if (output === undefined) return undefined;
    const { segments, nextSequence, bytesInMemory, fault } = output;
    return { segments, sequence: nextSequence, bytesInMemory, ...(fault === undefined ? {} : { fault }) };
  }

  /** Whether a stream's HLS has something to play. */
  isReady(streamKey: string): boolean {
    return this.#outputs.get(streamKey)?.ready === true;
  }

  /** What a stream's HLS suffers from its disk. */
  faults(streamKey: string): readonly FaultState[] {
    const fault = this.#outputs.get(streamKey)?.fault;
    return fault === undefined ? [] : [fault];
  }

  /** What a stream's HLS suffers from its media. */
  mediaFaults(streamKey: string): readonly MediaFault[] {
    return this.#publishing.get(streamKey)?.faults ?? [];
  }

  /**
   * Why a stream that is published has no playlist; undefined where it will have one, and for other paths.
   *
   * @param file - the absolute path of a file, as for {@link findFile}
   * @param path - as for {@link findUrl}
   */
  absenceAt(vhost: string, file: string | undefined, path: string): string | undefined {
    const id = this.#registry.streamOf(vhost, file, path);
    if (id === undefined) return undefined;
    const key = streamKey(id);
    if ((this.#outputs.get(key)?.segments ?? 0) > 0) return undefined;
    const messages = this.mediaFaults(key).map(({ message }) => message);
    return messages.length === 0 ? undefined : `${id.app}/${id.stream}: ${messages.join('; ')}`;
  }

  /** Does what time asks for: old segments, streams whose publisher has gone. Called every second. */
  sweep(): void {
    for (const output of this.#leaving) {
      if (output.sweep()) this.#leaving.delete(output);
    }
    for (const [key, output] of this.#outputs) {
      if (output.sweep()) this.#forget(key, output);
    }
    if (this.#outputs.size > 0 || this.#leaving.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Ends every sink and writes what is left. Files of streams with `hls_dispose` are removed (L022); others stay, and
   * are gone on with by the next run. A disk that hangs is waited for no longer than five seconds.
   */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const publication of this.#publications) publication.end();
    this.#publications.clear();
    this.#publishing.clear();
    const outputs = [...this.#outputs.values(), ...this.#leaving];
    const written = Promise.all([
      this.#leftovers?.stop(),
      ...outputs.map((output) => output.finish()),
      ...this.#settling.values(),
    ]);
    let timeout: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timeout = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    });
    await Promise.race([written, patience]);
    clearTimeout(timeout);
    this.#outputs.clear();
    this.#leaving.clear();
  }

  #outputFor(stream: SinkStream, config: VhostConfig['hls'], paths: HlsPaths): HlsOutput {
    const { key, id } = stream;
    const known = this.#outputs.get(key);
    if (known?.fits(config, paths) === true) return known;
    let after = this.#settling.get(key);
    if (known !== undefined) {
      // The configuration has changed: another playlist, with numbers that go on (L023).
      this.#remember(key, known.numbersLeft);
      known.leave();
      this.#leaving.add(known);
      after = known.settled();
    }
    const output = new HlsOutput({
      id,
      config,
      paths,
      disk: this.#disk,
      log: this.#log,
      registry: this.#registry,
      limits: this.#limits,
      memory: this.#memory,
      now: this.#now,
      goOnFrom: this.#numbers.get(key),
      after,
      takesOver: known !== undefined,
      onSegment: (event) => this.#tell(event),
    });
    this.#numbers.delete(key);
    this.#outputs.set(key, output);
    return output;
  }

  #forget(key: string, output: HlsOutput): void {
    this.#remember(key, output.numbersLeft);
    this.#outputs.delete(key);
    output.forget();
    this.#settleAfter(key, output.settled());
  }

  /** What is written of a stream next waits for this. */
  #settleAfter(key: string, work: Promise<unknown>): void {
    const settled = work.then(() => {
      if (this.#settling.get(key) === settled) this.#settling.delete(key);
    });
    this.#settling.set(key, settled);
  }

  #remember(key: string, numbers: NumbersLeft): void {
    this.#numbers.delete(key);
    this.#numbers.set(key, numbers);
    if (this.#numbers.size <= this.#limits.maxRememberedStreams) return;
    for (const oldest of this.#numbers.keys()) {
      this.#numbers.delete(oldest);
      break;
    }
  }

  #tell(event: HlsSegmentEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        const reason = errorText(error);
        this.#log.warn(`hls ${event.stream.app}/${event.stream.stream}: a listener failed: ${reason}`);
      }
    }
  }
}
