/** Media files played to RTMP servers: the ingests of type `loop`, and the push below them. */
export { FilePush } from './file-push.ts';
export type { FilePushEvent, FilePushOptions, FilePushTotals, RetryPolicy } from './file-push.ts';
export { IngestLoops } from './ingest-loops.ts';
export type { IngestHost, IngestLoopsOptions } from './ingest-loops.ts';
