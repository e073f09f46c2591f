import { bytesToHex } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { oneLine, quoted, uriLine } from './attributes.ts';
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

/** Durations have a fraction from this version on (RFC 8216 clause 7). */
const DECIMAL_DURATION_VERSION = 3;
/** Durations are printed in milliseconds. */
const DURATION_DIGITS = 3;
const IV_BYTES = 16;

/**
 * Prints a media playlist with LF line ends. Version 3 with `allowCache` and the title `no desc` is, byte for
 * byte, the form of SRS.
 *
 * @throws MediaError `bad-value` for a target duration that a segment exceeds, numbers that aren't whole or not
 * finite, an IV that isn't 16 bytes, a key without URI, an empty URI
 */
export function buildMediaPlaylist(playlist: MediaPlaylist): string {
  const { targetDuration, mediaSequence, discontinuitySequence = 0 } = playlist;
  const lines = ['#EXTM3U', `#EXT-X-VERSION:${whole('version', playlist.version)}`];
  if (playlist.allowCache !== undefined) lines.push(`#EXT-X-ALLOW-CACHE:${yesNo(playlist.allowCache)}`);
  if (playlist.playlistType !== undefined) lines.push(`#EXT-X-PLAYLIST-TYPE:${playlist.playlistType}`);
  if (playlist.independentSegments === true) lines.push('#EXT-X-INDEPENDENT-SEGMENTS');
  lines.push(`#EXT-X-MEDIA-SEQUENCE:${whole('media sequence', mediaSequence)}`);
  if (discontinuitySequence > 0) {
    lines.push(`#EXT-X-DISCONTINUITY-SEQUENCE:${whole('discontinuity sequence', discontinuitySequence)}`);
  }
  lines.push(`#EXT-X-TARGETDURATION:${whole('target duration', targetDuration)}`);
  let key = '';
  let map = '';
  for (const segment of playlist.segments) {
    if (!(segment.duration >= 0 && leastTargetDuration(segment.duration) <= targetDuration)) {
      throw new MediaError(
        'bad-value',
        `a segment of ${segment.duration} s where the target duration is ${targetDuration} s`,
      );
    }
    if (segment.discontinuity === true) lines.push('#EXT-X-DISCONTINUITY');
    const keyLine = keyTag(segment.key);
    if (keyLine !== key) lines.push(keyLine === '' ? '#EXT-X-KEY:METHOD=NONE' : keyLine);
    key = keyLine;
    const mapLine = mapTag(segment.map);
    if (mapLine !== map && mapLine !== '') lines.push(mapLine);
    map = mapLine;
    pushSegment(lines, segment, playlist.version);
  }
  if (playlist.endList === true) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

/**
 * The least target duration of a playlist that lists a segment of this duration, both in seconds: the duration as
 * it is printed, rounded to the nearest integer (RFC 8216 clause 4.3.3.1).
 */
export function leastTargetDuration(duration: number): number {
  return Math.round(Number(duration.toFixed(DURATION_DIGITS)));
}

/**
 * Prints a master playlist with LF line ends.
 *
 * @throws MediaError `bad-value` for numbers that aren't whole or an empty URI
 */
export function buildMasterPlaylist(playlist: MasterPlaylist): string {
  const lines = ['#EXTM3U'];
  if (playlist.version !== undefined) lines.push(`#EXT-X-VERSION:${whole('version', playlist.version)}`);
  if (playlist.independentSegments === true) lines.push('#EXT-X-INDEPENDENT-SEGMENTS');
  for (const rendition of playlist.renditions ?? []) lines.push(renditionTag(rendition));
  for (const variant of playlist.variants) lines.push(variantTag(variant), uriLine(variant.uri));
  return `${lines.join('\n')}\n`;
}

function pushSegment(lines: string[], segment: PlaylistSegment, version: number): void {
  const { programDateTime, byteRange, title } = segment;
  if (programDateTime !== undefined) lines.push(`#EXT-X-PROGRAM-DATE-TIME:${isoTime(programDateTime)}`);
  if (byteRange !== undefined) lines.push(`#EXT-X-BYTERANGE:${rangeText(byteRange)}`);
  const duration =
    version < DECIMAL_DURATION_VERSION
      ? `${leastTargetDuration(segment.duration)}`
      : segment.duration.toFixed(DURATION_DIGITS);
  lines.push(`#EXTINF:${duration},${title === undefined || title === '' ? '' : ` ${oneLine(title)}`}`);
  lines.push(uriLine(segment.uri));
}

function keyTag(key: PlaylistKey | undefined): string {
  if (key === undefined || key.method === 'NONE') return '';
  const { method, uri, iv } = key;
  if (uri === undefined || uri === '') throw new MediaError('bad-value', `a key of ${method} without URI`);
  if (iv !== undefined && iv.length !== IV_BYTES) {
    throw new MediaError('bad-value', `an IV of ${iv.length} bytes, wanted ${IV_BYTES}`);
  }
  const vector = iv === undefined ? '' : `,IV=0x${bytesToHex(iv)}`;
  return `#EXT-X-KEY:METHOD=${method},URI=${quoted(uri)}${vector}`;
}

function mapTag(map: PlaylistMap | undefined): string {
  if (map === undefined) return '';
  const range = map.byteRange === undefined ? '' : `,BYTERANGE="${rangeText(map.byteRange)}"`;
  return `#EXT-X-MAP:URI=${quoted(map.uri)}${range}`;
}

function variantTag(variant: PlaylistVariant): string {
  const { averageBandwidth, codecs, width, height, frameRate } = variant;
  const attributes = [`BANDWIDTH=${whole('bandwidth', variant.bandwidth)}`];
  if (averageBandwidth !== undefined) {
    attributes.push(`AVERAGE-BANDWIDTH=${whole('average bandwidth', averageBandwidth)}`);
  }
  if (codecs !== undefined) attributes.push(`CODECS=${quoted(codecs)}`);
  if (width !== undefined && height !== undefined) {
    attributes.push(`RESOLUTION=${whole('width', width)}x${whole('height', height)}`);
  }
  if (frameRate !== undefined) attributes.push(`FRAME-RATE=${frameRate.toFixed(3)}`);
  if (variant.audio !== undefined) attributes.push(`AUDIO=${quoted(variant.audio)}`);
  if (variant.video !== undefined) attributes.push(`VIDEO=${quoted(variant.video)}`);
  if (variant.subtitles !== undefined) attributes.push(`SUBTITLES=${quoted(variant.subtitles)}`);
  return `#EXT-X-STREAM-INF:${attributes.join(',')}`;
}

function renditionTag(rendition: PlaylistRendition): string {
  const { language, uri, isDefault, autoselect } = rendition;
  const attributes = [
    `TYPE=${rendition.type}`,
    `GROUP-ID=${quoted(rendition.groupId)}`,
    `NAME=${quoted(rendition.name)}`,
  ];
  if (language !== undefined) attributes.push(`LANGUAGE=${quoted(language)}`);
  if (isDefault !== undefined) attributes.push(`DEFAULT=${yesNo(isDefault)}`);
  if (autoselect !== undefined) attributes.push(`AUTOSELECT=${yesNo(autoselect)}`);
  if (uri !== undefined) attributes.push(`URI=${quoted(uri)}`);
  return `#EXT-X-MEDIA:${attributes.join(',')}`;
}

function rangeText({ length, offset }: PlaylistByteRange): string {
  const start = offset === undefined ? '' : `@${whole('byte range offset', offset)}`;
  return `${whole('byte range length', length)}${start}`;
}

function isoTime(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) throw new MediaError('bad-value', `${ms} ms is not a valid time`);
  return date.toISOString();
}

function yesNo(value: boolean): 'YES' | 'NO' {
  return value ? 'YES' : 'NO';
}

function whole(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new MediaError('bad-value', `${name} is ${value}, wanted a whole number from 0 on`);
}
