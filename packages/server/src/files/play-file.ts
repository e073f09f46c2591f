import { bytesEqual } from '@sluice/media/bytes';
import { type FlvTag, FlvTagType, parseAudioTagHeader, parseVideoTagHeader } from '@sluice/media/flv';

import { MediaFileError } from './errors.ts';
import { FileTimeline } from './file-timeline.ts';
import { liveDataBody } from './live-metadata.ts';
import type { MediaFile } from './media-file.ts';
import { type Clock, Pace, type PaceOptions, systemClock } from './pace.ts';

/** How to play a file; all have defaults. */
export interface PlayFileOptions extends PaceOptions {
  /** How often the file is played, 1 or more; Infinity is for ever. Default 1. */
  readonly rounds?: number;
  /** Ends the iteration soon after it is aborted. */
  readonly signal?: AbortSignal;
  /** Told at the end of each round, with their number so far. */
  readonly onRound?: (rounds: number) => void;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
}

/** What a tag is to a live stream. */
export type LiveTagRole = 'media' | 'keyframe' | 'sequence-header' | 'end' | 'data';

/** An FLV tag on the clock of a live stream that is made of a file. */
export interface LiveTag extends FlvTag {
  readonly role: LiveTagRole;
}

/**
 * Plays a file as a live stream: its tags when they are due, as the bodies of RTMP messages. Timestamps begin at
 * 0 and go on over the rounds of a loop; sequence headers and metadata come again only when they change.
 *
 * @returns batches of what is due now, one tag or more. Who takes them late makes the clock wait.
 * @throws MediaFileError `no-media`, `damaged`, `io`, from the iteration
 */
export async function* playFile(
  file: MediaFile,
  options: PlayFileOptions = {},
): AsyncGenerator<readonly LiveTag[], void, void> {
  const { rounds = 1, signal, clock = systemClock } = options;
  const pace = new Pace(() => clock.now(), options);
  const converter = new LiveTags();
  for (let round = 1; round <= rounds; round += 1) {
    const lastRound = round === rounds;
    for await (const tags of file.tags()) {
      let due: LiveTag[] = [];
      for (const tag of tags) {
        const live = converter.convert(tag, lastRound);
        if (live === undefined) continue;
        if (pace.wait(live.timestamp) > 0) {
          if (due.length > 0) yield due;
          due = [];
          const wait = pace.wait(live.timestamp);
          if (wait > 0) await clock.sleep(wait, signal);
        }
        if (signal?.aborted === true) return;
        due.push(live);
      }
      if (due.length > 0) yield due;
    }
    if (!converter.endRound()) {
      throw new MediaFileError('no-media', `${file.path} has no audio and no video`);
    }
    options.onRound?.(round);
  }
}

/** What a tag's header says that matters here. */
type Facts = 'frame' | 'keyframe' | 'sequence-header' | 'end' | 'nothing';

class LiveTags {
  readonly #timeline = new FileTimeline();
  /** The latest bodies that are sent only when they change. */
  readonly #held = new Map<string, Uint8Array>();
  #frames = 0;

  /** Undefined for a tag that a live stream has no use for. */
  convert(tag: FlvTag, lastRound: boolean): LiveTag | undefined {
    if (tag.type === FlvTagType.script) return this.#data(tag);
    const track = tag.type === FlvTagType.audio ? 'audio' : 'video';
    const facts = track === 'audio' ? audioFacts(tag.body) : videoFacts(tag.body);
    const { type, body } = tag;
    switch (facts) {
      case 'nothing':
        return undefined;
      case 'end':
        // In the middle of a stream it would end a player.
        return lastRound ? { type, timestamp: this.#timeline.now, body, role: 'end' } : undefined;
      case 'sequence-header':
        if (this.#isHeld(track, body)) return undefined;
        return { type, timestamp: this.#timeline.now, body, role: 'sequence-header' };
      case 'frame':
      case 'keyframe': {
        this.#frames += 1;
        const timestamp = this.#timeline.next(track, tag.timestamp);
        return { type, timestamp, body, role: facts === 'keyframe' ? 'keyframe' : 'media' };
      }
    }
  }

  /** False when the round had no media. */
  endRound(): boolean {
    this.#timeline.nextRound();
    const had = this.#frames > 0;
    this.#frames = 0;
    return had;
  }

  #data(tag: FlvTag): LiveTag | undefined {
    const body = liveDataBody(tag.body);
    if (body === undefined || this.#isHeld('data', body)) return undefined;
    return { type: FlvTagType.script, timestamp: this.#timeline.now, body, role: 'data' };
  }

  #isHeld(what: string, body: Uint8Array): boolean {
    const held = this.#held.get(what);
    if (held !== undefined && bytesEqual(held, body)) return true;
    this.#held.set(what, body);
    return false;
  }
}

function audioFacts(body: Uint8Array): Facts {
  switch (parseAudioTagHeader(body)?.packetType) {
    case undefined:
      return 'nothing';
    case 'sequence-header':
    case 'multichannel-config':
      return 'sequence-header';
    case 'end-of-sequence':
      return 'end';
    default:
      return 'frame';
  }
}

function videoFacts(body: Uint8Array): Facts {
  const header = parseVideoTagHeader(body);
  switch (header?.packetType) {
    case undefined:
      return 'nothing';
    case 'sequence-header':
    case 'mpeg2ts-sequence-header':
      return 'sequence-header';
    case 'end-of-sequence':
      return 'end';
    default:
      return header?.keyframe === true ? 'keyframe' : 'frame';
  }
}
