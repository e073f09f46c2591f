import type { AudioTrack, KeptPacket, VideoTrack } from '@sluice/media/model';

import { InbandParameterSets } from './inband-parameter-sets.ts';
import { FRAMES_WITHOUT_TRACK, MAX_TRACKS_PER_KIND, STOPPED_TRACK_MS } from './limits.ts';

/** How often one time came in turn on a track. */
class EqualTimes {
  #latest = Number.NaN;
  #count = 0;

  next(timestamp: number): number {
    this.#count = timestamp === this.#latest ? this.#count + 1 : 1;
    this.#latest = timestamp;
    return this.#count;
  }
}

/** What is known of one track of a publisher. */
export class IncomingTrack<T extends VideoTrack | AudioTrack = VideoTrack | AudioTrack> {
  /** The track as it is now. */
  track: T;
  /** The configuration that holds, as players are told it. */
  configuration: KeptPacket | undefined;
  readonly parameterSets = new InbandParameterSets();
  readonly equalTimes = new EqualTimes();
  /** Frames that have come of it. */
  frames = 0;
  /** Time of its latest packet on the stream's timeline, ms; undefined before the first. */
  latest: number | undefined;

  constructor(track: T) {
    this.track = track;
  }

  /** Names the track in faults and warnings: `video`, `audio`, or `video 2` for one that is not the first. */
  get name(): string {
    const { id, kind, primary } = this.track;
    return primary ? kind : `${kind} ${id}`;
  }
}

/** The tracks of a publisher. */
export class IncomingTracks {
  /** The first tracks of their kind, which nearly all streams have alone. */
  video: IncomingTrack<VideoTrack> | undefined;
  audio: IncomingTrack<AudioTrack> | undefined;
  /** All others, by kind and id. */
  readonly #others = new Map<string, IncomingTrack>();

  /** All of them: audio before video, first ones before others. */
  get all(): readonly IncomingTrack[] {
    return [this.audio, this.video, ...this.#others.values()].filter((track) => track !== undefined);
  }

  /** The configurations that hold, in the same order; those of tracks that have stopped are left out. */
  get configurations(): readonly KeptPacket[] {
    const going = this.all.filter((track) => !this.hasStopped(track));
    return going.map(({ configuration }) => configuration).filter((packet) => packet !== undefined);
  }

  /**
   * Whether nothing has come of a track for so long that it counts as one that has stopped, while others went on. One of
   * which there is a configuration and no frame counts as one that never comes.
   */
  hasStopped({ frames, latest }: IncomingTrack): boolean {
    if (frames === 0) {
      return Math.max(this.audio?.frames ?? 0, this.video?.frames ?? 0) >= FRAMES_WITHOUT_TRACK;
    }
    if (latest === undefined) return false;
    const furthest = Math.max(this.audio?.latest ?? latest, this.video?.latest ?? latest);
    return furthest - latest > STOPPED_TRACK_MS;
  }

  /** What is known of a track, which begins with this call if it is new; undefined for one beyond the limit. */
  of(track: VideoTrack | AudioTrack): IncomingTrack | undefined {
    if (!track.primary) return this.#otherOf(track);
    if (track.kind === 'audio') return (this.audio ??= new IncomingTrack(track));
    // A command of Enhanced RTMP names no codec: by itself it is no track.
    if (track.codec === 'unknown') return this.video ?? new IncomingTrack(track);
    return (this.video ??= new IncomingTrack(track));
  }

  clear(): void {
    this.video = undefined;
    this.audio = undefined;
    this.#others.clear();
  }

  #otherOf(track: VideoTrack | AudioTrack): IncomingTrack | undefined {
    const key = `${track.kind} ${track.id}`;
    let other = this.#others.get(key);
    if (other === undefined && this.#others.size < 2 * (MAX_TRACKS_PER_KIND - 1)) {
      other = new IncomingTrack(track);
      this.#others.set(key, other);
    }
    return other;
  }
}
