import { AmfEcmaArray, AmfObject } from '@sluice/media/amf';
import type { AmfValue } from '@sluice/media/amf';
import { bytesToHex, concatBytes } from '@sluice/media/bytes';
import { describe, expect, it } from 'vitest';
import { ChunkReader, ChunkWriter } from '../chunk/index.ts';
import { ClientHandshake } from '../handshake/index.ts';
import {
  decodeCommand,
  decodeData,
  decodeUserControl,
  encodeAggregate,
  encodeCommand,
} from '../message/index.ts';
import type { RtmpMessage } from '../message/index.ts';
import type { ConnectRequest, PlayRequest, PublishRequest } from './events.ts';
import type { ServerSessionOptions } from './options.ts';
import { ServerSession } from './server-session.ts';

type Answer = 'accept' | 'wait';

/** A client that says what the test tells it, and the server's owner that writes down what it hears. */
class Scene {
  readonly heard: string[] = [];
  readonly media: { kind: string; timestamp: number; body: string }[] = [];
  readonly session: ServerSession;
  connectRequest: ConnectRequest | undefined;
  publishRequest: PublishRequest | undefined;
  playRequest: PlayRequest | undefined;
  sends = 0;
  readonly #writer = new ChunkWriter();
  readonly #reader: ChunkReader;
  #replies: RtmpMessage[] = [];
  #skip = 0;

  constructor(answer: Answer = 'accept', options: Partial<ServerSessionOptions> = {}) {
    const hear = (text: string): void => {
      this.heard.push(text);
    };
    this.#reader = new ChunkReader({ onMessage: (message) => this.#replies.push(message) });
    this.session = new ServerSession({
      ...options,
      send: (bytes) => {
        this.sends += 1;
        const skipped = Math.min(this.#skip, bytes.length);
        this.#skip -= skipped;
        this.#reader.write(bytes.subarray(skipped));
      },
      handler: {
        onHandshaken: () => {
          hear('handshaken');
        },
        onConnect: (request) => {
          hear('connect');
          this.connectRequest = request;
          if (answer === 'accept') {
            this.session.acceptConnect();
          }
        },
        onPublish: (request) => {
          hear(`publish ${request.flavour} ${request.url.stream}`);
          this.publishRequest = request;
          if (answer === 'accept') {
            this.session.acceptPublish();
          }
        },
        onUnpublish: (cause) => {
          hear(`unpublish ${cause}`);
          if (answer === 'accept') {
            this.session.finishUnpublish();
          }
        },
        onPlay: (request) => {
          hear(`play ${request.url.stream}`);
          this.playRequest = request;
          if (answer === 'accept') {
            this.session.acceptPlay();
          }
        },
        onStop: (cause) => {
          hear(`stop ${cause}`);
        },
        onPause: (paused, timeMs) => {
          hear(`pause ${paused} ${timeMs}`);
        },
        onReceiveAudio: (on) => {
          hear(`audio ${on}`);
        },
        onReceiveVideo: (on) => {
          hear(`video ${on}`);
        },
        onMedia: (kind, timestamp, payload) => {
          this.media.push({ kind, timestamp, body: bytesToHex(payload) });
        },
        onCall: (name) => {
          hear(`call ${name}`);
          return name === 'handledByOwner';
        },
      },
    });
    this.#skip = 1 + 2 * 1536;
    this.session.write(concatBytes([new ClientHandshake().start(), new Uint8Array(1536)]));
  }

  write(type: number, payload: Uint8Array, timestamp = 0, streamId = 0): void {
    this.session.write(this.#writer.encode({ chunkStreamId: 3, type, streamId, timestamp, payload }));
  }

  command(name: string, transactionId: number, args: readonly AmfValue[], streamId = 0): void {
    this.write(20, encodeCommand(20, { name, transactionId, args }), 0, streamId);
  }

  connect(properties: Record<string, AmfValue> = {}): void {
    this.command('connect', 1, [AmfObject.from({ tcUrl: 'rtmp://h/live', ...properties })]);
  }

  fmlePublish(stream = 'x'): void {
    this.command('releaseStream', 2, [null, stream]);
    this.command('FCPublish', 3, [null, stream]);
    this.command('createStream', 4, [null]);
    this.command('publish', 5, [null, stream, 'live'], 1);
  }

  /** What the server has sent since the last call, in words. */
  replies(): string[] {
    const replies = this.#replies;
    this.#replies = [];
    return replies.map((message) => describeMessage(message));
  }

  rawReplies(): RtmpMessage[] {
    const replies = this.#replies;
    this.#replies = [];
    return replies;
  }
}

function word(value: AmfValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function describeMessage(message: RtmpMessage): string {
  const { type, payload, streamId, chunkStreamId } = message;
  const where = `${chunkStreamId}/${streamId}`;
  if (type === 20) {
    const { name, transactionId, args } = decodeCommand(20, payload);
    const info = args.at(-1);
    const code = info instanceof AmfObject ? info.get('code') : info;
    return `${where} ${name} ${transactionId} ${word(code)}`;
  }
  if (type === 18) {
    const [name, ...values] = decodeData(18, payload).values;
    const codes = values.map((value) => word(value instanceof AmfObject ? value.get('code') : value));
    return `${where} data ${word(name)} ${codes.join(' ')}`;
  }
  if (type === 4) {
    const control = decodeUserControl(payload);
    return `${where} control ${control.event} ${'streamId' in control ? control.streamId : 'timestamp' in control ? control.timestamp : ''}`;
  }
  return `${where} type${type} ${bytesToHex(payload)}`;
}

const playReplies = [
  '2/0 control 0 1',
  '5/1 onStatus 0 NetStream.Play.Reset',
  '5/1 onStatus 0 NetStream.Play.Start',
  '5/1 data |RtmpSampleAccess true true',
];
const publishReplies = [
  '5/1 onFCPublish 0 NetStream.Publish.Start',
  '5/1 onStatus 0 NetStream.Publish.Start',
];
const setChunkSize = '2/0 type1 0000ea60';

describe('ServerSession, connect', () => {
  it('R036 answers with window, bandwidth, _result and onBWDone, in one send', () => {
    const scene = new Scene();
    const before = scene.sends;
    scene.connect();
    expect(scene.sends).toBe(before + 1);
    expect(scene.heard).toEqual(['handshaken', 'connect']);
    expect(scene.replies()).toEqual([
      '2/0 type5 002625a0',
      '2/0 type6 002625a002',
      '3/0 _result 1 NetConnection.Connect.Success',
      '3/0 onBWDone 0 null',
    ]);
  });

  it("R037 R038 answers as Flash Media Server does, with the owner's fields in `data`", () => {
    for (const more of [undefined, { srs_sig: 'SIG', srs_pid: 7 }]) {
      const scene = new Scene('wait');
      scene.connect({ objectEncoding: 3 });
      scene.session.acceptConnect(more === undefined ? {} : { data: more });
      const result = scene.rawReplies()[2];
      const { transactionId, args } = decodeCommand(20, result?.payload ?? new Uint8Array());
      expect(transactionId).toBe(1);
      expect(args[0]).toEqual(AmfObject.from({ fmsVer: 'FMS/3,5,3,888', capabilities: 127, mode: 1 }));
      const info = args[1] as AmfObject;
      expect([info.get('level'), info.get('code'), info.get('objectEncoding')]).toEqual([
        'status',
        'NetConnection.Connect.Success',
        3,
      ]);
      expect(info.get('data')).toEqual(AmfEcmaArray.from({ version: '3,5,3,888', ...more }));
    }
  });

  it('R030 R031 reads what the client says about itself, and args only if they are an object', () => {
    const scene = new Scene();
    const properties = { tcUrl: 'rtmp://h/live?vhost=V', pageUrl: 'http://p/', swfUrl: 's', flashVer: 'f' };
    scene.command('connect', 3, [AmfObject.from(properties), 'not an object']);
    expect(scene.connectRequest).toMatchObject({
      transactionId: 3,
      url: { vhost: 'V', app: 'live' },
      pageUrl: 'http://p/',
      swfUrl: 's',
      flashVer: 'f',
      objectEncoding: 0,
      args: undefined,
    });
    const other = new Scene();
    other.command('connect', 1, [AmfObject.from(properties), AmfObject.from({ token: 't' })]);
    expect(other.connectRequest?.args?.get('token')).toBe('t');
  });

  it('R021 takes AMF3 commands, with and without their leading zero', () => {
    for (const type of [17, 20] as const) {
      const scene = new Scene();
      const command = {
        name: 'connect',
        transactionId: 1,
        args: [AmfObject.from({ tcUrl: 'rtmp://h/live' })],
      };
      scene.write(17, encodeCommand(type, command));
      expect(scene.heard).toEqual(['handshaken', 'connect']);
    }
  });

  it('refuses with _error, and with the 302 form when it redirects', () => {
    const scene = new Scene('wait');
    scene.connect();
    scene.session.rejectConnect({
      description: 'go there',
      redirect: { url: 'rtmp://o/live', streamUrl: 'rtmp://o/live/x' },
    });
    const { name, args } = decodeCommand(20, scene.rawReplies()[0]?.payload ?? new Uint8Array());
    const info = args[1] as AmfObject;
    expect([name, info.get('code'), info.get('description')]).toEqual([
      '_error',
      'NetConnection.Connect.Rejected',
      'go there',
    ]);
    expect((info.get('ex') as AmfObject).toRecord()).toEqual({
      code: 302,
      redirect: 'rtmp://o/live',
      redirect2: 'rtmp://o/live/x',
    });
    expect(scene.session.phase).toBe('closed');
    scene.command('createStream', 2, [null]);
    expect(scene.replies()).toEqual([]);
  });
});

describe('ServerSession, publish', () => {
  it('P001 R016 R041 the order of FMLE, ffmpeg and OBS', () => {
    const scene = new Scene();
    scene.connect();
    scene.replies();
    scene.fmlePublish();
    expect(scene.heard.at(-1)).toBe('publish fmle-publish x');
    expect(scene.replies()).toEqual([
      setChunkSize,
      '3/0 _result 2 undefined',
      '3/0 _result 3 undefined',
      '3/0 _result 4 1',
      ...publishReplies,
    ]);
    expect(scene.session.chunkSize).toBe(60_000);
  });

  it('P002 R041 the order of Flash', () => {
    const scene = new Scene();
    scene.connect();
    scene.command('createStream', 2, [null]);
    scene.replies();
    scene.command('publish', 0, [null, 'x?token=t'], 1);
    expect(scene.heard.at(-1)).toBe('publish flash-publish x');
    expect(scene.publishRequest).toMatchObject({ mode: 'live', url: { param: '?token=t' } });
    expect(scene.replies()).toEqual([setChunkSize, '5/1 onStatus 0 NetStream.Publish.Start']);
  });

  it('R041 the order of Haivision', () => {
    const scene = new Scene();
    scene.connect();
    scene.command('createStream', 2, [null]);
    scene.command('FCPublish', 3, [null, 'x']);
    scene.replies();
    scene.command('publish', 4, [null, 'x', 'live'], 1);
    expect(scene.heard.at(-1)).toBe('publish haivision-publish x');
    expect(scene.replies()).toEqual(publishReplies);
  });

  it('R016 announces the chunk size of the vhost', () => {
    const scene = new Scene('wait');
    scene.connect();
    scene.session.acceptConnect({ chunkSize: 4096 });
    scene.replies();
    scene.command('play', 0, [null, 'x'], 1);
    expect(scene.replies()).toEqual([]);
    expect(scene.session.chunkSize).toBe(128);
    scene.session.acceptPlay();
    expect(scene.replies()).toEqual(['2/0 type1 00001000', ...playReplies]);
    expect(scene.session.chunkSize).toBe(4096);
    for (const chunkSize of [127, 65_537, 1.5]) {
      expect(() => new Scene('accept', { chunkSize })).toThrow(
        expect.objectContaining({ code: 'chunk-size' }),
      );
    }
  });

  it('hands over media, data with its AMF3 zero taken off, and aggregates as their parts', () => {
    const scene = new Scene();
    scene.connect();
    scene.write(8, Uint8Array.of(1), 1, 1);
    scene.fmlePublish();
    scene.write(8, Uint8Array.of(0xaf, 0), 5, 1);
    scene.write(9, Uint8Array.of(0x17), 6, 1);
    scene.write(18, Uint8Array.of(2, 0, 1, 97), 7, 1);
    scene.write(15, Uint8Array.of(0, 2, 0, 1, 97), 8, 1);
    scene.write(15, Uint8Array.of(0), 8, 1);
    scene.write(9, new Uint8Array(0), 9, 1);
    const parts = [
      { type: 8, timestamp: 100, payload: Uint8Array.of(0xa1) },
      { type: 9, timestamp: 110, payload: new Uint8Array(0) },
      { type: 20, timestamp: 110, payload: Uint8Array.of(1) },
      { type: 9, timestamp: 120, payload: Uint8Array.of(0xa2) },
    ];
    scene.write(22, encodeAggregate(parts), 1000, 1);
    expect(scene.media).toEqual([
      { kind: 'audio', timestamp: 5, body: 'af00' },
      { kind: 'video', timestamp: 6, body: '17' },
      { kind: 'data', timestamp: 7, body: '02000161' },
      { kind: 'data', timestamp: 8, body: '02000161' },
      { kind: 'audio', timestamp: 1000, body: 'a1' },
      { kind: 'video', timestamp: 1020, body: 'a2' },
    ]);
  });

  it('P003 FCUnpublish is answered when the owner is done, and another stream can be published', () => {
    const scene = new Scene('wait');
    scene.connect();
    scene.session.acceptConnect();
    scene.fmlePublish();
    scene.session.acceptPublish();
    scene.replies();
    scene.command('FCUnpublish', 6, [null, 'x']);
    scene.fmlePublish('y');
    expect(scene.heard.at(-1)).toBe('unpublish FCUnpublish');
    expect(scene.replies()).toEqual([]);
    scene.session.finishUnpublish();
    expect(scene.replies().slice(0, 4)).toEqual([
      '5/1 onFCUnpublish 0 NetStream.Unpublish.Success',
      '5/1 _result 6 undefined',
      '5/1 onStatus 0 NetStream.Unpublish.Success',
      '3/0 _result 2 undefined',
    ]);
    expect(scene.heard.at(-1)).toBe('publish fmle-publish y');
    scene.session.acceptPublish();
    expect(scene.replies()).toEqual(publishReplies);
  });

  it('P004 any command for its stream ends a Flash publish, and play may follow', () => {
    for (const [command, cause] of [
      ['closeStream', 'closeStream'],
      ['deleteStream', 'deleteStream'],
      ['anything', 'command'],
    ] as const) {
      const scene = new Scene();
      scene.connect();
      scene.command('createStream', 2, [null]);
      scene.command('publish', 0, [null, 'x'], 1);
      scene.command('callOfTheConnection', 7, [null]);
      expect(scene.session.phase).toBe('publishing');
      scene.command(command, 0, [null], 1);
      expect(scene.heard).toContain(`unpublish ${cause}`);
      scene.command('play', 0, [null, 'y'], 1);
      expect(scene.heard.at(-1)).toBe('play y');
    }
  });

  it('P004 publish(false) ends a publish and the connection stays, whatever the publisher is', () => {
    for (const name of [false, null, undefined]) {
      const scene = new Scene();
      scene.connect();
      scene.fmlePublish();
      scene.replies();
      scene.command('publish', 0, [null, name], 1);
      expect(scene.heard.at(-1)).toBe('unpublish publish(false)');
      expect(scene.replies()).toEqual(['5/1 onStatus 0 NetStream.Unpublish.Success']);
      expect(scene.session.phase).toBe('idle');
      scene.fmlePublish('y');
      expect(scene.heard.at(-1)).toBe('publish fmle-publish y');
    }
  });

  it('P004 publish(false) and play(false) do nothing when there is nothing to end', () => {
    const scene = new Scene();
    scene.connect();
    scene.replies();
    scene.command('publish', 0, [null, false], 1);
    scene.command('play', 0, [null, false], 1);
    expect(scene.replies()).toEqual([]);
    expect(scene.session.phase).toBe('idle');
  });

  it("R033 an empty name, or none, is looked for in connect's URL", () => {
    for (const name of ['', null, undefined]) {
      const scene = new Scene();
      scene.connect({ tcUrl: 'rtmp://h/live/x?token=t' });
      scene.command('createStream', 2, [null]);
      scene.command('publish', 0, [null, name], 1);
      expect(scene.publishRequest?.url).toMatchObject({ app: 'live', stream: 'x', param: '?token=t' });
      const player = new Scene();
      player.connect({ tcUrl: 'rtmp://h/live/x' });
      player.command('play', 0, [null, name], 1);
      expect(player.playRequest?.url).toMatchObject({ app: 'live', stream: 'x' });
    }
  });

  it('a new publish or play ends the one before it', () => {
    const scene = new Scene();
    scene.connect();
    scene.fmlePublish();
    scene.command('publish', 5, [null, 'y', 'live'], 1);
    scene.command('play', 6, [null, 'z'], 1);
    scene.command('publish', 5, [null, 'y', 'live'], 1);
    expect(scene.heard.slice(2)).toEqual([
      'publish fmle-publish x',
      'unpublish command',
      'publish flash-publish y',
      'unpublish command',
      'play z',
      'stop command',
      'publish flash-publish y',
    ]);
  });

  it('a refused publisher hears why and may try again', () => {
    const scene = new Scene('wait');
    scene.connect();
    scene.session.acceptConnect();
    scene.fmlePublish();
    scene.replies();
    scene.session.rejectPublish({ description: 'stream is busy' });
    expect(scene.replies()).toEqual(['5/1 onStatus 0 NetStream.Publish.BadName']);
    scene.fmlePublish();
    expect(scene.heard.filter((text) => text.startsWith('publish'))).toHaveLength(2);
  });
});

describe('ServerSession, play', () => {
  it('O001 answers in order, in one send', () => {
    const scene = new Scene();
    scene.connect();
    scene.command('createStream', 2, [null]);
    scene.replies();
    const before = scene.sends;
    scene.command('play', 0, [null, 'x?vhost=V'], 1);
    expect(scene.sends).toBe(before + 1);
    expect(scene.replies()).toEqual([setChunkSize, ...playReplies]);
    expect(scene.playRequest?.url).toMatchObject({ stream: 'x', vhost: 'V', app: 'live' });
    expect(scene.session.audioVideoStreamId).toBe(1);
  });

  it('O001 Flash players get NetStream.Data.Start as well', () => {
    const scene = new Scene();
    scene.connect({ swfUrl: 'http://h/player.swf' });
    scene.replies();
    scene.command('play', 0, [null, 'x'], 1);
    expect(scene.replies()).toEqual([setChunkSize, ...playReplies, '5/1 data onStatus NetStream.Data.Start']);
  });

  it('R042 start, duration and reset, with their defaults', () => {
    const table: readonly [AmfValue[], object][] = [
      [[], { start: -2, duration: -1, reset: true }],
      [[-2000, 5000, false], { start: -2000, duration: 5000, reset: false }],
      [[0, -1, 0], { start: 0, duration: -1, reset: false }],
      [[0, -1, 3], { start: 0, duration: -1, reset: true }],
      [['no number', null, true], { start: -2, duration: -1, reset: true }],
    ];
    for (const [args, expected] of table) {
      const scene = new Scene();
      scene.connect();
      scene.command('play', 0, [null, 'x', ...args], 1);
      expect(scene.playRequest).toMatchObject(expected);
    }
  });

  it('O007 pause and unpause', () => {
    const scene = new Scene();
    scene.connect();
    scene.command('pause', 0, [null, true, 5], 1);
    expect(scene.heard.at(-1)).toBe('connect');
    scene.command('play', 0, [null, 'x'], 1);
    scene.replies();
    scene.command('pause', 0, [null, true, 1500], 1);
    expect(scene.replies()).toEqual(['5/1 onStatus 0 NetStream.Pause.Notify', '2/0 control 1 1']);
    scene.command('pause', 0, [null, false, 1600], 1);
    expect(scene.replies()).toEqual(['5/1 onStatus 0 NetStream.Unpause.Notify', '2/0 control 0 1']);
    expect(scene.heard.slice(-2)).toEqual(['pause true 1500', 'pause false 1600']);
  });

  it('O008 closeStream ends the play, the connection stays and plays again', () => {
    const scene = new Scene();
    scene.connect();
    scene.command('play', 0, [null, 'x'], 1);
    scene.command('closeStream', 0, [null], 1);
    scene.command('closeStream', 0, [null], 1);
    scene.replies();
    scene.command('play', 0, [null, 'y'], 1);
    scene.command('play', 0, [null, false], 1);
    scene.command('deleteStream', 0, [null, 1], 0);
    expect(scene.heard.slice(2)).toEqual(['play x', 'stop closeStream', 'play y', 'stop command']);
    expect(scene.replies()).toEqual(playReplies);
  });

  it('receiveAudio and receiveVideo', () => {
    const scene = new Scene();
    scene.connect();
    scene.command('receiveAudio', 0, [null, false], 1);
    scene.command('receiveVideo', 0, [null, true], 1);
    expect(scene.heard.slice(2)).toEqual(['audio false', 'video true']);
  });

  it('R043 O003 the server ends a play, and tells of publishers that go and come', () => {
    const scene = new Scene();
    scene.session.notifyUnpublish();
    scene.session.endPlay();
    scene.connect();
    scene.command('play', 0, [null, 'x'], 1);
    scene.replies();
    scene.session.notifyUnpublish();
    scene.session.notifyPublish();
    scene.session.endPlay();
    scene.session.endPlay();
    expect(scene.replies()).toEqual([
      '5/1 onStatus 0 NetStream.Play.UnpublishNotify',
      '5/1 onStatus 0 NetStream.Play.PublishNotify',
      '2/0 control 1 1',
      '5/1 onStatus 0 NetStream.Play.Stop',
    ]);
    expect(scene.session.phase).toBe('idle');
  });

  it('a refused player hears why and may try again', () => {
    const scene = new Scene('wait');
    scene.connect();
    scene.session.acceptConnect();
    scene.command('play', 0, [null, 'x'], 1);
    scene.replies();
    scene.session.rejectPlay({ code: 'NetStream.Play.StreamNotFound', description: 'no' });
    expect(scene.replies()).toEqual([setChunkSize, '5/1 onStatus 0 NetStream.Play.StreamNotFound']);
    scene.command('play', 0, [null, 'x'], 1);
    expect(scene.session.phase).toBe('play-requested');
  });
});

describe('ServerSession, calls and control messages', () => {
  it('R039 answers unknown calls with null, before and during play, unless nothing is wanted', () => {
    const scene = new Scene();
    scene.connect();
    scene.replies();
    scene.command('FCSubscribe', 7, [null, 'x']);
    scene.command('play', 0, [null, 'x'], 1);
    scene.command('_checkbw', 8, [null]);
    scene.command('noAnswerWanted', 0, [null]);
    scene.command('handledByOwner', 9, [null]);
    scene.command('_result', 9, [null]);
    expect(scene.replies()).toEqual([
      '3/0 _result 7 null',
      setChunkSize,
      ...playReplies,
      '3/0 _result 8 null',
    ]);
    scene.session.sendCommand('onSrsBandCheckStartPlayBytes', 0, [null]);
    expect(scene.replies()).toEqual(['3/0 onSrsBandCheckStartPlayBytes 0 null']);
  });

  it('R040 createStream gives stream 1 each time', () => {
    const scene = new Scene();
    scene.connect();
    scene.replies();
    scene.command('createStream', 2, [null]);
    scene.command('createStream', 3, [null]);
    expect(scene.replies()).toEqual(['3/0 _result 2 1', '3/0 _result 3 1']);
  });

  it('R018 answers pings with their time, in every phase, and ignores other events', () => {
    const scene = new Scene('wait');
    scene.connect();
    scene.write(4, Uint8Array.of(0, 6, 0xfe, 0xdc, 0xba, 0x98));
    scene.write(4, Uint8Array.of(0, 3, 0, 0, 0, 1, 0, 0, 0, 100));
    scene.write(4, Uint8Array.of(0, 99));
    scene.write(4, Uint8Array.of(0));
    expect(scene.replies()).toEqual([`2/0 control 7 4275878552`]);
    scene.session.sendPing(5);
    expect(scene.replies()).toEqual(['2/0 control 6 5']);
  });

  it('R017 acknowledges once the window has come in', () => {
    const scene = new Scene();
    scene.connect();
    scene.replies();
    scene.write(3, Uint8Array.of(0, 0, 0, 1));
    expect(scene.replies()).toEqual([]);
    scene.write(5, Uint8Array.of(0, 0, 0x27, 0x10));
    scene.replies();
    scene.write(8, new Uint8Array(5000));
    expect(scene.replies()).toEqual([]);
    scene.write(8, new Uint8Array(3000));
    const total = scene.session.bytesReceived;
    expect(total).toBeGreaterThan(10_000);
    expect(scene.replies()).toEqual([`2/0 type3 ${total.toString(16).padStart(8, '0')}`]);
  });

  it('R019 ignores unknown message types and empty messages', () => {
    const scene = new Scene();
    scene.write(99, Uint8Array.of(1));
    scene.write(20, new Uint8Array(0));
    scene.write(4, new Uint8Array(0));
    scene.write(16, Uint8Array.of(1));
    scene.write(9, Uint8Array.of(1));
    scene.connect();
    expect(scene.heard).toEqual(['handshaken', 'connect']);
  });
});

describe('ServerSession, answers that come late', () => {
  it('keeps what comes before them, in order', () => {
    const scene = new Scene('wait');
    scene.connect();
    scene.fmlePublish();
    scene.write(18, Uint8Array.of(1), 0, 1);
    scene.write(9, Uint8Array.of(2), 0, 1);
    scene.command('FCUnpublish', 9, [null, 'x']);
    scene.command('play', 10, [null, 'y'], 1);
    expect(scene.heard).toEqual(['handshaken', 'connect']);
    scene.session.acceptConnect();
    expect(scene.heard.at(-1)).toBe('publish fmle-publish x');
    scene.session.acceptPublish();
    expect(scene.media.map(({ body }) => body)).toEqual(['01', '02']);
    expect(scene.heard.at(-1)).toBe('unpublish FCUnpublish');
    scene.session.finishUnpublish();
    expect(scene.heard.at(-1)).toBe('play y');
    scene.session.acceptPlay();
    expect(scene.replies().slice(-playReplies.length)).toEqual(playReplies);
  });

  it('refuses an answer that is not due, and drops one to a client that has gone', () => {
    const scene = new Scene('wait');
    expect(() => {
      scene.session.acceptConnect();
    }).toThrow(expect.objectContaining({ code: 'bad-state' }));
    scene.connect();
    scene.session.acceptConnect();
    expect(() => {
      scene.session.acceptConnect();
    }).toThrow(expect.objectContaining({ code: 'bad-state' }));
    scene.command('play', 0, [null, 'x'], 1);
    scene.replies();
    scene.session.close();
    scene.session.acceptPlay();
    expect(scene.replies()).toEqual([]);
  });

  it('a close refuses the request that waits for its answer, and nothing that is held is handled', () => {
    const description = 'over';
    const scenes = [
      { act: () => undefined, told: ['3/0 _error 1 NetConnection.Connect.Rejected'] },
      {
        act: (scene: Scene) => {
          scene.session.acceptConnect();
          scene.command('publish', 0, [null, 'x'], 1);
          scene.command('publish', 0, [null, 'y'], 1);
        },
        told: [setChunkSize, '5/1 onStatus 0 NetStream.Publish.BadName'],
      },
      {
        act: (scene: Scene) => {
          scene.session.acceptConnect();
          scene.command('play', 0, [null, 'x'], 1);
          scene.command('play', 0, [null, 'y'], 1);
        },
        told: [setChunkSize, '5/1 onStatus 0 NetStream.Play.Failed'],
      },
    ];
    for (const { act, told } of scenes) {
      const scene = new Scene('wait');
      scene.connect();
      act(scene);
      const connected = scene.replies();
      expect(scene.session.refused).toBe(false);
      const heard = scene.heard.length;
      scene.session.close({ description });
      expect(scene.replies()).toEqual(told);
      expect(connected.join()).not.toContain('Rejected');
      expect([scene.session.refused, scene.session.phase]).toEqual([true, 'closed']);
      expect(scene.heard).toHaveLength(heard);
      scene.session.close({ description });
      expect(scene.replies()).toEqual([]);
    }
  });

  it('a close takes the codes that it is given, and refuses nothing where nothing waits', () => {
    const codes = { connect: 'NetConnection.Connect.InvalidApp', publish: 'A', play: 'B' };
    const scene = new Scene('wait');
    scene.connect();
    scene.session.close({ description: '', codes });
    expect(scene.replies()).toEqual(['3/0 _error 1 NetConnection.Connect.InvalidApp']);
    for (const [command, code] of [
      ['publish', 'A'],
      ['play', 'B'],
    ] as const) {
      const other = new Scene('wait');
      other.connect();
      other.session.acceptConnect();
      other.command(command, 0, [null, 'x'], 1);
      other.session.close({ description: '', codes });
      expect(other.replies().at(-1)).toBe(`5/1 onStatus 0 ${code}`);
    }
    const idle = new Scene();
    idle.connect();
    idle.replies();
    idle.session.close({ description: '', codes });
    expect([idle.replies(), idle.session.refused]).toEqual([[], false]);
    const playing = new Scene();
    playing.connect();
    playing.command('play', 0, [null, 'x'], 1);
    playing.replies();
    playing.session.close({ description: '', codes });
    expect([playing.replies(), playing.session.refused]).toEqual([[], false]);
  });

  it('drops media beyond maxHeldMessages and maxHeldBytes, but no command', () => {
    const scene = new Scene('wait', { limits: { maxHeldMessages: 3, maxHeldBytes: 100_000 } });
    scene.connect();
    scene.session.acceptConnect();
    scene.fmlePublish();
    for (let index = 0; index < 10; index += 1) {
      scene.write(9, Uint8Array.of(index), index, 1);
    }
    expect(() => {
      scene.command('FCUnpublish', 9, [null, 'x']);
    }).toThrow(expect.objectContaining({ code: 'pending-limit' }));
    expect(scene.replies().at(-1)).toBe('5/1 onStatus 0 NetStream.Publish.BadName');
    const other = new Scene('wait', { limits: { maxHeldBytes: 1000 } });
    other.connect();
    other.session.acceptConnect();
    other.fmlePublish();
    other.write(9, new Uint8Array(900), 0, 1);
    other.write(9, new Uint8Array(900), 1, 1);
    other.write(9, Uint8Array.of(1), 2, 1);
    other.session.acceptPublish();
    expect(other.media.map(({ timestamp }) => timestamp)).toEqual([0]);
  });
});

describe('ServerSession, bad input', () => {
  const table: readonly {
    name: string;
    code: string;
    number?: number;
    /** The last thing that the client hears. Default: connect is refused. */
    told?: string;
    act: (scene: Scene) => void;
  }[] = [
    {
      name: 'R030 play before connect',
      code: 'connect-expected',
      number: 2005,
      act: (scene) => {
        scene.command('play', 0, [null, 'x'], 1);
      },
    },
    {
      name: 'R030 publish before connect',
      code: 'connect-expected',
      act: (scene) => {
        scene.command('publish', 0, [null, 'x'], 1);
      },
    },
    {
      name: 'R030 connect without tcUrl',
      code: 'tc-url',
      number: 2006,
      act: (scene) => {
        scene.command('connect', 1, [AmfObject.from({ app: 'live' })]);
      },
    },
    {
      name: 'R030 connect without anything',
      code: 'tc-url',
      act: (scene) => {
        scene.command('connect', 1, []);
      },
    },
    {
      name: 'R030 connect with a tcUrl that is no URL',
      code: 'tc-url',
      act: (scene) => {
        scene.connect({ tcUrl: 'live' });
      },
    },
    {
      name: 'maxTcUrlBytes',
      code: 'tc-url',
      act: (scene) => {
        scene.connect({ tcUrl: `rtmp://h/${'a'.repeat(9000)}` });
      },
    },
    {
      name: 'maxCommandBytes: a tcUrl of 1 MB',
      code: 'message-too-large',
      act: (scene) => {
        scene.connect({ tcUrl: `rtmp://h/${'a'.repeat(1_000_000)}` });
      },
    },
    {
      name: 'R030 maxCommandBytes: a stream name of 1 MB',
      code: 'message-too-large',
      told: '5/1 onStatus 0 NetConnection.Call.Failed',
      act: (scene) => {
        scene.connect();
        scene.command('publish', 0, [null, 'x'.repeat(1_000_000)], 1);
      },
    },
    {
      name: 'P002 publish without a name that the URL would have',
      code: 'stream-name',
      told: '5/1 onStatus 0 NetStream.Publish.BadName',
      act: (scene) => {
        scene.connect();
        scene.command('publish', 0, [null, ''], 1);
      },
    },
    {
      name: 'P002 publish of a number',
      code: 'stream-name',
      told: '5/1 onStatus 0 NetStream.Publish.BadName',
      act: (scene) => {
        scene.connect();
        scene.command('publish', 0, [null, 7], 1);
      },
    },
    {
      name: 'maxStreamNameBytes',
      code: 'stream-name',
      told: '5/1 onStatus 0 NetStream.Publish.BadName',
      act: (scene) => {
        scene.connect();
        scene.command('publish', 0, [null, 'x'.repeat(9000)], 1);
      },
    },
    {
      name: 'play without a name',
      code: 'stream-name',
      told: '5/1 onStatus 0 NetStream.Play.StreamNotFound',
      act: (scene) => {
        scene.connect();
        scene.command('play', 0, [null], 1);
      },
    },
    {
      name: 'AMF nested 10,000 deep',
      code: 'bad-message',
      number: 2007,
      act: (scene) => {
        const level = Uint8Array.of(3, 0, 1, 97);
        scene.write(
          20,
          concatBytes([
            encodeCommand(20, { name: 'connect', transactionId: 1, args: [] }),
            ...new Array<Uint8Array>(10_000).fill(level),
          ]),
        );
      },
    },
    {
      name: 'AMF with a count of 4 GB',
      code: 'bad-message',
      act: (scene) => {
        const head = encodeCommand(20, { name: 'connect', transactionId: 1, args: [] });
        scene.write(20, concatBytes([head, Uint8Array.of(10, 0xff, 0xff, 0xff, 0xff)]));
      },
    },
    {
      name: 'AMF with a cut string',
      code: 'bad-message',
      act: (scene) => {
        scene.write(20, Uint8Array.of(2, 0, 200, 97));
      },
    },
  ];
  for (const { name, code, number, told = 'NetConnection.Connect.Rejected', act } of table) {
    it(`${name} ends the session with its error, which the client is told, and nothing more is taken`, () => {
      const scene = new Scene();
      expect(() => {
        act(scene);
      }).toThrow(expect.objectContaining({ code, ...(number === undefined ? {} : { number }) }));
      expect(scene.session.phase).toBe('closed');
      expect(scene.session.refused).toBe(true);
      expect(scene.replies().at(-1)).toContain(told);
      const before = scene.heard.length;
      scene.connect();
      expect(scene.heard).toHaveLength(before);
    });
  }
});

describe('a peer that sends and does not read', () => {
  const PING = Uint8Array.of(0, 6, 0, 0, 0, 1);

  it('R018 gets no answers to pings while 64 KiB wait for it, and again when it reads', () => {
    let unsent = 0;
    const scene = new Scene('accept', { unsent: () => unsent });
    scene.connect();
    scene.replies();
    unsent = 65_537;
    for (let count = 0; count < 1_000; count += 1) scene.write(4, PING);
    expect(scene.replies()).toEqual([]);
    unsent = 65_536;
    scene.write(4, PING);
    expect(scene.replies()).toHaveLength(1);
  });

  it('R017 is acknowledged later, for all that came meanwhile', () => {
    let unsent = 65_537;
    const scene = new Scene('accept', { unsent: () => unsent });
    scene.connect();
    scene.write(5, Uint8Array.of(0, 0, 0, 1));
    scene.replies();
    for (let count = 0; count < 1_000; count += 1) scene.write(4, PING);
    expect(scene.replies()).toEqual([]);
    unsent = 0;
    scene.write(3, Uint8Array.of(0, 0, 0, 0));
    expect(scene.replies()).toHaveLength(1);
  });

  it('R016 is closed when more than 256 KiB of answers to its commands wait for it', () => {
    let waiting = 0;
    const scene = new Scene('accept', { unsent: () => waiting });
    scene.connect();
    const flood = (): void => {
      for (let count = 0; count < 20_000; count += 1) {
        waiting += 40;
        scene.command('createStream', count + 2, [null]);
      }
    };
    expect(flood).toThrow(expect.objectContaining({ code: 'pending-limit' }));
    expect(scene.session.phase).toBe('closed');
    const reader = new Scene('accept', { unsent: () => 0 });
    reader.connect();
    for (let count = 0; count < 20_000; count += 1) reader.command('createStream', count + 2, [null]);
    expect(reader.session.phase).not.toBe('closed');
  });
});
