import { buildParts } from './box-tree.ts';
import { emptyTables, fileTypeBox, type Movie, movieBox } from './movie.ts';
import { type Mp4TrackConfig, type ResolvedTrack, resolveTracks } from './track.ts';

/** What {@link buildMp4Init} may be told. */
export interface Mp4InitOptions {
  /** When the movie was made, ms since 1970. Default: not said. */
  readonly createdAt?: number | undefined;
}

/**
 * The head of a fragmented file, or the initialization segment of CMAF: `ftyp` and a `moov` without samples, with
 * `mvex` (ISO/IEC 14496-12 clause 8.8.1).
 *
 * @returns new bytes.
 * @throws MediaError `bad-value` for a track that is not as {@link Mp4TrackConfig} says, and whatever the parser of
 * a codec's configuration throws.
 */
export function buildMp4Init(tracks: readonly Mp4TrackConfig[], options: Mp4InitOptions = {}): Uint8Array {
  return buildParts(fileTypeBox(), movieBox(fragmentedMovie(resolveTracks(tracks), options.createdAt)));
}

/** A movie whose samples are all in fragments. */
export function fragmentedMovie(tracks: readonly ResolvedTrack[], createdAt: number | undefined): Movie {
  return {
    tracks: tracks.map((track) => ({
      track,
      duration: 0,
      start: 0,
      lead: 0,
      shown: 0,
      tables: emptyTables(),
    })),
    fragmented: true,
    createdAt,
  };
}
