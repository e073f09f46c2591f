import { readFile } from 'node:fs/promises';
import { FlvReader, parseAudioTagHeader, parseVideoTagHeader } from '@sluice/media/flv';
import type { FlvTag } from '@sluice/media/flv';
import { fixture } from './fixtures.ts';
import type { FixtureName } from './fixtures.ts';

/** Every tag of an FLV file. */
export async function readTags(file: string): Promise<readonly FlvTag[]> {
  const reader = new FlvReader();
  return reader.write(await readFile(file));
}

/** A clip as tags, ready to be published by `RtmpPeer`. */
export interface Clip {
  /** Metadata, sequence headers and frames, as in the file. */
  readonly tags: readonly FlvTag[];
  /** Frames of audio and video alone. */
  readonly frames: readonly FlvTag[];
}

/** The tags of a clip of the fixtures that are FLV. */
export async function clipTags(name: Exclude<FixtureName, 'hevc-aac'>): Promise<Clip> {
  const tags = (await readTags(await fixture(name))).filter((tag) => !isEndOfSequence(tag));
  return { tags, frames: tags.filter((tag) => tag.type !== 18 && !isSequenceHeader(tag)) };
}

/** Whether a tag holds a decoder configuration rather than a frame. */
export function isSequenceHeader({ type, body }: Pick<FlvTag, 'type' | 'body'>): boolean {
  if (type === 8) return parseAudioTagHeader(body)?.packetType === 'sequence-header';
  return type === 9 && parseVideoTagHeader(body)?.packetType === 'sequence-header';
}

/** Whether a tag is a video frame that a decoder can start with. */
export function isKeyframe(tag: Pick<FlvTag, 'type' | 'body'>): boolean {
  return tag.type === 9 && !isSequenceHeader(tag) && (parseVideoTagHeader(tag.body)?.keyframe ?? false);
}

function isEndOfSequence({ type, body }: FlvTag): boolean {
  return type === 9 && parseVideoTagHeader(body)?.packetType === 'end-of-sequence';
}

/** The same tags at other times. */
export function shifted(tags: readonly FlvTag[], byMs: number): readonly FlvTag[] {
  return tags.map((tag) => ({ ...tag, timestamp: tag.timestamp + byMs }));
}

/** The bytes of tags as text, so that a difference can be read. */
export function bodies(tags: readonly { readonly body: Uint8Array }[]): readonly string[] {
  return tags.map(({ body }) => Buffer.from(body).toString('base64'));
}
