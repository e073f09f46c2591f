import type { FlvTag } from '@sluice/media/flv';
import type { Mp4File as ParsedMp4 } from '@sluice/media/mp4';

import { MediaFileError } from './errors.ts';
import type { FileBytes } from './file-bytes.ts';
import type { MediaFile } from './media-file.ts';
import {
  chooseTracks,
  headerTagsOf,
  metadataTagOf,
  openParsedMp4,
  type PlayedTracks,
  readSampleTags,
  runSteps,
} from './mp4-samples.ts';

/** Samples whose places are looked up at once. */
const SAMPLES_AT_ONCE = 128;

/** An MP4 file, progressive or fragmented; its samples become the bodies of FLV tags. */
export class Mp4File implements MediaFile {
  readonly format = 'mp4';
  readonly #bytes: FileBytes;
  readonly #parsed: ParsedMp4;
  readonly #tracks: PlayedTracks;

  private constructor(bytes: FileBytes, parsed: ParsedMp4, tracks: PlayedTracks) {
    this.#bytes = bytes;
    this.#parsed = parsed;
    this.#tracks = tracks;
  }

  /**
   * Reads the file's tables.
   *
   * @param bytes owned from now on, once it succeeds
   * @throws MediaFileError `no-media`, `damaged`, `io`
   */
  static async open(bytes: FileBytes): Promise<Mp4File> {
    const parsed = await openParsedMp4(bytes);
    const tracks = chooseTracks(parsed.tracks);
    if (tracks.video === undefined && tracks.audio === undefined) {
      const why = tracks.skipped.length === 0 ? '' : `: ${tracks.skipped.join(', ')}`;
      throw new MediaFileError(
        'no-media',
        `${bytes.path} has no audio and no video that can be played${why}`,
      );
    }
    return new Mp4File(bytes, parsed, tracks);
  }

  get path(): string {
    return this.#bytes.path;
  }

  get skipped(): readonly string[] {
    return this.#tracks.skipped;
  }

  async *tags(): AsyncGenerator<readonly FlvTag[], void, void> {
    yield [metadataTagOf(this.#tracks), ...headerTagsOf(this.#tracks, 0)];
    const ids = [this.#tracks.video, this.#tracks.audio].flatMap((track) =>
      track === undefined ? [] : [track.id],
    );
    const cursor = this.#parsed.cursor({ tracks: ids });
    while (true) {
      const samples = await runSteps(this.#bytes, cursor.read(SAMPLES_AT_ONCE));
      if (samples.length === 0) return;
      yield* readSampleTags(this.#bytes, samples);
    }
  }

  async close(): Promise<void> {
    await this.#bytes.close();
  }
}
