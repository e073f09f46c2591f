import { MediaError } from '@sluice/media';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { aacHeader, avcHeader } from '../remux/test-kit.ts';
import { type Frame, FrameKind, mediaFrame } from './frame.ts';
import { audioFacts, videoFacts } from './stream-facts.ts';

function frameOf(kind: 8 | 9, body: Uint8Array): Frame {
  const frame = mediaFrame(kind, 0, body);
  if (frame === undefined) throw new Error('the test made no frame');
  return frame;
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

describe('stream facts', () => {
  it('P012 H.264: codec, profile, level and size from the sequence header', () => {
    const frame = frameOf(FrameKind.video, avcHeader());
    expect(videoFacts(frame, true)).toEqual({
      codec: 'h264',
      profile: 100,
      level: 31,
      width: 1280,
      height: 720,
    });
  });

  it('P012 parse_sps off leaves the size out', () => {
    const frame = frameOf(FrameKind.video, avcHeader());
    expect(videoFacts(frame, false)).toEqual({ codec: 'h264', profile: 100, level: 31 });
  });

  it('P013 AAC: rate, channels and object type from the sequence header', () => {
    expect(audioFacts(frameOf(FrameKind.audio, aacHeader()))).toEqual({
      codec: 'aac',
      sampleRate: 44100,
      channels: 2,
      profile: 2,
    });
  });

  it('P010 other codecs: what the header of a tag says', () => {
    expect(audioFacts(frameOf(FrameKind.audio, hex('2faa')))).toEqual({
      codec: 'mp3',
      sampleRate: 44100,
      channels: 2,
    });
    expect(audioFacts(frameOf(FrameKind.audio, hex('b2aa')))).toMatchObject({ codec: 'speex', channels: 1 });
    expect(audioFacts(frameOf(FrameKind.audio, hex('af01aa')))).toEqual({ codec: 'aac' });
    expect(videoFacts(frameOf(FrameKind.video, hex('1400aa')), true)).toEqual({ codec: 'vp6' });
    expect(videoFacts(frameOf(FrameKind.video, hex('2701000000')), true)).toEqual({ codec: 'h264' });
  });

  it('an SPS that lies is refused with a MediaError and nothing else', () => {
    const good = avcHeader();
    expect(() => videoFacts(frameOf(FrameKind.video, good.subarray(0, 12)), true)).toThrow(MediaError);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 5, max: good.length - 1 }), fc.nat(255)), { maxLength: 6 }),
        fc.integer({ min: 5, max: good.length }),
        (changes, length) => {
          const bytes = good.slice(0, length);
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          try {
            videoFacts(frameOf(FrameKind.video, bytes), true);
          } catch (error) {
            expect(error).toBeInstanceOf(MediaError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
