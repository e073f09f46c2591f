import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { AmfObject } from '@sluice/media/amf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  fixture,
  haveFfmpeg,
  haveRtmpdump,
  openPlayer,
  openPublisher,
  publish,
  RtmpPeer,
  RunningProcess,
  type SluiceUnderTest,
  startSluice,
} from '../harness/index.ts';

/** What a client asks for. */
interface Request {
  readonly tcUrl: string;
  /** Default: nothing, as connect is refused. */
  readonly act?: 'publish' | 'play';
  readonly name?: string | number;
  readonly pageUrl?: string;
}

interface Case extends Request {
  readonly what: string;
  /** `_error` or `onStatus`, and its code. */
  readonly told: string;
  /** Of the description. */
  readonly says: RegExp;
}

const DENIED = 'onStatus NetStream.Publish.Denied';
const BAD_NAME = 'onStatus NetStream.Publish.BadName';
const FAILED = 'onStatus NetStream.Play.Failed';
const NOT_FOUND = 'onStatus NetStream.Play.StreamNotFound';
const REJECTED = '_error NetConnection.Connect.Rejected';

const cases: readonly Case[] = [
  { what: 'a vhost that is off', tcUrl: 'rtmp://off.test/live', told: REJECTED, says: /off\.test/ },
  { what: 'a tcUrl that is no URL', tcUrl: 'live', told: REJECTED, says: /rtmp:\/\/host\/app/ },
  { what: 'no tcUrl', tcUrl: '', told: REJECTED, says: /tcUrl/ },
  { what: 'a tcUrl that is too long', tcUrl: `rtmp://h/${'x'.repeat(9000)}`, told: REJECTED, says: /8192/ },
  {
    what: 'a tcUrl beyond all limits',
    tcUrl: `rtmp://h/${'x'.repeat(99_000)}`,
    told: REJECTED,
    says: /65536/,
  },
  { what: 'a port that is none', tcUrl: 'rtmp://h:99999/live', told: REJECTED, says: /port/ },
  { what: 'on_connect', tcUrl: 'rtmp://connect.hook.test/live', told: REJECTED, says: /callback server/ },
  {
    what: 'a page that may not connect',
    tcUrl: 'rtmp://refer.test/live',
    pageUrl: 'http://evil.test/',
    told: REJECTED,
    says: /evil\.test/,
  },
  { what: 'a bandwidth test with a bad key', tcUrl: 'rtmp://bw.test/live', told: REJECTED, says: /key/ },
  {
    what: 'a stream without a name',
    tcUrl: 'rtmp://h/live',
    act: 'publish',
    name: '',
    told: BAD_NAME,
    says: /empty/,
  },
  {
    what: 'no stream to play',
    tcUrl: 'rtmp://h/live',
    act: 'play',
    name: '',
    told: NOT_FOUND,
    says: /empty/,
  },
  {
    what: 'a name that is a number',
    tcUrl: 'rtmp://h/live',
    act: 'publish',
    name: 5,
    told: BAD_NAME,
    says: /number/,
  },
  {
    what: 'a name that is too long',
    tcUrl: 'rtmp://h/live',
    act: 'publish',
    name: 'x'.repeat(9000),
    told: BAD_NAME,
    says: /8192/,
  },
  {
    what: 'a name beyond all limits',
    tcUrl: 'rtmp://h/live',
    act: 'publish',
    name: 'x'.repeat(99_000),
    told: 'onStatus NetConnection.Call.Failed',
    says: /65536/,
  },
  {
    what: 'a name that leads out of the directory of files',
    tcUrl: 'rtmp://dvr.test/live',
    act: 'publish',
    name: 'a/../../b',
    told: BAD_NAME,
    says: /\.\./,
  },
  {
    what: "a name's vhost that is off, to publish",
    tcUrl: 'rtmp://h/live',
    act: 'publish',
    name: 'x?vhost=off.test',
    told: BAD_NAME,
    says: /off\.test/,
  },
  {
    what: "a name's domain that is off, to play",
    tcUrl: 'rtmp://h/live',
    act: 'play',
    name: 'x?domain=off.test',
    told: NOT_FOUND,
    says: /off\.test/,
  },
  {
    what: 'a page that may not publish',
    tcUrl: 'rtmp://refer-publish.test/live',
    act: 'publish',
    pageUrl: 'http://evil.test/',
    told: DENIED,
    says: /refer/,
  },
  {
    what: 'a page that may not play',
    tcUrl: 'rtmp://refer-play.test/live',
    act: 'play',
    pageUrl: 'http://evil.test/',
    told: FAILED,
    says: /refer/,
  },
  {
    what: "a name's vhost of bandwidth tests",
    tcUrl: 'rtmp://h/live',
    act: 'play',
    name: 'x?vhost=bw.test',
    told: FAILED,
    says: /test/,
  },
  {
    what: 'an address that may not publish',
    tcUrl: 'rtmp://address.test/live',
    act: 'publish',
    told: DENIED,
    says: /address/,
  },
  {
    what: 'an address that may not play',
    tcUrl: 'rtmp://address.test/live',
    act: 'play',
    told: FAILED,
    says: /address/,
  },
  {
    what: 'no token, to publish',
    tcUrl: 'rtmp://token.test/live',
    act: 'publish',
    told: DENIED,
    says: /token/,
  },
  { what: 'no token, to play', tcUrl: 'rtmp://token.test/live', act: 'play', told: FAILED, says: /token/ },
  {
    what: 'on_publish',
    tcUrl: 'rtmp://hook.test/live',
    act: 'publish',
    told: DENIED,
    says: /callback server/,
  },
  { what: 'on_play', tcUrl: 'rtmp://hook.test/live', act: 'play', told: FAILED, says: /callback server/ },
  {
    what: 'on_connect of an identified publisher',
    tcUrl: 'rtmp://identified.hook.test/live',
    act: 'publish',
    told: DENIED,
    says: /callback server/,
  },
  {
    what: 'on_publish of nobody who answers',
    tcUrl: 'rtmp://dead.hook.test/live',
    act: 'publish',
    told: DENIED,
    says: /callback server/,
  },
  {
    what: 'a stream that is busy',
    tcUrl: 'rtmp://h/live',
    act: 'publish',
    name: 'busy',
    told: BAD_NAME,
    says: /busy/,
  },
];

/** What a client that waits for no answer sends after its request: too much to be read before the refusal. */
const EAGER_BYTES = 3_000_000;

describe.concurrent('refusals', () => {
  let sluice: SluiceUnderTest;
  let hooks: ReturnType<typeof createServer>;
  let busy: RtmpPeer;

  beforeAll(async () => {
    hooks = createServer((request, response) => {
      request.resume().on('end', () => response.end('{"code":1}'));
    });
    hooks.listen(0, '127.0.0.1');
    await once(hooks, 'listening');
    const url = `http://127.0.0.1:${(hooks.address() as AddressInfo).port}/`;
    sluice = await startSluice({
      root: `
        vhost off.test { enabled off; }
        vhost refer.test { refer { enabled on; all good.test; } }
        vhost refer-publish.test { refer { enabled on; publish good.test; } }
        vhost refer-play.test { refer { enabled on; play good.test; } }
        vhost address.test { security { enabled on; deny publish all; deny play all; } }
        vhost token.test { token { enabled on; secret a-secret-of-many-letters; publish on; play on; } }
        vhost bw.test { bandcheck { enabled on; key "right"; } }
        vhost dvr.test { dvr { enabled on; } }
        vhost connect.hook.test { http_hooks { enabled on; on_connect ${url}; } }
        vhost hook.test { http_hooks { enabled on; on_publish ${url}; on_play ${url}; } }
        vhost dead.hook.test { http_hooks { enabled on; on_publish http://127.0.0.1:9/; } }
        vhost identified.hook.test {
          http_hooks { enabled on; on_connect ${url}; on_connect_at identified; }
        }`,
    });
    busy = await openPublisher(sluice.ports.rtmp, 'busy');
    keepAlive = setInterval(() => {
      busy.sendMedia({ type: 8, timestamp: 0, body: Uint8Array.of(0x2f, 0) });
    }, 500);
  });
  let keepAlive: NodeJS.Timeout;

  afterAll(async () => {
    clearInterval(keepAlive);
    await busy.close();
    hooks.closeAllConnections();
    hooks.close();
    await sluice.stop();
  });

  /** The last command of the server, once it has closed. */
  async function lastWords(peer: RtmpPeer): Promise<{ told: string; description: string }> {
    await peer.untilClosed();
    const command = peer.commands().at(-1);
    const info = command?.args[1];
    const text = (name: string): string => {
      const value = info instanceof AmfObject ? info.get(name) : undefined;
      return typeof value === 'string' ? value : '';
    };
    expect(text('level')).toBe('error');
    return { told: `${command?.name ?? ''} ${text('code')}`, description: text('description') };
  }

  /** Connects and asks, without waiting for any answer, and goes on sending. */
  async function ask({ tcUrl, act, name = 'x', pageUrl = '' }: Request): Promise<RtmpPeer> {
    const peer = await RtmpPeer.open(sluice.ports.rtmp);
    peer.setChunkSize(60_000);
    peer.sendCommand('connect', 1, [AmfObject.from({ app: '', tcUrl, pageUrl })]);
    if (act !== undefined) {
      peer.sendCommand('createStream', 2);
      peer.sendCommand(act, 3, [null, name], 1);
    }
    const body = new Uint8Array(50_000).fill(0x2f);
    for (let sent = 0; sent < EAGER_BYTES; sent += body.length) {
      peer.sendMedia({ type: 8, timestamp: 0, body });
    }
    return peer;
  }

  it.each(cases)(
    'R030 R034 R035 K003 S001 S002 B001 P005: $what is told before the close',
    async ({ told, says, ...request }) => {
      const words = await lastWords(await ask(request));
      expect(words.told).toBe(told);
      expect(words.description).toMatch(says);
    },
  );

  it('R034: an unknown vhost is told before the close', async ({ onTestFinished }) => {
    const other = await startSluice({
      config: ({ rtmp }) => `listen ${rtmp}; daemon off; srs_log_tank console; vhost known.test { }`,
    });
    onTestFinished(() => other.stop());
    const peer = await RtmpPeer.open(other.ports.rtmp);
    const answer = await peer.connect({ tcUrl: 'rtmp://unknown.test/live' });
    expect(answer.name).toBe('_error');
    expect((await lastWords(peer)).told).toBe(REJECTED);
  });

  it('R002: a server that is full says so before the close', async ({ onTestFinished }) => {
    const full = await startSluice({
      config: ({ rtmp }) =>
        `listen ${rtmp}; daemon off; srs_log_tank console; max_connections 1; vhost __defaultVhost__ { }`,
    });
    onTestFinished(() => full.stop());
    const player = await openPlayer(full.ports.rtmp, 'x');
    const peer = await RtmpPeer.open(full.ports.rtmp);
    await peer.connect();
    expect(await lastWords(peer)).toEqual({ told: REJECTED, description: 'max_connections is reached' });
    await player.close();
  });

  it('P004: publish(false) ends a publish and not the connection', async () => {
    const peer = await openPublisher(sluice.ports.rtmp, 'stops');
    peer.sendMedia({ type: 8, timestamp: 0, body: Uint8Array.of(0x2f, 0) });
    peer.sendCommand('publish', 0, [null, false], 1);
    await peer.status('NetStream.Unpublish.Success');
    await peer.synced();
    await peer.publish('again');
    await peer.close();
  });

  it.each([
    { tcUrl: 'rtmp://h/live/blbl', name: '', stream: '/live/blbl' },
    { tcUrl: 'rtmp://h/live/blbl?token=t', name: '', stream: '/live/blbl' },
    { tcUrl: 'rtmp://h', name: 'alone', stream: '/__defaultApp__/alone' },
    { tcUrl: 'rtmp://h/live/_definst_', name: 's1', stream: '/live/s1' },
    { tcUrl: 'rtmp://h/live', name: 's2?domain=dvr.test', stream: 'dvr.test/live/s2' },
    { tcUrl: 'rtmp://h/live?domain=dvr.test', name: 's3', stream: 'dvr.test/live/s3' },
  ])('R032 R033: $tcUrl and "$name" publish $stream', async ({ tcUrl, name, stream }) => {
    const app = tcUrl.split('/').slice(3).join('/');
    const peer = await openPublisher(sluice.ports.rtmp, name, { tcUrl, app });
    const { streams } = (await sluice.api('/api/v1/streams?count=1000')) as {
      readonly streams: readonly { readonly url: string }[];
    };
    expect(streams.map(({ url }) => url)).toContain(stream);
    await peer.close();
  });

  it.runIf(haveFfmpeg)('ffmpeg shows why it is refused, at connect, publish and play', async () => {
    const { rtmp } = sluice.ports;
    const at = (vhost: string): string => `rtmp://127.0.0.1:${rtmp}/live?vhost=${vhost}/x`;
    for (const [vhost, says] of [
      ['off.test', 'off.test is not served here'],
      ['hook.test', 'the callback server refused it'],
      ['token.test', 'the token is missing'],
      ['address.test', 'the address is not allowed'],
    ] as const) {
      const publisher = publish({ file: await fixture('h264-aac'), url: at(vhost) });
      expect((await publisher.process.exited()).code).not.toBe(0);
      expect(publisher.process.stderr).toContain(
        `Server error: ${vhost === 'off.test' ? 'vhost ' : ''}${says}`,
      );
      const player = new RunningProcess('ffprobe', ['-hide_banner', at(vhost)]);
      await player.exited();
      expect(player.stderr).toContain(says);
    }
  });

  it.runIf(haveRtmpdump)('librtmp shows why it is refused', async () => {
    const { rtmp } = sluice.ports;
    for (const vhost of ['off.test', 'hook.test', 'token.test']) {
      const url = `rtmp://127.0.0.1:${rtmp}/live?vhost=${vhost}/x`;
      const player = new RunningProcess('rtmpdump', ['-v', '-r', url, '-m', '10', '-o', '/dev/null']);
      await player.exited();
      const shown =
        vhost === 'off.test' ? 'rtmp server sent error' : 'Closing connection: NetStream.Play.Failed';
      expect(player.stderr).toContain(shown);
    }
  });
});
