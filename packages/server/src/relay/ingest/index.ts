/** Media published to RTMP servers: the ingests of type `loop`, the push of a file below them, and its connection. */
export { FilePush } from './file-push.ts';
export type { FilePushEvent, FilePushOptions, FilePushTotals } from './file-push.ts';
export { PublishLink, unlessAborted } from './publish-link.ts';
export { retryDelay, type RetryPolicy } from './retry-policy.ts';
export { IngestLoops } from './ingest-loops.ts';
export type { IngestHost, IngestLoopsOptions } from './ingest-loops.ts';
