import { MediaError } from '../errors.ts';
import { box, buildParts, fullBox, i32, type Mp4Part, table, u32, u64 } from './box-tree.ts';
import { MP4_LIMITS } from './limits.ts';
import { NON_SYNC_SAMPLE_FLAGS, SYNC_SAMPLE_FLAGS } from './movie.ts';
import type { Mp4SampleRun } from './sample-run.ts';

/** Flags of `tfhd` (ISO/IEC 14496-12 clause 8.8.7). */
export const TrackFragmentFlag = {
  baseDataOffset: 0x000001,
  sampleDescriptionIndex: 0x000002,
  defaultDuration: 0x000008,
  defaultSize: 0x000010,
  defaultFlags: 0x000020,
  defaultBaseIsMoof: 0x020000,
} as const;

/** Flags of `trun` (ISO/IEC 14496-12 clause 8.8.8). */
export const TrackRunFlag = {
  dataOffset: 0x000001,
  firstSampleFlags: 0x000004,
  duration: 0x000100,
  size: 0x000200,
  flags: 0x000400,
  compositionOffset: 0x000800,
} as const;

/** The samples of one track in a fragment. */
export interface Mp4FragmentTrack {
  /** track_ID. */
  readonly id: number;
  /** The samples; without any the track is left out. */
  readonly samples: Mp4SampleRun;
  /** The samples' bytes, one behind another, cut anywhere. */
  readonly pieces: readonly Uint8Array[];
}

/** What {@link buildMp4Fragment} needs. */
export interface Mp4FragmentOptions {
  /** sequence_number, 1 and up. */
  readonly sequence: number;
  readonly tracks: readonly Mp4FragmentTrack[];
}

/** A fragment, ready to be written with one vector write. */
export interface Mp4Fragment {
  /** `moof` and the header of `mdat`, then the samples' pieces as they were given. */
  readonly pieces: readonly Uint8Array[];
  /** Bytes of all pieces. */
  readonly size: number;
  /** For each track with samples, where its first one lies, in bytes from the start of the fragment. */
  readonly offsets: readonly number[];
}

const MDAT_HEADER_BYTES = 8;

/**
 * A movie fragment: `moof` and `mdat` (ISO/IEC 14496-12 clause 8.8.4). The samples of each track lie together, one
 * track behind another. No sample is copied.
 *
 * @throws MediaError `bad-value` when there is no sample or the pieces are not as long as the samples say,
 * `limit-exceeded` over {@link MP4_LIMITS}.fragmentBytes.
 */
export function buildMp4Fragment({ sequence, tracks }: Mp4FragmentOptions): Mp4Fragment {
  const filled = tracks.filter((track) => track.samples.count > 0);
  if (filled.length === 0) throw new MediaError('bad-value', 'a fragment needs a sample, got none');
  for (const track of filled) checkPieces(track);
  const payload = filled.reduce((sum, track) => sum + track.samples.bytes, 0);
  if (payload > MP4_LIMITS.fragmentBytes) {
    throw new MediaError(
      'limit-exceeded',
      `a fragment of ${payload} bytes, the limit is ${MP4_LIMITS.fragmentBytes}`,
    );
  }
  // The offsets that the box holds depend on its size, and its size does not depend on them.
  const moofBytes = movieFragmentBox(sequence, filled, []).size;
  const offsets: number[] = [];
  let offset = moofBytes + MDAT_HEADER_BYTES;
  for (const track of filled) {
    offsets.push(offset);
    offset += track.samples.bytes;
  }
  const head = buildParts(
    movieFragmentBox(sequence, filled, offsets),
    u32(MDAT_HEADER_BYTES + payload), // size
    u32(MDAT_TYPE), // type
  );
  const pieces = [head];
  for (const track of filled) pieces.push(...track.pieces);
  return { pieces, size: head.length + payload, offsets };
}

const MDAT_TYPE = 0x6d646174;

function checkPieces({ id, samples, pieces }: Mp4FragmentTrack): void {
  const given = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (given !== samples.bytes) {
    throw new MediaError(
      'bad-value',
      `the samples of track ${id} have ${samples.bytes} bytes, its pieces ${given}`,
    );
  }
}

function movieFragmentBox(
  sequence: number,
  tracks: readonly Mp4FragmentTrack[],
  offsets: readonly number[],
): Mp4Part {
  return box(
    'moof',
    fullBox('mfhd', 0, 0, u32(sequence)), // sequence_number
    ...tracks.map((track, index) => trackFragmentBox(track, offsets[index] ?? 0)),
  );
}

/** The `traf` box of a track: what its samples share stands in `tfhd`, the rest in one `trun`. */
function trackFragmentBox({ id, samples }: Mp4FragmentTrack, dataOffset: number): Mp4Part {
  const shape = shapeOf(samples);
  let headFlags: number = TrackFragmentFlag.defaultBaseIsMoof | TrackFragmentFlag.defaultFlags;
  if (shape.sameDuration) headFlags |= TrackFragmentFlag.defaultDuration;
  return box(
    'traf',
    fullBox(
      'tfhd',
      0,
      headFlags,
      u32(id), // track_ID
      ...(shape.sameDuration ? [u32(samples.duration(0))] : []), // default_sample_duration
      u32(shape.sync === 'all' ? SYNC_SAMPLE_FLAGS : NON_SYNC_SAMPLE_FLAGS), // default_sample_flags
    ),
    fullBox('tfdt', 1, 0, u64(samples.dts(0))), // baseMediaDecodeTime
    trackRunBox(samples, shape, dataOffset),
  );
}

interface RunShape {
  readonly sameDuration: boolean;
  readonly sync: 'all' | 'first' | 'mixed';
  readonly noOffsets: boolean;
}

function shapeOf(samples: Mp4SampleRun): RunShape {
  let sameDuration = true;
  let noOffsets = true;
  let syncs = 0;
  for (let index = 0; index < samples.count; index++) {
    if (samples.duration(index) !== samples.duration(0)) sameDuration = false;
    if (samples.compositionOffset(index) !== 0) noOffsets = false;
    if (samples.keyframe(index)) syncs++;
  }
  const onlyFirst = syncs === 1 && samples.keyframe(0);
  const sync = syncs === samples.count ? 'all' : syncs === 0 || onlyFirst ? 'first' : 'mixed';
  return { sameDuration, sync, noOffsets };
}

function trackRunBox(samples: Mp4SampleRun, shape: RunShape, dataOffset: number): Mp4Part {
  const { count } = samples;
  const durations = !shape.sameDuration;
  const firstFlags = shape.sync === 'first' && samples.keyframe(0);
  const flags = shape.sync === 'mixed';
  const offsets = !shape.noOffsets;
  const fields = 1 + (durations ? 1 : 0) + (flags ? 1 : 0) + (offsets ? 1 : 0);
  const runFlags =
    TrackRunFlag.dataOffset |
    TrackRunFlag.size |
    (firstFlags ? TrackRunFlag.firstSampleFlags : 0) |
    (durations ? TrackRunFlag.duration : 0) |
    (flags ? TrackRunFlag.flags : 0) |
    (offsets ? TrackRunFlag.compositionOffset : 0);
  return fullBox(
    'trun',
    1,
    runFlags,
    u32(count), // sample_count
    i32(dataOffset), // data_offset
    ...(firstFlags ? [u32(SYNC_SAMPLE_FLAGS)] : []), // first_sample_flags
    table(count * fields * 4, (view, start) => {
      let at = start;
      for (let index = 0; index < count; index++) {
        if (durations) {
          view.setUint32(at, samples.duration(index)); // sample_duration
          at += 4;
        }
        view.setUint32(at, samples.size(index)); // sample_size
        at += 4;
        if (flags) {
          view.setUint32(at, samples.keyframe(index) ? SYNC_SAMPLE_FLAGS : NON_SYNC_SAMPLE_FLAGS); // sample_flags
          at += 4;
        }
        if (offsets) {
          view.setInt32(at, samples.compositionOffset(index)); // sample_composition_time_offset
          at += 4;
        }
      }
    }),
  );
}
