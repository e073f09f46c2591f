import { RtmpError } from '../errors.ts';
import { messageType } from '../message/index.ts';
import type { RtmpMessage } from '../message/index.ts';
import type { ServerSessionPhase } from './events.ts';
import type { RtmpLimits } from './limits.ts';

/**
 * Messages that wait, in order, while the owner decides on connect, publish or play. Beyond the limits audio and
 * video are dropped, from there on to the decision, so that what is kept has no holes; a command that doesn't
 * fit ends the session.
 */
export class HeldMessages {
  readonly #limits: RtmpLimits;
  readonly #messages: RtmpMessage[] = [];
  #bytes = 0;
  #dropping = false;

  constructor(limits: RtmpLimits) {
    this.#limits = limits;
  }

  /** @throws RtmpError `pending-limit` */
  add(message: RtmpMessage): void {
    const isMedia = message.type === messageType.audio || message.type === messageType.video;
    if (isMedia && this.#dropping) {
      return;
    }
    const count = this.#messages.length + 1;
    const bytes = this.#bytes + message.payload.length;
    if (count > this.#limits.maxHeldMessages || bytes > this.#limits.maxHeldBytes) {
      if (isMedia) {
        this.#dropping = true;
        return;
      }
      throw new RtmpError(
        'pending-limit',
        `${count} messages of ${bytes} bytes wait for a decision, at most ${this.#limits.maxHeldMessages} of ${this.#limits.maxHeldBytes} bytes are allowed`,
      );
    }
    this.#bytes = bytes;
    this.#messages.push(message);
  }

  /** Takes the oldest message; `undefined` when there is none. */
  take(): RtmpMessage | undefined {
    const message = this.#messages.shift();
    if (message === undefined) {
      this.#dropping = false;
    } else {
      this.#bytes -= message.payload.length;
    }
    return message;
  }
}

/** Whether the owner's decision is awaited in this phase, and messages are held back. */
export function holdsMessages(phase: ServerSessionPhase): boolean {
  return (
    phase === 'connect-requested' ||
    phase === 'publish-requested' ||
    phase === 'unpublishing' ||
    phase === 'play-requested'
  );
}
