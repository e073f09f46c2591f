import { AmfEcmaArray, AmfObject, type AmfValue, encodeAmf0 } from '@sluice/media/amf';
import { bytesEqual, copyBytes } from '@sluice/media/bytes';
import {
  encodeFlvTag,
  FLV_PREVIOUS_TAG_SIZE_BYTES,
  FLV_TAG_HEADER_BYTES,
  flvHeader,
  FlvTagType,
  ON_META_DATA,
  parseFlvMetadata,
} from '@sluice/media/flv';

import type { Patch } from './disk-writer.ts';
import { KeyframeIndex } from './keyframe-index.ts';
import { MAX_PUBLISHER_METADATA_BYTES } from './limits.ts';

/** Bytes before the first tag of an FLV file whose header is as long as all are. */
export const FLV_START_BYTES = flvHeader({ audio: true, video: true }).length;

/** Which kinds of tags a file has. */
export interface FlvKinds {
  readonly audio: boolean;
  readonly video: boolean;
}

/**
 * What makes the file's header announce the kinds of tags that there are: players wait for all that is announced, and
 * while a file grows nobody knows what is still to come, so that it announces both.
 */
export function kindsPatch(kinds: FlvKinds): Patch {
  return { position: 0, bytes: flvHeader(kinds) };
}

/** What the metadata of a file says about it when it is closed (V004). */
export interface FlvFacts {
  readonly durationMs: number;
  /** Bytes. */
  readonly fileSize: number;
  readonly index: KeyframeIndex;
}

/** Properties that are the file's own, whatever a publisher says. */
const OWN_NAMES = ['duration', 'filesize', 'service', 'keyframes', 'spacer'];

/**
 * The metadata at the head of an FLV file: the publisher's properties, ours, and the keyframe index with the room
 * that is reserved for it. Always the same number of bytes, so that it can be written over in place.
 */
export class FlvHead {
  /** Most keyframes that the index has room for. */
  readonly capacity: number;
  readonly #properties: ReadonlyMap<string, AmfValue>;
  readonly #service: string;
  /** Where the metadata's tag begins, and, in a file of another writer, what of it can be patched. */
  readonly #patches: (facts: FlvFacts) => Patch[];
  /** Bytes of the tag. */
  readonly tagBytes: number;

  private constructor(
    properties: ReadonlyMap<string, AmfValue>,
    service: string,
    capacity: number,
    foreign?: { readonly tagBytes: number; readonly patches: (facts: FlvFacts) => Patch[] },
  ) {
    this.#properties = properties;
    this.#service = service;
    this.capacity = capacity;
    if (foreign === undefined) {
      this.tagBytes = this.tag({ durationMs: 0, fileSize: 0, index: new KeyframeIndex(0) }).length;
      this.#patches = (facts) => [{ position: FLV_START_BYTES, bytes: this.tag(facts) }];
    } else {
      this.tagBytes = foreign.tagBytes;
      this.#patches = foreign.patches;
    }
  }

  /**
   * The head of a new file.
   *
   * @param metadata - body of the publisher's `onMetaData`, if it sent one; what can't be read is left out
   * @param service - the server's signature
   */
  static create(metadata: Uint8Array | undefined, service: string, capacity: number): FlvHead {
    return new FlvHead(withoutOwn(publisherProperties(metadata)), service, capacity);
  }

  /**
   * The head that a file has.
   *
   * @param body - of its first tag, a script tag that begins at {@link FLV_START_BYTES}
   * @returns the head, and the index as far as the file has one
   */
  static read(body: Uint8Array): { readonly head: FlvHead; readonly index: KeyframeIndex } {
    let properties: ReadonlyMap<string, AmfValue> | undefined;
    try {
      properties = parseFlvMetadata(body)?.properties;
    } catch {
      // Metadata that can't be read is metadata that can't be patched.
    }
    const own = properties === undefined ? undefined : ownHead(properties, body);
    if (own !== undefined) return own;
    const tagBytes = FLV_TAG_HEADER_BYTES + body.length + FLV_PREVIOUS_TAG_SIZE_BYTES;
    const patches = numberPatches(body);
    return { head: new FlvHead(new Map(), '', 0, { tagBytes, patches }), index: new KeyframeIndex(0) };
  }

  /** A head that nothing can be patched in: the file has no metadata. */
  static none(): FlvHead {
    return new FlvHead(new Map(), '', 0, { tagBytes: 0, patches: () => [] });
  }

  /** The whole tag: header, body and PreviousTagSize. */
  tag(facts: FlvFacts): Uint8Array {
    const entries = facts.index.entries.slice(0, this.capacity);
    const spacer = new Array<number>((this.capacity - entries.length) * 2).fill(0);
    const keyframes = new AmfObject([
      ['times', entries.map(({ timestamp }) => timestamp / 1000)],
      ['filepositions', entries.map(({ position }) => position)],
    ]);
    const properties = new AmfEcmaArray(this.#properties);
    properties.set('duration', facts.durationMs / 1000);
    properties.set('filesize', facts.fileSize);
    properties.set('service', this.#service);
    properties.set('keyframes', keyframes);
    // Each entry that is not there leaves two numbers of room.
    properties.set('spacer', spacer);
    const body = encodeAmf0(ON_META_DATA, properties);
    return encodeFlvTag({ type: FlvTagType.script, timestamp: 0, body });
  }

  /** What has to be written over older bytes to make the file say these facts. */
  patches(facts: FlvFacts): Patch[] {
    return this.#patches(facts);
  }
}

function publisherProperties(metadata: Uint8Array | undefined): ReadonlyMap<string, AmfValue> {
  if (metadata === undefined || metadata.length > MAX_PUBLISHER_METADATA_BYTES) return new Map();
  try {
    return parseFlvMetadata(metadata)?.properties ?? new Map<string, AmfValue>();
  } catch {
    return new Map();
  }
}

function withoutOwn(properties: ReadonlyMap<string, AmfValue>): ReadonlyMap<string, AmfValue> {
  return new Map([...properties].filter(([name]) => !OWN_NAMES.includes(name)));
}

/** The head of a file that this server wrote; undefined when it isn't one. */
function ownHead(
  properties: ReadonlyMap<string, AmfValue>,
  body: Uint8Array,
): { readonly head: FlvHead; readonly index: KeyframeIndex } | undefined {
  const service = properties.get('service');
  const keyframes = properties.get('keyframes');
  const spacer = properties.get('spacer');
  if (typeof service !== 'string' || !(keyframes instanceof AmfObject) || !Array.isArray(spacer)) {
    return undefined;
  }
  const times = numbers(keyframes.get('times'));
  const positions = numbers(keyframes.get('filepositions'));
  if (times.length !== positions.length) return undefined;
  const capacity = times.length + spacer.length / 2;
  if (!Number.isInteger(capacity)) return undefined;
  const index = new KeyframeIndex(capacity);
  for (const [at, time] of times.entries()) index.add(Math.round(time * 1000), positions[at] ?? 0);
  const head = FlvHead.create(encodeAmf0(ON_META_DATA, new AmfEcmaArray(properties)), service, capacity);
  const { duration, filesize } = {
    duration: properties.get('duration'),
    filesize: properties.get('filesize'),
  };
  if (typeof duration !== 'number' || typeof filesize !== 'number') return undefined;
  const again = head.tag({ durationMs: duration * 1000, fileSize: filesize, index });
  // Written over in place it has to be the same bytes again, but for what changes.
  const sameLength = again.length === FLV_TAG_HEADER_BYTES + body.length + FLV_PREVIOUS_TAG_SIZE_BYTES;
  return sameLength ? { head, index } : undefined;
}

function numbers(value: AmfValue): number[] {
  return Array.isArray(value) ? value.filter((element) => typeof element === 'number') : [];
}

/** In metadata of another writer the numbers that stand there can be replaced, and no more. */
function numberPatches(body: Uint8Array): (facts: FlvFacts) => Patch[] {
  const duration = numberOffset(body, 'duration');
  const fileSize = numberOffset(body, 'filesize');
  return (facts) => {
    const patches: Patch[] = [];
    const values = [
      [duration, facts.durationMs / 1000],
      [fileSize, facts.fileSize],
    ] as const;
    for (const [offset, value] of values) {
      if (offset === undefined) continue;
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setFloat64(0, value);
      patches.push({ position: FLV_START_BYTES + FLV_TAG_HEADER_BYTES + offset, bytes });
    }
    return patches;
  };
}

/** Where in the metadata the eight bytes of a number stand that a property has. */
function numberOffset(body: Uint8Array, name: string): number | undefined {
  // The name's length in 16 bits, the name, and the marker of a number.
  const wanted = Uint8Array.of(0, name.length, ...new TextEncoder().encode(name), 0);
  for (let at = 0; at + wanted.length + 8 <= body.length; at += 1) {
    if (!bytesEqual(body.subarray(at, at + wanted.length), wanted)) continue;
    const offset = at + wanted.length;
    if (isNumberAt(body, offset, name)) return offset;
  }
  return undefined;
}

/** A text may have the same bytes in it: only a change that is read as one of the property is right. */
function isNumberAt(body: Uint8Array, offset: number, name: string): boolean {
  const changed = copyBytes(body);
  const probe = 12_345.5;
  new DataView(changed.buffer).setFloat64(offset, probe);
  try {
    return parseFlvMetadata(changed)?.properties.get(name) === probe;
  } catch {
    return false;
  }
}
