import type { FaultState } from '../disk/index.ts';
import type { Recording, RecordingSettings, RecordingState } from './recording.ts';
import type { RecordingNames } from './recording-paths.ts';

/** A recording as the API shows it. */
export interface DvrView {
  readonly id: string;
  /** Who asked for it: the vhost's `dvr{}`, or the API. */
  readonly origin: 'config' | 'api';
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
  readonly plan: RecordingSettings['plan'];
  /** The template of its files. */
  readonly path: string;
  /** The length of a segment, ms. */
  readonly segmentMs: number;
  readonly state: RecordingState;
  /** The file that is written now, by the name that it will have. */
  readonly file: string | undefined;
  /** Bytes recorded so far, in all files. */
  readonly bytes: number;
  readonly durationMs: number;
  /** When it was asked for, ms since the epoch. */
  readonly sinceMs: number;
  readonly fault: FaultState | undefined;
}

/** A recording that was asked for, whether its stream is published or not. */
export class RecordingEntry {
  readonly id: string;
  readonly origin: DvrView['origin'];
  readonly names: RecordingNames;
  readonly settings: RecordingSettings;
  readonly sinceMs: number;
  #recording: Recording | undefined;
  #detach: () => void = () => undefined;
  #bytesBefore = 0;
  #msBefore = 0;

  constructor(
    id: string,
    origin: DvrView['origin'],
    names: RecordingNames,
    settings: RecordingSettings,
    sinceMs: number,
  ) {
    this.id = id;
    this.origin = origin;
    this.names = names;
    this.settings = settings;
    this.sinceMs = sinceMs;
  }

  /** The publish that is recorded now. */
  get recording(): Recording | undefined {
    return this.#recording;
  }

  /** @param detach - takes the recording off its stream, which ends it */
  begin(recording: Recording, detach: () => void): void {
    this.#recording = recording;
    this.#detach = detach;
  }

  /** The publish is over: waits for the next one. */
  ended(recording: Recording): void {
    if (this.#recording !== recording) return;
    this.#bytesBefore += recording.bytes;
    this.#msBefore += recording.durationMs;
    this.#recording = undefined;
    this.#detach = () => undefined;
  }

  /** Ends what is recorded now. */
  stop(): void {
    this.#detach();
  }

  view(): DvrView {
    const { id, origin, names, settings, sinceMs } = this;
    const { vhost, app, stream } = names;
    const recording = this.#recording;
    return {
      id,
      origin,
      vhost,
      app,
      stream,
      plan: settings.plan,
      path: settings.template,
      segmentMs: settings.durationMs,
      state: recording?.state ?? 'waiting',
      file: recording?.file,
      bytes: this.#bytesBefore + (recording?.bytes ?? 0),
      durationMs: this.#msBefore + (recording?.durationMs ?? 0),
      sinceMs,
      fault: recording?.faultState,
    };
  }
}
