import { encodeAmf0 } from '@sluice/media/amf';
import { describe, expect, it } from 'vitest';

import {
  aacHeader,
  audio,
  avcHeader,
  brief,
  data,
  dvr,
  factsOf,
  FakeDisk,
  metadata,
  settle,
  tagsOf,
  TestStream,
  vhostWith,
  video,
} from './test-kit.ts';

const START = Date.UTC(2026, 10, 21, 12, 0, 0);
const FIXED = './rec/[app]/[stream].flv';

describe('the plans', () => {
  it('V001 session: one file for each publish, from its first frame to its last', async () => {
    const { publish, disk, sinks, finished, clock } = dvr();
    const stream = publish();
    stream.start();
    stream.write(audio(990), video(1_000, true), audio(1_010), video(1_040));
    await settle();
    expect(disk.names()).toEqual([`./rec/live/cam.${START}.flv.tmp`]);
    stream.write(video(1_080), video(2_000, true));
    stream.end();
    await settle();
    clock.now += 5;
    const again = publish();
    again.start();
    again.write(video(0, true));
    await settle();
    await sinks.close();
    expect(disk.names()).toEqual([`./rec/live/cam.${START}.flv`, `./rec/live/cam.${START + 5}.flv`]);
    const tags = tagsOf(disk.bytes(`./rec/live/cam.${START}.flv`));
    expect(brief(tags)).toEqual(
      ['m@0', 'ah@0', 'vh@0', 'a@0', 'k@10', 'a@20', 'v@50', 'v@90', 'k@1010'].map((name) =>
        name.replace('k@1010', brief(tags).at(-1) ?? ''),
      ),
    );
    expect(finished).toHaveLength(2);
    expect(disk.opened).toBe(disk.closed);
  });

  it('V001 segment: cut at the keyframe that follows dvr_duration, headers and metadata at each head', async () => {
    const { publish, disk, sinks, finished, clock } = dvr({
      vhost: vhostWith({ plan: 'segment', durationMs: 2_000 }),
    });
    const stream = publish();
    stream.start();
    for (let second = 0; second < 7; second += 1) {
      stream.play(second * 1_000, 1_000);
      await settle();
      clock.now += 1_000;
    }
    stream.end();
    await sinks.close();
    expect(finished.map(({ durationMs }) => durationMs)).toEqual([1_980, 1_980, 1_980, 980]);
    let frames = 0;
    for (const { file, bytes } of finished) {
      expect(disk.bytes(file)).toHaveLength(bytes);
      const tags = brief(tagsOf(disk.bytes(file)));
      expect(tags.slice(0, 4)).toEqual(['m@0', 'ah@0', 'vh@0', 'k@0']);
      frames += tags.length - 3;
    }
    // Not a frame is lost between two files.
    expect(frames).toBe(7 * 75);
  });

  it.each([1500, 10_000])(
    'V001 segment: sound that is %d ms behind on the wire is in step in each file',
    async (late) => {
      const { publish, disk, sinks, clock } = dvr({
        vhost: vhostWith({ plan: 'segment', durationMs: 2_000 }),
      });
      const stream = publish();
      stream.start();
      for (let time = 0; time < 20_000; time += 40) {
        stream.write(video(time, time % 1_000 === 0));
        if (time >= late) stream.write(audio(time - late));
        clock.now += 40;
        if (time % 1_000 === 0) await settle();
      }
      stream.end();
      await settle();
      await sinks.close();
      const files = disk.names().map((name) => brief(tagsOf(disk.bytes(name))));
      let inStep = 0;
      for (const names of files) {
        const at = (kind: RegExp): number[] =>
          names.filter((name) => kind.test(name)).map((name) => Number(name.split('@')[1]));
        const [picture = 0] = at(/^k@/);
        const sounds = at(/^a@/);
        // A file that began before there was sound doesn't know of what is to come.
        if (picture === 0) continue;
        inStep += 1;
        expect(Math.abs(picture - (sounds[0] ?? Infinity) - late)).toBeLessThan(100);
        for (const [index, time] of sounds.entries()) {
          if (index > 0) expect(time).toBeGreaterThan(sounds[index - 1] ?? Infinity);
        }
      }
      expect(inStep).toBeGreaterThan(3);
    },
  );

  it('V001 segment: without keyframes it is cut all the same, after a while', async () => {
    const { publish, sinks, finished, clock } = dvr({
      vhost: vhostWith({ plan: 'segment', durationMs: 2_000 }),
    });
    const stream = publish();
    stream.start();
    for (let time = 0; time < 40_000; time += 1_000) {
      if (time === 0) stream.play(0, 1_000);
      else stream.write(video(time), audio(time), video(time + 500), audio(time + 500));
      await settle();
      clock.now += 1_000;
    }
    await sinks.close();
    expect(finished.map(({ durationMs }) => durationMs)).toEqual([31_500, 7_500]);
  });

  it('V001 segment: dvr_wait_keyframe off cuts at any frame, and so does sound alone', async () => {
    const off = dvr({ vhost: vhostWith({ plan: 'segment', durationMs: 2_000, waitKeyframe: false }) });
    const stream = off.publish();
    stream.start();
    for (let time = 0; time < 5_000; time += 1_000) {
      stream.play(time, 1_000, 100_000);
      await settle();
      off.clock.now += 1_000;
    }
    await off.sinks.close();
    expect(off.finished.map(({ durationMs }) => durationMs)).toEqual([1_980, 1_980, 980]);

    const sound = dvr({ vhost: vhostWith({ plan: 'segment', durationMs: 2_000 }) });
    const radio = sound.publish();
    radio.write(aacHeader());
    for (let time = 0; time < 4_500; time += 20) {
      radio.write(audio(time));
      await settle();
    }
    await sound.sinks.close();
    expect(sound.finished).toHaveLength(3);
  });

  it('V001 append: one file for ever, its timestamps go on over publishes and restarts', async () => {
    const disk = new FakeDisk();
    const vhost = vhostWith({ plan: 'append' });
    for (let run = 0; run < 3; run += 1) {
      const { publish, sinks, clock } = dvr({ disk, vhost });
      clock.now += run * 1_000;
      for (let session = 0; session < 2; session += 1) {
        const stream = publish();
        stream.start();
        stream.play(session * 7_777, 1_000);
        await settle();
        stream.end();
        await settle();
      }
      await sinks.close();
    }
    // The name has the time of the first publish.
    expect(disk.names()).toEqual([`./rec/live/cam.${START}.flv`]);
    const bytes = disk.bytes(disk.names()[0] ?? '');
    const times = tagsOf(bytes).map(({ timestamp }) => timestamp);
    expect(times).toEqual([...times].sort((one, other) => one - other));
    // Six times a second, and a step between them.
    expect(times.at(-1)).toBe(6 * 980 + 5 * 40);
    const facts = factsOf(bytes);
    expect(facts.duration).toBe(6.08);
    expect(facts.fileSize).toBe(bytes.length);
    expect(facts.times).toEqual([0, 1.02, 2.04, 3.06, 4.08, 5.1]);
    expect(brief(tagsOf(bytes)).filter((name) => name.startsWith('m'))).toHaveLength(1);
    expect(brief(tagsOf(bytes)).filter((name) => name.startsWith('vh'))).toHaveLength(6);
  });

  it('V001 append goes on after a cut tag at the end', async () => {
    const disk = new FakeDisk();
    const vhost = vhostWith({ plan: 'append', path: FIXED });
    const first = dvr({ disk, vhost });
    const stream = first.publish();
    stream.start();
    stream.play(0, 1_000);
    await settle();
    await first.sinks.close();
    const path = './rec/live/cam.flv';
    const whole = disk.bytes(path);
    for (const rubbish of [whole.subarray(20, 25), new Uint8Array(5_000), whole.slice(-30, -4)]) {
      disk.put(path, Buffer.concat([whole, rubbish]));
      const second = dvr({ disk, vhost });
      const again = second.publish();
      again.start();
      again.play(0, 1_000);
      await settle();
      await second.sinks.close();
      const tags = brief(tagsOf(disk.bytes(path)));
      expect(tags.filter((name) => name.startsWith('k'))).toEqual(['k@0', 'k@1020']);
    }
  });

  it('V001 append brings the metadata up to date each minute', async () => {
    const { publish, disk, clock, sinks } = dvr({ vhost: vhostWith({ plan: 'append', path: FIXED }) });
    const stream = publish();
    stream.start();
    stream.play(0, 1_000);
    await settle();
    expect(disk.bytes('./rec/live/cam.flv.tmp')).toHaveLength(0);
    clock.now += 60_000;
    sinks.tick();
    await settle();
    const bytes = disk.bytes('./rec/live/cam.flv.tmp');
    expect(factsOf(bytes)).toMatchObject({ duration: 0.98, fileSize: bytes.length });
    await sinks.close();
  });
});

describe('the files', () => {
  it('V002 fills the path, and a directory gets a name for each file', async () => {
    const paths = [
      [
        './rec/[vhost]/[app]/[stream]/[2006]/[01]/[02]/[15].[04].[05].[999].flv',
        '__defaultVhost__/live/cam/2026/11/21/12.00.00.000.flv',
      ],
      ['./rec/[app]', `live/cam.${START}.flv`],
      ['./rec/', `cam.${START}.flv`],
    ] as const;
    for (const [path, expected] of paths) {
      const { publish, disk, sinks } = dvr({ vhost: vhostWith({ path }) });
      const stream = publish();
      stream.start();
      stream.write(video(0, true));
      await settle();
      await sinks.close();
      expect(disk.names()).toEqual([`./rec/${expected}`]);
    }
  });

  it('V003 is written as .tmp, and appended to when the name is taken', async () => {
    const { publish, disk, sinks } = dvr({ vhost: vhostWith({ path: FIXED }) });
    for (let session = 0; session < 2; session += 1) {
      const stream = publish();
      stream.start();
      stream.write(video(5_000, true), video(5_040));
      await settle();
      // The second session writes on, and leaves a mark that it does.
      expect(disk.names()).toContain('./rec/live/cam.flv.tmp');
      expect(disk.names()).toHaveLength(session + 1);
      stream.end();
      await settle();
      expect(disk.names()).toEqual(['./rec/live/cam.flv']);
    }
    expect(brief(tagsOf(disk.bytes('./rec/live/cam.flv')))).toEqual([
      ...['m@0', 'ah@0', 'vh@0', 'k@0', 'v@40'],
      ...['ah@80', 'vh@80', 'k@80', 'v@120'],
    ]);
    await sinks.close();
  });

  it('V003 a file that is no FLV is left as it is: the recording gets a number', async () => {
    const disk = new FakeDisk();
    const foreign = new TextEncoder().encode('not a recording, but somebody wants it');
    disk.put('./rec/live/cam.flv', foreign);
    const { publish, sinks } = dvr({ disk, vhost: vhostWith({ path: FIXED }) });
    const stream = publish();
    stream.start();
    stream.write(video(0, true));
    await settle();
    await sinks.close();
    expect(disk.names()).toEqual(['./rec/live/cam-1.flv', './rec/live/cam.flv']);
    expect(disk.bytes('./rec/live/cam.flv')).toEqual(foreign);
  });

  it('V003 two streams with one path write two files', async () => {
    const { publish, disk, sinks } = dvr({ vhost: vhostWith({ path: './rec/all.flv' }) });
    for (const name of ['one', 'two']) {
      const stream = publish(name);
      stream.start();
      stream.write(video(0, true));
    }
    await settle();
    await sinks.close();
    expect(disk.names()).toEqual(['./rec/all-1.flv', './rec/all.flv']);
  });

  it('V003 a publish that follows at once waits for the file of the one before', async () => {
    const { publish, disk, sinks } = dvr({ vhost: vhostWith({ path: FIXED }) });
    for (let session = 0; session < 5; session += 1) {
      const stream = publish();
      stream.start();
      stream.write(video(0, true), video(40));
      await settle();
      stream.end();
    }
    await sinks.close();
    expect(disk.names()).toEqual(['./rec/live/cam.flv']);
    const tags = brief(tagsOf(disk.bytes('./rec/live/cam.flv')));
    expect(tags.filter((name) => name.startsWith('k'))).toHaveLength(5);
  });

  it('V004 metadata: service, the publisher’s own, duration, filesize and the keyframe index', async () => {
    const { publish, disk, sinks } = dvr();
    const stream = publish();
    stream.headers.push(metadata({ width: 320, height: 240, encoder: 'Ünï ✓', duration: 0, filesize: 7 }));
    stream.write(...stream.headers, aacHeader(), avcHeader());
    stream.play(500, 5_000);
    await settle();
    await sinks.close();
    const bytes = disk.bytes(disk.names()[0] ?? '');
    const facts = factsOf(bytes);
    expect(facts.metadata.get('service')).toBe('Test/1');
    expect(facts.metadata.get('encoder')).toBe('Ünï ✓');
    expect(facts).toMatchObject({ duration: 4.98, fileSize: bytes.length, times: [0, 1, 2, 3, 4] });
    for (const position of facts.positions)
      expect([bytes[position], bytes[position + 11]]).toEqual([9, 0x17]);
  });

  it('V004 metadata that can’t be read or is absent does not hold a recording up', async () => {
    for (const body of [
      undefined,
      Uint8Array.of(2, 0, 10, ...new TextEncoder().encode('onMetaData'), 8, 0xff),
    ]) {
      const { publish, disk, sinks } = dvr();
      const stream = publish();
      if (body !== undefined) stream.write(data(0, body));
      stream.write(avcHeader(), video(0, true), data(10, encodeAmf0('onTextData', 'hi')), video(40));
      await settle();
      await sinks.close();
      expect(brief(tagsOf(disk.bytes(disk.names()[0] ?? '')))).toEqual(['m@0', 'vh@0', 'k@0', 'd@0', 'v@40']);
    }
  });

  it('V005 time_jitter full, zero and off', async () => {
    const expected = {
      // One frame of a wrong time, and one that is late.
      full: ['k@0', 'v@40', 'v@80', 'v@120', 'v@120'],
      zero: ['k@0', 'v@40', 'v@99000', 'v@120', 'v@100'],
      off: ['k@1000', 'v@1040', 'v@100000', 'v@1120', 'v@1100'],
    };
    for (const timeJitter of ['full', 'zero', 'off'] as const) {
      const { publish, disk, sinks } = dvr({ vhost: vhostWith({ timeJitter }) });
      const stream = publish();
      stream.write(avcHeader(), video(1_000, true), video(1_040), video(100_000), video(1_120), video(1_100));
      await settle();
      await sinks.close();
      const tags = brief(tagsOf(disk.bytes(disk.names()[0] ?? '')));
      expect(tags.filter((name) => /^[kv]@/.test(name))).toEqual(expected[timeJitter]);
    }
  });

  it('V006 each finished file is told once, with its directory', async () => {
    const { publish, sinks, finished } = dvr();
    const stream = publish();
    stream.start();
    stream.play(0, 2_000);
    await settle();
    expect(finished).toEqual([]);
    stream.end();
    await settle();
    await sinks.close();
    expect(finished).toEqual([
      {
        stream: { vhost: '__defaultVhost__', app: 'live', stream: 'cam' },
        file: `./rec/live/cam.${START}.flv`,
        cwd: process.cwd(),
        durationMs: 1_980,
        bytes: finished[0]?.bytes,
      },
    ]);
  });

  it('V007 recording that is turned on while a stream goes on begins with its headers, at a keyframe', async () => {
    const { sinks, disk, vhost, finished } = dvr();
    const off = { ...vhost, dvr: { ...vhost.dvr, enabled: false } };
    const stream = new TestStream();
    sinks.published(stream, off);
    stream.start();
    stream.play(0, 500);
    expect(stream.subscribers).toBe(0);
    sinks.configured(stream, vhost);
    sinks.configured(stream, vhost);
    expect(stream.subscribers).toBe(1);
    stream.write(audio(520), video(520), video(560, true), audio(560), video(600));
    await settle();
    const segment = { ...vhost, dvr: { ...vhost.dvr, plan: 'segment' as const } };
    sinks.configured(stream, segment);
    await settle();
    expect(finished).toHaveLength(1);
    expect(brief(tagsOf(disk.bytes(finished[0]?.file ?? '')))).toEqual([
      ...['m@0', 'ah@0', 'vh@0', 'k@0', 'a@0', 'v@40'],
    ]);
    sinks.configured(stream, off);
    expect(stream.subscribers).toBe(0);
    await sinks.close();
  });

  it('dvr_apply names the streams that are recorded', () => {
    const { publish, sinks } = dvr({ vhost: vhostWith({ apply: ['live/cam', 'live/other'] }) });
    expect(publish('cam').subscribers).toBe(1);
    expect(publish('more').subscribers).toBe(0);
    expect([...sinks.list()].map(({ stream, state }) => [stream, state])).toEqual([['cam', 'waiting']]);
  });

  it('a stream that comes in mid-GOP is recorded from its first keyframe, its sound from the start', async () => {
    const { publish, disk, sinks } = dvr();
    const stream = publish();
    stream.start();
    stream.write(video(0), audio(0), video(40), audio(20), video(80, true), video(120));
    await settle();
    await sinks.close();
    expect(brief(tagsOf(disk.bytes(disk.names()[0] ?? '')))).toEqual([
      ...['m@0', 'ah@0', 'vh@0', 'a@0', 'a@20', 'k@80', 'v@120'],
    ]);
  });
});
