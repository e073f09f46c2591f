import { hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { type Attributes, parseAttributes } from './attributes.ts';
import { DEFAULT_M3U8_LIMITS, type M3u8Limits } from './limits.ts';
import type {
  MasterPlaylist,
  MediaPlaylist,
  PlaylistByteRange,
  PlaylistKey,
  PlaylistMap,
  PlaylistRendition,
  PlaylistSegment,
  PlaylistVariant,
} from './playlist.ts';

const IV_BYTES = 16;
const KEY_METHODS = ['NONE', 'AES-128', 'SAMPLE-AES'] as const;
const RENDITION_TYPES = ['AUDIO', 'VIDEO', 'SUBTITLES', 'CLOSED-CAPTIONS'] as const;
const PLAYLIST_TYPES = ['VOD', 'EVENT'] as const;

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

/**
 * Reads a playlist of either kind (RFC 8216 clause 4); `isMasterPlaylist` tells which it is. Line ends may be LF or
 * CR LF. Tags that aren't known here are skipped, as clause 6.3.1 wants it. A playlist with neither segments nor
 * variants is a media playlist.
 *
 * @throws MediaError `bad-value`, `unsupported` (a key method or key format this can't name), `limit-exceeded`
 */
export function parsePlaylist(
  text: string,
  limits: M3u8Limits = DEFAULT_M3U8_LIMITS,
): MediaPlaylist | MasterPlaylist {
  if (text.length > limits.maxCharacters) {
    throw new MediaError(
      'limit-exceeded',
      `a playlist of ${text.length} characters, limit ${limits.maxCharacters}`,
    );
  }
  const reader = new PlaylistReader(limits);
  let lines = 0;
  for (let from = 0; from < text.length;) {
    const found = text.indexOf('\n', from);
    const end = found < 0 ? text.length : found;
    lines += 1;
    if (lines > limits.maxLines) throw new MediaError('limit-exceeded', `over ${limits.maxLines} lines`);
    const line = text.slice(from, text[end - 1] === '\r' ? end - 1 : end);
    if (lines === 1 && line.trimEnd() !== '#EXTM3U') {
      throw new MediaError('bad-value', 'the first line is not #EXTM3U');
    }
    if (lines > 1) reader.line(line);
    from = end + 1;
  }
  if (lines === 0) throw new MediaError('bad-value', 'the first line is not #EXTM3U: the text is empty');
  return reader.finish();
}

/** What the tags above a URI say about it. */
type NextSegment = Partial<Writable<PlaylistSegment>>;

class PlaylistReader {
  readonly #limits: M3u8Limits;
  readonly #playlist: Partial<Writable<MediaPlaylist>> = {};
  readonly #segments: PlaylistSegment[] = [];
  readonly #variants: PlaylistVariant[] = [];
  readonly #renditions: PlaylistRendition[] = [];
  #next: NextSegment = {};
  #variant: Omit<PlaylistVariant, 'uri'> | undefined;
  #key: PlaylistKey | undefined;
  #map: PlaylistMap | undefined;

  constructor(limits: M3u8Limits) {
    this.#limits = limits;
  }

  line(raw: string): void {
    const line = raw.trim();
    if (line === '') return;
    if (!line.startsWith('#')) {
      this.#uri(line);
      return;
    }
    const colon = line.indexOf(':');
    if (colon < 0) this.#tag(line, '');
    else this.#tag(line.slice(0, colon), line.slice(colon + 1));
  }

  finish(): MediaPlaylist | MasterPlaylist {
    const { version, independentSegments, targetDuration } = this.#playlist;
    if (this.#next.duration !== undefined || this.#variant !== undefined) {
      throw new MediaError('bad-value', 'the playlist ends where a URI is wanted');
    }
    if (this.#variants.length > 0 || this.#renditions.length > 0) {
      if (this.#segments.length > 0) throw new MediaError('bad-value', 'segments in a master playlist');
      return {
        ...(version === undefined ? {} : { version }),
        ...(independentSegments === undefined ? {} : { independentSegments }),
        ...(this.#renditions.length === 0 ? {} : { renditions: this.#renditions }),
        variants: this.#variants,
      };
    }
    if (targetDuration === undefined) throw new MediaError('bad-value', 'no #EXT-X-TARGETDURATION');
    return {
      mediaSequence: 0,
      ...this.#playlist,
      version: version ?? 1,
      targetDuration,
      segments: this.#segments,
    };
  }

  #tag(tag: string, value: string): void {
    switch (tag) {
      case '#EXT-X-VERSION':
        this.#playlist.version = whole(tag, value);
        break;
      case '#EXT-X-ALLOW-CACHE':
        this.#playlist.allowCache = yesNo(tag, value);
        break;
      case '#EXT-X-TARGETDURATION':
        this.#playlist.targetDuration = whole(tag, value);
        break;
      case '#EXT-X-MEDIA-SEQUENCE':
        this.#playlist.mediaSequence = whole(tag, value);
        break;
      case '#EXT-X-DISCONTINUITY-SEQUENCE':
        this.#playlist.discontinuitySequence = whole(tag, value);
        break;
      case '#EXT-X-PLAYLIST-TYPE':
        this.#playlist.playlistType = oneOf(tag, value, PLAYLIST_TYPES);
        break;
      case '#EXT-X-INDEPENDENT-SEGMENTS':
        this.#playlist.independentSegments = true;
        break;
      case '#EXT-X-ENDLIST':
        this.#playlist.endList = true;
        break;
      case '#EXT-X-STREAM-INF':
        this.#variant = readVariant(this.#attributes(value));
        break;
      case '#EXT-X-MEDIA':
        this.#countEntry();
        this.#renditions.push(readRendition(this.#attributes(value)));
        break;
      default:
        this.#segmentTag(tag, value);
    }
  }

  #segmentTag(tag: string, value: string): void {
    switch (tag) {
      case '#EXTINF':
        this.#duration(value);
        break;
      case '#EXT-X-DISCONTINUITY':
        this.#next.discontinuity = true;
        break;
      case '#EXT-X-PROGRAM-DATE-TIME':
        this.#next.programDateTime = time(tag, value);
        break;
      case '#EXT-X-BYTERANGE':
        this.#next.byteRange = readRange(tag, value);
        break;
      case '#EXT-X-KEY':
        this.#key = readKey(this.#attributes(value));
        break;
      case '#EXT-X-MAP':
        this.#map = readMap(this.#attributes(value));
        break;
    }
  }

  #duration(value: string): void {
    const comma = value.indexOf(',');
    const seconds = decimal('#EXTINF', comma < 0 ? value : value.slice(0, comma));
    const title = comma < 0 ? '' : value.slice(comma + 1).trim();
    this.#next.duration = seconds;
    if (title !== '') this.#next.title = title;
  }

  #uri(uri: string): void {
    this.#countEntry();
    if (this.#variant !== undefined) {
      this.#variants.push({ ...this.#variant, uri });
      this.#variant = undefined;
      return;
    }
    const { duration } = this.#next;
    if (duration === undefined) throw new MediaError('bad-value', 'a URI without #EXTINF above it');
    this.#segments.push({
      ...this.#next,
      uri,
      duration,
      ...(this.#key === undefined ? {} : { key: this.#key }),
      ...(this.#map === undefined ? {} : { map: this.#map }),
    });
    this.#next = {};
  }

  #attributes(value: string): Attributes {
    return parseAttributes(value, this.#limits.maxAttributes);
  }

  #countEntry(): void {
    const entries = this.#segments.length + this.#variants.length + this.#renditions.length;
    if (entries >= this.#limits.maxSegments) {
      throw new MediaError('limit-exceeded', `over ${this.#limits.maxSegments} entries in a playlist`);
    }
  }
}

function readKey(attributes: Attributes): PlaylistKey | undefined {
  const method = oneOf('METHOD', attributes.get('METHOD') ?? '', KEY_METHODS, 'unsupported');
  if (method === 'NONE') return undefined;
  const format = attributes.get('KEYFORMAT') ?? 'identity';
  if (format !== 'identity') throw new MediaError('unsupported', `keys of the format ${format}`);
  const uri = attributes.get('URI');
  if (uri === undefined || uri === '') throw new MediaError('bad-value', `a key of ${method} without URI`);
  const iv = attributes.get('IV');
  return { method, uri, ...(iv === undefined ? {} : { iv: readIv(iv) }) };
}

/** A hexadecimal sequence of up to 128 bits; leading zeros may be left out. */
function readIv(text: string): Uint8Array {
  const digits = /^0[xX]([0-9a-fA-F]{1,32})$/.exec(text)?.[1];
  if (digits === undefined) throw new MediaError('bad-value', `an IV that is not 0x and up to 32 digits`);
  return hexToBytes(digits.padStart(IV_BYTES * 2, '0'));
}

function readMap(attributes: Attributes): PlaylistMap {
  const uri = attributes.get('URI');
  if (uri === undefined || uri === '') throw new MediaError('bad-value', '#EXT-X-MAP without URI');
  const range = attributes.get('BYTERANGE');
  return { uri, ...(range === undefined ? {} : { byteRange: readRange('BYTERANGE', range) }) };
}

function readVariant(attributes: Attributes): Omit<PlaylistVariant, 'uri'> {
  const bandwidth = attributes.get('BANDWIDTH');
  if (bandwidth === undefined) throw new MediaError('bad-value', '#EXT-X-STREAM-INF without BANDWIDTH');
  const average = attributes.get('AVERAGE-BANDWIDTH');
  const resolution = attributes.get('RESOLUTION');
  const frameRate = attributes.get('FRAME-RATE');
  return {
    bandwidth: whole('BANDWIDTH', bandwidth),
    ...(average === undefined ? {} : { averageBandwidth: whole('AVERAGE-BANDWIDTH', average) }),
    ...text(attributes, 'CODECS', 'codecs'),
    ...(resolution === undefined ? {} : readResolution(resolution)),
    ...(frameRate === undefined ? {} : { frameRate: decimal('FRAME-RATE', frameRate) }),
    ...text(attributes, 'AUDIO', 'audio'),
    ...text(attributes, 'VIDEO', 'video'),
    ...text(attributes, 'SUBTITLES', 'subtitles'),
  };
}

function readRendition(attributes: Attributes): PlaylistRendition {
  const type = oneOf('TYPE', attributes.get('TYPE') ?? '', RENDITION_TYPES);
  const groupId = attributes.get('GROUP-ID');
  const name = attributes.get('NAME');
  if (groupId === undefined || name === undefined) {
    throw new MediaError('bad-value', '#EXT-X-MEDIA without GROUP-ID or NAME');
  }
  const isDefault = attributes.get('DEFAULT');
  const autoselect = attributes.get('AUTOSELECT');
  return {
    type,
    groupId,
    name,
    ...text(attributes, 'LANGUAGE', 'language'),
    ...text(attributes, 'URI', 'uri'),
    ...(isDefault === undefined ? {} : { isDefault: yesNo('DEFAULT', isDefault) }),
    ...(autoselect === undefined ? {} : { autoselect: yesNo('AUTOSELECT', autoselect) }),
  };
}

function text<Name extends string>(
  attributes: Attributes,
  attribute: string,
  name: Name,
): Partial<Record<Name, string>> {
  const value = attributes.get(attribute);
  return value === undefined ? {} : ({ [name]: value } as Partial<Record<Name, string>>);
}

function readResolution(value: string): { width: number; height: number } {
  const match = /^(\d{1,9})x(\d{1,9})$/.exec(value);
  if (match === null) throw new MediaError('bad-value', 'RESOLUTION is not WIDTHxHEIGHT');
  return { width: Number(match[1]), height: Number(match[2]) };
}

function readRange(name: string, value: string): PlaylistByteRange {
  const [length = '', offset, more] = value.trim().split('@');
  if (more !== undefined) throw new MediaError('bad-value', `${name} is not LENGTH@OFFSET`);
  return {
    length: whole(name, length),
    ...(offset === undefined ? {} : { offset: whole(name, offset) }),
  };
}

function whole(name: string, value: string): number {
  const number = /^\d{1,20}$/.test(value.trim()) ? Number(value) : NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new MediaError('bad-value', `${name} is not a whole number`);
}

function decimal(name: string, value: string): number {
  if (/^\d{1,16}(?:\.\d*)?$/.test(value.trim())) return Number(value);
  throw new MediaError('bad-value', `${name} is not a decimal number`);
}

function time(name: string, value: string): number {
  const ms = Date.parse(value.trim());
  if (Number.isNaN(ms)) throw new MediaError('bad-value', `${name} is not an ISO 8601 time`);
  return ms;
}

function yesNo(name: string, value: string): boolean {
  return oneOf(name, value, ['YES', 'NO'] as const) === 'YES';
}

function oneOf<Value extends string>(
  name: string,
  value: string,
  values: readonly Value[],
  code: 'bad-value' | 'unsupported' = 'bad-value',
): Value {
  const found = values.find((candidate) => candidate === value.trim());
  if (found !== undefined) return found;
  throw new MediaError(code, `${name} must be one of ${values.join(', ')}`);
}
