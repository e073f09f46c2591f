import { bytesEqual } from '@sluice/media/bytes';
import { parseFlvMetadata } from '@sluice/media/flv';
import { codecString, type Packet, type Track } from '@sluice/media/model';

import { errorText } from '../../error-text.ts';
import type { VhostConfig } from '../../config/index.ts';
import {
  announcesCodec,
  type MediaFault,
  MediaFaults,
  type PacketSubscriber,
  STOPPED_TRACK_MS,
  type StreamId,
} from '../../live/index.ts';
import type { TsPacker } from '../../remux/index.ts';
import type { FaultLog } from '../disk/index.ts';
import { MIN_SEGMENT_MS } from './limits.ts';
import type { HlsTrackInfo } from './output-options.ts';
import type { HlsOutput } from './output.ts';
import type { SegmentMemory } from './segment-memory.ts';
import { Segmenter } from './segmenter.ts';

/** The live stream, as far as HLS knows it. */
export interface SinkStream {
  readonly id: StreamId;
  /** Unique in the server. */
  readonly key: string;
  /** Closes the publisher's connection. */
  endPublisher(reason: 'sink-failed', detail: string): void;
}

/** What turns packets into TS. */
export type SegmentPacker = Pick<
  TsPacker,
  'write' | 'writeTables' | 'flushAudio' | 'moveTo' | 'length' | 'codecs' | 'announce'
>;

/** What a packer announces before it knows better. */
export type AnnouncedCodecs = ConstructorParameters<typeof TsPacker>[0];

/** What an {@link HlsPublication} needs. */
export interface HlsPublicationOptions {
  readonly stream: SinkStream;
  readonly config: VhostConfig['hls'];
  readonly output: HlsOutput;
  readonly log: FaultLog;
  readonly memory: SegmentMemory;
  readonly maxSegmentBytes: number;
  /** ms since the epoch. */
  readonly now: () => number;
  readonly createPacker: (announced: AnnouncedCodecs) => SegmentPacker;
}

/** The stream's own clock and the machine's may be so far apart, ms, before times are told anew. */
const MAX_CLOCK_DRIFT_MS = 2_000;

/** What is known of a track of the publication. */
class PublishedTrack {
  /** Codec of the frames that are written. */
  codec: Track['codec'] | undefined;
  /** The record of the configuration that holds. */
  record: Uint8Array | undefined;
  info: HlsTrackInfo | undefined;
}

/**
 * HLS of one publisher: packets of its first tracks in, segments to the {@link HlsOutput}. The path of a packet makes nothing but the bytes
 * of its segment.
 */
export class HlsPublication implements PacketSubscriber {
  readonly #options: HlsPublicationOptions;
  readonly #segmenter: Segmenter;
  readonly #faults: MediaFaults;
  readonly #tracks: {
    readonly audio: PublishedTrack | undefined;
    readonly video: PublishedTrack | undefined;
  };
  #packer: SegmentPacker | undefined;
  #metadata: AnnouncedCodecs | undefined;
  #ended = false;
  #segments = 0;
  /** Whether the open segment has media. */
  #filled = false;
  #startedAt = 0;
  /** Wall clock minus the stream's timeline, ms. */
  #clockOffset: number | undefined;

  constructor(options: HlsPublicationOptions) {
    this.#options = options;
    const { config, output } = options;
    this.#segmenter = new Segmenter(config);
    this.#faults = new MediaFaults((message) => {
      options.log.warn(`${this.#name}: ${message}`);
    }, options.now);
    this.#tracks = {
      audio: config.audioCodec === 'an' ? undefined : new PublishedTrack(),
      video: config.videoCodec === 'vn' ? undefined : new PublishedTrack(),
    };
    output.begin(this, (error) => this.#fail(errorText(error)));
  }

  /** What is wrong with the media of the publisher now, as far as HLS is concerned. */
  get faults(): readonly MediaFault[] {
    return this.#faults.current;
  }

  write(packet: Packet): void {
    if (this.#ended) return;
    const { kind, codec, primary } = packet.track;
    if (kind === 'data') {
      this.#readMetadata(packet.body);
      return;
    }
    const isVideo = kind === 'video';
    const track = isVideo ? this.#tracks.video : this.#tracks.audio;
    // `vn` and `an`: the track is left out.
    if (track === undefined || !primary || packet.type === 'control') return;
    if (!isPackable(codec)) {
      this.#faults.unsupported('HLS', packet.track);
      return;
    }
    // Without its configuration AAC can't be written.
    if (codec === 'aac' && packet.track.configuration === undefined) return;
    const packer = this.#packer ?? this.#createPacker();
    if (codec !== track.codec) this.#changeCodec(track, isVideo, packet, packer);
    if (packet.type === 'configuration') this.#writeConfiguration(track, isVideo, packet, packer);
    else this.#writeMedia(isVideo, packet, packer);
  }

  end(): void {
    if (this.#ended) return;
    this.#finish();
    this.#ended = true;
    this.#options.output.end(this);
  }

  #writeMedia(isVideo: boolean, packet: Packet, packer: SegmentPacker): void {
    const wasOpen = this.#segmenter.open;
    const verdict = this.#segmenter.judge(isVideo, packet, packer.length >= this.#options.maxSegmentBytes);
    if (verdict === 'skip') return;
    if (verdict === 'cut') this.#handOver(packer);
    if (verdict === 'cut' || !wasOpen) this.#begin(packer);
    const result = packer.write(packet);
    if (result === 'written') this.#filled = true;
    else if (result === 'broken') this.#broken(packet);
    else if (result === 'unsupported') this.#faults.unsupported('HLS', packet.track);
  }

  #writeConfiguration(track: PublishedTrack, isVideo: boolean, packet: Packet, packer: SegmentPacker): void {
    const known = track.record;
    const record = packet.track.configuration?.record;
    if (record === undefined || (known !== undefined && bytesEqual(known, record))) return;
    const sawFrames = isVideo ? this.#segmenter.sawVideo : this.#segmenter.sawAudio;
    if (known !== undefined && sawFrames) this.#finish(true);
    track.record = record;
    track.info = infoOf(packet.track);
    const result = packer.write(packet);
    if (result === 'broken') this.#broken(packet);
    else if (result === 'unsupported') this.#faults.unsupported('HLS', packet.track);
  }

  /** A track begins, or goes on with another codec: what was before it is another segment (L014). */
  #changeCodec(track: PublishedTrack, isVideo: boolean, packet: Packet, packer: SegmentPacker): void {
    const { codec } = packet.track;
    const begins = track.codec === undefined;
    const announced = isVideo ? packer.codecs.video : packer.codecs.audio;
    if (begins ? this.#segments > 0 && announced !== codec : true) this.#finish(true);
    track.codec = codec;
    track.record = packet.track.configuration?.record;
    track.info = infoOf(packet.track);
  }

  /** A segment begins with the frame that comes. */
  #begin(packer: SegmentPacker): void {
    const { now, output } = this.#options;
    this.#startedAt = now();
    this.#filled = false;
    this.#segmenter.deviationMs = output.deviationMs();
    packer.writeTables();
  }

  /** Ends the open segment before anything else comes. */
  #finish(discontinuity = false): void {
    const segmenter = this.#segmenter;
    if (segmenter.open && this.#packer !== undefined) {
      segmenter.close();
      this.#handOver(this.#packer);
    }
    if (discontinuity) segmenter.markDiscontinuity();
  }

  /** Hands the segment over that the segmenter has just closed. */
  #handOver(packer: SegmentPacker): void {
    const { closedStartMs, closedDurationMs, closedDiscontinuity, closedIndependent } = this.#segmenter;
    const { memory, output } = this.#options;
    const bytes = takeCopy(packer, memory);
    if (!this.#filled || closedDurationMs < MIN_SEGMENT_MS) {
      memory.give(bytes);
      if (closedDiscontinuity) this.#segmenter.markDiscontinuity();
      return;
    }
    this.#segments += 1;
    output.add(this, {
      bytes,
      durationMs: closedDurationMs,
      startedAt: this.#startedAt,
      programDateTime: this.#wallClock(closedStartMs, closedDiscontinuity),
      discontinuity: closedDiscontinuity,
      independent: closedIndependent,
      tracks: {
        video: this.#segmenter.sawVideo ? this.#tracks.video?.info : undefined,
        audio: this.#segmenter.sawAudio ? this.#tracks.audio?.info : undefined,
      },
    });
    this.#announceWhatIsThere(packer);
  }

  /**
   * A track that was announced and never came is not announced any longer, nor is one that has stopped: what follows is
   * a discontinuity then, and so it is when the track comes back.
   */
  #announceWhatIsThere(packer: SegmentPacker): void {
    const { video, audio } = this.#tracks;
    if (video !== undefined) this.#checkStopped(video, true);
    if (audio !== undefined) this.#checkStopped(audio, false);
    const { codecs } = packer;
    const noVideo = video?.codec === undefined;
    const noAudio = audio?.codec === undefined;
    if ((noVideo && codecs.video !== undefined) || (noAudio && codecs.audio !== undefined)) {
      packer.announce({
        video: noVideo ? undefined : codecs.video,
        audio: noAudio ? undefined : codecs.audio,
      });
    }
  }

  #checkStopped(track: PublishedTrack, isVideo: boolean): void {
    if (track.codec === undefined || this.#segmenter.silenceOf(isVideo) <= STOPPED_TRACK_MS) return;
    track.codec = undefined;
    track.record = undefined;
    track.info = undefined;
    const segmenter = this.#segmenter;
    if (isVideo ? segmenter.sawVideo : segmenter.sawAudio) segmenter.markDiscontinuity();
    segmenter.forgetTrack(isVideo);
  }

  /** The wall clock of a time of the stream: as far as possible one that grows as the stream does. */
  #wallClock(timestamp: number, anew: boolean): number {
    const offset = this.#startedAt - timestamp;
    const known = this.#clockOffset;
    if (anew || known === undefined || Math.abs(offset - known) > MAX_CLOCK_DRIFT_MS) {
      this.#clockOffset = offset;
      return timestamp + offset;
    }
    return timestamp + known;
  }

  #createPacker(): SegmentPacker {
    const { audioCodec, videoCodec } = this.#options.config;
    const video = videoCodec === 'vn' ? undefined : videoCodec === 'h265' ? 'hevc' : 'h264';
    const audio = audioCodec === 'an' ? undefined : audioCodec;
    // What the publisher says of itself is better than what the configuration expects of all publishers.
    const announced: AnnouncedCodecs =
      this.#metadata === undefined
        ? { video, audio }
        : {
            video: video === undefined ? undefined : this.#metadata.video,
            audio: audio === undefined ? undefined : this.#metadata.audio,
          };
    this.#packer = this.#options.createPacker(announced);
    return this.#packer;
  }

  #readMetadata(body: Uint8Array): void {
    if (this.#packer !== undefined) return;
    let metadata;
    try {
      metadata = parseFlvMetadata(body);
    } catch {
      // Metadata is a help here, no more.
    }
    if (metadata === undefined) return;
    const { videoCodec, audioCodec, properties } = metadata;
    if (!properties.has('videocodecid') && !properties.has('audiocodecid')) return;
    const { config } = this.#options;
    // A name that is not known may be any codec: then it is the one that the configuration expects.
    const expectedVideo = config.videoCodec === 'h265' ? 'hevc' : 'h264';
    const expectedAudio = config.audioCodec === 'mp3' ? 'mp3' : 'aac';
    const video = videoCodec === 'unknown' ? expectedVideo : videoCodec;
    const audio = audioCodec === 'unknown' ? expectedAudio : audioCodec;
    const hasVideo = announcesCodec(properties.get('videocodecid'));
    const hasAudio = announcesCodec(properties.get('audiocodecid'));
    this.#metadata = {
      video: hasVideo && (video === 'h264' || video === 'hevc') ? video : undefined,
      audio: hasAudio && (audio === 'aac' || audio === 'mp3') ? audio : undefined,
    };
  }

  #broken(packet: Packet): void {
    this.#faults.broken('HLS', packet);
    const what = packet.type === 'configuration' ? 'sequence header' : 'frame';
    this.#fail(`${packet.track.kind} ${what} can't be read`);
  }

  /** What `hls_on_error` says (L009); `continue` goes on, and whoever noticed has said so in the log. */
  #fail(message: string): void {
    if (this.#ended) return;
    const { onError } = this.#options.config;
    if (onError === 'continue') return;
    if (onError === 'ignore') {
      this.#options.log.warn(
        `${this.#name}: stopped until the next publish (hls_on_error ignore): ${message}`,
      );
      this.end();
      return;
    }
    this.end();
    this.#options.stream.endPublisher('sink-failed', `hls: ${message}`);
  }

  get #name(): string {
    const { app, stream } = this.#options.stream.id;
    return `hls ${app}/${stream}`;
  }
}

/**
 * The segment at its exact size. The packer keeps its buffer for the next one: buffers that are grown for each
 * segment are several times its size in garbage outside the heap, which V8 answers with a collection of the heap
 * each time.
 */
function takeCopy(packer: SegmentPacker, memory: SegmentMemory): Uint8Array {
  packer.flushAudio();
  const bytes = memory.take(packer.length);
  packer.moveTo(bytes, 0);
  return bytes;
}

function infoOf(track: Track): HlsTrackInfo {
  const codec = codecString(track);
  return track.kind === 'video' ? { codec, width: track.width, height: track.height } : { codec };
}

function isPackable(codec: Track['codec']): boolean {
  return codec === 'h264' || codec === 'hevc' || codec === 'aac' || codec === 'mp3';
}
