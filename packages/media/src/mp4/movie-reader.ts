import { MediaError } from '../errors.ts';
import { type BoxRange, childBoxes, findBox, openFullBox, readU64, requireBox } from './box-reader.ts';
import { MP4_LIMITS } from './limits.ts';
import { EPOCH_1904_SECONDS } from './movie.ts';
import { parseHandler, parseSampleDescription, type SampleEntryFacts } from './sample-entry-reader.ts';
import { parseSampleTables, type SampleTables } from './sample-tables.ts';

/** A track of a file. */
export interface Mp4Track extends Omit<SampleEntryFacts, 'entryType'> {
  /** track_ID. */
  readonly id: number;
  readonly kind: 'video' | 'audio' | 'other';
  /** The sample entry's type: `avc1`, `mp4a` … */
  readonly entryType: string;
  /** Ticks a second. */
  readonly timescale: number;
  /** ms; undefined where only the fragments tell. */
  readonly duration: number | undefined;
}

/** What fragments leave out when it is as the movie says (ISO/IEC 14496-12 clause 8.8.3). */
export interface FragmentDefaults {
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

/** A track with what is needed to find its samples. */
export interface ParsedTrack {
  readonly track: Mp4Track;
  /** Undefined in a track that is not played. */
  readonly tables: SampleTables | undefined;
  readonly defaults: FragmentDefaults;
  /** ms that the edit list puts on top of the media's own time; may be negative. */
  readonly shift: number;
}

/** What a `moov` box says. */
export interface ParsedMovie {
  readonly tracks: readonly ParsedTrack[];
  /** Whether fragments may follow. */
  readonly fragmented: boolean;
  /** When the movie was made, ms since 1970; undefined when it is not said. */
  readonly createdAt: number | undefined;
}

const NO_DEFAULTS: FragmentDefaults = { duration: 0, size: 0, flags: 0 };

/**
 * Reads a `moov` box (ISO/IEC 14496-12 clause 8.2).
 *
 * @param bytes The whole box; views of it are kept.
 * @throws MediaError when it is damaged, `limit-exceeded` over one of {@link MP4_LIMITS}.
 */
export function parseMovie(bytes: Uint8Array): ParsedMovie {
  const [moov] = childBoxes(bytes, 0, bytes.length);
  if (moov?.type !== 'moov')
    throw new MediaError('bad-value', `wanted a moov box, got ${moov?.type ?? 'none'}`);
  const header = parseMovieHeader(bytes, requireBox(bytes, moov, 'mvhd'));
  const mvex = findBox(bytes, moov, 'mvex');
  const defaults = mvex === undefined ? new Map<number, FragmentDefaults>() : parseDefaults(bytes, mvex);
  const tracks: ParsedTrack[] = [];
  const ids = new Set<number>();
  for (const box of childBoxes(bytes, moov.body, moov.end)) {
    if (box.type !== 'trak') continue;
    if (tracks.length >= MP4_LIMITS.tracks) {
      throw new MediaError('limit-exceeded', `over ${MP4_LIMITS.tracks} tracks`);
    }
    const track = parseTrack(bytes, box, header.timescale, defaults);
    if (ids.has(track.track.id))
      throw new MediaError('bad-value', `two tracks have the id ${track.track.id}`);
    ids.add(track.track.id);
    tracks.push(track);
  }
  return { tracks, fragmented: mvex !== undefined, createdAt: header.createdAt };
}

/** Reads `mvhd` (ISO/IEC 14496-12 clause 8.2.2). */
function parseMovieHeader(
  bytes: Uint8Array,
  mvhd: BoxRange,
): { readonly timescale: number; readonly createdAt: number | undefined } {
  const { version, reader } = openFullBox(bytes, mvhd);
  const created = version === 1 ? readU64(reader) : reader.u32(); // creation_time
  reader.skip(version === 1 ? 8 : 4); // modification_time
  const timescale = checkTimescale(reader.u32()); // timescale
  const createdAt = created === 0 ? undefined : (created - EPOCH_1904_SECONDS) * 1000;
  return { timescale, createdAt };
}

function checkTimescale(timescale: number): number {
  if (timescale === 0) throw new MediaError('bad-value', 'a timescale of 0');
  return timescale;
}

/** Reads the `trex` boxes (ISO/IEC 14496-12 clause 8.8.3). */
function parseDefaults(bytes: Uint8Array, mvex: BoxRange): Map<number, FragmentDefaults> {
  const defaults = new Map<number, FragmentDefaults>();
  for (const box of childBoxes(bytes, mvex.body, mvex.end)) {
    if (box.type !== 'trex') continue;
    const { reader } = openFullBox(bytes, box);
    const trackId = reader.u32(); // track_ID
    reader.skip(4); // default_sample_description_index
    defaults.set(trackId, {
      duration: reader.u32(), // default_sample_duration
      size: reader.u32(), // default_sample_size
      flags: reader.u32(), // default_sample_flags
    });
  }
  return defaults;
}

function parseTrack(
  bytes: Uint8Array,
  trak: BoxRange,
  movieTimescale: number,
  defaults: ReadonlyMap<number, FragmentDefaults>,
): ParsedTrack {
  const id = parseTrackId(bytes, requireBox(bytes, trak, 'tkhd'));
  const mdia = requireBox(bytes, trak, 'mdia');
  const media = parseMediaHeader(bytes, requireBox(bytes, mdia, 'mdhd'));
  const handler = parseHandler(bytes, requireBox(bytes, mdia, 'hdlr'));
  const stbl = requireBox(bytes, requireBox(bytes, mdia, 'minf'), 'stbl');
  let facts = parseSampleDescription(bytes, requireBox(bytes, stbl, 'stsd'), handler);
  let tables: SampleTables | undefined;
  try {
    if (facts.unsupported === undefined) tables = parseSampleTables(bytes, stbl);
  } catch (error) {
    if (!(error instanceof MediaError) || error.code !== 'unsupported') throw error;
    facts = { ...facts, unsupported: error.message };
  }
  const shift = parseEdits(bytes, trak, movieTimescale, media.timescale);
  const track: Mp4Track = {
    ...facts,
    id,
    kind: handler === 'vide' ? 'video' : handler === 'soun' ? 'audio' : 'other',
    timescale: media.timescale,
    duration: media.duration === 0 ? undefined : (media.duration * 1000) / media.timescale,
  };
  return { track, tables, defaults: defaults.get(id) ?? NO_DEFAULTS, shift };
}

function parseTrackId(bytes: Uint8Array, tkhd: BoxRange): number {
  const { version, reader } = openFullBox(bytes, tkhd);
  reader.skip(version === 1 ? 16 : 8); // creation_time, modification_time
  return reader.u32(); // track_ID
}

/** Reads `mdhd` (ISO/IEC 14496-12 clause 8.4.2); a duration of all ones means that it is not known. */
function parseMediaHeader(
  bytes: Uint8Array,
  mdhd: BoxRange,
): { readonly timescale: number; readonly duration: number } {
  const { version, reader } = openFullBox(bytes, mdhd);
  reader.skip(version === 1 ? 16 : 8); // creation_time, modification_time
  const timescale = checkTimescale(reader.u32()); // timescale
  if (version === 1) {
    const high = reader.u32(); // duration
    const low = reader.u32();
    return { timescale, duration: high > 0x1fffff ? 0 : high * 0x100000000 + low };
  }
  const duration = reader.u32(); // duration
  return { timescale, duration: duration === 0xffffffff ? 0 : duration };
}

/**
 * What the edit list does to the time of a track, in ms (ISO/IEC 14496-12 clause 8.6.6): empty edits at its start
 * delay it, and the first edit that shows something says which media time comes first. Later edits are not followed.
 */
function parseEdits(bytes: Uint8Array, trak: BoxRange, movieTimescale: number, timescale: number): number {
  const edts = findBox(bytes, trak, 'edts');
  const elst = edts && findBox(bytes, edts, 'elst');
  if (elst === undefined) return 0;
  const { version, reader } = openFullBox(bytes, elst);
  const count = reader.u32(); // entry_count
  if (count > MP4_LIMITS.edits) {
    throw new MediaError('limit-exceeded', `${count} edits, the limit is ${MP4_LIMITS.edits}`);
  }
  let delay = 0;
  for (let index = 0; index < count; index++) {
    const duration = version === 1 ? readU64(reader) : reader.u32(); // segment_duration
    let mediaTime: number; // media_time
    if (version === 1) {
      const high = reader.i32();
      const low = reader.u32();
      if (high > 0x1fffff) throw new MediaError('bad-value', 'a media time over 2^53 - 1');
      mediaTime = high < 0 ? -1 : high * 0x100000000 + low;
    } else mediaTime = reader.i32();
    reader.skip(4); // media_rate
    if (mediaTime >= 0) return (delay * 1000) / movieTimescale - (mediaTime * 1000) / timescale;
    delay += duration;
  }
  return (delay * 1000) / movieTimescale;
}
