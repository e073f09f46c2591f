/** Name of a live stream: unique in a server. */
export interface StreamId {
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
}

/** A stream's name as one string: `vhost/app/stream`. */
export function streamKey(id: StreamId): string {
  return `${id.vhost}/${id.app}/${id.stream}`;
}
