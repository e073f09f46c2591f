import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { AmfObject, encodeAmf0 } from '@sluice/media/amf';
import { concatBytes } from '@sluice/media/bytes';
import { writeChunkHeader0 } from '@sluice/rtmp';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  bodies,
  capture,
  clipTags,
  fixture,
  FlvViewer,
  haveFfmpeg,
  isSequenceHeader,
  openPlayer,
  openPublisher,
  publish,
  RtmpPeer,
  startSluice,
  waitFor,
} from '../harness/index.ts';
import type { Clip, MediaMessage, SluiceUnderTest } from '../harness/index.ts';

/** Sessions of the mutated capture. */
const MUTATED_SESSIONS = 300;
/** How much the server's memory may grow over the whole file, bytes; one attack that works takes more. */
const MEMORY_ROOM = 160 * 1024 * 1024;

/** The resident memory of a process, bytes. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** The same numbers in each run. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe.runIf(haveFfmpeg)('bad input, while another stream is on', () => {
  let clip: Clip;
  let sluice: SluiceUnderTest;
  let rtmp: number;
  let memoryBefore: number;
  /** A publisher that never rests, its player by RTMP and its player by HTTP. */
  let healthy: RtmpPeer;
  let player: RtmpPeer;
  let viewer: FlvViewer;
  const sent: MediaMessage[] = [];
  let pump: NodeJS.Timeout;

  beforeAll(async () => {
    clip = await clipTags('h264-aac');
    sluice = await startSluice({
      // Good clients of a busy machine shake hands within the limit, too.
      root: 'limits { handshake_timeout 3; max_message_bytes 2m; max_pending_bytes 4m; }',
      vhost: 'mw_latency 50; publish { conflict takeover; normal_timeout 600000; }',
    });
    rtmp = sluice.ports.rtmp;
    player = await openPlayer(rtmp, 'healthy');
    healthy = await openPublisher(rtmp, 'healthy');
    const { frames } = clip;
    healthy.sendAllMedia(clip.tags.filter((tag) => !frames.includes(tag)));
    let round = 0;
    let at = 0;
    pump = setInterval(() => {
      const next = frames[at];
      if (next === undefined) return;
      const frame = { ...next, timestamp: next.timestamp + round * 8000 };
      healthy.sendMedia(frame);
      sent.push(frame);
      at += 1;
      if (at === frames.length) {
        at = 0;
        round += 1;
      }
    }, 15);
    await player.untilMedia(10);
    viewer = await FlvViewer.open(sluice.httpUrl('/live/healthy.flv'));
    await viewer.untilMedia(5);
    memoryBefore = await residentBytes(sluice.process.pid ?? 0);
  });

  afterEach(() => {
    expect(sluice.process.exit).toBeUndefined();
    expect(sluice.log).not.toMatch(/internal-error|\[error\]/);
  });

  afterAll(async () => {
    clearInterval(pump);
    await Promise.all([player.close(), healthy.close()]);
    await sluice.stop();
  });

  /** A bare connection; a reset by the server is no fault. */
  async function raw(port: number): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'connect');
    return socket;
  }

  async function closedByServer(socket: Socket): Promise<void> {
    await waitFor(() => (socket.destroyed ? true : undefined), 'the server closes the connection');
  }

  /** A peer that has done its handshake and, unless told otherwise, its connect. */
  async function connected(): Promise<RtmpPeer> {
    const peer = await RtmpPeer.open(rtmp);
    await peer.connect();
    return peer;
  }

  /** Waits until the session of a stream has this reason in its closing line. */
  async function closedFor(reason: string, ...parts: readonly string[]): Promise<void> {
    await sluice.logged(new RegExp(`closed: ${reason} .*${parts.join('.*')}`));
  }

  /** Publishes these messages between good ones and sees that the session and its player go on. */
  async function survives(stream: string, bad: readonly MediaMessage[]): Promise<void> {
    const watcher = await openPlayer(rtmp, stream);
    const publisher = await openPublisher(rtmp, stream);
    publisher.sendAllMedia(clip.tags.slice(0, 30));
    publisher.sendAllMedia(bad);
    publisher.sendAllMedia(clip.tags.slice(30, 90));
    const last = bodies(clip.tags.slice(0, 90)).at(-1);
    await watcher.until('what is good goes on', () =>
      bodies(watcher.media()).at(-1) === last ? true : undefined,
    );
    await Promise.all([watcher.close(), publisher.close()]);
  }

  describe('handshakes', () => {
    it('R003: garbage is closed at its first byte', async () => {
      const socket = await raw(rtmp);
      socket.write(Buffer.alloc(10_000, 0xa5));
      await closedByServer(socket);
      await closedFor('protocol-error');
    });

    it.each([0, 6, 8, 0x47])('R003: version %i is refused', async (version) => {
      const socket = await raw(rtmp);
      socket.write(concatBytes([Uint8Array.of(version), new Uint8Array(1536)]));
      await closedByServer(socket);
    });

    it('R003: a handshake that stays half is closed after its limit', async () => {
      const sockets = await Promise.all([0, 1, 700, 1536, 2000].map(() => raw(rtmp)));
      for (const [index, length] of [0, 1, 700, 1536, 2000].entries()) {
        const bytes = new Uint8Array(length);
        if (length > 0) bytes[0] = 3;
        sockets[index]?.write(bytes);
      }
      await Promise.all(sockets.map(closedByServer));
      await closedFor('handshake-timeout');
    });

    it('R003: one that comes byte by byte has no more time', async () => {
      const socket = await raw(rtmp);
      socket.write(Uint8Array.of(3));
      const drip = setInterval(() => socket.write(Uint8Array.of(0)), 20);
      onTestFinished(() => {
        clearInterval(drip);
      });
      await closedByServer(socket);
    });
  });

  describe('chunks', () => {
    const header = (chunkStream: number, length: number, type = 9, timestamp = 0): Uint8Array => {
      const bytes = new Uint8Array(32);
      return bytes.subarray(0, writeChunkHeader0(bytes, 0, chunkStream, timestamp, length, type, 1));
    };

    it('R015: chunk size 0 ends the session', async () => {
      const peer = await connected();
      peer.sendMessage({ chunkStreamId: 2, type: 1, streamId: 0, timestamp: 0, payload: new Uint8Array(4) });
      await peer.untilClosed();
    });

    it.each([1, 2 ** 31 - 1])('R015: chunk size %i is obeyed', async (chunkSize) => {
      const publisher = await openPublisher(rtmp, `chunks-of-${chunkSize}`);
      const watcher = await openPlayer(rtmp, `chunks-of-${chunkSize}`);
      publisher.setChunkSize(chunkSize);
      publisher.sendAllMedia(clip.tags.slice(0, 40));
      const frames = clip.tags.slice(0, 40).filter((tag) => clip.frames.includes(tag));
      const media = await watcher.untilMedia(frames.length + 2);
      expect(bodies(media.filter((message) => !isSequenceHeader(message)))).toEqual(bodies(frames));
      await Promise.all([watcher.close(), publisher.close()]);
    });

    it('a message beyond the limit ends the session', async () => {
      const peer = await connected();
      peer.sendBytes(header(6, 3 * 1024 * 1024));
      peer.sendBytes(new Uint8Array(100_000));
      await peer.untilClosed();
    });

    it('thousands of chunk streams with unfinished messages end the session', async () => {
      const peer = await connected();
      const pieces: Uint8Array[] = [];
      for (let chunkStream = 3; chunkStream < 5000; chunkStream++) {
        pieces.push(header(chunkStream, 1_900_000), new Uint8Array(128));
      }
      peer.sendBytes(concatBytes(pieces));
      await peer.untilClosed();
    });

    it('unfinished messages that add up beyond the limit end the session', async () => {
      const peer = await connected();
      for (let chunkStream = 3; chunkStream < 60; chunkStream++) {
        peer.sendBytes(header(chunkStream, 1_900_000));
        peer.sendBytes(new Uint8Array(60_000));
      }
      peer.setChunkSize(1_000_000);
      for (let chunkStream = 3; chunkStream < 60; chunkStream++) {
        peer.sendBytes(Uint8Array.of(0xc0 | chunkStream));
        peer.sendBytes(new Uint8Array(1_000_000));
      }
      await peer.untilClosed();
    });

    it('R013: type 3 on a fresh chunk stream ends the session', async () => {
      const peer = await connected();
      peer.sendBytes(concatBytes([Uint8Array.of(0xc0 | 20), new Uint8Array(200)]));
      await peer.untilClosed();
    });

    it('R013: a fresh chunk stream may begin with type 1, whatever its id', async () => {
      const peer = await connected();
      // A ping request without a type-0 header before it, as librtmp sends it, and on other chunk streams.
      for (const id of [2, 20, 63]) {
        const since = peer.messages.length;
        peer.sendBytes(Uint8Array.of(0x40 | id, 0, 0, 0, 0, 0, 6, 4, 0, 6, 0, 0, 0, id));
        await peer.until('the ping is answered', () =>
          peer.messages.slice(since).find(({ type, payload }) => type === 4 && payload[5] === id),
        );
      }
      await peer.close();
    });

    it('R013: media on a fresh chunk stream that begins with type 1 are published', async () => {
      const publisher = await openPublisher(rtmp, 'fresh');
      const watcher = await openPlayer(rtmp, 'fresh');
      const audio = [0x2f, 1, 2, 3];
      // Type 1 with a delta of 33 ms, then type 2 with one of 20 ms.
      publisher.sendBytes(Uint8Array.of(0x40 | 48, 0, 0, 33, 0, 0, 4, 8, ...audio));
      publisher.sendBytes(Uint8Array.of(0x80 | 48, 0, 0, 20, ...audio));
      const media = await watcher.untilMedia(2, [8]);
      expect(media.map(({ body }) => [...body])).toEqual([audio, audio]);
      expect((media[1]?.timestamp ?? 0) - (media[0]?.timestamp ?? 0)).toBe(20);
      await Promise.all([publisher.close(), watcher.close()]);
    });

    it('R014: a new header in the middle of a message ends the session', async () => {
      const peer = await connected();
      peer.sendBytes(header(6, 100_000));
      peer.sendBytes(new Uint8Array(60_000));
      peer.sendBytes(header(6, 10));
      peer.sendBytes(new Uint8Array(60_000));
      await peer.untilClosed();
    });

    it('R011: extended timestamps that lie do no harm', async () => {
      const publisher = await openPublisher(rtmp, 'lying-times');
      for (const timestamp of [0xff_ffff, 0xffff_ffff, 0x8000_0000, 0x7fff_ffff, 0, 0x100_0000]) {
        publisher.sendBytes(header(6, 6, 9, timestamp));
        publisher.sendBytes(Uint8Array.of(0x27, 1, 0, 0, 0, 1));
      }
      publisher.sendCommand('sync', 9);
      await publisher.answer(9);
      await publisher.close();
    });

    it('R020: aggregates that lie about their parts do no harm', async () => {
      const watcher = await openPlayer(rtmp, 'aggregate');
      const publisher = await openPublisher(rtmp, 'aggregate');
      const aggregate = (payload: Uint8Array): void => {
        publisher.sendMessage({ chunkStreamId: 6, type: 22, streamId: 1, timestamp: 0, payload });
      };
      const part = (length: number): number[] => [9, 0, 0, length, 0, 0, 40, 0, 0, 0, 0];
      const body = [0x17, 1, 0, 0, 0, 1];
      aggregate(Uint8Array.from([...part(6), ...body, 0, 0, 0, 17]));
      await watcher.untilMedia(1);
      aggregate(Uint8Array.from([...part(200), ...body]));
      aggregate(Uint8Array.from([9, 255, 255, 255, 0]));
      publisher.sendCommand('sync', 9);
      await publisher
        .until('an answer or the end', () =>
          publisher.commands().find(({ transactionId }) => transactionId === 9),
        )
        .catch(() => undefined);
      publisher.socket.destroy();
      await watcher.close();
    });
  });

  describe('AMF and commands', () => {
    const objectStart = Uint8Array.of(3, 0, 1, 0x61);
    /** Ten thousand objects, each in the one before. */
    const nested = concatBytes(Array.from({ length: 10_000 }, () => objectStart));
    const badValues = [
      ['nested 10,000 deep', nested],
      ['of 4 G elements', Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 5, 5)],
      ['with an ECMA array of 4 G', Uint8Array.of(8, 0xff, 0xff, 0xff, 0xff, 0, 1, 0x61, 5)],
      ['with a cut string', Uint8Array.of(2, 0xff, 0xff, 0x61)],
      ['with a cut long string', Uint8Array.of(0x0c, 0xff, 0xff, 0xff, 0xff, 0x61)],
      ['of a type that is none', Uint8Array.of(0x77, 1, 2, 3)],
      ['with a reference to nowhere', Uint8Array.of(7, 0xff, 0xff)],
    ] as const;

    it.each(badValues)('R022: connect %s ends the session', async (_name, value) => {
      const peer = await RtmpPeer.open(rtmp);
      const payload = concatBytes([encodeAmf0('connect', 1), value]);
      peer.sendMessage({ chunkStreamId: 3, type: 20, streamId: 0, timestamp: 0, payload });
      await peer.untilClosed();
    });

    it.each(badValues)('P008 R022: metadata %s is dropped, and the stream goes on', async (name, value) => {
      const body = concatBytes([encodeAmf0('@setDataFrame', 'onMetaData'), value]);
      await survives(`metadata ${name}`.replaceAll(/\W/g, '-'), [{ type: 18, timestamp: 0, body }]);
    });

    it.each([
      ['R030: connect without a tcUrl', AmfObject.from({ app: 'live' })],
      ['R030: connect with an empty tcUrl', AmfObject.from({ app: 'live', tcUrl: '' })],
      ['R030: connect with a number for tcUrl', AmfObject.from({ app: 'live', tcUrl: 5 })],
      ['R032: connect with 1 MB of tcUrl', AmfObject.from({ tcUrl: `rtmp://a/${'x'.repeat(1_000_000)}` })],
      ['R030: connect without an object', null],
    ])('%s ends the session', async (_name, command) => {
      const peer = await RtmpPeer.open(rtmp);
      const payload = encodeAmf0('connect', 1, command);
      peer.setChunkSize(60_000);
      peer.sendMessage({ chunkStreamId: 3, type: 20, streamId: 0, timestamp: 0, payload });
      await peer.untilClosed();
    });

    it('R032: connect without an app takes it from the tcUrl', async () => {
      const peer = await RtmpPeer.open(rtmp);
      peer.sendCommand('connect', 1, [AmfObject.from({ tcUrl: 'rtmp://127.0.0.1/live' })]);
      expect((await peer.answer(1)).name).toBe('_result');
      await peer.close();
    });

    it.each(['play', 'publish', 'createStream', 'onBWDone'])(
      'R030: %s before connect ends the session',
      async (name) => {
        const peer = await RtmpPeer.open(rtmp);
        peer.sendCommand(name, 2, [null, 'healthy', 'live'], 1);
        await peer.untilClosed();
      },
    );

    it('R034: a stream of a vhost that is not there', async () => {
      const peer = await RtmpPeer.open(rtmp);
      // The default vhost takes every host, so the stream is just another one.
      await peer.connect({ tcUrl: 'rtmp://nowhere.example.com/live' });
      await peer.play('healthy?vhost=' + 'v'.repeat(2000));
      await peer.close();
    });

    it('R042: play and publish with odd arguments', async () => {
      for (const name of ['play', 'publish']) {
        for (const value of [5, null, AmfObject.from({}), 'x'.repeat(20_000)]) {
          const peer = await connected();
          peer.sendCommand(name, 5, [null, value], 1);
          await peer.untilClosed();
        }
      }
    });

    it('commands without end, all at once, from one that never reads', async () => {
      const peer = await connected();
      peer.socket.pause();
      for (let call = 0; call < 20_000; call++) peer.sendCommand(`call${call}`, call + 10);
      peer.socket.destroy();
    });
  });

  describe('media', () => {
    const video = (...body: readonly number[]): MediaMessage => ({
      type: 9,
      timestamp: 100,
      body: Uint8Array.from(body),
    });
    const audio = (...body: readonly number[]): MediaMessage => ({
      type: 8,
      timestamp: 100,
      body: Uint8Array.from(body),
    });

    it('R019: frames with empty and with cut bodies are dropped', async () => {
      await survives('empty', [
        video(),
        audio(),
        video(0x17),
        video(0x17, 1),
        video(0x17, 1, 0, 0),
        audio(0xaf),
      ]);
    });

    it('P012: an SPS that lies does no harm', async () => {
      const configuration = (sps: readonly number[], spsLength = sps.length): MediaMessage =>
        video(0x17, 0, 0, 0, 0, 1, 0x42, 0, 30, 0xff, 0xe1, spsLength >> 8, spsLength & 255, ...sps);
      await survives('sps', [
        configuration([]),
        configuration([0x67, 0x42, 0, 30], 5000),
        configuration([0x67, 0x42, 0, 30, ...Array.from({ length: 40 }, () => 0)]),
        configuration([0x67, 0x64, 0, 30, ...Array.from({ length: 40 }, () => 0xff)]),
        // Exp-Golomb numbers of 31 zeros: sizes and counts of 2^31.
        configuration([0x67, 0x42, 0, 30, ...Array.from({ length: 60 }, (_, i) => (i % 8 === 0 ? 1 : 0))]),
        video(0x17, 0, 0, 0, 0),
        audio(0xaf, 0),
        audio(0xaf, 0, 0xff, 0xff, 0xff),
      ]);
    });

    it('P009: sequence headers after frames, and other ones', async () => {
      const headers = clip.tags.filter((tag) => isSequenceHeader(tag));
      await survives('late-headers', [...headers, ...headers.toReversed(), ...headers]);
    });

    it('P011: codecs and packet types that do not exist', async () => {
      const all = Array.from({ length: 256 }, (_, first) => video(first, 1, 2, 3, 4, 5));
      const sounds = Array.from({ length: 256 }, (_, first) => audio(first, 1, 2, 3));
      await survives('every-codec', [...all, ...sounds]);
    });

    it('P016: timestamps anywhere', async () => {
      const frame = clip.frames.find(({ type }) => type === 9);
      const times = [0, 2 ** 31, 5, 2 ** 32 - 1, 0xff_ffff, 1, 2 ** 31 - 1, 3_600_000];
      const bad = frame === undefined ? [] : times.map((timestamp) => ({ ...frame, timestamp }));
      await survives('anywhen', bad);
    });
  });

  describe('HTTP', () => {
    /** Sends bytes and gives the status line of the answer, if one came before the close. */
    async function answerTo(bytes: string | Uint8Array): Promise<string> {
      const socket = connect({ port: sluice.ports.http, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      let text = '';
      socket.setEncoding('latin1').on('data', (piece: string) => {
        text += piece;
      });
      socket.write(bytes);
      await waitFor(() => (socket.destroyed ? true : undefined), 'the server closes');
      return text.split('\r\n')[0] ?? '';
    }

    it.each([
      [
        'a request line beyond its limit',
        `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
        /4(14|31)/,
      ],
      ['headers beyond their limit', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, /431/],
      ['too many headers', `GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(20_000)}\r\n`, /431/],
      ['garbage', Buffer.alloc(5000, 0xfe), /400/],
      ['RTMP', concatBytes([Uint8Array.of(3), new Uint8Array(1536)]), /400/],
      ['a bad length', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n', /400/],
      ['a bad path', 'GET /%zz/%00.flv HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', /40[04]/],
    ])('%s is refused', async (_name, bytes, status) => {
      expect(await answerTo(bytes)).toMatch(status);
    });

    it.each([
      ['garbage', Buffer.alloc(3000, 0xff)],
      ['a frame that is not masked', Uint8Array.of(0x82, 3, 1, 2, 3)],
      ['a frame of 2^62 bytes', Uint8Array.of(0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4)],
      ['a reserved opcode', Uint8Array.of(0x8b, 0x80, 0, 0, 0, 0)],
      ['a control frame that is too long', Uint8Array.of(0x89, 0xfe, 1, 0, 0, 0, 0, 0)],
    ])('WebSocket: %s ends that player alone', async (_name, bytes) => {
      const other = await FlvViewer.open(sluice.wsUrl('/live/healthy.flv'));
      await other.untilMedia(3);
      other.socket.write(bytes);
      await other.untilEnded();
    });

    it('WebSocket: pings without end from one that never reads grow nothing', async () => {
      const other = await FlvViewer.open(sluice.wsUrl('/live/healthy.flv'));
      other.socket.pause();
      const ping = concatBytes(
        Array.from({ length: 1000 }, () => Uint8Array.of(0x89, 0x84, 0, 0, 0, 0, 1, 2, 3, 4)),
      );
      for (let i = 0; i < 100; i++) other.socket.write(ping);
      other.close();
      await other.untilEnded();
    });
  });

  it(`${MUTATED_SESSIONS} mutated copies of what ffmpeg sends`, async () => {
    const proxy = await capture(rtmp);
    const publisher = publish({
      file: await fixture('h264-aac'),
      url: `rtmp://127.0.0.1:${proxy.port}/live/mutated`,
      realtime: false,
      seconds: 2,
    });
    await publisher.finished();
    await proxy.close();
    const original = proxy.bytes();
    expect(original.length).toBeGreaterThan(20_000);
    const random = seededRandom(20_261_120);
    const below = (limit: number): number => Math.floor(random() * limit);
    /** Changes a few bytes; half of the time behind the handshake, where the commands are. */
    const mutate = (): Uint8Array => {
      const bytes = Buffer.from(original);
      for (let change = 1 + below(8); change > 0; change--) {
        const from = random() < 0.5 ? 3073 + below(800) : below(bytes.length);
        switch (below(4)) {
          case 0:
            bytes[from] = below(256);
            break;
          case 1:
            bytes[from] = (bytes[from] ?? 0) ^ (1 << below(8));
            break;
          case 2:
            bytes.fill(random() < 0.5 ? 0xff : 0, from, Math.min(bytes.length, from + below(12)));
            break;
          default:
            bytes.copyWithin(from, below(bytes.length), below(bytes.length));
        }
      }
      return bytes.subarray(0, random() < 0.3 ? below(bytes.length) : bytes.length);
    };
    let left = MUTATED_SESSIONS;
    const worker = async (): Promise<void> => {
      while (left-- > 0) {
        const bytes = mutate();
        const socket = await raw(rtmp);
        socket.end(bytes);
        await closedByServer(socket);
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
  });

  it('at the end: the others have lost nothing, nobody is left, and memory has not grown', async () => {
    clearInterval(pump);
    const last = bodies(sent).at(-1);
    const frames = (
      media: readonly { readonly type: number; readonly body: Uint8Array }[],
    ): readonly string[] =>
      bodies((media as readonly MediaMessage[]).filter((message) => !isSequenceHeader(message)));
    await player.until('the last frame by RTMP', () =>
      frames(player.media()).at(-1) === last ? true : undefined,
    );
    await viewer.until('the last frame by HTTP', () =>
      frames(viewer.media()).at(-1) === last ? true : undefined,
    );
    await waitFor(() => (frames(player.media()).length === sent.length ? true : undefined), 'all came');
    expect(frames(player.media())).toEqual(bodies(sent));
    const byHttp = frames(viewer.media());
    expect(byHttp).toEqual(bodies(sent).slice(-byHttp.length));
    await waitFor(async () => {
      const { streams } = (await sluice.api('/api/v1/streams?count=1000')) as { streams: readonly unknown[] };
      return streams.length === 1 ? true : undefined;
    }, 'only the healthy stream is left');
    const memory = await residentBytes(sluice.process.pid ?? 0);
    expect(memory - memoryBefore).toBeLessThan(MEMORY_ROOM);
    viewer.close();
  });
});
