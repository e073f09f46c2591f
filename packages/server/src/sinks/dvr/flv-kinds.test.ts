import { parseFlvHeader } from '@sluice/media/flv';
import type { KeptPacket } from '@sluice/media/model';
import { describe, expect, it } from 'vitest';

import { aacHeader, audio, avcHeader, dvr, FakeDisk, settle, vhostWith, video } from './test-kit.ts';

const PATH = './rec/live/cam.flv';
const vhost = vhostWith({ path: './rec/[app]/[stream].flv' });

const SOUND = [aacHeader(), audio(0), audio(20), audio(40)];
const PICTURES = [avcHeader(), video(0, true), video(40)];

/** Records one publish of these frames. */
async function record(disk: FakeDisk, packets: readonly KeptPacket[]): Promise<Uint8Array> {
  const { publish, sinks } = dvr({ disk, vhost });
  const stream = publish();
  stream.write(...packets);
  await settle();
  stream.end();
  await settle();
  await sinks.close();
  return disk.bytes(PATH);
}

function announced(bytes: Uint8Array): string {
  const { audio: sound, video: pictures } = parseFlvHeader(bytes);
  return [...(sound ? ['audio'] : []), ...(pictures ? ['video'] : [])].join(' ');
}

describe('the kinds of tags that a recorded FLV announces', () => {
  it.each([
    ['audio', SOUND],
    ['video', PICTURES],
    ['audio video', [...SOUND, ...PICTURES]],
  ])('V004 are those that it has when it is finished: %s', async (wanted, frames) => {
    expect(announced(await record(new FakeDisk(), frames))).toBe(wanted);
  });

  it('V003 grow with what is written on it', async () => {
    const disk = new FakeDisk();
    expect(announced(await record(disk, SOUND))).toBe('audio');
    expect(announced(await record(disk, PICTURES))).toBe('audio video');
    expect(announced(await record(disk, SOUND))).toBe('audio video');
  });

  it('are both while it grows, and put right when a crash left it so', async () => {
    const grown = dvr({ vhost });
    const stream = grown.publish();
    stream.write(...SOUND);
    await settle();
    grown.sinks.tick();
    await settle();
    const bytes = grown.disk.bytes(`${PATH}.tmp`).slice();
    expect(announced(bytes)).toBe('audio video');
    await grown.sinks.close();
    const disk = new FakeDisk();
    disk.put(`${PATH}.tmp`, bytes);
    const next = dvr({ disk, vhost });
    next.sinks.start();
    await settle();
    await next.sinks.close();
    expect(announced(disk.bytes(PATH))).toBe('audio');
  });
});
