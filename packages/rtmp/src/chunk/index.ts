export { defaultChunkLimits } from './limits.ts';
export type { ChunkLimits } from './limits.ts';
export { ChunkReader, defaultChunkSize } from './reader.ts';
export type { ChunkReaderOptions } from './reader.ts';
export {
  basicHeaderSize,
  chunkedSize,
  chunkHeader0Size,
  chunkHeader1Size,
  ChunkWriter,
  extendedTimestampBytes,
  needsExtendedTimestamp,
  writeChunkedPayload,
  writeChunkHeader0,
  writeChunkHeader1,
} from './writer.ts';
