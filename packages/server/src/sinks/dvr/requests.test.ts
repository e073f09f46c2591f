import { describe, expect, it } from 'vitest';

import { MAX_REQUESTED_RECORDINGS } from './limits.ts';
import { brief, dvr, settle, tagsOf, vhostWith, video } from './test-kit.ts';

const OFF = vhostWith({ enabled: false });

describe('recordings on demand', () => {
  it('V008 starts in the middle of a stream, with its headers, at a keyframe, and stops well', async () => {
    const { sinks, publish, disk, finished } = dvr({ vhost: OFF });
    const stream = publish();
    stream.start();
    stream.play(0, 500);
    const answer = sinks.request({ app: 'live', stream: 'cam', path: 'clips/[stream].flv' });
    if (!answer.ok) throw new Error(answer.message);
    const { id } = answer.view;
    expect(answer.view).toMatchObject({ state: 'waiting', origin: 'api', path: './rec/clips/[stream].flv' });
    stream.play(500, 20);
    stream.write(video(540), video(580, true), video(620));
    await settle();
    expect(sinks.find(id)).toMatchObject({ state: 'recording', file: './rec/clips/cam.flv' });
    const stopped = await sinks.stop(id);
    expect(stopped).toMatchObject({ id, state: 'waiting', file: undefined });
    expect(stopped?.bytes).toBe(disk.bytes('./rec/clips/cam.flv').length);
    expect(stream.subscribers).toBe(0);
    expect(finished).toHaveLength(1);
    expect(brief(tagsOf(disk.bytes('./rec/clips/cam.flv')))).toEqual(
      // The keyframe of play() is the first one.
      ['m@0', 'ah@0', 'vh@0', 'k@0', 'a@0', 'v@40', 'k@80', 'v@120'],
    );
    expect(sinks.find(id)).toBeUndefined();
    expect(await sinks.stop(id)).toBeUndefined();
    await sinks.close();
  });

  it('V008 waits for a stream that is not there yet, and records each publish until it is stopped', async () => {
    const { sinks, publish, disk, clock } = dvr({ vhost: OFF });
    const answer = sinks.request({ app: 'live', stream: 'cam', plan: 'segment', segmentMs: 1_000 });
    if (!answer.ok) throw new Error(answer.message);
    for (let session = 0; session < 2; session += 1) {
      const stream = publish();
      stream.start();
      for (let time = 0; time < 3_000; time += 1_000) {
        stream.play(time, 1_000);
        await settle();
        clock.now += 1_000;
      }
      expect(sinks.find(answer.view.id)?.state).toBe('recording');
      stream.end();
      await settle();
      expect(sinks.find(answer.view.id)).toMatchObject({
        state: 'waiting',
        durationMs: (session + 1) * 2_980,
      });
    }
    expect(disk.names()).toHaveLength(6);
    await sinks.stop(answer.view.id);
    expect(publish().subscribers).toBe(0);
    await sinks.close();
  });

  it('V008 records beside what the configuration records, to another path', async () => {
    const { sinks, publish, disk } = dvr();
    const stream = publish();
    stream.start();
    stream.write(video(0, true));
    const same = sinks.request({ app: 'live', stream: 'cam' });
    expect(same).toMatchObject({ ok: false, code: 'already-recorded' });
    const other = sinks.request({ app: 'live', stream: 'cam', path: 'b/[stream].mp4' });
    expect(other.ok).toBe(true);
    stream.play(1_000, 2_000);
    await settle();
    expect([...sinks.list()].map(({ origin }) => origin)).toEqual(['config', 'api']);
    await sinks.close();
    expect(disk.names()).toHaveLength(2);
  });

  it('V008 DELETE of a recording of the configuration ends it until the next publish', async () => {
    const { sinks, publish, finished } = dvr();
    const stream = publish();
    stream.start();
    stream.write(video(0, true));
    await settle();
    const [view] = sinks.list();
    await sinks.stop(view?.id ?? '');
    expect(finished).toHaveLength(1);
    expect([...sinks.list()]).toEqual([]);
    stream.end();
    expect(publish().subscribers).toBe(1);
    await sinks.close();
  });

  it.each([
    ['../out.flv', 'bad-path'],
    ['a/../../out.flv', 'bad-path'],
    ['/etc/cron.d/x.flv', 'bad-path'],
    ['/', 'bad-path'],
    ['a\0b.flv', 'bad-path'],
    ['a\\b.flv', 'bad-path'],
    ['x'.repeat(2_000), 'bad-path'],
  ])('V008 the path %j is refused', (path, code) => {
    const { sinks } = dvr();
    expect(sinks.request({ app: 'live', stream: 'cam', path })).toMatchObject({ ok: false, code });
  });

  it.each([
    ['x.flv', './rec/x.flv'],
    ['./x/[stream].mp4', './rec/./x/[stream].mp4'],
    ['day/[2006]', './rec/day/[2006]/[stream].[timestamp].flv'],
  ])('V008 the path %j is under the directory of dvr_path', (path, template) => {
    const { sinks } = dvr();
    expect(sinks.request({ app: 'live', stream: 'x', path })).toMatchObject({ view: { path: template } });
  });

  it('V008 an absolute path is fine under an absolute root', () => {
    const { sinks } = dvr({ vhost: vhostWith({ path: '/data/rec/[app]/[stream].flv' }) });
    expect(sinks.request({ app: 'a', stream: 'x', path: '/data/rec/x.flv' })).toMatchObject({ ok: true });
    expect(sinks.request({ app: 'a', stream: 'x', path: '/data/recent/x.flv' })).toMatchObject({
      code: 'bad-path',
    });
  });

  it.each([
    [{ app: 'live', stream: '../x' }, 'bad-name'],
    [{ app: '..', stream: 'x' }, 'bad-name'],
    [{ vhost: 'nowhere.com', app: 'live', stream: 'x' }, 'unknown-vhost'],
  ])('V008 %j is refused', (request, code) => {
    expect(dvr().sinks.request(request)).toMatchObject({ ok: false, code });
  });

  it('V008 no more are taken than may be asked for', () => {
    const { sinks } = dvr();
    for (let count = 0; count < MAX_REQUESTED_RECORDINGS; count += 1) {
      expect(sinks.request({ app: 'live', stream: `s${count}` }).ok).toBe(true);
    }
    expect(sinks.request({ app: 'live', stream: 'more' })).toMatchObject({ code: 'too-many-recordings' });
  });

  it('nothing is left of thousands of publishes', async () => {
    const { sinks, publish } = dvr({ vhost: vhostWith({ path: './rec/[stream].[timestamp].flv' }) });
    for (let count = 0; count < 500; count += 1) {
      const stream = publish(`s${count}`);
      stream.write(video(0, true));
      stream.end();
    }
    await settle();
    expect([...sinks.list()]).toEqual([]);
    expect(sinks.waitingBytes).toBe(0);
    await sinks.close();
  });
});
