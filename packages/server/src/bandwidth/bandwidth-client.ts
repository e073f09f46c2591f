import { type AmfValue, AmfObject } from '@sluice/media/amf';

import type { BandwidthResult } from './bandwidth-test.ts';
import { BandwidthCall } from './names.ts';
import { Padding } from './padding.ts';

/** The connection of a client's side, as far as it is asked for. */
export interface BandwidthClientOptions {
  /** Sends a call of the connection: name, transaction 0, null, data. */
  readonly send: (name: BandwidthCall, data: AmfObject) => void;
  /** Bytes sent that the operating system hasn't taken yet. */
  readonly waitingBytes: () => number;
  /** Told what goes on. */
  readonly onPhase?: (phase: 'playing' | 'publishing') => void;
  /** Called once. */
  readonly onResult: (result: BandwidthResult) => void;
}

/** Kbit/s to send at when the server says nothing. */
const DEFAULT_LIMIT_KBPS = 1_000;

/**
 * The client's side of a bandwidth test (spec 5.4), without I/O: the server's calls go in by `receive()`, the time
 * by `tick()`.
 */
export class BandwidthClient {
  readonly #options: BandwidthClientOptions;
  #publishing: { readonly padding: Padding; readonly since: number } | undefined;

  constructor(options: BandwidthClientOptions) {
    this.#options = options;
  }

  /** Takes a call of the server; other calls are ignored. */
  receive(name: string, args: readonly AmfValue[], now: number): void {
    const data = args[1] instanceof Map ? args[1] : new Map<AmfValue, AmfValue>();
    const { send, onPhase, onResult, waitingBytes } = this.#options;
    const answer = (call: BandwidthCall): void => {
      send(call, new AmfObject());
    };
    switch (name) {
      case BandwidthCall.startPlay:
        onPhase?.('playing');
        answer(BandwidthCall.startingPlay);
        return;
      case BandwidthCall.stopPlay:
        answer(BandwidthCall.stoppedPlay);
        return;
      case BandwidthCall.startPublish: {
        onPhase?.('publishing');
        answer(BandwidthCall.startingPublish);
        const limitKbps = numberOf(data.get('limit_kbps')) || DEFAULT_LIMIT_KBPS;
        const target = {
          send: (padding: AmfObject): void => {
            send(BandwidthCall.publishing, padding);
          },
          waitingBytes,
        };
        this.#publishing = { padding: new Padding(target, limitKbps), since: now };
        return;
      }
      case BandwidthCall.stopPublish:
        this.#publishing = undefined;
        answer(BandwidthCall.stoppedPublish);
        return;
      case BandwidthCall.finished:
        answer(BandwidthCall.final);
        onResult({
          playKbps: numberOf(data.get('play_kbps')),
          publishKbps: numberOf(data.get('publish_kbps')),
          playBytes: numberOf(data.get('play_bytes')),
          publishBytes: numberOf(data.get('publish_bytes')),
          playMs: numberOf(data.get('play_time')),
          publishMs: numberOf(data.get('publish_time')),
        });
        return;
      default:
        return;
    }
  }

  /** Goes on in time. */
  tick(now: number): void {
    this.#publishing?.padding.fill(now - this.#publishing.since);
  }
}

function numberOf(value: AmfValue): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
