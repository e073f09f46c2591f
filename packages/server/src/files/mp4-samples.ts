import { MediaError } from '@sluice/media';
import {
  buildAudioTagHeader,
  buildFlvMetadata,
  buildVideoTagHeader,
  type FlvTag,
  FlvTagType,
  VideoFrameType,
} from '@sluice/media/flv';
import {
  type Mp4File as ParsedMp4,
  type Mp4Sample,
  type Mp4Track,
  openMp4,
  type ReadSteps,
  runReadSteps,
} from '@sluice/media/mp4';

import { MediaFileError } from './errors.ts';
import type { FileBytes } from './file-bytes.ts';

/** Samples that are read together, bytes; one sample that is larger is read alone. */
const BATCH_BYTES = 512 * 1024;
/** Bytes between two samples that are read with them rather than skipped. */
const MAX_GAP_BYTES = 16 * 1024;
/** SoundRate of FLV has no others; MP3 frames tell their own. */
const FLV_SAMPLE_RATES = [5512, 11_025, 22_050, 44_100] as const;

/** A video track that FLV has a form for. */
export interface PlayedVideo extends Mp4Track {
  readonly codec: 'h264' | 'hevc' | 'av1';
}

/** An audio track that FLV has a form for. */
export interface PlayedAudio extends Mp4Track {
  readonly codec: 'aac' | 'mp3';
}

/** The tracks of an MP4 that become FLV: one of each kind. */
export interface PlayedTracks {
  readonly video: PlayedVideo | undefined;
  readonly audio: PlayedAudio | undefined;
  /** The others, in words. */
  readonly skipped: readonly string[];
}

/** Opens an MP4. @throws MediaFileError `damaged`, `io` */
export async function openParsedMp4(bytes: FileBytes): Promise<ParsedMp4> {
  return runSteps(bytes, openMp4(bytes.size));
}

/** Drives steps over a file. @throws MediaFileError `damaged`, `io` */
export async function runSteps<Value>(bytes: FileBytes, steps: ReadSteps<Value>): Promise<Value> {
  try {
    return await runReadSteps(steps, async ({ offset, length }) => {
      const target = new Uint8Array(length);
      const count = await bytes.read(target, offset);
      return target.subarray(0, count);
    });
  } catch (error) {
    if (!(error instanceof MediaError)) throw error;
    throw new MediaFileError('damaged', `${bytes.path}: ${error.message}`, { cause: error });
  }
}

/** Chooses the first video and the first audio track that FLV has a form for. */
export function chooseTracks(tracks: readonly Mp4Track[]): PlayedTracks {
  let video: PlayedVideo | undefined;
  let audio: PlayedAudio | undefined;
  const skipped: string[] = [];
  for (const track of tracks) {
    const { codec, unsupported, entryType, id } = track;
    if (unsupported !== undefined) {
      skipped.push(`track ${id} (${entryType}): ${unsupported}`);
    } else if (codec === 'h264' || codec === 'hevc' || codec === 'av1') {
      if (video === undefined) video = { ...track, codec };
      else skipped.push(`track ${id} (${codec}): a further video track`);
    } else if (codec === 'aac' || codec === 'mp3') {
      if (audio === undefined) audio = { ...track, codec };
      else skipped.push(`track ${id} (${codec}): a further audio track`);
    } else {
      skipped.push(`track ${id} (${codec ?? entryType}): not in FLV`);
    }
  }
  return { video, audio, skipped };
}

/** The metadata of a stream of these tracks. */
export function metadataTagOf({ video, audio }: PlayedTracks): FlvTag {
  const body = buildFlvMetadata({
    width: video?.width,
    height: video?.height,
    videoCodec: video?.codec,
    audioCodec: audio?.codec,
    audioSampleRate: audio?.sampleRate,
    audioChannels: audio?.channels,
    stereo: audio === undefined ? undefined : audio.channels > 1,
  });
  return { type: FlvTagType.script, timestamp: 0, body };
}

/** The sequence headers of the tracks, at a time in ms. */
export function headerTagsOf({ video, audio }: PlayedTracks, timestamp: number): FlvTag[] {
  const tags: FlvTag[] = [];
  if (video !== undefined) {
    const header = buildVideoTagHeader({
      codec: video.codec,
      frameType: VideoFrameType.key,
      packetType: 'sequence-header',
    });
    tags.push({ type: FlvTagType.video, timestamp, body: joined(header, video.configuration) });
  }
  if (audio?.codec === 'aac') {
    const header = buildAudioTagHeader({ codec: 'aac', packetType: 'sequence-header' });
    tags.push({ type: FlvTagType.audio, timestamp, body: joined(header, audio.configuration) });
  }
  return tags;
}

/**
 * Reads samples as FLV tags, in the order given, in batches of bounded size.
 *
 * @throws MediaFileError `changed` when the file ends before a sample does, `io`
 */
export async function* readSampleTags(
  bytes: FileBytes,
  samples: readonly Mp4Sample[],
): AsyncGenerator<readonly FlvTag[], void, void> {
  for (let from = 0; from < samples.length;) {
    let to = from;
    let size = 0;
    while (to < samples.length && (to === from || size + (samples[to]?.size ?? 0) <= BATCH_BYTES)) {
      size += samples[to]?.size ?? 0;
      to += 1;
    }
    yield await readBatch(bytes, samples.slice(from, to));
    from = to;
  }
}

/** Samples lie in runs of one track after the other: what is near is read at once. */
async function readBatch(bytes: FileBytes, samples: readonly Mp4Sample[]): Promise<FlvTag[]> {
  const bodies = new Map<Mp4Sample, Uint8Array>();
  const byPlace = [...samples].sort((left, right) => left.offset - right.offset);
  for (let from = 0; from < byPlace.length;) {
    const start = byPlace[from]?.offset ?? 0;
    let end = start;
    let to = from;
    for (; to < byPlace.length; to += 1) {
      const next = byPlace[to];
      if (next === undefined || next.offset > end + MAX_GAP_BYTES) break;
      end = Math.max(end, next.offset + next.size);
    }
    const range = new Uint8Array(end - start);
    const count = await bytes.read(range, start);
    if (count < range.length) {
      throw new MediaFileError('changed', `${bytes.path} ends at byte ${start + count}, wanted ${end}`);
    }
    for (const sample of byPlace.slice(from, to)) {
      const at = sample.offset - start;
      bodies.set(sample, joined(headerOf(sample), range.subarray(at, at + sample.size)));
    }
    from = to;
  }
  return samples.map((sample) => ({
    type: sample.track.kind === 'video' ? FlvTagType.video : FlvTagType.audio,
    timestamp: sample.dts,
    body: bodies.get(sample) ?? new Uint8Array(0),
  }));
}

function headerOf({ track, keyframe, dts, pts }: Mp4Sample): Uint8Array {
  const { codec } = track;
  if (codec === 'h264' || codec === 'hevc' || codec === 'av1') {
    const frameType = keyframe ? VideoFrameType.key : VideoFrameType.inter;
    return buildVideoTagHeader({ codec, frameType, compositionTime: codec === 'av1' ? 0 : pts - dts });
  }
  if (codec === 'mp3') {
    const sampleRate = FLV_SAMPLE_RATES.findLast((rate) => rate <= track.sampleRate) ?? FLV_SAMPLE_RATES[0];
    return buildAudioTagHeader({ codec: 'mp3', sampleRate, channels: track.channels > 1 ? 2 : 1 });
  }
  return buildAudioTagHeader({ codec: 'aac' });
}

function joined(header: Uint8Array, payload: Uint8Array): Uint8Array {
  const body = new Uint8Array(header.length + payload.length);
  body.set(header);
  body.set(payload, header.length);
  return body;
}
