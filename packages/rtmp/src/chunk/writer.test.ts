import { bytesToHex } from '@sluice/media/bytes';
import { describe, expect, it } from 'vitest';
import { RtmpError } from '../errors.ts';
import {
  basicHeaderSize,
  chunkedSize,
  chunkHeader0Size,
  chunkHeader1Size,
  ChunkWriter,
  needsExtendedTimestamp,
  writeChunkedPayload,
  writeChunkHeader0,
  writeChunkHeader1,
} from './writer.ts';

function encode(chunkSize: number, id: number, timestamp: number, length: number): string {
  const writer = new ChunkWriter();
  writer.setChunkSize(chunkSize);
  const payload = new Uint8Array(length).fill(0xaa);
  return bytesToHex(writer.encode({ chunkStreamId: id, type: 9, streamId: 1, timestamp, payload }));
}

describe('ChunkWriter', () => {
  it('R010 writes type 0 first and type 3 after it', () => {
    expect(encode(2, 6, 0x010203, 5)).toBe('06010203000005' + '0901000000' + 'aaaac6aaaac6aa');
  });

  it('R010 ends without a header when the payload fills its last chunk', () => {
    expect(encode(2, 6, 0, 4)).toBe('06000000000004' + '0901000000' + 'aaaac6aaaa');
    expect(encode(2, 6, 0, 0)).toBe('06000000000000' + '0901000000');
  });

  it('R011 repeats the extended timestamp in type 3', () => {
    expect(encode(2, 6, 0xff_ffff, 3)).toBe('06ffffff000003090100000000ffffffaaaac600ffffffaa');
    expect(encode(2, 6, 0xff_fffe, 3)).toBe('06fffffe0000030901000000aaaac6aa');
    expect(encode(2, 6, 0x1_0000_0001, 3)).toBe('060000010000030901000000aaaac6aa');
    expect(encode(2, 6, 0xffff_ffff, 3)).toBe('06ffffff0000030901000000ffffffffaaaac6ffffffffaa');
  });

  it('R009 writes ids of one, two and three bytes', () => {
    expect(encode(1, 64, 0, 2)).toBe('0000' + '00000000000209' + '01000000' + 'aac000aa');
    expect(encode(1, 319, 0, 2)).toBe('00ff' + '00000000000209' + '01000000' + 'aac0ffaa');
    expect(encode(1, 320, 0, 2)).toBe('010001' + '00000000000209' + '01000000' + 'aac10001aa');
  });

  it('R015 refuses chunk sizes and message sizes that the wire has no room for', () => {
    const writer = new ChunkWriter();
    for (const size of [0, -1, 1.5, 0x8000_0000, Number.NaN]) {
      expect(() => {
        writer.setChunkSize(size);
      }).toThrow(RtmpError);
    }
    writer.setChunkSize(0x7fff_ffff);
    const payload = new Uint8Array(0x100_0000);
    expect(() => writer.encode({ chunkStreamId: 6, type: 9, streamId: 1, timestamp: 0, payload })).toThrow(
      RtmpError,
    );
  });

  it('writes many messages in one buffer', () => {
    const writer = new ChunkWriter();
    const message = { chunkStreamId: 6, type: 9, streamId: 1, timestamp: 0, payload: new Uint8Array(300) };
    const one = bytesToHex(writer.encode(message));
    expect(bytesToHex(writer.encodeAll([message, message]))).toBe(one + one);
  });
});

describe('chunk helpers', () => {
  it('size what they write, for every kind of header', () => {
    for (const id of [3, 64, 320]) {
      for (const time of [0, 0xff_fffe, 0xff_ffff, 0x1000_0000]) {
        for (const length of [0, 1, 127, 128, 129, 256, 257]) {
          const extended = needsExtendedTimestamp(time);
          const target = new Uint8Array(1000);
          const payload = new Uint8Array(length).fill(1);
          const header0 = writeChunkHeader0(target, 0, id, time, length, 9, 1);
          expect(header0).toBe(chunkHeader0Size(id, time));
          expect(writeChunkedPayload(target, header0, payload, 128, id, extended ? time : undefined)).toBe(
            chunkedSize(length, 128, header0, extended, id),
          );
          expect(writeChunkHeader1(target, 0, id, time, length, 9)).toBe(chunkHeader1Size(id, time));
        }
      }
      expect(basicHeaderSize(id)).toBe(id === 3 ? 1 : id === 64 ? 2 : 3);
    }
  });

  it('write type-1 headers, which carry a delta and no stream id', () => {
    const target = new Uint8Array(12);
    expect(bytesToHex(target.subarray(0, writeChunkHeader1(target, 0, 6, 40, 0x123456, 9)))).toBe(
      '4600002812345609',
    );
    expect(bytesToHex(target.subarray(0, writeChunkHeader1(target, 0, 6, 0x100_0000, 1, 9)))).toBe(
      '46ffffff0000010901000000',
    );
  });
});
