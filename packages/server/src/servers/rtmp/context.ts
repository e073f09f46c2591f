import type { BandwidthGate } from '../../bandwidth/index.ts';
import type { ClientRegistry } from '../../clients/index.ts';
import type { Config } from '../../config/index.ts';
import type { Log } from '../../log/index.ts';

/** What the RTMP server needs of the server that it is part of. */
export interface RtmpContext {
  readonly version: string;
  readonly log: Log;
  readonly clients: ClientRegistry;
  /** Decides who may test the bandwidth; one for all connections. */
  readonly bandwidth: BandwidthGate;
  config(): Config;
}
