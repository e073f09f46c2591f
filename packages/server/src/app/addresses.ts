import type { ListenAddress } from '../config/index.ts';

/** Where a server listens, with the ports that the system chose where 0 was asked for. */
export interface ServerAddresses {
  readonly rtmp: readonly ListenAddress[];
  readonly http: readonly ListenAddress[];
  readonly api: readonly ListenAddress[];
  readonly rtmps: readonly ListenAddress[];
  readonly https: readonly ListenAddress[];
  readonly apiHttps: readonly ListenAddress[];
}
