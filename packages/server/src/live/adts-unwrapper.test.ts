import { buildAdtsHeader } from '@sluice/media/aac';
import { concatBytes } from '@sluice/media/bytes';
import type { KeptPacket } from '@sluice/media/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { unwrapAdts } from './adts-unwrapper.ts';
import { packetOf } from './packet-test-kit.ts';

function aac(payload: Uint8Array, timestamp = 1000): KeptPacket {
  return packetOf('audio', timestamp, concatBytes([Uint8Array.of(0xaf, 1), payload]));
}

function adts(...payload: number[]): Uint8Array {
  const fields = {
    objectType: 2,
    sampleRate: 48_000,
    channelConfiguration: 2,
    payloadLength: payload.length,
  };
  return concatBytes([buildAdtsHeader(fields), Uint8Array.from(payload)]);
}

describe('unwrapAdts', () => {
  it('leaves raw frames as they are', () => {
    expect(unwrapAdts(aac(Uint8Array.of(0x21, 0x10, 0x05)))).toBeUndefined();
    expect(unwrapAdts(aac(Uint8Array.of(0xff, 0xf1)))).toBeUndefined();
    expect(unwrapAdts(aac(new Uint8Array(0)))).toBeUndefined();
  });

  it('removes the header, and makes the AudioSpecificConfig that it stands for', () => {
    const unwrapped = unwrapAdts(aac(adts(0x21, 0x22, 0x23)));
    expect(unwrapped?.record).toEqual(Uint8Array.of(0x11, 0x90));
    expect(unwrapped?.packets.map(({ body }) => [...body])).toEqual([[0xaf, 1, 0x21, 0x22, 0x23]]);
  });

  it('makes frames of their own of several in one message, and leaves out one that is cut', () => {
    const payload = concatBytes([adts(1), adts(2), adts(3, 4, 5).subarray(0, 8)]);
    const unwrapped = unwrapAdts(aac(payload));
    expect(unwrapped?.packets.map(({ body, timestamp }) => [timestamp, body[2]])).toEqual([
      [1000, 1],
      [1021, 2],
    ]);
  });

  it('never throws, whatever follows the syncword', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (junk) => {
        unwrapAdts(aac(concatBytes([Uint8Array.of(0xff, 0xf1), junk])));
      }),
    );
  });
});
