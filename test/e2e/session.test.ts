import { AmfObject } from '@sluice/media/amf';
import { decodeAmf0, encodeAmf0 } from '@sluice/media/amf';
import { parseFlvMetadata } from '@sluice/media/flv';
import { messageType, userControlType, decodeUserControl } from '@sluice/rtmp';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  bodies,
  clipTags,
  FlvViewer,
  haveFfmpeg,
  isKeyframe,
  isSequenceHeader,
  openPlayer,
  openPublisher,
  RtmpPeer,
  startSluice,
  waitFor,
} from '../harness/index.ts';
import type { Clip, SluiceUnderTest, StartOptions } from '../harness/index.ts';

async function server(options: StartOptions = {}): Promise<SluiceUnderTest> {
  const sluice = await startSluice(options);
  onTestFinished(() => sluice.stop());
  return sluice;
}

describe.runIf(haveFfmpeg)('an RTMP session', () => {
  let clip: Clip;
  let sluice: SluiceUnderTest;
  let rtmp: number;

  beforeAll(async () => {
    clip = await clipTags('h264-aac');
    // Publishers of a test may rest as long as the test takes.
    sluice = await startSluice({ vhost: 'mw_latency 100; publish { normal_timeout 600000; }' });
    rtmp = sluice.ports.rtmp;
  });
  afterAll(() => sluice.stop());

  /** Metadata, headers and the first frames of the clip, from its start. */
  const head = (frames: number): Clip['tags'] =>
    clip.tags.slice(0, clip.tags.length - clip.frames.length + frames);

  describe('handshake and connect', () => {
    it.each([
      ['complex, schema 0', { kind: 'complex', schema: 0 }, 'complex'],
      ['complex, schema 1', { kind: 'complex', schema: 1 }, 'complex'],
      ['simple', { kind: 'simple' }, 'simple'],
    ] as const)('R004 R005 R006: %s', async (_name, options, kind) => {
      const peer = await RtmpPeer.open(rtmp, options);
      expect(peer.handshake.kind).toBe(kind);
      expect((await peer.connect()).name).toBe('_result');
      await peer.close();
    });

    it('R036 R037 R038: answers connect in order and names itself', async () => {
      const peer = await RtmpPeer.open(rtmp);
      const answer = await peer.connect();
      expect(answer.transactionId).toBe(1);
      const [properties, info] = answer.args;
      expect(properties).toBeInstanceOf(AmfObject);
      expect((properties as AmfObject).get('fmsVer')).toBe('FMS/3,5,3,888');
      expect((properties as AmfObject).get('capabilities')).toBe(127);
      expect((info as AmfObject).get('code')).toBe('NetConnection.Connect.Success');
      expect((info as AmfObject).get('objectEncoding')).toBe(0);
      const data = (info as AmfObject).get('data') as ReadonlyMap<string, unknown>;
      expect(data.get('srs_pid')).toBe(sluice.process.pid);
      expect(String(data.get('srs_id'))).toMatch(/^[0-9a-z]{8}$/);
      await peer.until('onBWDone', () => peer.commands().find(({ name }) => name === 'onBWDone'));
      expect(peer.messages.slice(0, 4).map(({ type }) => type)).toEqual([
        messageType.windowAcknowledgementSize,
        messageType.setPeerBandwidth,
        messageType.commandAmf0,
        messageType.commandAmf0,
      ]);
      await peer.close();
    });

    it('R031 R039 R040: odd arguments and unknown calls do no harm', async () => {
      const peer = await RtmpPeer.open(rtmp);
      expect((await peer.connect({ args: ['no object', 5] })).name).toBe('_result');
      peer.sendCommand('_checkbw', 7);
      peer.sendCommand('noAnswerWanted', 0);
      peer.sendCommand('createStream', 8);
      expect((await peer.answer(7)).args).toEqual([null, null]);
      expect((await peer.answer(8)).args).toEqual([null, 1]);
      expect(peer.commands().filter(({ transactionId }) => transactionId === 0)).toHaveLength(
        peer.commands().filter(({ name }) => name === 'onBWDone').length,
      );
      await peer.close();
    });

    it('R018 R019: answers pings and ignores what it does not know', async () => {
      const peer = await RtmpPeer.open(rtmp);
      await peer.connect();
      peer.sendMessage({ chunkStreamId: 3, type: 77, streamId: 0, timestamp: 0, payload: Buffer.from('?') });
      peer.sendMessage({
        chunkStreamId: 3,
        type: messageType.audio,
        streamId: 1,
        timestamp: 0,
        payload: new Uint8Array(0),
      });
      peer.sendUserControl({ event: userControlType.setBufferLength, streamId: 1, bufferLength: 3000 });
      peer.sendUserControl({ event: userControlType.pingRequest, timestamp: 4711 });
      const answer = await peer.until('the ping is answered', () =>
        peer.messages
          .filter(({ type }) => type === messageType.userControl)
          .map(({ payload }) => decodeUserControl(payload))
          .find(({ event }) => event === userControlType.pingResponse),
      );
      expect(answer).toEqual({ event: userControlType.pingResponse, timestamp: 4711 });
      await peer.close();
    });

    it('R017: acknowledges what it has received', async () => {
      const publisher = await openPublisher(rtmp, 'acknowledged');
      const window = Buffer.alloc(4);
      window.writeUInt32BE(10_000);
      publisher.sendMessage({
        chunkStreamId: 2,
        type: messageType.windowAcknowledgementSize,
        streamId: 0,
        timestamp: 0,
        payload: window,
      });
      publisher.sendAllMedia(clip.tags);
      await publisher.until('an acknowledgement', () =>
        publisher.messages.find(({ type }) => type === messageType.acknowledgement),
      );
      await publisher.close();
    });
  });

  describe('playing', () => {
    it('O001 O002: answers play in order', async () => {
      const publisher = await openPublisher(rtmp, 'order');
      publisher.sendAllMedia(head(30));
      await publisher.synced();
      const player = await RtmpPeer.open(rtmp);
      await player.connect();
      const since = player.messages.length;
      await player.play('order');
      await player.untilMedia(4, [8, 9], since);
      const seen = player.messages.slice(since).map(({ type, payload }) => {
        if (type !== messageType.commandAmf0 && type !== messageType.dataAmf0) return type;
        const [name, , , info] = decodeAmf0(payload);
        return info instanceof AmfObject ? info.get('code') : name;
      });
      const order = seen.slice(seen.indexOf(messageType.userControl));
      expect(order.slice(0, 7)).toEqual([
        messageType.userControl,
        'NetStream.Play.Reset',
        'NetStream.Play.Start',
        '|RtmpSampleAccess',
        'onMetaData',
        messageType.audio,
        messageType.video,
      ]);
      const chunkStreams = new Map(player.messages.map(({ type, chunkStreamId }) => [type, chunkStreamId]));
      expect(chunkStreams.get(messageType.video)).toBe(6);
      expect(chunkStreams.get(messageType.audio)).toBe(7);
      expect(chunkStreams.get(messageType.windowAcknowledgementSize)).toBe(2);
      await Promise.all([player.close(), publisher.close()]);
    });

    it('O003: a player may come before the publisher and stays when it goes', async () => {
      const player = await openPlayer(rtmp, 'early');
      const publisher = await openPublisher(rtmp, 'early');
      publisher.sendAllMedia(clip.tags);
      const media = await player.untilMedia(clip.frames.length + 2);
      expect(bodies(media.slice(2))).toEqual(bodies(clip.frames));
      expect(media.slice(0, 2).every(isSequenceHeader)).toBe(true);
      expect(media[2]?.timestamp).toBe(0);
      await publisher.close();
      const since = player.messages.length;
      const next = await openPublisher(rtmp, 'early');
      next.sendAllMedia(clip.tags);
      const again = await player.untilMedia(clip.frames.length + 2, [8, 9], since);
      expect(bodies(again).slice(2)).toEqual(bodies(clip.frames));
      expect(again[2]?.timestamp).toBeGreaterThan(media.at(-1)?.timestamp ?? 0);
      await Promise.all([player.close(), next.close()]);
    });

    it('P009 O004: a late player gets metadata, audio header, video header, then the newest GOP', async () => {
      const publisher = await openPublisher(rtmp, 'late');
      const waiting = await openPlayer(rtmp, 'late');
      publisher.sendAllMedia(clip.tags);
      await waiting.untilMedia(clip.frames.length + 2);
      const player = await openPlayer(rtmp, 'late');
      const lastGop = clip.frames.slice(clip.frames.findLastIndex(isKeyframe));
      await player.untilMedia(lastGop.length + 2);
      const messages = player.media([8, 9, 18]);
      const [first, second, third, ...frames] = messages.filter(
        ({ type, body }) => type !== 18 || parseFlvMetadata(body) !== undefined,
      );
      expect(parseFlvMetadata(first?.body ?? new Uint8Array(0))?.width).toBe(320);
      expect([second?.type, third?.type]).toEqual([8, 9]);
      expect(bodies(frames)).toEqual(bodies(lastGop));
      // The audio of before the keyframe is not there, so one of the two tracks starts some ms later.
      expect(frames[0]?.timestamp).toBe(0);
      await Promise.all([player.close(), waiting.close(), publisher.close()]);
    });

    it('O007: pause stops the media, unpause goes on live', async () => {
      const publisher = await openPublisher(rtmp, 'pause');
      const player = await openPlayer(rtmp, 'pause');
      const witness = await openPlayer(rtmp, 'pause');
      const third = Math.floor(clip.frames.length / 3);
      publisher.sendAllMedia(head(third));
      await player.untilMedia(third + 2);
      player.sendCommand('pause', 0, [null, true, 1000], 1);
      await player.status('NetStream.Pause.Notify');
      const paused = player.media().length;
      publisher.sendAllMedia(clip.frames.slice(third, 2 * third));
      await witness.untilMedia(2 * third + 2);
      expect(player.media()).toHaveLength(paused);
      const since = player.messages.length;
      player.sendCommand('pause', 0, [null, false, 1000], 1);
      await player.status('NetStream.Unpause.Notify');
      publisher.sendAllMedia(clip.frames.slice(2 * third));
      const last = bodies(clip.frames).at(-1);
      await player.until('the last frame came', () =>
        bodies(player.media([8, 9], since)).at(-1) === last ? true : undefined,
      );
      const events = player.messages
        .filter(({ type }) => type === messageType.userControl)
        .map(({ payload }) => decodeUserControl(payload).event);
      expect(events).toEqual([
        userControlType.streamBegin,
        userControlType.streamEof,
        userControlType.streamBegin,
      ]);
      await Promise.all([player.close(), witness.close(), publisher.close()]);
    });

    it('O008: closeStream ends the play but not the connection', async () => {
      const publisher = await openPublisher(rtmp, 'close-stream');
      const player = await openPlayer(rtmp, 'close-stream');
      const witness = await openPlayer(rtmp, 'close-stream');
      publisher.sendAllMedia(head(60));
      await player.untilMedia(62);
      player.sendCommand('closeStream', 0, [null], 1);
      player.sendCommand('sync', 9);
      await player.answer(9);
      const stopped = player.media().length;
      publisher.sendAllMedia(clip.frames.slice(60, 120));
      await witness.untilMedia(122);
      expect(player.media()).toHaveLength(stopped);
      const since = player.messages.length;
      await player.play('close-stream');
      const media = await player.untilMedia(10, [8, 9], since);
      expect(media[2]?.timestamp).toBe(0);
      await Promise.all([player.close(), witness.close(), publisher.close()]);
    });

    it.each([
      ['receiveVideo', 8],
      ['receiveAudio', 9],
    ] as const)('O009: %s off leaves the other track alone', async (call, rest) => {
      const publisher = await openPublisher(rtmp, call);
      const player = await openPlayer(rtmp, call);
      const witness = await openPlayer(rtmp, call);
      player.sendCommand(call, 0, [null, false], 1);
      player.sendCommand('sync', 9);
      await player.answer(9);
      publisher.sendAllMedia(clip.tags);
      await witness.untilMedia(clip.frames.length + 2);
      const wanted = clip.tags.filter(({ type }) => type === rest);
      await player.untilMedia(wanted.length);
      expect(bodies(player.media())).toEqual(bodies(wanted));
      await Promise.all([player.close(), witness.close(), publisher.close()]);
    });

    it('R042 R043: play with a duration ends after so much of the stream', async () => {
      const publisher = await openPublisher(rtmp, 'duration');
      const player = await openPlayer(rtmp, 'duration');
      await player.close();
      const short = await RtmpPeer.open(rtmp);
      await short.connect();
      await short.play('duration', -2000, 3000, 1);
      publisher.sendAllMedia(clip.tags);
      await short.untilClosed();
      const end = short.media().at(-1)?.timestamp ?? 0;
      expect(end).toBeGreaterThanOrEqual(2900);
      // What is flushed together is sent together.
      expect(short.media().length).toBeLessThanOrEqual(clip.frames.length + 2);
      await sluice.logged(/closed: play-duration /);
      await publisher.close();
    });
  });

  describe('publishing', () => {
    it.each([
      ['P001', 'fmle', 'fmle-publish'],
      ['P002', 'flash', 'flash-publish'],
      ['R041', 'haivision', 'haivision-publish'],
    ] as const)('%s: the order of %s publishers', async (id, order, type) => {
      const publisher = await RtmpPeer.open(rtmp);
      await publisher.connect();
      await publisher.publish(`order-${id}`, order);
      publisher.sendAllMedia(head(3));
      await sluice.published(`order-${id}`);
      const { clients } = (await sluice.api('/api/v1/clients?count=100')) as {
        clients: readonly { name: string; type: string; publish: boolean }[];
      };
      const client = clients.find(({ name }) => name === `order-${id}`);
      expect(client).toMatchObject({ publish: true });
      expect(client?.type).toBe(type);
      const codes = publisher.commands().map(({ name }) => name);
      expect(codes.includes('onFCPublish')).toBe(order !== 'flash');
      await publisher.close();
    });

    it('P003: FCUnpublish ends the stream, and the connection may publish again', async () => {
      const publisher = await openPublisher(rtmp, 'first-name');
      const player = await openPlayer(rtmp, 'second-name');
      publisher.sendAllMedia(head(30));
      await sluice.published('first-name');
      const since = publisher.messages.length;
      publisher.sendCommand('FCUnpublish', 6, [null, 'first-name']);
      await publisher.status('NetStream.Unpublish.Success', since);
      expect((await publisher.answer(6, since)).name).toBe('_result');
      await publisher.until('onFCUnpublish', () =>
        publisher.commands(since).find(({ name }) => name === 'onFCUnpublish'),
      );
      await publisher.publish('second-name');
      publisher.sendAllMedia(clip.tags);
      await player.untilMedia(clip.frames.length + 2);
      await waitFor(async () => {
        const { streams } = (await sluice.api('/api/v1/streams?count=100')) as {
          streams: readonly { name: string }[];
        };
        return streams.some(({ name }) => name === 'first-name') ? undefined : true;
      }, 'the first stream is gone');
      await Promise.all([player.close(), publisher.close()]);
    });

    it('P004: a command of a Flash publisher ends its publish, and it may publish again', async () => {
      const publisher = await RtmpPeer.open(rtmp);
      await publisher.connect();
      await publisher.publish('flash-again', 'flash');
      publisher.sendCommand('closeStream', 0, [null], 1);
      const since = publisher.messages.length;
      await publisher.publish('flash-again', 'flash');
      publisher.sendAllMedia(head(30));
      const player = await openPlayer(rtmp, 'flash-again');
      await player.untilMedia(10);
      expect(publisher.commands(since).some(({ name }) => name === 'onStatus')).toBe(true);
      await Promise.all([player.close(), publisher.close()]);
    });

    it('P005: of two publishers that race one wins, the other is refused after a pause', async () => {
      const racers = await Promise.all(
        ['a', 'b'].map(async () => {
          const peer = await RtmpPeer.open(rtmp);
          await peer.connect();
          return peer;
        }),
      );
      const outcomes = await Promise.all(
        racers.map(async (peer) =>
          peer.publish('raced', 'flash').then(
            () => peer,
            () => undefined,
          ),
        ),
      );
      const winners = outcomes.filter((peer) => peer !== undefined);
      expect(winners).toHaveLength(1);
      const loser = racers.find((peer) => !winners.includes(peer));
      await loser?.untilClosed();
      const codes = loser
        ?.commands()
        .filter(({ name }) => name === 'onStatus')
        .map(({ args }) => (args[1] as AmfObject).get('code'));
      expect(codes).toEqual(['NetStream.Publish.BadName']);
      await sluice.logged(/closed: stream-busy /);
      const player = await openPlayer(rtmp, 'raced');
      winners[0]?.sendAllMedia(clip.tags);
      expect(await player.untilMedia(clip.frames.length + 2)).toHaveLength(clip.frames.length + 2);
      await Promise.all([player.close(), winners[0]?.close()]);
    });

    it('P008: metadata gets our names and loses its duration; other data messages pass', async () => {
      const publisher = await openPublisher(rtmp, 'data');
      const player = await openPlayer(rtmp, 'data');
      const metadata = encodeAmf0(
        '@setDataFrame',
        'onMetaData',
        AmfObject.from({ width: 320, duration: 12, mine: 'yes' }),
      );
      publisher.sendMedia({ type: 18, timestamp: 0, body: metadata });
      publisher.sendAllMedia(clip.tags.filter(({ type }) => type !== 18).slice(0, 20));
      const text = encodeAmf0('onTextData', AmfObject.from({ text: 'hello' }));
      publisher.sendMedia({ type: 18, timestamp: 500, body: text });
      const cue = encodeAmf0('onCuePoint', AmfObject.from({ name: 'a' }));
      publisher.sendMedia({ type: 18, timestamp: 510, body: cue });
      publisher.sendAllMedia(clip.frames.slice(18, 60));
      const data = await player.until('the data messages came', () => {
        const values = player.media([18]).map(({ body }) => decodeAmf0(body));
        return values.some(([name]) => name === 'onCuePoint') ? values : undefined;
      });
      const properties = data.find(([name]) => name === 'onMetaData')?.[1] as ReadonlyMap<string, unknown>;
      expect(properties.get('mine')).toBe('yes');
      expect(properties.has('duration')).toBe(false);
      expect(properties.get('server')).toMatch(/^Sluice\//);
      expect(properties.get('srs_primary')).toBe('Sluice');
      const said = data.find(([name]) => name === 'onTextData')?.[1] as ReadonlyMap<string, unknown>;
      expect(said.get('text')).toBe('hello');
      await Promise.all([player.close(), publisher.close()]);
    });

    it('P010 P011 P015: odd video passes or is dropped, and the session stays', async () => {
      const publisher = await openPublisher(rtmp, 'odd-video');
      const player = await openPlayer(rtmp, 'odd-video');
      const vp6 = { type: 9, timestamp: 0, body: Uint8Array.of(0x14, 0, 1, 2, 3) } as const;
      const speex = { type: 8, timestamp: 5, body: Uint8Array.of(0xb6, 1, 2, 3) } as const;
      const info = { type: 9, timestamp: 10, body: Uint8Array.of(0x57, 0) } as const;
      const noSuchFrameType = { type: 9, timestamp: 15, body: Uint8Array.of(0x07, 1, 0, 0, 0, 9) } as const;
      const last = { type: 8, timestamp: 20, body: Uint8Array.of(0xb6, 9) } as const;
      publisher.sendAllMedia([vp6, speex, info, noSuchFrameType, last]);
      const media = await player.until('the last message came', () =>
        bodies(player.media()).at(-1) === bodies([last])[0] ? player.media() : undefined,
      );
      expect(bodies(media)).toEqual(bodies([vp6, speex, info, last]));
      await Promise.all([player.close(), publisher.close()]);
    });
  });

  describe('vhosts by URL', () => {
    const vhosts = (ports: SluiceUnderTest['ports']): string => `listen ${ports.rtmp};
      srs_log_tank console;
      http_api { enabled on; listen ${ports.api}; }
      vhost one.example.com { }
      vhost off.example.com { enabled off; }
    `;

    it.each([
      ['query of the app', { app: 'live?vhost=one.example.com' }, 's'],
      ['dots', { app: 'live...vhost...one.example.com' }, 's'],
      ['query with a token', { app: 'live?token=x&vhost=one.example.com' }, 's'],
      ['host of the URL', { app: 'live', tcUrl: 'rtmp://one.example.com/live' }, 's'],
      ['spaces and slashes', { app: ' /live/ ', tcUrl: 'rtmp://one.example.com//live/ ' }, ' /s/ '],
      [
        'query of the stream',
        { app: 'live', tcUrl: 'rtmp://one.example.com/live' },
        's?vhost=one.example.com&token=1',
      ],
    ] as const)('R032 R033: %s', async (_name, options, stream) => {
      const sluice = await server({ config: vhosts });
      const tcUrl = 'tcUrl' in options ? options.tcUrl : `rtmp://127.0.0.1/${options.app}`;
      const publisher = await openPublisher(sluice.ports.rtmp, stream, { app: options.app, tcUrl });
      publisher.sendAllMedia(head(30));
      await sluice.published('s');
      const player = await openPlayer(sluice.ports.rtmp, 's', { tcUrl: 'rtmp://one.example.com/live' });
      await player.untilMedia(5);
      await Promise.all([player.close(), publisher.close()]);
    });

    it.each(['none.example.com', 'off.example.com'])('R034: %s is refused', async (host) => {
      const sluice = await server({ config: vhosts });
      const peer = await RtmpPeer.open(sluice.ports.rtmp);
      expect((await peer.connect({ tcUrl: `rtmp://${host}/live` })).name).toBe('_error');
      await peer.untilClosed();
      await sluice.logged(/closed: vhost-not-found /);
    });

    it('R001: every port that is listed serves the same streams', async () => {
      const sluice = await server({
        config: ({ rtmp: first, http: second, api }) => `listen ${first} 127.0.0.1:${second};
          srs_log_tank console;
          http_api { enabled on; listen ${api}; }
          vhost __defaultVhost__ { }`,
      });
      const publisher = await openPublisher(sluice.ports.rtmp, 'two-doors');
      const player = await openPlayer(sluice.ports.http, 'two-doors');
      publisher.sendAllMedia(clip.tags);
      await player.untilMedia(clip.frames.length + 2);
      await Promise.all([player.close(), publisher.close()]);
    });
  });

  describe('limits and access', () => {
    it('R035: refer lists match whole labels of the page host', async () => {
      const sluice = await server({
        vhost: 'refer { enabled on; play github.com; publish studio.example; }',
      });
      const from = (pageUrl: string): { readonly properties: Readonly<Record<string, string>> } => ({
        properties: { pageUrl },
      });
      const port = sluice.ports.rtmp;
      const publisher = await openPublisher(port, 'guarded', from('https://studio.example/go.html'));
      const good = await openPlayer(port, 'guarded', from('http://www.github.com/player.html'));
      await expect(openPlayer(port, 'guarded', from('http://evilgithub.com/player.html'))).rejects.toThrow(
        'closed',
      );
      await expect(openPlayer(port, 'guarded')).rejects.toThrow('closed');
      await expect(openPublisher(port, 'other', from('http://github.com/'))).rejects.toThrow('closed');
      expect((await sluice.logged(/closed: refer-denied /)).length).toBe(1);
      publisher.sendAllMedia(head(30));
      await good.untilMedia(5);
      await Promise.all([good.close(), publisher.close()]);
    });

    it('R002: connections above max_connections are refused, the others go on', async () => {
      const sluice = await server({
        config: ({ rtmp: port }) =>
          `listen ${port}; srs_log_tank console; max_connections 2; vhost __defaultVhost__ { }`,
      });
      const port = sluice.ports.rtmp;
      // The harness's look at the port counts, too, until the server has seen it go.
      const player = await waitFor(() => openPlayer(port, 'few'), 'a first connection');
      const publisher = await waitFor(() => openPublisher(port, 'few'), 'a second connection');
      const refused = await RtmpPeer.open(port);
      expect((await refused.connect()).name).toBe('_error');
      await refused.untilClosed();
      await sluice.logged(/max_connections 2/);
      publisher.sendAllMedia(head(30));
      await player.untilMedia(10);
      await player.close();
      const next = await waitFor(() => openPlayer(port, 'few'), 'the place is free again');
      await Promise.all([next.close(), publisher.close()]);
    });

    it('P007: a publisher that sends nothing, or nothing more, is dropped', async () => {
      const sluice = await server({
        vhost: 'publish_1stpkt_timeout 600000; publish_normal_timeout 300;',
        root: 'vhost strict.example.com { publish_1stpkt_timeout 300; publish_normal_timeout 600000; }',
      });
      const mute = await openPublisher(sluice.ports.rtmp, 'mute?vhost=strict.example.com');
      await mute.untilClosed();
      await sluice.logged(/closed: publish-first-packet-timeout /);
      const stopping = await openPublisher(sluice.ports.rtmp, 'stopping');
      stopping.sendAllMedia(head(10));
      await stopping.untilClosed();
      await sluice.logged(/closed: publish-timeout /);
    });

    it('P005: with takeover the second publisher gets the stream, and players stay', async () => {
      const sluice = await server({ vhost: 'publish { conflict takeover; }' });
      const port = sluice.ports.rtmp;
      const player = await openPlayer(port, 'taken');
      const first = await openPublisher(port, 'taken');
      first.sendAllMedia(head(50));
      await player.untilMedia(52);
      const second = await openPublisher(port, 'taken');
      await first.untilClosed();
      await sluice.logged(/closed: taken-over /);
      second.sendAllMedia(clip.tags);
      const media = await player.untilMedia(52 + clip.frames.length + 2);
      const frames = media.filter(({ type }) => type === 9).map(({ timestamp }) => timestamp);
      expect([...frames].sort((a, b) => a - b)).toEqual(frames);
      await Promise.all([player.close(), second.close()]);
    });
  });

  describe('log and end', () => {
    it('G004 R044: each line has the session id, and one closes the session with its facts', async () => {
      const publisher = await openPublisher(rtmp, 'logged');
      publisher.sendAllMedia(clip.tags);
      const player = await openPlayer(rtmp, 'logged');
      await player.untilMedia(20);
      await player.close();
      await publisher.close();
      const [, id = ''] = await sluice.logged(/\[(\w{8})\] fmle-publish \S*\/live\/logged /);
      await sluice.logged(new RegExp(`\\[${id}\\] closed: closed-by-peer`));
      await sluice.logged(/closed: closed-by-peer \([^)]+\), rtmp-play live\/logged, /);
      // The whole line is there.
      await sluice.logged(new RegExp(`\\[${id}\\] closed: .* frames\\n`));
      const lines = sluice.log.split('\n').filter((line) => line.includes(`[${id}]`));
      expect(lines[0]).toMatch(
        /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\]\[trace\]\[\d+\]\[\w{8}\] connect rtmp/,
      );
      const closing = lines.filter((line) => line.includes('closed: '));
      expect(closing).toHaveLength(1);
      const [, seconds, received, sent, dropped] =
        /, fmle-publish live\/logged, ([\d.]+) s, in (\d+) B, out (\d+) B, dropped (\d+) frames$/.exec(
          closing[0] ?? '',
        ) ?? [];
      const size = clip.tags.reduce((sum, { body }) => sum + body.length, 0);
      expect(Number(received)).toBeGreaterThan(size);
      expect(Number(sent)).toBeGreaterThan(3073);
      expect(Number(seconds)).toBeGreaterThanOrEqual(0);
      expect(dropped).toBe('0');
      // The player's line names the session that publishes.
      await sluice.logged(new RegExp(`play \\S+/live/logged from \\S+, source ${id}`));
    });

    it('G003: SIGTERM drains: players get what was published, and the exit code is 0', async () => {
      const sluice = await server({ vhost: 'mw_latency 350; publish { normal_timeout 600000; }' });
      const { rtmp: port } = sluice.ports;
      // One that came before the publisher must not go before it.
      const player = await openPlayer(port, 'drained');
      const publisher = await openPublisher(port, 'drained');
      publisher.sendAllMedia(head(20));
      await sluice.published('drained');
      const viewer = await FlvViewer.open(sluice.httpUrl('/live/drained.flv'));
      await player.untilMedia(10);
      await viewer.untilMedia(10);
      publisher.sendAllMedia(clip.frames.slice(20));
      // Its answer says that the server has read everything before it.
      publisher.sendCommand('sync', 9);
      await publisher.answer(9);
      sluice.process.kill('SIGTERM');
      await Promise.all([publisher.untilClosed(), player.untilClosed(), viewer.untilEnded()]);
      expect((await sluice.process.exited()).code).toBe(0);
      const last = bodies(clip.frames).at(-1);
      expect(bodies(player.media()).at(-1)).toBe(last);
      expect(bodies(viewer.media()).at(-1)).toBe(last);
      for (const type of ['fmle-publish', 'rtmp-play'])
        await sluice.logged(new RegExp(`closed: server-shutdown \\([^)]+\\), ${type} `));
      await sluice.logged(/closed: server-shutdown \([^)]+\), flv-play /);
    });

    it('G003 G010: a player that reads nothing does not hold up the stop', async () => {
      const sluice = await server();
      const player = await openPlayer(sluice.ports.rtmp, 'stalled');
      const publisher = await openPublisher(sluice.ports.rtmp, 'stalled');
      player.socket.pause();
      const filler = new Uint8Array(1_000_000);
      filler.set([0x17, 1, 0, 0, 0]);
      // More than the sockets' buffers hold.
      for (let i = 0; i < 20; i++) publisher.sendMedia({ type: 9, timestamp: 40 * i, body: filler });
      publisher.sendCommand('sync', 9);
      await publisher.answer(9);
      sluice.process.kill('SIGTERM');
      expect((await sluice.process.exited()).code).toBe(0);
      await sluice.logged(/closed: server-shutdown \([^)]+\), rtmp-play live\/stalled/);
      player.socket.destroy();
    });

    it('G003: SIGHUP and SIGUSR1 are answered in the log, and the server goes on', async () => {
      const sluice = await server();
      sluice.process.kill('SIGHUP');
      await sluice.logged(/SIGHUP: configuration reloaded, 0 changes/);
      sluice.process.kill('SIGUSR1');
      await sluice.logged(/SIGUSR1: the log file is opened anew/);
      const publisher = await openPublisher(sluice.ports.rtmp, 'after-signals');
      await sluice.published('after-signals');
      publisher.socket.destroy();
    });

    it('G003: SIGINT ends it as well', async () => {
      const sluice = await server();
      sluice.process.kill('SIGINT');
      expect(await sluice.process.exited()).toEqual({ code: 0, signal: undefined });
    });
  });
});
