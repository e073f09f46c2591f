import { background } from '../../background.ts';
import type { VhostConfig } from '../../config/types.ts';
import { type MediaFault, type PacketSubscriber, type StreamId, streamKey } from '../../live/index.ts';
import { type Log, newSessionId } from '../../log/index.ts';
import { type Disk, type FaultState, namesProblem } from '../disk/index.ts';
import { doneWithin } from './background-work.ts';
import { BlockPool } from './block-pool.ts';
import { Housekeeping } from './housekeeping.ts';
import {
  CLOSE_TIMEOUT_MS,
  FLUSH_INTERVAL_MS,
  FLUSH_TURNS,
  MAX_REQUESTED_RECORDINGS,
  MAX_WAITING_BYTES_IN_ALL,
} from './limits.ts';
import { Recording, type RecordingHome, type RecordingSettings } from './recording.ts';
import { type DvrView, RecordingEntry } from './recording-entry.ts';
import { type FinishedFile, RecordingFiles } from './recording-files.ts';
import { fileTemplate, type RecordingNames, templateRoot, templateUnder } from './recording-paths.ts';

/** A live stream as a recording needs it. */
export interface DvrStream {
  readonly id: StreamId;
  /** Gives the subscriber the configurations, and every packet from now on. Returns what ends that. */
  subscribe(subscriber: PacketSubscriber): () => void;
}

/** What recordings work with. */
export interface DvrOptions {
  readonly log: Log;
  readonly disk: Disk;
  /** The server's signature, `service` in the metadata of files (V004). */
  readonly service: string;
  /** Whether parts of the time in file names are UTC, asked for each file. Default: they are not. */
  readonly utc?: () => boolean;
  /** ms since the epoch. Default `Date.now`. */
  readonly now?: () => number;
  /** Most bytes of all recordings that may wait for the disk. Default {@link MAX_WAITING_BYTES_IN_ALL}. */
  readonly maxWaitingBytes?: number;
  /** The vhosts that are enabled. */
  readonly vhosts: () => Iterable<VhostConfig>;
  /** The vhost of a host name. */
  readonly findVhost: (host: string) => VhostConfig | undefined;
  /** A stream that is published now. */
  readonly findStream: (id: StreamId) => DvrStream | undefined;
  /** Told of each file that is whole (`on_dvr`, V006). */
  readonly onFile?: (file: FinishedFile) => void;
}

/** What the API asks for. */
export interface RecordingRequest {
  /** Host name. Default: the default vhost. */
  readonly vhost?: string | undefined;
  readonly app: string;
  readonly stream: string;
  /** Default: the vhost's `dvr_plan`. */
  readonly plan?: RecordingSettings['plan'] | undefined;
  /** Template, under the directory of the vhost's `dvr_path`. Default: `dvr_path`. */
  readonly path?: string | undefined;
  /** Length of a segment, ms. Default: the vhost's `dvr_duration`. */
  readonly segmentMs?: number | undefined;
}

/** Why a recording was not started. */
export type RecordingRefusal =
  'unknown-vhost' | 'bad-name' | 'bad-path' | 'already-recorded' | 'too-many-recordings';

/** Whether a recording that was asked for goes on now. */
export type RecordingAnswer =
  | { readonly ok: true; readonly view: DvrView }
  | { readonly ok: false; readonly code: RecordingRefusal; readonly message: string };

/** Recordings that a line in the log names. */
const NAMED_RECORDINGS = 10;
const HANGING_DISK = `the disk has not taken everything within ${CLOSE_TIMEOUT_MS / 1000} s`;
const DEFAULT_VHOST = '__defaultVhost__';

/** The recordings of a server: those that the vhosts' `dvr{}` asks for, and those that the API asks for. */
export class DvrSinks {
  readonly #options: DvrOptions;
  readonly #home: RecordingHome;
  readonly #housekeeping: Housekeeping;
  readonly #entries = new Map<string, RecordingEntry>();
  /** Recordings by the turn of the timer that looks after them. */
  readonly #turns: readonly Set<Recording>[] = Array.from(
    { length: FLUSH_TURNS },
    () => new Set<Recording>(),
  );
  /** Recordings that have ended and whose files are not finished, by the key of their stream. */
  readonly #finishing = new Map<string, Set<Recording>>();
  #nextTurn = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: DvrOptions) {
    const { log, disk, service, utc = () => false, now = Date.now, vhosts } = options;
    this.#options = options;
    const pool = new BlockPool(options.maxWaitingBytes ?? MAX_WAITING_BYTES_IN_ALL);
    const onFinished = (file: FinishedFile): void => {
      this.#housekeeping.fileFinished();
      options.onFile?.(file);
    };
    const files = new RecordingFiles({ disk, log, pool, service, now, utc, onFinished });
    const isPresent = async (path: string): Promise<boolean> => {
      try {
        return (await disk.size(path)) !== undefined;
      } catch {
        // Nobody knows: the next write tells.
        return true;
      }
    };
    this.#home = { log, files, pool, isPresent, now };
    this.#housekeeping = new Housekeeping({ disk, log, files, vhosts, now });
  }

  /** Bytes that wait for the disk, of all recordings. */
  get waitingBytes(): number {
    return this.#home.pool.waitingBytes;
  }

  /** Mends what an earlier run left unfinished, and removes what is not to be kept, from now on. */
  start(): void {
    this.#housekeeping.start();
  }

  /** A publish begins: records it as its vhost, and the API, ask for. */
  published(stream: DvrStream, vhost: VhostConfig): void {
    this.#beginConfigured(stream, vhost, true);
    for (const entry of this.#entries.values()) {
      if (entry.origin === 'api' && entry.recording === undefined && isOf(entry.names, stream.id)) {
        this.#begin(entry, stream, true);
      }
    }
  }

  /** The configuration of a stream that is published has changed: records it as its vhost asks for now (V007). */
  configured(stream: DvrStream, vhost: VhostConfig): void {
    const wanted = vhost.dvr.enabled && isApplied(vhost, stream.id) ? settingsOf(vhost) : undefined;
    const entry = this.#configuredEntry(stream.id);
    if (entry === undefined ? wanted === undefined : isSame(entry.settings, wanted)) return;
    entry?.stop();
    this.#beginConfigured(stream, vhost, false);
  }

  /** Everything that is or will be recorded, oldest first. */
  *list(): Generator<DvrView> {
    for (const entry of this.#entries.values()) yield entry.view();
  }

  /** One recording. */
  find(id: string): DvrView | undefined {
    return this.#entries.get(id)?.view();
  }

  /** Records a stream, now or as soon as it is published, until {@link stop} (V008). */
  request(request: RecordingRequest): RecordingAnswer {
    const { vhost: host = DEFAULT_VHOST, app, stream, plan, path, segmentMs } = request;
    const vhost = this.#options.findVhost(host);
    if (vhost === undefined) return refusal('unknown-vhost', `vhost ${host} is not served here`);
    const problem = namesProblem(app, stream);
    if (problem !== undefined) return refusal('bad-name', problem);
    const ofVhost = settingsOf(vhost);
    const under =
      path === undefined
        ? { template: ofVhost.template }
        : templateUnder(templateRoot(ofVhost.template), path);
    if ('problem' in under) return refusal('bad-path', under.problem);
    const names = { vhost: vhost.name, app, stream };
    let requested = 0;
    for (const entry of this.#entries.values()) {
      if (entry.origin === 'api') requested += 1;
      if (isOf(entry.names, names) && entry.settings.template === under.template) {
        const message = `${app}/${stream} is recorded to ${under.template} already, as ${entry.id}`;
        return refusal('already-recorded', message);
      }
    }
    if (requested >= MAX_REQUESTED_RECORDINGS) {
      return refusal('too-many-recordings', `${requested} recordings were asked for, which is the limit`);
    }
    const settings = {
      ...ofVhost,
      template: under.template,
      plan: plan ?? ofVhost.plan,
      durationMs: segmentMs ?? ofVhost.durationMs,
    };
    const entry = this.#add('api', names, settings);
    const published = this.#options.findStream(names);
    if (published !== undefined) this.#begin(entry, published, false);
    this.#options.log.info(`dvr ${app}/${stream}: recording ${entry.id} was asked for`);
    return { ok: true, view: entry.view() };
  }

  /**
   * Ends a recording, and waits until its file is finished. One that the vhost asks for begins again with the next
   * publish. A disk that hangs is waited for no longer than {@link CLOSE_TIMEOUT_MS}: its file is finished, or mended,
   * when it can be.
   *
   * @returns what it was; undefined when there is no such recording
   */
  async stop(id: string): Promise<DvrView | undefined> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    const { recording } = entry;
    this.#entries.delete(id);
    entry.stop();
    const { log } = this.#options;
    const { app, stream } = entry.names;
    if (recording === undefined || (await doneWithin(CLOSE_TIMEOUT_MS, recording.idle()))) {
      log.info(`dvr ${app}/${stream}: recording ${id} was stopped`);
    } else {
      log.warn(`dvr ${app}/${stream}: recording ${id} was stopped, but ${HANGING_DISK}`);
    }
    return entry.view();
  }

  /**
   * Resolves when the files of a stream's ended recordings are finished and told of; undefined when they are.
   *
   * @param key - `vhost/app/stream`
   */
  settled(key: string): Promise<unknown> | undefined {
    const finishing = this.#finishing.get(key);
    return finishing && Promise.all([...finishing].map((recording) => recording.idle()));
  }

  /**
   * What is wrong with the recordings of a stream now.
   *
   * @param key - `vhost/app/stream`
   */
  faults(key: string): FaultState[] {
    const faults: FaultState[] = [];
    for (const { names, recording } of this.#entries.values()) {
      const fault = recording?.faultState;
      if (fault !== undefined && streamKey(names) === key) faults.push(fault);
    }
    return faults;
  }

  /**
   * What of a stream's media is not in its recordings now. Two recordings of a stream say the same once.
   *
   * @param key - `vhost/app/stream`
   */
  mediaFaults(key: string): MediaFault[] {
    const faults = new Map<string, MediaFault>();
    for (const { names, recording } of this.#entries.values()) {
      if (recording === undefined || streamKey(names) !== key) continue;
      for (const fault of recording.mediaFaults) faults.set(fault.message, fault);
    }
    return [...faults.values()];
  }

  /**
   * Ends every recording, and waits until all files are finished: {@link CLOSE_TIMEOUT_MS} at most. What a disk that
   * hangs has not taken by then is said in the log, and left to the next start.
   */
  async close(): Promise<void> {
    this.#closed = true;
    for (const entry of [...this.#entries.values()]) entry.stop();
    this.#entries.clear();
    clearInterval(this.#timer);
    const recordings = this.#turns.flatMap((turn) => [...turn]);
    if (await doneWithin(CLOSE_TIMEOUT_MS, this.#finish(recordings))) return;
    const left = recordings.filter(({ isIdle }) => !isIdle);
    this.#options.log.warn(
      `dvr: ${HANGING_DISK}: ${this.#unfinished(left)}; the next start mends what it has`,
    );
  }

  /** Looks after every recording now: gives the disk what has gathered, tries again what failed. */
  tick(): void {
    for (const turn of this.#turns) for (const recording of turn) recording.tick();
  }

  async #finish(recordings: readonly Recording[]): Promise<void> {
    const housekeeping = this.#housekeeping.stop();
    for (const recording of recordings) await recording.idle();
    await housekeeping;
    await this.#home.files.mendAgain();
  }

  /** What is left undone, in words. */
  #unfinished(left: readonly Recording[]): string {
    if (left.length === 0) return 'files of an earlier run are still being mended';
    const names = left.slice(0, NAMED_RECORDINGS).map(({ names: { app, stream } }) => `${app}/${stream}`);
    if (left.length > names.length) names.push('…');
    return `recordings that are not finished: ${left.length} (${names.join(', ')}), ${this.waitingBytes} B wait`;
  }

  #beginConfigured(stream: DvrStream, vhost: VhostConfig, fresh: boolean): void {
    const { vhost: name, app, stream: streamName } = stream.id;
    if (!vhost.dvr.enabled || !isApplied(vhost, stream.id)) return;
    const names = { vhost: name, app, stream: streamName };
    this.#begin(this.#add('config', names, settingsOf(vhost)), stream, fresh);
  }

  #configuredEntry(id: StreamId): RecordingEntry | undefined {
    for (const entry of this.#entries.values()) {
      if (entry.origin === 'config' && isOf(entry.names, id)) return entry;
    }
    return undefined;
  }

  #add(origin: DvrView['origin'], names: RecordingNames, settings: RecordingSettings): RecordingEntry {
    const entry = new RecordingEntry(newSessionId(), origin, names, settings, this.#home.now());
    this.#entries.set(entry.id, entry);
    return entry;
  }

  #begin(entry: RecordingEntry, stream: DvrStream, fresh: boolean): void {
    if (this.#closed) return;
    const turn = this.#turns[this.#nextTurn];
    this.#nextTurn = (this.#nextTurn + 1) % FLUSH_TURNS;
    const recording = new Recording(entry.names, entry.settings, this.#home, fresh, () => {
      entry.ended(recording);
      // A recording of the configuration lives as long as the publish.
      if (entry.origin === 'config') this.#entries.delete(entry.id);
      const finished = this.#finishes(recording);
      const idle = recording.idle().then(() => {
        finished();
        turn?.delete(recording);
        this.#stopTimerIfIdle();
      });
      background('finishing a recording', idle);
    });
    turn?.add(recording);
    this.#startTimer();
    entry.begin(recording, stream.subscribe(recording));
  }

  /** @returns to be called when its files are finished */
  #finishes(recording: Recording): () => void {
    const key = streamKey(recording.names);
    const others = this.#finishing.get(key) ?? new Set();
    this.#finishing.set(key, others.add(recording));
    return () => {
      others.delete(recording);
      if (others.size === 0 && this.#finishing.get(key) === others) this.#finishing.delete(key);
    };
  }

  #startTimer(): void {
    if (this.#timer !== undefined) return;
    let turn = 0;
    this.#timer = setInterval(() => {
      turn = (turn + 1) % FLUSH_TURNS;
      for (const recording of this.#turns[turn] ?? []) recording.tick();
    }, FLUSH_INTERVAL_MS / FLUSH_TURNS);
    this.#timer.unref();
  }

  #stopTimerIfIdle(): void {
    if (this.#turns.some(({ size }) => size > 0)) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function settingsOf({ dvr }: VhostConfig): RecordingSettings {
  const { plan, durationMs, waitKeyframe, timeJitter } = dvr;
  return { plan, durationMs, waitKeyframe, timeJitter, template: fileTemplate(dvr.path) };
}

function isSame(one: RecordingSettings, other: RecordingSettings | undefined): boolean {
  return other !== undefined && JSON.stringify(one) === JSON.stringify(other);
}

/** Whether `dvr_apply` names the stream. */
function isApplied({ dvr }: VhostConfig, { app, stream }: StreamId): boolean {
  return dvr.apply.includes('all') || dvr.apply.includes(`${app}/${stream}`);
}

function isOf(names: RecordingNames, { vhost, app, stream }: StreamId): boolean {
  return names.vhost === vhost && names.app === app && names.stream === stream;
}

function refusal(code: RecordingRefusal, message: string): RecordingAnswer {
  return { ok: false, code, message };
}
