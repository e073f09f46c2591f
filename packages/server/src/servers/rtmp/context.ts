import type { BandwidthGate } from '../../bandwidth/index.ts';
import type { Config, VhostConfig } from '../../config/index.ts';
import type { LiveHub, LiveSettings } from '../../live/index.ts';
import type { Log, SessionEnd } from '../../log/index.ts';
import type { Gates } from '../../security/index.ts';
import type { Admission, Session } from '../../stats/index.ts';

/** What the RTMP door needs of the server. */
export interface RtmpContext {
  readonly version: string;
  readonly log: Log;
  readonly hub: LiveHub;
  readonly admission: Admission;
  readonly sessions: {
    add(session: Session): void;
    remove(session: Session): void;
    readonly ended: SessionEnd['ended'];
  };
  readonly gates: Gates;
  /** Says who may test the bandwidth; one for all connections. */
  readonly bandwidth: BandwidthGate;
  config(): Config;
  findVhost(host: string): VhostConfig | undefined;
  settings(vhost: VhostConfig): LiveSettings;
  /** Why a stream of this name can't be published in the vhost; undefined when it can. */
  nameProblem(vhost: VhostConfig, app: string, stream: string): string | undefined;
}
