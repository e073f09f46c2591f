import type { FileBytes } from './file-bytes.ts';
import { FlvIndex, indexFlv } from './flv-index.ts';
import { indexMp4 } from './mp4-index.ts';
import { sniffMediaFormat } from './open.ts';
import { DEFAULT_SEGMENT_PLAN, type SegmentIndex, type SegmentPlan } from './segment-index.ts';

/** How an index is made; all have defaults. */
export interface IndexOptions {
  /** Each field has its default in {@link DEFAULT_SEGMENT_PLAN}. */
  readonly plan?: Partial<SegmentPlan>;
  /** An index of the same path from before: what has only grown behind it is not read again. */
  readonly previous?: SegmentIndex | undefined;
  /** Whether an index in the file's metadata may be used. Default true. */
  readonly trustMetadata?: boolean;
}

/**
 * Makes the index of a media file. It takes memory for its segments and one buffer of 1 MB (an MP4: also for its
 * tables, while it is made), whatever the file's size, and never keeps the event loop for more than some ms.
 *
 * @param bytes the caller's; not kept
 * @throws MediaFileError `not-media`, `no-media`, `damaged`, `io`
 */
export async function indexMediaFile(bytes: FileBytes, options: IndexOptions = {}): Promise<SegmentIndex> {
  const plan = { ...DEFAULT_SEGMENT_PLAN, ...options.plan };
  const format = await sniffMediaFormat(bytes);
  if (format === 'mp4') return indexMp4(bytes, plan);
  const { previous, trustMetadata = true } = options;
  const grown = previous instanceof FlvIndex ? await previous.grown(bytes, plan) : undefined;
  return grown ?? indexFlv(bytes, plan, { trustMetadata });
}
