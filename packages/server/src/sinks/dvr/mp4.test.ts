import { MP4_LIMITS, type Mp4File, openMp4, runReadStepsOn } from '@sluice/media/mp4';
import { describe, expect, it } from 'vitest';

import { packetOf } from '../../live/packet-test-kit.ts';
import { aacHeader, audio, avcHeader, dvr, settle, vhostWith, video } from './test-kit.ts';

const MP4 = vhostWith({ path: './rec/[app]/[stream].mp4' });
const PATH = './rec/live/cam.mp4';

function open(bytes: Uint8Array): Mp4File {
  return runReadStepsOn(bytes, openMp4(bytes.length));
}

/** Samples of each track, by its codec. */
function samplesOf(bytes: Uint8Array): Record<string, number> {
  const cursor = open(bytes).cursor();
  const counts: Record<string, number> = {};
  for (;;) {
    const samples = runReadStepsOn(bytes, cursor.read());
    if (samples.length === 0) return counts;
    for (const { track } of samples) {
      const codec = track.codec ?? 'unknown';
      counts[codec] = (counts[codec] ?? 0) + 1;
    }
  }
}

/** An MP3 frame: MPEG-1 layer III, 128 kbit/s, 44,100 Hz. */
function mp3(timestamp: number) {
  const body = new Uint8Array(1 + 417);
  body.set([0x2f, 0xff, 0xfb, 0x90, 0x00]);
  return packetOf('audio', timestamp, body);
}

describe('MP4', () => {
  it('V002 a path that ends in .mp4 gives an ordinary MP4 with every frame', async () => {
    const { publish, disk, sinks, finished } = dvr({ vhost: MP4 });
    const stream = publish();
    stream.start();
    for (let second = 0; second < 5; second += 1) {
      stream.play(second * 1_000, 1_000);
      await settle();
      sinks.tick();
      await settle();
    }
    expect(disk.names()).toEqual([`${PATH}.tmp`]);
    await sinks.close();
    expect(disk.names()).toEqual([PATH]);
    expect(samplesOf(disk.bytes(PATH))).toEqual({ h264: 125, aac: 250 });
    expect(open(disk.bytes(PATH)).fragmented).toBe(false);
    expect(finished).toMatchObject([{ file: PATH, durationMs: 4_980, bytes: disk.bytes(PATH).length }]);
    expect(sinks.waitingBytes).toBe(0);
  });

  it('the tables of a long file are built and written in pieces', async () => {
    const { publish, disk, sinks } = dvr({ vhost: MP4 });
    const stream = publish();
    stream.start();
    for (let second = 0; second < 900; second += 1) {
      stream.play(second * 1_000, 1_000);
      await settle();
      sinks.tick();
      await settle();
    }
    disk.appends = [];
    await sinks.close();
    expect(disk.appends.length).toBeGreaterThan(3);
    expect(Math.max(...disk.appends)).toBeLessThanOrEqual(MP4_LIMITS.finishPieceBytes);
    expect(samplesOf(disk.bytes(PATH))).toEqual({ h264: 22_500, aac: 45_000 });
  });

  it('V003 a name that is taken gets a number', async () => {
    const { publish, disk, sinks } = dvr({ vhost: MP4 });
    for (let session = 0; session < 3; session += 1) {
      const stream = publish();
      stream.start();
      stream.play(0, 1_000);
      await settle();
      stream.end();
      await settle();
    }
    await sinks.close();
    expect(disk.names()).toEqual(['./rec/live/cam-1.mp4', './rec/live/cam-2.mp4', PATH]);
  });

  it('a file that a crash left has all but its last fragment', async () => {
    const first = dvr({ vhost: MP4 });
    const stream = first.publish();
    stream.start();
    for (let second = 0; second < 4; second += 1) {
      stream.play(second * 1_000, 1_000);
      await settle();
      first.sinks.tick();
      await settle();
    }
    const left = first.disk.bytes(`${PATH}.tmp`);
    for (const [cut, seconds] of [
      [left.length, 4],
      [left.length - 1, 3],
    ] as const) {
      const second = dvr({ vhost: MP4 });
      second.disk.put(`${PATH}.tmp`, left.slice(0, cut));
      second.sinks.start();
      await settle();
      expect(second.disk.names()).toEqual([PATH]);
      expect(samplesOf(second.disk.bytes(PATH))).toEqual({ h264: seconds * 25, aac: seconds * 50 });
      expect(second.finished).toMatchObject([{ stream: { app: 'live', stream: 'cam' }, file: PATH }]);
      await second.sinks.close();
    }
    for (const cut of [0, 10, 300]) {
      const second = dvr({ vhost: MP4 });
      second.disk.put(`${PATH}.tmp`, left.slice(0, cut));
      second.sinks.start();
      await settle();
      expect(second.disk.names()).toEqual([]);
      await second.sinks.close();
    }
  });

  it('another configuration begins another file, at its keyframe', async () => {
    const { publish, disk, sinks } = dvr({ vhost: MP4 });
    const stream = publish();
    stream.start();
    stream.play(0, 1_000);
    await settle();
    stream.write(avcHeader(1_000));
    stream.play(1_000, 1_000);
    await settle();
    const other = avcHeader(2_000);
    const body = other.body.slice();
    body[8] = 0x0e;
    stream.write(packetOf('video', 2_000, body), audio(2_000), video(2_000, true), audio(2_020));
    await settle();
    await sinks.close();
    expect(disk.names()).toEqual(['./rec/live/cam-1.mp4', PATH]);
    expect(samplesOf(disk.bytes(PATH))).toEqual({ h264: 50, aac: 100 });
    expect(samplesOf(disk.bytes('./rec/live/cam-1.mp4'))).toEqual({ h264: 1, aac: 1 });
  });

  it('so it does when it comes while the file is being opened', async () => {
    const { publish, disk, sinks } = dvr({ vhost: MP4 });
    const stream = publish();
    const headers = [1, 2, 3].map((number) => {
      const body = avcHeader(0).body.slice();
      body[8] = 0x0e + number;
      return body;
    });
    stream.start();
    stream.play(0, 1_000);
    for (const [index, body] of headers.entries()) {
      const time = 1_000 * (index + 1);
      stream.write(packetOf('video', time, body));
      stream.play(time, 1_000);
    }
    await settle();
    await sinks.close();
    const names = [PATH, ...[1, 2, 3].map((number) => `./rec/live/cam-${number}.mp4`)];
    expect(disk.names().sort()).toEqual([...names].sort());
    for (const [index, name] of names.entries()) {
      expect(samplesOf(disk.bytes(name))).toEqual({ h264: 25, aac: 50 });
      const [track] = open(disk.bytes(name)).tracks;
      if (index > 0) expect(track?.configuration[3]).toBe(0x0e + index);
    }
  });

  it('sound that goes on with MP3 is in one other file', async () => {
    const { publish, disk, sinks } = dvr({ vhost: MP4 });
    const stream = publish();
    stream.start();
    stream.play(0, 1_000);
    await settle();
    for (let time = 1_000; time < 6_000; time += 20) {
      stream.write(mp3(time));
      if (time % 40 === 0) stream.write(video(time, time % 1_000 === 0));
      await settle();
    }
    await sinks.close();
    expect(disk.names()).toEqual(['./rec/live/cam-1.mp4', PATH]);
    expect(samplesOf(disk.bytes('./rec/live/cam-1.mp4'))).toEqual({ h264: 125, mp3: 249 });
  });

  it('a sequence header that can not be read takes its own track away, and no other', async () => {
    const { publish, disk, sinks } = dvr({ vhost: MP4 });
    const stream = publish();
    const body = avcHeader(0).body.slice();
    body[9] = 0xfe; // NAL unit lengths of 3 bytes
    stream.write(packetOf('video', 0, body), aacHeader());
    stream.play(0, 2_000);
    await settle();
    await sinks.close();
    expect(disk.names()).toEqual([PATH]);
    expect(samplesOf(disk.bytes(PATH))).toEqual({ aac: 100 });
  });

  it('what is left of it at the end of a stream without sound is a file as well', async () => {
    const { publish, disk, sinks } = dvr({ vhost: MP4 });
    const stream = publish();
    const body = avcHeader(0).body.slice();
    body[8] = 0x0e;
    stream.write(avcHeader(0), video(0, true), packetOf('video', 40, body), video(40, true));
    stream.end();
    await settle();
    await sinks.close();
    expect(samplesOf(disk.bytes(PATH))).toEqual({ h264: 1 });
    expect(samplesOf(disk.bytes('./rec/live/cam-1.mp4'))).toEqual({ h264: 1 });
  });

  it('sound that comes while the file is being opened is in the next one', async () => {
    const { publish, disk, sinks } = dvr({ vhost: MP4 });
    const stream = publish();
    stream.write(avcHeader(0));
    for (let time = 0; time < 3_000; time += 40) stream.write(video(time, time % 1_000 === 0));
    stream.write(aacHeader());
    stream.play(3_000, 1_000);
    await settle();
    await sinks.close();
    expect(samplesOf(disk.bytes(PATH))).toEqual({ h264: 75 });
    expect(samplesOf(disk.bytes('./rec/live/cam-1.mp4'))).toEqual({ h264: 25, aac: 50 });
  });

  it('MP3, which has no header, is a track all the same, and a second track is waited for', async () => {
    const { publish, disk, sinks } = dvr({ vhost: MP4 });
    const stream = publish();
    stream.write(avcHeader());
    for (let time = 0; time < 2_000; time += 40) {
      stream.write(video(time, time === 0));
      if (time >= 400) stream.write(mp3(time));
      await settle();
    }
    await sinks.close();
    expect(samplesOf(disk.bytes(PATH))).toEqual({ h264: 50, mp3: 40 });
  });

  it('one track alone is recorded after a moment', async () => {
    const { publish, disk, sinks } = dvr({ vhost: MP4 });
    const stream = publish();
    stream.write(avcHeader());
    for (let time = 0; time < 2_000; time += 40) stream.write(video(time, time === 0));
    await settle();
    expect(disk.names()).toEqual([`${PATH}.tmp`]);
    await sinks.close();
    expect(samplesOf(disk.bytes(PATH))).toEqual({ h264: 50 });
  });

  it('a codec that MP4 can’t hold is left out, and is a fault when there is nothing else', async () => {
    const speex = packetOf('audio', 0, Uint8Array.of(0xb6, 1, 2, 3));
    const { publish, disk, sinks } = dvr({ vhost: MP4 });
    const both = publish('both');
    both.write(avcHeader(), video(0, true), speex, video(40));
    await settle();
    both.end();
    await settle();
    expect(samplesOf(disk.bytes('./rec/live/both.mp4'))).toEqual({ h264: 2 });

    const alone = publish('alone');
    for (let time = 0; time < 2_000; time += 20) alone.write(packetOf('audio', 0, speex.body, time));
    await settle();
    const [fault] = sinks.faults('__defaultVhost__/live/alone');
    expect(fault?.message).toContain('.flv records every codec');
    expect([...sinks.list()].map(({ state }) => state)).toEqual(['fault']);
    expect(disk.names()).toEqual(['./rec/live/both.mp4']);
    await sinks.close();
  });
});
