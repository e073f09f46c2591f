import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { MediaError } from '@sluice/media';
import { AmfEcmaArray, AmfObject } from '@sluice/media/amf';
import {
  buildFlvMetadata,
  encodeFlvTag,
  FLV_PREVIOUS_TAG_SIZE_BYTES,
  FLV_TAG_HEADER_BYTES,
  flvHeader,
  FlvTagType,
  flvTagSize,
  parseFlvMetadata,
  parseVideoTagHeader,
} from '@sluice/media/flv';

import { FileBytes, MediaFileError } from '../../files/index.ts';
import { FlvTags, type PlacedTag } from './flv-tags.ts';
import { mediaRole } from './media-count.ts';
import { OutputError } from './terminal.ts';

/** What {@link indexFlvFile} wrote. */
export interface IndexedFlv {
  /** Keyframes in the index. */
  readonly keyframes: number;
  readonly durationMs: number;
  /** Bytes of the new file. */
  readonly bytes: number;
  /** What is wrong with the end of the old file, which the new one leaves out. */
  readonly problem: string | undefined;
}

/** The most keyframes that an index names; of more, every other one is left out until they fit. */
export const MAX_INDEX_KEYFRAMES = 100_000;
/** Bytes that are copied at a time. */
const COPY_BYTES = 1024 * 1024;
/** What is made for the old file's layout by other tools. */
const STALE_NAMES: readonly string[] = ['spacer', 'datasize', 'lastkeyframelocation'];

/** What the first walk over a file finds. */
class Survey {
  readonly keyframes: { readonly position: number; readonly timestamp: number }[] = [];
  properties = new AmfEcmaArray();
  /** The tag of the metadata, which the new one takes the place of. */
  metadata: { readonly begin: number; readonly end: number } | undefined;
  first: number | undefined;
  last = 0;
  begin: number | undefined;
  /** Bytes of the last tag, its PreviousTagSize left out. */
  lastTagBytes = 0;
  hasVideo = false;
  hasAudio = false;
  #stride = 1;
  #seen = 0;

  add(tag: PlacedTag): void {
    const { type, timestamp, body, position } = tag;
    this.begin ??= position;
    this.lastTagBytes = FLV_TAG_HEADER_BYTES + body.length;
    if (type === FlvTagType.script) {
      this.#addData(tag);
      return;
    }
    const role = mediaRole(type, body);
    if (role === 'header' || role === 'data') return;
    if (role === 'audio') this.hasAudio = true;
    else this.hasVideo = true;
    this.first ??= timestamp;
    this.last = Math.max(this.last, timestamp);
    if (role === 'keyframe' && parseVideoTagHeader(body)?.keyframe === true) {
      if (this.#seen % this.#stride === 0) this.keyframes.push({ position, timestamp });
      this.#seen += 1;
      if (this.keyframes.length > MAX_INDEX_KEYFRAMES) this.#thinOut();
    }
  }

  #addData({ body, position }: PlacedTag): void {
    if (this.metadata !== undefined) return;
    try {
      const metadata = parseFlvMetadata(body);
      if (metadata === undefined) return;
      this.properties = metadata.properties;
      this.metadata = { begin: position, end: position + flvTagSize(body.length) };
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
    }
  }

  #thinOut(): void {
    this.#stride *= 2;
    const kept = this.keyframes.filter((_, at) => at % 2 === 0);
    this.keyframes.splice(0, Infinity, ...kept);
  }
}

/**
 * Writes a copy of an FLV file whose metadata stands in front and says its duration (seconds), its size, and the
 * times and places of its keyframes, as players and servers that seek read it. Everything else stays as it is. The
 * copy is made beside the output and takes its name when it is whole on disk, so the output may be the input.
 *
 * @throws MediaFileError the input can't be used
 * @throws OutputError the output can't be written
 */
export async function indexFlvFile(input: string, output: string): Promise<IndexedFlv> {
  const bytes = await FileBytes.open(input);
  try {
    const tags = await FlvTags.open(bytes);
    const survey = new Survey();
    for await (const batch of tags.batches()) {
      for (const tag of batch) survey.add(tag);
    }
    if (survey.first === undefined) {
      throw new MediaFileError('no-media', `${input} has no audio and no video`);
    }
    const head = newHead(survey, tags.end);
    await replaceFile(output, async (target) => {
      await target.writeFile(head.bytes);
      for (const { begin, end } of head.kept) await copyRange(bytes, begin, end, target);
      await target.writeFile(head.tail);
    });
    const durationMs = survey.last - survey.first;
    return { keyframes: survey.keyframes.length, durationMs, bytes: head.fileSize, problem: tags.problem };
  } finally {
    await bytes.close();
  }
}

interface Range {
  readonly begin: number;
  readonly end: number;
}

/** The new file's beginning, what of the old one follows it, and the last PreviousTagSize, which may be missing there. */
function newHead(
  survey: Survey,
  end: number,
): { bytes: Uint8Array; kept: Range[]; tail: Uint8Array; fileSize: number } {
  const begin = survey.begin ?? end;
  const old = survey.metadata;
  // The last tag of the file can be the metadata itself.
  const last = old !== undefined && old.end - FLV_PREVIOUS_TAG_SIZE_BYTES === end ? old.begin : end;
  const kept = (
    old === undefined
      ? [{ begin, end: last }]
      : [
          { begin, end: old.begin },
          { begin: old.end, end: last },
        ]
  ).filter((range) => range.end > range.begin);
  const tail = new Uint8Array(last === end ? FLV_PREVIOUS_TAG_SIZE_BYTES : 0);
  if (last === end) new DataView(tail.buffer).setUint32(0, survey.lastTagBytes);
  const start = flvHeader({ audio: survey.hasAudio, video: survey.hasVideo });
  // Numbers take the same room whatever they say, so the first try tells the length.
  const room = start.length + metadataTag(survey, 0, (position) => position).length;
  const keptBytes = kept.reduce((sum, range) => sum + range.end - range.begin, 0);
  const fileSize = room + keptBytes + tail.length;
  const moved = (position: number): number => {
    const removed = old !== undefined && position >= old.end ? old.end - old.begin : 0;
    return position - begin - removed + room;
  };
  const tag = metadataTag(survey, fileSize, moved);
  const bytes = new Uint8Array(room);
  bytes.set(start);
  bytes.set(tag, start.length);
  return { bytes, kept, tail, fileSize };
}

function metadataTag(survey: Survey, fileSize: number, moved: (position: number) => number): Uint8Array {
  const { keyframes, first = 0, last } = survey;
  const properties = new AmfEcmaArray(survey.properties);
  for (const name of STALE_NAMES) properties.delete(name);
  properties.set('duration', (last - first) / 1000);
  properties.set('filesize', fileSize);
  properties.set('hasVideo', survey.hasVideo);
  properties.set('hasAudio', survey.hasAudio);
  properties.set('hasMetadata', true);
  properties.set('hasKeyframes', keyframes.length > 0);
  properties.set('canSeekToEnd', keyframes.at(-1)?.timestamp === last);
  properties.set('lasttimestamp', last / 1000);
  properties.set('lastkeyframetimestamp', (keyframes.at(-1)?.timestamp ?? 0) / 1000);
  properties.delete('keyframes');
  if (keyframes.length > 0) {
    properties.set(
      'keyframes',
      AmfObject.from({
        times: keyframes.map(({ timestamp }) => timestamp / 1000),
        filepositions: keyframes.map(({ position }) => moved(position)),
      }),
    );
  }
  return encodeFlvTag({ type: FlvTagType.script, timestamp: 0, body: buildFlvMetadata({ properties }) });
}

async function copyRange(bytes: FileBytes, begin: number, end: number, target: FileHandle): Promise<void> {
  const buffer = new Uint8Array(Math.min(COPY_BYTES, end - begin));
  for (let at = begin; at < end;) {
    const piece = buffer.subarray(0, Math.min(buffer.length, end - at));
    const count = await bytes.read(piece, at);
    if (count < piece.length) throw new MediaFileError('changed', `${bytes.path} became shorter meanwhile`);
    await target.writeFile(piece);
    at += count;
  }
}

/** Writes a whole file beside the path, then gives it the path's name. */
async function replaceFile(path: string, write: (target: FileHandle) => Promise<void>): Promise<void> {
  // What a link names is replaced, not the link.
  const real = await realpath(path).catch(() => path);
  const temporary = join(dirname(real), `.${basename(real)}.${process.pid}.tmp`);
  let target: FileHandle | undefined;
  try {
    const mode = await stat(real).then(
      (facts) => facts.mode & 0o777,
      () => undefined,
    );
    target = await open(temporary, 'wx', mode);
    await write(target);
    await target.sync();
    await target.close();
    target = undefined;
    await rename(temporary, real);
  } catch (error) {
    await target?.close();
    await rm(temporary, { force: true });
    throw error instanceof MediaFileError ? error : new OutputError(path, error);
  }
}
