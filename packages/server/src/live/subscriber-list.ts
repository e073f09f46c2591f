import type { Packet } from '@sluice/media/model';

import type { PacketSubscriber } from './packet-subscriber.ts';

/** The subscribers of one stream. One that breaks is let go; the stream and its players go on. */
export class SubscriberList {
  readonly #onWarning: (message: string) => void;
  /** Never changed in place: a subscriber may be taken off while a packet goes round. */
  #subscribers: readonly PacketSubscriber[] = [];

  constructor(onWarning: (message: string) => void) {
    this.#onWarning = onWarning;
  }

  /**
   * Adds a subscriber.
   *
   * @param missed - what it has missed, and is given first (L023)
   */
  add(subscriber: PacketSubscriber, missed: readonly Packet[]): void {
    this.#subscribers = [...this.#subscribers, subscriber];
    for (const packet of missed) this.#writeTo(subscriber, packet);
  }

  /** Ends a subscriber; harmless when it is taken off already. */
  remove(subscriber: PacketSubscriber): void {
    this.#remove(subscriber, this.#onWarning);
  }

  /**
   * Ends them all.
   *
   * @param onWarning - told what goes wrong: the publisher that they were added for, which is the stream's no more
   */
  removeAll(onWarning: (message: string) => void): void {
    for (const subscriber of this.#subscribers) this.#remove(subscriber, onWarning);
  }

  /** Gives every subscriber the next packet. */
  write(packet: Packet): void {
    for (const subscriber of this.#subscribers) this.#writeTo(subscriber, packet);
  }

  #remove(subscriber: PacketSubscriber, onWarning: (message: string) => void): void {
    if (!this.#subscribers.includes(subscriber)) return;
    this.#subscribers = this.#subscribers.filter((other) => other !== subscriber);
    try {
      subscriber.end();
    } catch (error) {
      onWarning(`a subscriber failed at its end: ${describe(error)}`);
    }
  }

  #writeTo(subscriber: PacketSubscriber, packet: Packet): void {
    try {
      subscriber.write(packet);
    } catch (error) {
      this.#onWarning(`a subscriber failed and is taken off: ${describe(error)}`);
      this.remove(subscriber);
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
