import type { FlvTagType } from '@sluice/media/flv';
import type { Packet } from '@sluice/media/model';

import type { StreamMeter } from './stream-meter.ts';

/** Why the engine ends a publisher: another one has taken the stream over, or a sink can't go on (L009). */
export type PublisherEnd = 'taken-over' | 'sink-failed';

/** Who publishes, as the engine sees it. */
export interface PublisherOptions {
  /** Session id of the connection. */
  readonly id: string;
  /** The publication was ended by the stream: close the connection. */
  onEnd(reason: PublisherEnd, detail?: string): void;
  /** Something odd in what is published, said once per kind. */
  onWarning(message: string): void;
}

/** A publisher's hold on its stream. */
export interface Publication {
  readonly id: string;
  /** Counts what is published, until another publisher begins. */
  readonly meter: StreamMeter;
  /**
   * Takes one message of RTMP, or tag of FLV. An odd one is dropped with a warning, never an exception.
   *
   * @param type - 8 audio, 9 video, 18 data (AMF0)
   * @param timestamp - the publisher's, ms
   * @param body - used during the call only: the engine copies what it keeps
   */
  write(type: FlvTagType, timestamp: number, body: Uint8Array): void;
  /**
   * Takes one packet of a publisher that does not speak FLV; its times are corrected as those of all others. A track is
   * announced by a packet of its configuration. Packets that are lent are lent for the call.
   */
  writePacket(packet: Packet): void;
  /** Say after each batch of messages: players of `min_latency` streams get theirs now. */
  flush(): void;
  /** Ends the publication. Harmless when it has ended already. */
  end(): void;
}
