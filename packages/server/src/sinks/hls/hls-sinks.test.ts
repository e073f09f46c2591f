import type { KeptPacket } from '@sluice/media/model';
import { createDecipheriv } from 'node:crypto';

import { encodeAmf0, AmfEcmaArray } from '@sluice/media/amf';
import { buildAudioTagHeader, buildVideoTagHeader } from '@sluice/media/flv';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { dataPacketOf, packetOf } from '../../live/packet-test-kit.ts';
import { readTs } from '../../remux/ts-test-kit.ts';
import { DiskError } from '../disk/index.ts';
import { aacHeader, avcBody, avcHeader, FakeDisk, gate, HlsRun, ROOT, START } from './test-kit.ts';

/** PIDs of the TS (L011). */
const VIDEO_PID = 0x100;
const AUDIO_PID = 0x101;

function metadata(...names: string[]): KeptPacket {
  const properties = new AmfEcmaArray(names.map((name) => [name, name === 'videocodecid' ? 7 : 10]));
  const body = encodeAmf0('onMetaData', properties);
  return dataPacketOf(0, body);
}

/** Another H.264 configuration: another level. */
function otherAvcHeader(): Uint8Array {
  const body = avcHeader().slice();
  body[8] = (body[8] ?? 0) + 1;
  return body;
}

function mp3Body(): Uint8Array {
  const header = buildAudioTagHeader({ codec: 'mp3' });
  return Buffer.concat([header, Buffer.from([0xff, 0xfb, 0x90, 0]), Buffer.alloc(60, 1)]);
}

function concat(run: HlsRun, names: readonly string[]): Buffer {
  return Buffer.concat(names.map((name) => run.segmentBytes(`live/${name}`)));
}

describe('HlsSinks: a stream', () => {
  it('L001 L012 L013 writes playlist and segments, each segment before the playlist that names it', async () => {
    const run = new HlsRun();
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 5000);
    await run.settle();
    publisher.play(5000, 9000);
    await run.settle();
    expect(run.disk.operations).toEqual([
      'read live/livestream.m3u8',
      'write live/livestream-0.ts',
      'write live/livestream.m3u8',
      'write live/livestream-1.ts',
      'write live/livestream.m3u8',
    ]);
    publisher.end();
    await run.settle();
    expect(run.disk.text('live/livestream.m3u8')).toBe(
      [
        '#EXTM3U',
        '#EXT-X-VERSION:3',
        '#EXT-X-ALLOW-CACHE:YES',
        '#EXT-X-MEDIA-SEQUENCE:0',
        '#EXT-X-TARGETDURATION:4',
        '#EXTINF:4.000, no desc',
        'livestream-0.ts',
        '#EXTINF:4.000, no desc',
        'livestream-1.ts',
        '#EXTINF:1.000, no desc',
        'livestream-2.ts',
        '',
      ].join('\n'),
    );
    expect(run.playlistItem().text('')).toBe(run.disk.text('live/livestream.m3u8'));
    expect(run.disk.files.get('/hls/live/livestream-1.ts')).toEqual(
      Buffer.from(run.segmentBytes('live/livestream-1.ts')),
    );
  });

  it('L011 L016 L017 L018 L019 what is in the segments: every frame once, counters that run on', async () => {
    const run = new HlsRun();
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 9000);
    publisher.end();
    const names = ['livestream-0.ts', 'livestream-1.ts', 'livestream-2.ts'];
    const ts = readTs(concat(run, names));
    expect(ts.gaps).toEqual([]);
    expect(ts.pmts).toHaveLength(3);
    expect(ts.pmts[0]).toMatchObject({
      pcrPid: VIDEO_PID,
      streams: { [VIDEO_PID]: 0x1b, [AUDIO_PID]: 0x0f },
    });
    const pictures = ts.pes.filter(({ pid }) => pid === VIDEO_PID);
    expect(pictures.map(({ dts }) => dts)).toEqual(Array.from({ length: 225 }, (_, index) => index * 40));
    // L017: the clock is on keyframes; L018: each access unit begins with its delimiter.
    const clocked = pictures.filter(({ pcr }) => pcr).map(({ dts }) => dts);
    expect(clocked).toEqual(expect.arrayContaining([0, 2000, 4000, 6000, 8000]));
    expect(pictures.every(({ payload }) => payload.readUIntBE(0, 5) === 0x0000000109)).toBe(true);
    const sound = ts.pes.filter(({ pid }) => pid === AUDIO_PID);
    expect(sound.length).toBeLessThan(225);
    expect(sound.every(({ payload }) => payload.readUInt16BE(0) >> 4 === 0xfff)).toBe(true);
    for (const name of names) expect(readTs(concat(run, [name])).order.slice(0, 2)).toEqual(['pat', 'pmt']);
  });

  it('L002 L003 segments leave the playlist, then the memory, then the disk', async () => {
    const run = new HlsRun();
    const publisher = await run.publish();
    publisher.headers();
    await publisher.live(0, 20_080);
    expect(run.uris()).toEqual(['livestream-2.ts', 'livestream-3.ts', 'livestream-4.ts']);
    expect(run.onDisk().mediaSequence).toBe(2);
    // Players may still be about to fetch what has just left: the disk has it.
    expect(run.disk.names()).toContain('live/livestream-0.ts');
    expect(run.item('live/livestream-1.ts')).toBeUndefined();
    expect(run.item('live/livestream-2.ts')).toBeDefined();
    await publisher.live(20_080, 40_080);
    expect(run.disk.names()).not.toContain('live/livestream-0.ts');
    expect(run.disk.names()).toContain('live/livestream-7.ts');
    expect(run.item('live/livestream-0.ts')).toBeUndefined();
    expect(run.playlist().targetDuration).toBe(4);
  });

  it('L002 without hls_cleanup the files stay', async () => {
    const run = new HlsRun({ cleanup: false });
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 60_100);
    await run.settle();
    expect(run.disk.names()).toHaveLength(16);
  });

  it('L003 L004 pure audio: longer segments, a target duration that does not have to grow', async () => {
    const run = new HlsRun();
    const publisher = await run.publish();
    publisher.packet(metadata('audiocodecid'));
    publisher.packet(packetOf('audio', 0, aacHeader()));
    publisher.play(0, 24_100, 'a');
    expect(run.playlist()).toMatchObject({ targetDuration: 8 });
    expect(run.playlist().segments.map(({ duration }) => duration)).toEqual([8, 8]);
    const ts = readTs(run.segmentBytes('live/livestream-0.ts'));
    expect(ts.pmts[0]?.streams).toEqual({ [AUDIO_PID]: 0x0f });
    expect(ts.pes.every(({ pcr }) => pcr)).toBe(true);
    expect(run.playlistItem().variant.codecs).toBe('mp4a.40.2');
  });

  it('L010 vn and an leave a track out, whatever is published', async () => {
    for (const [changes, pid] of [
      [{ videoCodec: 'vn' } as const, AUDIO_PID],
      [{ audioCodec: 'an' } as const, VIDEO_PID],
    ] as const) {
      const run = new HlsRun(changes);
      const publisher = await run.publish();
      publisher.packet(metadata('audiocodecid', 'videocodecid'));
      publisher.headers();
      publisher.play(0, 9000);
      const ts = readTs(run.segmentBytes('live/livestream-0.ts'));
      expect(Object.keys(ts.pmts[0]?.streams ?? {})).toEqual([String(pid)]);
      expect(new Set(ts.pes.map((pes) => pes.pid))).toEqual(new Set([pid]));
    }
  });

  it('L010 what was announced and never comes is not announced in the next segment', async () => {
    const run = new HlsRun({ videoCodec: 'h265', audioCodec: 'mp3' });
    const publisher = await run.publish();
    for (let time = 0; time < 17_000; time += 40) publisher.packet(packetOf('audio', time, mp3Body()));
    expect(readTs(run.segmentBytes('live/livestream-0.ts')).pmts[0]?.streams).toEqual({
      [VIDEO_PID]: 0x24,
      [0x102]: 0x03,
    });
    expect(readTs(run.segmentBytes('live/livestream-1.ts')).pmts[0]?.streams).toEqual({ [0x102]: 0x03 });
    expect(run.playlistItem().variant.codecs).toBe('mp4a.40.34');
  });

  it('P010 a codec that TS does not have is left out with one warning', async () => {
    const run = new HlsRun();
    const publisher = await run.publish();
    publisher.packet(packetOf('video', 0, avcHeader()));
    const speex = Buffer.concat([buildAudioTagHeader({ codec: 'speex' }), Buffer.alloc(10)]);
    for (let time = 0; time < 5000; time += 40) {
      publisher.packet(packetOf('audio', time, speex));
      publisher.video(time, time % 2000 === 0);
    }
    expect(run.uris()).toHaveLength(1);
    expect(run.log).toEqual([
      "hls live/livestream: HLS can't carry audio of codec Speex: publish AAC or MP3, or play it by RTMP or HTTP-FLV",
    ]);
  });

  it('L014 a new sequence header cuts with a discontinuity; a repeated one does nothing', async () => {
    const run = new HlsRun();
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 3000);
    publisher.headers(3000);
    publisher.play(3000, 6000);
    publisher.packet(packetOf('video', 6000, otherAvcHeader()));
    publisher.play(6000, 11_000);
    expect(run.uris()).toEqual(['livestream-0.ts', 'livestream-1.ts', '!livestream-2.ts']);
    expect(run.playlist().segments.map(({ duration }) => duration)).toEqual([4, 2, 4]);
  });

  it('L014 a change of codec, and a track that appears later, cut with a discontinuity', async () => {
    const run = new HlsRun();
    const publisher = await run.publish();
    publisher.packet(metadata('audiocodecid'));
    publisher.packet(packetOf('audio', 0, aacHeader()));
    publisher.play(0, 9000, 'a');
    publisher.packet(packetOf('video', 9000, avcHeader()));
    publisher.play(10_000, 15_000);
    publisher.packet(packetOf('audio', 15_000, mp3Body()));
    publisher.play(15_040, 15_400, 'v');
    publisher.end();
    const uris = ['!livestream-2.ts', 'livestream-3.ts', '!livestream-4.ts'];
    expect(run.uris().slice(-3)).toEqual(uris);
    expect(run.playlist().segments.at(-2)?.duration).toBe(1);
  });

  it('L014 a track that has stopped is not announced until it comes back', async () => {
    const run = new HlsRun({ windowMs: 120_000 });
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 8_000);
    publisher.play(8_000, 36_000, 'v');
    publisher.play(36_000, 45_000);
    const uris = Array.from({ length: 11 }, (_, number) => {
      return `${[7, 9].includes(number) ? '!' : ''}livestream-${number}.ts`;
    });
    expect(run.uris()).toEqual(uris);
    const streams = uris.map((uri) => {
      const bytes = run.segmentBytes(`live/${uri.replace('!', '')}`);
      return Object.keys(readTs(Buffer.from(bytes)).pmts.at(-1)?.streams ?? {}).map(Number);
    });
    const both = [VIDEO_PID, AUDIO_PID];
    expect(streams.map((pids) => pids.length)).toEqual([2, 2, 2, 2, 2, 2, 2, 1, 1, 2, 2]);
    expect(streams[8]).toEqual([VIDEO_PID]);
    expect(streams[9]).toEqual(both);
  });

  it('L014 a track that is late on the wire is none that has stopped', async () => {
    const run = new HlsRun({ windowMs: 60_000 });
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 17_000, 'v');
    publisher.play(0, 17_000, 'a');
    publisher.end();
    expect(run.uris().filter((uri) => uri.startsWith('!'))).toEqual([]);
  });

  it('L014 a track with a sequence header and no frame is not announced in the end', async () => {
    const run = new HlsRun({ windowMs: 60_000 });
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 37_000, 'v');
    const announced = run.uris().map((uri) => {
      const name = `live/${uri.replace('!', '')}`;
      return Object.keys(readTs(Buffer.from(run.segmentBytes(name))).pmts.at(-1)?.streams ?? {}).length;
    });
    expect(announced).toEqual([2, 2, 2, 2, 2, 1, 1, 1, 1]);
  });

  it('L014 AAC without a sequence header changes nothing, and begins with it', async () => {
    const run = new HlsRun({ windowMs: 60_000 });
    const publisher = await run.publish();
    publisher.packet(packetOf('video', 0, avcHeader()));
    const frame = Buffer.concat([buildAudioTagHeader({ codec: 'aac' }), Buffer.alloc(20, 1)]);
    for (let time = 0; time < 20_000; time += 40) {
      publisher.packet(packetOf('audio', time, frame));
      publisher.video(time, time % 2000 === 0);
    }
    expect(run.uris()).toEqual([0, 1, 2, 3].map((number) => `livestream-${number}.ts`));
    expect(run.playlist().segments.map(({ duration }) => duration)).toEqual([4, 4, 4, 4]);
    publisher.packet(packetOf('audio', 20_000, aacHeader()));
    publisher.play(20_000, 29_000);
    expect(run.uris().slice(4)).toEqual(['livestream-4.ts', '!livestream-5.ts', 'livestream-6.ts']);
  });

  it('L014 the sequence grows on over republish, with a discontinuity at the join', async () => {
    const run = new HlsRun();
    for (let round = 0; round < 3; round += 1) {
      const publisher = await run.publish();
      publisher.headers();
      publisher.play(0, 5000);
      publisher.end();
    }
    await run.settle();
    expect(run.playlist().mediaSequence).toBe(0);
    expect(run.uris()).toEqual([
      'livestream-0.ts',
      'livestream-1.ts',
      '!livestream-2.ts',
      'livestream-3.ts',
      '!livestream-4.ts',
      'livestream-5.ts',
    ]);
    const last = await run.publish();
    last.headers();
    last.play(0, 13_000);
    expect(run.playlist()).toMatchObject({ mediaSequence: 6, discontinuitySequence: 2 });
    expect(run.uris()[0]).toBe('!livestream-6.ts');
  });

  it('L014 a publisher that takes over goes on, and the one before has nothing more to say', async () => {
    const run = new HlsRun();
    const first = await run.publish();
    first.headers();
    first.play(0, 5000);
    const second = await run.publish();
    second.headers();
    second.play(0, 5000);
    first.play(5000, 20_000);
    first.end();
    expect(run.uris()).toEqual(['livestream-0.ts', '!livestream-1.ts']);
    expect(run.sinks.status('__defaultVhost__/live/livestream')).toMatchObject({ segments: 2, sequence: 2 });
  });

  it('L015 segments of less than 100 ms are dropped, and their number is used again', async () => {
    const run = new HlsRun();
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 4080);
    publisher.packet(packetOf('video', 4080, otherAvcHeader()));
    publisher.play(6000, 11_000);
    publisher.end();
    expect(run.uris()).toEqual(['livestream-0.ts', '!livestream-1.ts', 'livestream-2.ts']);
    expect(run.playlist().segments.map(({ duration }) => duration)).toEqual([4, 4, 1]);
  });

  it('L006 ts_floor: two origins with different starts give the same names', async () => {
    const names: string[][] = [];
    for (const missed of [0, 8000]) {
      const run = new HlsRun({ floor: true, segmentFile: '[app]/[stream]-[timestamp].ts' });
      run.clock = Math.floor(START / 4000) * 4000 + 100;
      const publisher = await run.publish();
      publisher.headers();
      publisher.play(missed, 25_000);
      names.push(run.uris());
    }
    expect(names[0]).toEqual(names[1]);
    expect(names[0]?.[0]).toMatch(/^livestream-44\d{7}\.ts$/);
  });

  it('L007 L008 variables and prefix in names; L021 an event for each finished segment', async () => {
    const run = new HlsRun({
      segmentFile: '[vhost]/[app]/[stream]/[2006][01][02]/[seq].ts',
      entryPrefix: 'http://cdn.test/',
    });
    const publisher = await run.publish('a b');
    publisher.headers();
    publisher.play(0, 5000);
    await run.settle();
    expect(run.disk.names()).toEqual(['__defaultVhost__/live/a b/20261121/0.ts', 'live/a b.m3u8']);
    expect(run.uris('live/a b.m3u8')).toEqual(['http://cdn.test/__defaultVhost__/live/a%20b/20261121/0.ts']);
    expect(run.events).toEqual([
      {
        stream: { vhost: '__defaultVhost__', app: 'live', stream: 'a b' },
        file: '/hls/__defaultVhost__/live/a b/20261121/0.ts',
        url: 'http://cdn.test/__defaultVhost__/live/a%20b/20261121/0.ts',
        uri: 'http://cdn.test/__defaultVhost__/live/a%20b/20261121/0.ts',
        durationMs: 4000,
        sequence: 0,
        playlist: '/hls/live/a b.m3u8',
        playlistUrl: 'live/a%20b.m3u8',
        readyMs: expect.any(Number) as number,
      },
    ]);
  });

  it('L021 a listener that fails, or has gone, harms nobody', async () => {
    const run = new HlsRun();
    run.sinks.onSegment(() => {
      throw new Error('boom');
    });
    const calls: number[] = [];
    const stop = run.sinks.onSegment(({ sequence }) => calls.push(sequence));
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 5000);
    await run.settle();
    stop();
    publisher.play(5000, 9000);
    await run.settle();
    expect([run.events.map(({ url }) => url), calls]).toEqual([
      ['live/livestream-0.ts', 'live/livestream-1.ts'],
      [0],
    ]);
    expect(run.log).toContain('hls live/livestream: a listener failed: boom');
  });

  it('L024 odd timestamps make discontinuities, never an end', async () => {
    const run = new HlsRun({ windowMs: 100_000 });
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 5000);
    publisher.play(5000, 9000, 'av', 7_200_000);
    publisher.play(9000, 13_000, 'av', -4_000);
    publisher.play(100_000, 105_000);
    publisher.play(1000, 6000);
    publisher.end();
    const { segments, targetDuration } = run.playlist();
    expect(segments.filter(({ discontinuity }) => discontinuity === true)).toHaveLength(4);
    expect(segments.every(({ duration }) => Math.round(duration) <= targetDuration)).toBe(true);
  });

  it('names with spaces, quotes, CJK and control characters work on disk and in the playlist', async () => {
    const run = new HlsRun();
    const publisher = await run.publish('直播 "x"\n%0A', 'a b');
    publisher.headers();
    publisher.play(0, 5000);
    await run.settle();
    const name = 'a b/直播 "x"%0A%250A';
    expect(run.disk.names()).toEqual([`${name}-0.ts`, `${name}.m3u8`]);
    expect(run.uris(`${name}.m3u8`).map(decodeURIComponent)).toEqual(['直播 "x"%0A%250A-0.ts']);
    expect(run.item(`${name}-0.ts`)?.kind).toBe('segment');
  });

  it('variant facts for a master playlist, from headers and measured segments', async () => {
    const run = new HlsRun();
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 9000);
    const { variant, version, targetDurationMs } = run.playlistItem();
    expect(variant.codecs).toMatch(/^avc1\.[0-9a-f]{6},mp4a\.40\.2$/);
    const bits = (run.segmentBytes('live/livestream-0.ts').length * 8) / 4;
    expect(Math.abs(variant.bandwidth - bits)).toBeLessThan(bits / 10);
    expect(variant.averageBandwidth).toBeLessThanOrEqual(variant.bandwidth);
    expect(targetDurationMs).toBe(4000);
    expect(run.playlistItem()).toBe(run.playlistItem());
    publisher.play(9000, 13_000);
    expect(run.playlistItem().version).not.toBe(version);
    expect(run.playlistItem().text('?a=1')).toContain('livestream-2.ts?a=1\n');
  });

  it('cuts a segment at its most bytes, whatever the clock says', async () => {
    const run = new HlsRun({}, { limits: { maxSegmentBytes: 50_000 } });
    const publisher = await run.publish();
    publisher.headers();
    for (let time = 0; time < 2000; time += 40) publisher.video(time, time === 0, 4000);
    expect(run.uris().length).toBeGreaterThan(2);
    for (const uri of run.uris()) expect(run.segmentBytes(`live/${uri}`).length).toBeLessThan(60_000);
  });
});

describe('HlsSinks: hls_on_error (L009)', () => {
  const broken = Buffer.concat([
    buildVideoTagHeader({ codec: 'h264', frameType: 2 }),
    Buffer.from([0, 0, 0, 99, 1, 2, 3]),
  ]);

  async function publishBroken(run: HlsRun): Promise<void> {
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 5000);
    publisher.packet(packetOf('video', 5000, broken));
    publisher.play(5040, 9000);
    publisher.end();
  }

  it('L009 continue leaves the frame out and goes on', async () => {
    const run = new HlsRun({ onError: 'continue' });
    await publishBroken(run);
    expect([run.uris().length, run.ended]).toEqual([3, []]);
    expect(run.log).toEqual([
      "hls live/livestream: video frames of codec H264 can't be read, and are left out of HLS",
    ]);
  });

  it('L009 ignore stops HLS for this publish; the next one has it again', async () => {
    const run = new HlsRun({ onError: 'ignore' });
    await publishBroken(run);
    expect([run.uris().length, run.ended]).toEqual([2, []]);
    await publishBroken(run);
    expect(run.uris()).toHaveLength(4);
  });

  it('L009 disconnect drops the publisher', async () => {
    const run = new HlsRun({ onError: 'disconnect' });
    await publishBroken(run);
    expect(run.uris()).toHaveLength(2);
    expect(run.ended).toEqual(["sink-failed: hls: video frame can't be read"]);
  });

  it('L009 AAC before its sequence header is no error', async () => {
    const run = new HlsRun({ onError: 'disconnect' });
    const publisher = await run.publish();
    publisher.audio(0);
    publisher.headers();
    publisher.play(0, 5000);
    expect([run.uris().length, run.ended]).toEqual([1, []]);
  });
});

describe('HlsSinks: memory', () => {
  it('L020 ram: nothing goes to the disk, the mount finds everything, numbers come from the clock', async () => {
    const run = new HlsRun({ storage: 'ram' });
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 17_000);
    await run.settle();
    expect(run.disk.operations).toEqual([]);
    const first = Math.floor(START / 1000);
    expect(run.uris()).toEqual([1, 2, 3].map((offset) => `livestream-${first + offset}.ts`));
    const item = run.sinks.findUrl('__defaultVhost__', '/live/livestream.m3u8');
    expect(item).toBe(run.item());
    const segment = run.sinks.findUrl('__defaultVhost__', `/live/livestream-${first + 3}.ts`);
    expect(segment).toMatchObject({ kind: 'segment', contentType: 'video/mp2t' });
    expect(run.sinks.findUrl('other.test', '/live/livestream.m3u8')).toBeUndefined();
    expect(run.events.map(({ readyMs }) => readyMs)).toEqual([0, 0, 0, 0]);
    // What has left the playlist is there a while longer.
    expect(run.sinks.findUrl('__defaultVhost__', `/live/livestream-${first}.ts`)).toBeDefined();
    run.clock += 20_000;
    run.sinks.sweep();
    expect(run.sinks.findUrl('__defaultVhost__', `/live/livestream-${first}.ts`)).toBeUndefined();
  });

  it('L020 both: on disk and under the mount', async () => {
    const run = new HlsRun({ storage: 'both', mount: '[vhost]/x/[stream].m3u8' });
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 5000);
    await run.settle();
    expect(run.disk.names()).toEqual(['live/livestream-0.ts', 'live/livestream.m3u8']);
    expect(run.sinks.findUrl('__defaultVhost__', '/x/livestream.m3u8')?.kind).toBe('playlist');
    expect(run.sinks.findUrl('__defaultVhost__', '/x/livestream-0.ts')?.kind).toBe('segment');
  });

  it('L020 disk: the mount finds nothing', async () => {
    const run = new HlsRun();
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 5000);
    expect(run.sinks.findUrl('__defaultVhost__', '/live/livestream.m3u8')).toBeUndefined();
  });

  it('hls_ram_bytes: the oldest segments that are on disk are let go, others never', async () => {
    const disk = new FakeDisk();
    const wait = gate();
    const run = new HlsRun({ ramBytes: 64 * 1024 }, { disk });
    const publisher = await run.publish();
    await run.settle();
    disk.gate = wait.promise;
    publisher.headers();
    for (let time = 0; time < 13_000; time += 40) publisher.video(time, time % 2000 === 0, 400);
    const status = (): number => run.sinks.status('__defaultVhost__/live/livestream')?.bytesInMemory ?? 0;
    expect(status()).toBeGreaterThan(64 * 1024);
    expect(run.item('live/livestream-0.ts')).toBeDefined();
    wait.open();
    await run.settle();
    expect(status()).toBeLessThanOrEqual(64 * 1024);
    expect(run.item('live/livestream-0.ts')).toBeUndefined();
    expect(run.item('live/livestream-2.ts')).toBeDefined();
    expect(run.uris()).toHaveLength(3);
  });
});

describe('HlsSinks: encryption', () => {
  it('hls_keys: AES-128 that decrypts to the TS, a new key each hls_fragments_per_key', async () => {
    const run = new HlsRun({ keys: true, fragmentsPerKey: 2, windowMs: 60_000, keyUrl: 'https://k.test/' });
    const clear = new HlsRun({ windowMs: 60_000 });
    for (const each of [run, clear]) {
      const publisher = await each.publish();
      publisher.headers();
      publisher.play(0, 13_000);
    }
    await run.settle();
    const { segments } = run.onDisk();
    expect(segments.map(({ key }) => key?.uri)).toEqual([
      'https://k.test/live/livestream-0.key',
      'https://k.test/live/livestream-0.key',
      'https://k.test/live/livestream-2.key',
    ]);
    expect(new Set(segments.map(({ key }) => Buffer.from(key?.iv ?? []).toString('hex'))).size).toBe(3);
    for (const [index, { key, uri }] of segments.entries()) {
      const file = run.disk.files.get(`/hls/live/livestream-${index < 2 ? 0 : 2}.key`) ?? Buffer.alloc(0);
      const decipher = createDecipheriv('aes-128-cbc', file, key?.iv ?? Buffer.alloc(0));
      const encrypted = run.disk.files.get(`/hls/live/${uri}`) ?? Buffer.alloc(0);
      const bytes = Buffer.concat([decipher.update(encrypted), decipher.final()]);
      expect(bytes).toEqual(Buffer.from(clear.segmentBytes(`live/livestream-${index}.ts`)));
    }
    // The key is there before the segment, and in memory too.
    const { operations } = run.disk;
    expect(operations.indexOf('write live/livestream-2.key')).toBeLessThan(
      operations.indexOf('write live/livestream-2.ts'),
    );
    expect(run.item('live/livestream-2.key')).toMatchObject({
      kind: 'key',
      bytes: run.disk.files.get('/hls/live/livestream-2.key'),
    });
  });

  it('a key is removed with the last segment that needs it', async () => {
    const run = new HlsRun({ keys: true, fragmentsPerKey: 2 });
    const publisher = await run.publish();
    publisher.headers();
    await publisher.live(0, 40_080);
    const names = run.disk.names();
    expect(names).not.toContain('live/livestream-0.key');
    expect(names).toContain('live/livestream-8.key');
    expect(run.item('live/livestream-0.key')).toBeUndefined();
    for (const { key } of run.onDisk().segments) expect(names).toContain(`live/${key?.uri ?? ''}`);
  });
});

describe('HlsSinks: faults of the disk', () => {
  it.each(['full', 'denied', 'missing'] as const)(
    '%s: viewers feel nothing, log and API say it once, and it is over when the disk is well again',
    async (code) => {
      const run = new HlsRun({ windowMs: 40_000 });
      const publisher = await run.publish();
      publisher.headers();
      publisher.play(0, 4100);
      await run.settle();
      run.disk.failing = (path) => new DiskError(code, path, `${path}: no good`);
      publisher.play(4120, 12_100);
      await run.settle();
      const key = '__defaultVhost__/live/livestream';
      expect(run.uris()).toEqual(['livestream-0.ts', 'livestream-1.ts', 'livestream-2.ts']);
      expect(run.segmentBytes('live/livestream-2.ts').length).toBeGreaterThan(0);
      expect(run.sinks.faults(key)).toMatchObject([{ code, count: 2 }]);
      expect(run.sinks.status(key)?.fault?.code).toBe(code);
      expect(run.log).toHaveLength(1);
      expect(urisOnDisk(run)).toEqual(['livestream-0.ts']);
      run.disk.failing = () => undefined;
      publisher.play(12_120, 20_100);
      await run.settle();
      expect(run.sinks.faults(key)).toEqual([]);
      expect(run.log).toHaveLength(2);
      expect(urisOnDisk(run)).toEqual(['livestream-0.ts', '!livestream-3.ts', 'livestream-4.ts']);
      expect(run.uris()).toHaveLength(5);
      expect(run.events.map(({ sequence }) => sequence)).toEqual([0, 3, 4]);
    },
  );

  it('a playlist that could not be written is written as soon as that works, also without new segments', async () => {
    const run = new HlsRun();
    const publisher = await run.publish();
    publisher.headers();
    run.disk.failing = (path) => (path.endsWith('.m3u8') ? new DiskError('full', path, 'full') : undefined);
    publisher.play(0, 5000);
    publisher.end();
    await run.settle();
    expect(run.disk.names()).toEqual(['live/livestream-0.ts', 'live/livestream-1.ts']);
    expect(run.events).toEqual([]);
    run.disk.failing = () => undefined;
    run.sinks.sweep();
    await run.settle();
    expect(urisOnDisk(run)).toEqual(['livestream-0.ts', 'livestream-1.ts']);
    expect(run.events).toHaveLength(2);
  });

  it('tiny frames that stand still in time fill neither the memory nor the list of what is kept', async () => {
    const limits = {
      maxSegmentBytes: 20_000,
      maxWindowBytes: 60_000,
      maxRetiredBytes: 40_000,
      maxPendingBytes: 10_000,
    };
    for (const storage of ['ram', 'disk'] as const) {
      const run = new HlsRun({ storage, ramBytes: 0 }, { limits });
      const publisher = await run.publish();
      publisher.headers();
      publisher.video(0, true, 10);
      for (let count = 0; count < 5000; count += 1) publisher.video(40, false, 10);
      await run.settle();
      const status = run.sinks.status('__defaultVhost__/live/livestream');
      expect(status?.bytesInMemory).toBeLessThanOrEqual(120_000);
    }
  });

  it('a segment of more bytes than may wait beside others is written', async () => {
    const run = new HlsRun({}, { limits: { maxPendingBytes: 10_000 } });
    const publisher = await run.publish();
    publisher.headers();
    for (let time = 0; time < 4100; time += 40) publisher.video(time, time % 2000 === 0, 400);
    await run.settle();
    expect(urisOnDisk(run)).toEqual(['livestream-0.ts']);
    expect(run.disk.files.get(`${ROOT}/live/livestream-0.ts`)?.length).toBeGreaterThan(10_000);
    expect(run.sinks.faults('__defaultVhost__/live/livestream')).toEqual([]);
  });

  it('a disk that hangs: bytes that wait have a limit, and what was too much is left out on disk', async () => {
    const wait = gate();
    const run = new HlsRun({ windowMs: 60_000 }, { limits: { maxPendingBytes: 130_000 } });
    const publisher = await run.publish();
    await run.settle();
    run.disk.gate = wait.promise;
    publisher.headers();
    for (let time = 0; time < 16_100; time += 40) publisher.video(time, time % 2000 === 0, 400);
    expect(run.uris()).toHaveLength(4);
    expect(run.sinks.faults('__defaultVhost__/live/livestream')).toMatchObject([{ code: 'too-slow' }]);
    wait.open();
    await run.settle();
    for (let time = 16_120; time < 20_100; time += 40) publisher.video(time, time % 2000 === 0, 400);
    await run.settle();
    expect(urisOnDisk(run)).toEqual(['livestream-0.ts', 'livestream-1.ts', '!livestream-4.ts']);
    expect(run.uris()).toHaveLength(5);
    expect(run.sinks.faults('__defaultVhost__/live/livestream')).toEqual([]);
    expect(run.events.map(({ sequence }) => sequence)).toEqual([0, 1, 4]);
  });

  it('a disk that hangs: segments that wait have a limit, however small they are', async () => {
    const wait = gate();
    const run = new HlsRun({ windowMs: 600_000 }, { limits: { maxPendingJobs: 3 } });
    const publisher = await run.publish();
    await run.settle();
    run.disk.gate = wait.promise;
    publisher.headers();
    publisher.play(0, 40_100);
    expect(run.sinks.faults('__defaultVhost__/live/livestream')).toMatchObject([{ code: 'too-slow' }]);
    wait.open();
    await run.settle();
    expect(urisOnDisk(run).length).toBeLessThan(6);
    expect(run.uris()).toHaveLength(10);
  });

  it('a disk that hangs longer than the window: what nobody wants any more is not written', async () => {
    const wait = gate();
    const run = new HlsRun({ windowMs: 8_000 });
    const publisher = await run.publish();
    await run.settle();
    run.disk.gate = wait.promise;
    publisher.headers();
    publisher.play(0, 40_100);
    wait.open();
    await run.settle();
    expect(urisOnDisk(run).at(-1)).toMatch(/livestream-9\.ts$/);
    expect(run.onDisk().mediaSequence).toBe(8);
    expect(run.disk.operations.filter((line) => line.endsWith('.ts')).length).toBeLessThan(5);
  });

  it('L009 a fault of the disk drops the publisher only with disconnect', async () => {
    const ends: unknown[] = [];
    for (const onError of ['continue', 'ignore', 'disconnect'] as const) {
      const run = new HlsRun({ onError });
      const publisher = await run.publish();
      publisher.headers();
      run.disk.failing = (path) => new DiskError('full', path, 'no room');
      publisher.play(0, 5000);
      await run.settle();
      publisher.play(5000, 9000);
      ends.push([run.ended, run.uris().length]);
    }
    expect(ends).toEqual([
      [[], 2],
      [[], 2],
      [['sink-failed: hls: no room'], 2],
    ]);
  });
});

describe('HlsSinks: after the publisher', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function published(run: HlsRun): Promise<HlsRun> {
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 9000);
    publisher.end();
    await run.settle();
    return run;
  }

  it('L022 hls_dispose removes everything so long after the publisher went', async () => {
    const run = await published(new HlsRun({ disposeMs: 30_000, keys: true }));
    run.clock += 29_000;
    vi.advanceTimersByTime(1000);
    await run.settle();
    expect(run.disk.names()).toHaveLength(5);
    run.clock += 1000;
    vi.advanceTimersByTime(1000);
    await run.settle();
    expect(run.disk.names()).toEqual([]);
    expect(run.item()).toBeUndefined();
    expect(run.sinks.status('__defaultVhost__/live/livestream')).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('L022 a publisher that comes back while the disk still removes has its own files', async () => {
    const run = await published(new HlsRun({ disposeMs: 30_000 }));
    const wait = gate();
    run.disk.gate = wait.promise;
    run.clock += 30_000;
    vi.advanceTimersByTime(1000);
    await run.settle();
    expect(run.disk.names()).toHaveLength(4);
    run.disk.gate = Promise.resolve();
    const publisher = await run.publish();
    publisher.headers();
    await publisher.live(0, 9000);
    wait.open();
    await run.settle();
    expect(run.uris()).toHaveLength(2);
    expect(urisOnDisk(run)).toEqual(run.uris());
    expect(run.disk.names()).toHaveLength(3);
    publisher.end();
  });

  it('L022 the end of the server waits for what is still to be removed', async () => {
    const run = await published(new HlsRun({ disposeMs: 30_000 }));
    const wait = gate();
    run.disk.gate = wait.promise;
    run.clock += 30_000;
    vi.advanceTimersByTime(1000);
    let closed = false;
    const closing = run.sinks.close().then(() => {
      closed = true;
    });
    await run.settle();
    expect(closed).toBe(false);
    wait.open();
    await closing;
    expect(run.disk.names()).toEqual([]);
  });

  it('L022 hls_dispose is called off when the publisher comes back', async () => {
    const run = await published(new HlsRun({ disposeMs: 30_000 }));
    run.clock += 20_000;
    const publisher = await run.publish();
    run.clock += 20_000;
    vi.advanceTimersByTime(1000);
    await run.settle();
    expect(run.disk.names()).toHaveLength(4);
    publisher.end();
  });

  it('L022 at the end of the server files go with hls_dispose, and stay without', async () => {
    const disposed = await published(new HlsRun({ disposeMs: 30_000 }));
    await disposed.sinks.close();
    expect(disposed.disk.names()).toEqual([]);
    const kept = new HlsRun();
    const publisher = await kept.publish();
    publisher.headers();
    publisher.play(0, 9000);
    await kept.sinks.close();
    expect(kept.disk.names()).toHaveLength(4);
    expect(urisOnDisk(kept)).toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('L022 the end of the server does not wait for a disk that hangs', async () => {
    const run = new HlsRun();
    run.disk.gate = gate().promise;
    const publisher = await run.publish();
    publisher.headers();
    publisher.play(0, 9000);
    const closed = run.sinks.close();
    await vi.advanceTimersByTimeAsync(5000);
    await closed;
  });

  it('nothing lives for ever: memory is let go of, numbers and files are not', async () => {
    const run = await published(new HlsRun());
    run.clock += 61_000;
    vi.advanceTimersByTime(1000);
    expect(run.item()).toBeUndefined();
    expect(run.item('live/livestream-0.ts')).toBeUndefined();
    expect(run.sinks.status('__defaultVhost__/live/livestream')).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
    expect(run.disk.names()).toHaveLength(4);
    const publisher = await run.publish();
    await run.settle();
    publisher.headers();
    publisher.play(0, 21_000);
    await run.settle();
    // L014: the numbers go on, and what is long past is removed rather than listed.
    expect(run.uris()).toEqual(['livestream-5.ts', 'livestream-6.ts', 'livestream-7.ts']);
    expect(run.disk.names()).not.toContain('live/livestream-0.ts');
    publisher.end();
  });

  it('numbers of so many forgotten streams are remembered', async () => {
    const run = new HlsRun({ recover: false }, { limits: { maxRememberedStreams: 1 } });
    for (const name of ['a', 'b']) {
      const publisher = await run.publish(name);
      publisher.headers();
      publisher.play(0, 5000);
      publisher.end();
    }
    await run.settle();
    run.clock += 61_000;
    vi.advanceTimersByTime(1000);
    const sequences: unknown[] = [];
    for (const name of ['a', 'b']) {
      await run.publish(name);
      sequences.push(run.sinks.status(`__defaultVhost__/live/${name}`)?.sequence);
    }
    expect(sequences).toEqual([0, 2]);
  });

  it('L023 a changed configuration begins another playlist whose numbers go on', async () => {
    const run = await published(new HlsRun());
    run.config = { ...run.config, playlistFile: '[app]/[stream]/index.m3u8' };
    await published(run);
    expect(run.item()).toBeUndefined();
    expect(run.uris('live/livestream/index.m3u8')[0]).toBe('!../livestream-3.ts');
    run.clock += 61_000;
    vi.advanceTimersByTime(1000);
    await run.settle();
    const names = run.disk.names();
    expect(names).not.toContain('live/livestream-0.ts');
    expect(names).toContain('live/livestream-3.ts');
  });

  it('thousands of streams come and go, and nothing of them stays', async () => {
    const run = new HlsRun({ storage: 'ram' }, { limits: { maxRememberedStreams: 10 } });
    for (let index = 0; index < 2000; index += 1) {
      const publisher = await run.publish(`s${index}`);
      publisher.headers();
      publisher.video(0, true);
      publisher.video(200, false);
      publisher.end();
    }
    run.clock += 120_000;
    vi.advanceTimersByTime(1000);
    expect(run.sinks.status('__defaultVhost__/live/s0')).toBeUndefined();
    expect(run.item('live/s1999.m3u8')).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('HlsSinks: what an earlier run left (hls_recover)', () => {
  async function firstRun(changes: ConstructorParameters<typeof HlsRun>[0] = {}): Promise<HlsRun> {
    const run = new HlsRun(changes);
    for (let round = 0; round < 2; round += 1) {
      const publisher = await run.publish();
      publisher.headers();
      publisher.play(0, 9000);
      publisher.end();
    }
    await run.sinks.close();
    return run;
  }

  async function secondRun(disk: FakeDisk, changes = {}, until = 5000): Promise<HlsRun> {
    const run = new HlsRun(changes, { disk });
    run.clock += 100_000;
    const publisher = await run.publish();
    await run.settle();
    publisher.headers();
    publisher.play(0, until);
    await run.settle();
    return run;
  }

  it('L014 sequence, discontinuities and window go on over a restart', async () => {
    const { disk } = await firstRun();
    expect(disk.text('live/livestream.m3u8')).toContain('MEDIA-SEQUENCE:1');
    const run = await secondRun(disk);
    expect(run.uris()).toEqual([
      '!livestream-3.ts',
      'livestream-4.ts',
      'livestream-5.ts',
      '!livestream-6.ts',
    ]);
    expect(run.onDisk()).toEqual(run.playlist());
    const later = await secondRun(disk, {}, 40_100);
    expect(later.onDisk().discontinuitySequence).toBeGreaterThan(1);
    expect(disk.names()).not.toContain('live/livestream-3.ts');
    // The segment of the run before was cut off, but its number is not used again.
    expect(new Set(later.uris()).size).toBe(3);
  });

  it('L014 encrypted segments keep their keys', async () => {
    const changes = { keys: true, fragmentsPerKey: 2 };
    const { disk } = await firstRun(changes);
    const before = disk.text('live/livestream.m3u8');
    const run = await secondRun(disk, changes);
    const lines = before.split('\n').filter((line) => line.includes('EXT-X-KEY'));
    expect(run.playlistItem().text('')).toContain(lines.at(-1));
    expect(run.onDisk().segments.at(-1)?.key?.uri).toBe('livestream-6.key');
  });

  it('hls_recover off begins at 0', async () => {
    const { disk } = await firstRun();
    const run = await secondRun(disk, { recover: false });
    expect(run.uris()).toEqual(['livestream-0.ts']);
  });

  it.each([
    ['no playlist', 'what is this?'],
    ['a playlist of others', '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n../../etc/passwd\n'],
    ['a master playlist', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n'],
    ['segments of hours', '#EXTM3U\n#EXT-X-TARGETDURATION:9999999\n#EXTINF:9999999,\na.ts\n'],
  ])('%s: numbers come from the clock, and the log says why', async (_name, text) => {
    const disk = new FakeDisk();
    disk.files.set('/hls/live/livestream.m3u8', Buffer.from(text));
    const run = await secondRun(disk);
    expect(run.uris()).toEqual([`livestream-${Math.floor((START + 100_000) / 1000)}.ts`]);
    expect(run.log[0]).toMatch(/can't be gone on with/);
    expect(disk.operations.filter((line) => line.startsWith('remove'))).toEqual([]);
  });

  it('segments that are there before the old playlist is read wait for their numbers', async () => {
    const { disk } = await firstRun();
    const wait = gate();
    disk.gate = wait.promise;
    const run = await secondRun(disk, {}, 9000);
    expect(run.item()).toBeUndefined();
    wait.open();
    await run.settle();
    expect(run.uris().slice(-2)).toEqual(['!livestream-6.ts', 'livestream-7.ts']);
  });

  it('a disk that does not answer in time is not waited for', async () => {
    const { disk } = await firstRun();
    const wait = gate();
    disk.gate = wait.promise;
    const run = await secondRun(disk, {}, 17_000);
    const uris = run.uris();
    expect(uris.at(-1)).toBe(`livestream-${Math.floor((START + 116_000) / 1000) + 3}.ts`);
    wait.open();
    await run.settle();
    expect(run.uris()).toEqual(uris);
  });

  it('names that a fault left ahead of the numbers are not given again', async () => {
    const disk = new FakeDisk();
    const text = '#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nlivestream-8.ts\n';
    disk.files.set('/hls/live/livestream.m3u8', Buffer.from(text));
    const run = await secondRun(disk);
    expect(run.uris()).toEqual(['livestream-8.ts', '!livestream-9.ts']);
    expect(run.playlist().mediaSequence).toBe(5);
  });
});

function urisOnDisk(run: HlsRun): string[] {
  return run.onDisk().segments.map(({ uri, discontinuity }) => `${discontinuity === true ? '!' : ''}${uri}`);
}

describe('the frame path', () => {
  it('L024 keeps no lent body', async () => {
    const run = new HlsRun();
    const publisher = await run.publish();
    publisher.headers();
    const body = Buffer.from(avcBody(7, { key: true }));
    publisher.packet(packetOf('video', 0, body));
    body.fill(0);
    publisher.play(40, 5000);
    const [picture] = readTs(run.segmentBytes('live/livestream-0.ts')).pes;
    expect(picture?.payload.includes(Buffer.from([0x65, 0xa5, 0x80, 0x87]))).toBe(true);
  });
});
