import { ascii, box, fixed16, fullBox, i32, type Mp4Part, table, u16, u32, u64, zeros } from './box-tree.ts';
import { handlerBox, sampleDescriptionBox } from './sample-entry.ts';
import { MP4_MOVIE_TIMESCALE, type ResolvedTrack } from './track.ts';

/** One track of a `moov` box. */
export interface MovieTrack {
  readonly track: ResolvedTrack;
  /** Ticks of the track from its first sample's DTS to the end of its last; 0 in a fragmented file. */
  readonly duration: number;
  /** Ticks of the track before its first sample's DTS; said by an edit list. */
  readonly start: number;
  /** Ticks from the first sample's DTS to the first PTS, 0 or more; what is shown begins there. */
  readonly lead: number;
  /** Ticks from the first PTS to where the sample that is shown last ends. */
  readonly shown: number;
  /** The tables of `stbl` behind `stsd`. */
  readonly tables: readonly Mp4Part[];
}

/** What the `moov` box of a movie says. */
export interface Movie {
  readonly tracks: readonly MovieTrack[];
  /** Whether fragments follow (`mvex`). */
  readonly fragmented: boolean;
  /** When the movie was made, ms since 1970; undefined for unknown. */
  readonly createdAt: number | undefined;
}

/** Seconds from 1904, where MP4 begins to count, to 1970. */
export const EPOCH_1904_SECONDS = 2_082_844_800;
const LANGUAGE_UNDETERMINED = 0x55c4;
const TRACK_ENABLED_IN_MOVIE = 0x000003;
const SELF_CONTAINED = 0x000001;
/** sample_depends_on 1, is a sync sample. */
export const SYNC_SAMPLE_FLAGS = 0x02000000;
/** sample_depends_on 2 and sample_is_non_sync_sample. */
export const NON_SYNC_SAMPLE_FLAGS = 0x01010000;

/** The brands: fragments whose default base is their moof (iso5) and signed offsets in them (iso6). */
export function fileTypeBox(): Mp4Part {
  return box(
    'ftyp',
    ascii('isom'), // major_brand
    u32(0x200), // minor_version
    ascii('isomiso2iso4iso5iso6mp41'), // compatible_brands
  );
}

/** The `moov` box (ISO/IEC 14496-12 clause 8.2). */
export function movieBox({ tracks, fragmented, createdAt }: Movie): Mp4Part {
  const time = createdAt === undefined ? 0 : Math.max(0, Math.floor(createdAt / 1000) + EPOCH_1904_SECONDS);
  const nextTrackId = tracks.reduce((largest, { track }) => Math.max(largest, track.id), 0) + 1;
  const duration = tracks.reduce((longest, track) => Math.max(longest, presentationDuration(track)), 0);
  const parts = [
    fullBox(
      'mvhd',
      1,
      0,
      u64(time), // creation_time
      u64(time), // modification_time
      u32(MP4_MOVIE_TIMESCALE), // timescale
      u64(duration), // duration
      fixed16(1), // rate
      u16(0x0100), // volume
      zeros(10), // reserved
      unityMatrix(), // matrix
      zeros(24), // pre_defined
      u32(Math.min(nextTrackId, 0xffffffff)), // next_track_ID
    ),
    ...tracks.map((track) => trackBox(track, time)),
  ];
  if (fragmented) parts.push(box('mvex', ...tracks.map(({ track }) => trackExtendsBox(track.id))));
  return box('moov', ...parts);
}

/** The tables of a track that has its samples in fragments. */
export function emptyTables(): Mp4Part[] {
  return [
    fullBox('stts', 0, 0, u32(0)), // entry_count
    fullBox('stsc', 0, 0, u32(0)), // entry_count
    fullBox('stsz', 0, 0, u32(0), u32(0)), // sample_size, sample_count
    fullBox('stco', 0, 0, u32(0)), // entry_count
  ];
}

function trackExtendsBox(trackId: number): Mp4Part {
  return fullBox(
    'trex',
    0,
    0,
    u32(trackId), // track_ID
    u32(1), // default_sample_description_index
    u32(0), // default_sample_duration
    u32(0), // default_sample_size
    u32(0), // default_sample_flags
  );
}

function trackBox(movieTrack: MovieTrack, time: number): Mp4Part {
  const { track, duration } = movieTrack;
  const video = track.kind === 'video' ? track : undefined;
  const stretch = video?.pixelAspect === undefined ? 1 : video.pixelAspect.width / video.pixelAspect.height;
  return box(
    'trak',
    fullBox(
      'tkhd',
      1,
      TRACK_ENABLED_IN_MOVIE,
      u64(time), // creation_time
      u64(time), // modification_time
      u32(track.id), // track_ID
      zeros(4), // reserved
      u64(presentationDuration(movieTrack)), // duration
      zeros(8), // reserved
      u16(0), // layer
      u16(0), // alternate_group
      u16(video === undefined ? 0x0100 : 0), // volume
      zeros(2), // reserved
      unityMatrix(), // matrix
      fixed16(video === undefined ? 0 : Math.min(video.width * stretch, 0xffff)), // width
      fixed16(video?.height ?? 0), // height
    ),
    ...editBox(movieTrack),
    box(
      'mdia',
      fullBox(
        'mdhd',
        1,
        0,
        u64(time), // creation_time
        u64(time), // modification_time
        u32(track.timescale), // timescale
        u64(duration), // duration
        u16(LANGUAGE_UNDETERMINED), // language
        u16(0), // pre_defined
      ),
      handlerBox(track),
      box(
        'minf',
        track.kind === 'video'
          ? fullBox('vmhd', 0, 1, zeros(8)) // graphicsmode, opcolor
          : fullBox('smhd', 0, 0, zeros(4)), // balance, reserved
        box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, SELF_CONTAINED))), // entry_count
        box('stbl', sampleDescriptionBox(track), ...movieTrack.tables),
      ),
    ),
  );
}

/**
 * A track that begins later than the movie says so by an empty edit (ISO/IEC 14496-12 clause 8.6.6). The edit behind it
 * is told in composition times: where pictures are reordered it begins at the first PTS, not at the first DTS.
 */
function editBox({ track, start, lead, shown }: MovieTrack): Mp4Part[] {
  if (toMovieTime(start, track.timescale) === 0) return [];
  return [
    box(
      'edts',
      fullBox(
        'elst',
        1,
        0,
        u32(2), // entry_count
        u64(toMovieTime(start + lead, track.timescale)), // segment_duration
        u32(0xffffffff), // media_time: -1, nothing is shown
        u32(0xffffffff),
        u32(0x00010000), // media_rate
        u64(toMovieTime(shown, track.timescale)), // segment_duration
        u64(lead), // media_time
        u32(0x00010000), // media_rate
      ),
    ),
  ];
}

/** The edits together, or the samples where there are none. */
function presentationDuration({ track, start, lead, shown, duration }: MovieTrack): number {
  const { timescale } = track;
  if (toMovieTime(start, timescale) === 0) return toMovieTime(duration, timescale);
  return toMovieTime(start + lead, timescale) + toMovieTime(shown, timescale);
}

function toMovieTime(ticks: number, timescale: number): number {
  return Math.round((ticks * MP4_MOVIE_TIMESCALE) / timescale);
}

/** A transformation that changes nothing. */
function unityMatrix(): Mp4Part {
  const parts = [0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0, 0x40000000].map(i32);
  return table(36, (view, offset) => parts.forEach((part, index) => part.write(view, offset + index * 4)));
}
