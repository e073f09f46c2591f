import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';

/** A failure that no caller waits for. */
export interface InternalFault {
  /** What was being done, for the log. */
  readonly what: string;
  readonly error: unknown;
}

/** Each server of the process subscribes: it counts and logs what fails. */
const CHANNEL = 'sluice:internal-fault';
const faults = channel(CHANNEL);

/** Runs work that nobody waits for. A rejection is counted and logged; it never ends the process. */
export function background(what: string, work: PromiseLike<unknown>): void {
  Promise.resolve(work).catch((error: unknown) => {
    reportInternalFault({ what, error });
  });
}

/** Counts and logs a failure that has no other owner. */
export function reportInternalFault(fault: InternalFault): void {
  faults.publish(fault);
}

/**
 * Calls the listener at each internal fault of this process.
 *
 * @returns ends the subscription
 */
export function onInternalFault(listener: (fault: InternalFault) => void): () => void {
  const subscriber = (message: unknown): void => {
    listener(message as InternalFault);
  };
  subscribe(CHANNEL, subscriber);
  return () => {
    unsubscribe(CHANNEL, subscriber);
  };
}
