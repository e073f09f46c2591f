import type { VhostConfig } from '../config/index.ts';
import type { EndReason } from '../stats/index.ts';

/** What a client wants to do. */
export type ClientAction = 'connect' | 'play' | 'publish';

/** Who asks for what, whatever the protocol. */
export interface ClientRequest {
  /** Session id. */
  readonly id: string;
  readonly ip: string;
  readonly vhost: VhostConfig;
  readonly app: string;
  /** Empty at connect. */
  readonly stream: string;
  /** The query of the URL with its `?`, or empty. */
  readonly param: string;
  readonly tcUrl: string;
  readonly pageUrl: string;
}

/** Why a client may not go on. */
export interface Refusal {
  readonly reason: EndReason;
  /** Tells people what exactly; no secret is in it. */
  readonly detail: string;
}

/** Undefined lets the client go on. */
export type Verdict = Refusal | undefined;
