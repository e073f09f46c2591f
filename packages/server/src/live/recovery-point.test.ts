import { buildAnnexB, buildLengthPrefixed } from '@sluice/media/avc';
import { concatBytes, hexToBytes } from '@sluice/media/bytes';
import { FlvTagType } from '@sluice/media/flv';
import { createPacket, createVideoTrack } from '@sluice/media/model';
import { describe, expect, it } from 'vitest';

import { flvFamily, plainFraming } from '../remux/index.ts';
import { avcHeader, liveStream, publishTo, settings, watch } from '../remux/test-kit.ts';
import { isRecoveryPoint } from './recovery-point.ts';

const SLICE = hexToBytes('419a0102');
const DELIMITER = hexToBytes('09f0');
/** recovery_frame_cnt 1. */
const RECOVERY = hexToBytes('06 06 01 54 80');
/** Three bytes of user data before it, and an emulation_prevention_three_byte among them. */
const BEHIND_USER_DATA = hexToBytes('06 05 05 01 0000 03 02 06 06 01 54 80');
const USER_DATA = hexToBytes('06 05 04 01 02 06 04 80');
const HEVC_SLICE = hexToBytes('0201d0');
const HEVC_RECOVERY = hexToBytes('4e01 06 01 54 80');

function isPoint(codec: 'h264' | 'hevc', body: Uint8Array): boolean {
  const track = createVideoTrack(codec, { id: 0, primary: true });
  return isRecoveryPoint(createPacket({ track, decodeTime: 0, body }, false));
}

describe('recovery points', () => {
  it.each([
    ['H.264', 'h264', [RECOVERY, SLICE], true],
    ['H.264 behind a delimiter', 'h264', [DELIMITER, RECOVERY, SLICE], true],
    ['behind another message', 'h264', [BEHIND_USER_DATA, SLICE], true],
    ['in a second SEI unit', 'h264', [USER_DATA, RECOVERY, SLICE], true],
    ['HEVC', 'hevc', [HEVC_RECOVERY, HEVC_SLICE], true],
    ['none', 'h264', [SLICE], false],
    ['another message', 'h264', [DELIMITER, USER_DATA, SLICE], false],
    ['behind the picture', 'h264', [SLICE, RECOVERY], false],
    ['H.264 units in HEVC', 'hevc', [RECOVERY, SLICE], false],
    ['a cut message', 'h264', [hexToBytes('06 05 ff'), SLICE], false],
    ['a message of nothing', 'h264', [hexToBytes('06'), SLICE], false],
  ] as const)('%s', (_name, codec, units, wanted) => {
    expect(isPoint(codec, buildLengthPrefixed([...units]))).toBe(wanted);
    expect(isPoint(codec, buildAnnexB([...units]))).toBe(wanted);
  });

  it('O004 a player may begin at one, and the GOP cache does', () => {
    for (const gopCache of [true, false]) {
      const stream = liveStream(settings({ gopCache }));
      const publisher = publishTo(stream);
      const write = (time: number, ...units: readonly Uint8Array[]): void => {
        const body = concatBytes([hexToBytes('2701000000'), buildLengthPrefixed(units)]);
        publisher.write(FlvTagType.video, time, body);
        publisher.flush();
      };
      publisher.write(FlvTagType.video, 0, avcHeader());
      for (let time = 0; time < 400; time += 40) write(time, SLICE);
      if (gopCache) write(400, RECOVERY, SLICE);
      const watcher = watch(stream, { family: flvFamily(plainFraming) });
      if (!gopCache) write(400, RECOVERY, SLICE);
      write(440, SLICE);
      const bytes = Buffer.from(watcher.sink.bytes);
      expect(bytes.includes(Buffer.from(RECOVERY))).toBe(true);
      expect(bytes.toString('hex').split(Buffer.from(SLICE).toString('hex'))).toHaveLength(3);
    }
  });
});
