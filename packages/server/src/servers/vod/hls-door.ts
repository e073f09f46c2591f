import { FileBytes, MediaFileError, type SegmentIndex } from '../../files/index.ts';
import type { FileAnswer, FileDoor, FileRequest, OpenedFile } from '../http/index.ts';
import { VodHlsError } from './hls-errors.ts';
import { HlsGate } from './hls-gate.ts';
import { IndexCache, stateKey } from './hls-index-cache.ts';
import { DEFAULT_VOD_HLS_LIMITS, type VodHlsLimits } from './hls-limits.ts';
import { PLAYLIST_NAME, segmentNumberOf, vodPlaylist } from './hls-playlist.ts';
import { packSegment, tsCodecsOf } from './hls-segment.ts';
import { SegmentCache } from './hls-segment-cache.ts';

/** What {@link VodHls} is made of; all have defaults. */
export interface VodHlsOptions {
  /** Each field has its default in {@link DEFAULT_VOD_HLS_LIMITS}. */
  readonly limits?: Partial<VodHlsLimits>;
}

const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';
const SEGMENT_TYPE = 'video/MP2T';
/** A recording may still be growing: caches ask each time, and are mostly told that nothing has changed. */
const PLAYLIST_CACHING = 'no-cache';
const SEGMENT_CACHING = 'public, max-age=300';

/**
 * Recorded FLV and MP4 files as HLS: `x.flv/index.m3u8` and `x.flv/0.ts`, `x.flv/1.ts` … beside the file itself.
 * A playlist costs an index of the file, which is kept; a segment costs a read of its own bytes.
 */
export class VodHls implements FileDoor {
  readonly #limits: VodHlsLimits;
  readonly #indexes: IndexCache;
  readonly #segments: SegmentCache;
  readonly #packGate: HlsGate;

  constructor(options: VodHlsOptions = {}) {
    this.#limits = { ...DEFAULT_VOD_HLS_LIMITS, ...options.limits };
    this.#indexes = new IndexCache(this.#limits);
    this.#segments = new SegmentCache(this.#limits.maxKeptBytes);
    this.#packGate = new HlsGate(this.#limits.maxPacks, this.#limits.maxWaiting);
  }

  /** Undefined for what is not a playlist or a segment below a file. */
  async open(file: OpenedFile, request: FileRequest): Promise<FileAnswer | undefined> {
    const number = segmentNumberOf(file.below);
    if (number === undefined && file.below !== PLAYLIST_NAME) return undefined;
    let bytes: FileBytes | undefined;
    let index: SegmentIndex | undefined;
    try {
      bytes = await FileBytes.open(file.path);
      index = await this.#indexes.get(bytes, number);
      if (tsCodecsOf(index).video === undefined && tsCodecsOf(index).audio === undefined) {
        throw new VodHlsError('no-codec', `MPEG-TS can't carry ${codecNames(index)}`);
      }
      return number === undefined
        ? this.#playlist(index, request)
        : await this.#segment(bytes, index, number);
    } catch (error) {
      if (error instanceof MediaFileError && error.code === 'changed' && index !== undefined) {
        this.#indexes.distrust(index, file.path);
      }
      return refusalOf(error);
    } finally {
      await bytes?.close();
    }
  }

  #playlist(index: SegmentIndex, { search }: FileRequest): FileAnswer {
    const { maxQueryBytes } = this.#limits;
    if (search.length > maxQueryBytes) {
      return { kind: 'refused', status: 400, text: `the query is longer than ${maxQueryBytes} bytes` };
    }
    return {
      kind: 'made',
      file: {
        contentType: PLAYLIST_TYPE,
        cacheControl: PLAYLIST_CACHING,
        etag: `W/"${stateKey(index.state)}"`,
        content: () => vodPlaylist(index, search),
        shared: search === '',
      },
    };
  }

  async #segment(bytes: FileBytes, index: SegmentIndex, number: number): Promise<FileAnswer> {
    if (number >= index.segmentCount) {
      const text = `there is no segment ${number}: the recording has ${index.segmentCount}`;
      return { kind: 'refused', status: 404, text };
    }
    const key = `${stateKey(index.state)}-${number}`;
    const segment = await this.#segments.get(key, () =>
      this.#packGate.run(() => packSegment(bytes, index, number, this.#limits.maxSegmentBytes)),
    );
    return {
      kind: 'made',
      file: {
        contentType: SEGMENT_TYPE,
        cacheControl: SEGMENT_CACHING,
        etag: `"${key}"`,
        content: () => segment,
        shared: true,
      },
    };
  }
}

function codecNames({ videoCodec, audioCodec }: SegmentIndex): string {
  return [videoCodec, audioCodec].filter((codec) => codec !== undefined).join(' and ');
}

/** The text is for the client: it names no path of the server. @throws what is no fault of file or request */
function refusalOf(error: unknown): FileAnswer {
  if (error instanceof VodHlsError) {
    return { kind: 'refused', status: error.code === 'no-codec' ? 404 : 503, text: error.message };
  }
  if (!(error instanceof MediaFileError)) throw error;
  switch (error.code) {
    case 'changed':
      return { kind: 'refused', status: 503, text: 'the recording has changed: fetch the playlist again' };
    case 'io':
      return { kind: 'refused', status: 503, text: 'the recording could not be read' };
    case 'damaged':
      return { kind: 'refused', status: 404, text: 'the recording is damaged' };
    case 'no-media':
      return { kind: 'refused', status: 404, text: 'the recording has no audio and no video' };
    case 'not-media':
      return { kind: 'refused', status: 404, text: 'the file is neither FLV nor MP4' };
    case 'missing':
    case 'denied':
    case 'not-a-file':
      return { kind: 'refused', status: 404, text: 'there is no such recording' };
  }
}
