import type { Packet } from '@sluice/media/model';

/** Who takes a live stream's packets within the process, such as HLS or a recording. */
export interface PacketSubscriber {
  /**
   * Takes the next packet, in the order of the stream. One that is lent is lent for the call only: `keep()` gives one
   * that may be kept. Must be quick and must not throw: a subscriber that throws is taken off.
   */
  write(packet: Packet): void;
  /** The publisher has gone, or the subscriber is taken off. Called once; nothing follows. */
  end(): void;
}
