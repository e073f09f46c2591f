import { AmfObject } from '@sluice/media/amf';
import { bytesToHex, concatBytes } from '@sluice/media/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RtmpError } from '../errors.ts';
import type { RtmpStatus } from '../errors.ts';
import { ClientSession } from './client-session.ts';
import type { ClientSessionHandler } from './client-session.ts';
import type { ServerSessionHandler } from './events.ts';
import { mediaStreamId } from './replies.ts';
import { ServerSession } from './server-session.ts';

/** Both sessions, wired to each other; `cut` splits what goes over the wire. */
class Pair {
  readonly heard: string[] = [];
  readonly toServer: Uint8Array[] = [];
  readonly toClient: Uint8Array[] = [];
  readonly client: ClientSession;
  readonly server: ServerSession;
  status: RtmpStatus | undefined;
  readonly #step: number;

  constructor(
    handler: Partial<ClientSessionHandler>,
    step: number,
    serverHandler: Partial<ServerSessionHandler> = {},
    handshake: 'complex' | 'simple' = 'complex',
  ) {
    this.#step = step;
    const hear = (text: string): void => {
      this.heard.push(text);
    };
    this.server = new ServerSession({
      send: (bytes) => this.toClient.push(bytes),
      handler: {
        onConnect: (request) => {
          hear(
            `server: connect ${request.url.app} ${request.flashVer} ${JSON.stringify(request.args?.get('a'))}`,
          );
          this.server.acceptConnect({ data: { srs_id: 'id7' } });
        },
        onPublish: (request) => {
          hear(`server: publish ${request.flavour} ${request.streamName}`);
          this.server.acceptPublish();
        },
        onUnpublish: (cause) => {
          hear(`server: unpublish ${cause}`);
          this.server.finishUnpublish();
        },
        onPlay: (request) => {
          hear(`server: play ${request.streamName} ${request.start} ${request.duration}`);
          this.server.acceptPlay();
        },
        onStop: (cause) => {
          hear(`server: stop ${cause}`);
        },
        onPause: (paused, time) => {
          hear(`server: pause ${paused} ${time}`);
        },
        onReceiveAudio: (on) => {
          hear(`server: audio ${on}`);
        },
        onReceiveVideo: (on) => {
          hear(`server: video ${on}`);
        },
        onMedia: (kind, timestamp, payload) => {
          hear(`server: media ${kind} ${timestamp} ${bytesToHex(payload)}`);
        },
        ...serverHandler,
      },
    });
    this.client = new ClientSession({
      send: (bytes) => this.toServer.push(bytes),
      handshake,
      handler: {
        onHandshaken: () => {
          this.client.connect({
            tcUrl: 'rtmp://h/live',
            app: 'live',
            flashVer: 'test',
            args: AmfObject.from({ a: 1 }),
          });
        },
        onConnected: (properties) => {
          hear(`client: connected ${properties.fmsVersion} ${JSON.stringify(properties.data.get('srs_id'))}`);
        },
        onRejected: (status) => {
          this.status = status;
          hear(`client: rejected ${status.code}`);
        },
        onPlayStarted: () => {
          hear('client: playing');
        },
        onPublishStarted: () => {
          hear('client: publishing');
        },
        onMedia: (kind, timestamp, payload) => {
          hear(`client: media ${kind} ${timestamp} ${bytesToHex(payload)}`);
        },
        ...handler,
      },
    });
  }

  /** Carries bytes both ways until nobody has more to say; returns all that the client sent. */
  run(): Uint8Array {
    const sent: Uint8Array[] = [];
    while (this.toServer.length + this.toClient.length > 0) {
      const up = concatBytes(this.toServer.splice(0));
      sent.push(up);
      for (let start = 0; start < up.length; start += this.#step) {
        this.server.write(up.subarray(start, start + this.#step));
      }
      const down = concatBytes(this.toClient.splice(0));
      for (let start = 0; start < down.length; start += this.#step) {
        this.client.write(down.subarray(start, start + this.#step));
      }
    }
    return concatBytes(sent);
  }
}

describe('ClientSession with ServerSession', () => {
  for (const step of [1, 100, 1 << 20]) {
    it(`R007 P001 P003 publishes in FMLE's order, in pieces of ${step}`, () => {
      const pair = new Pair({}, step);
      pair.client.start();
      pair.run();
      expect(pair.client.handshakeKind).toBe('complex');
      pair.client.publish('x');
      pair.run();
      pair.client.sendData(0, Uint8Array.of(2, 0, 1, 97));
      pair.client.sendVideo(0x100_0000, new Uint8Array(3).fill(1));
      pair.client.sendAudio(5, Uint8Array.of(0xaf));
      pair.run();
      pair.client.stop();
      pair.run();
      expect(pair.heard).toEqual([
        'server: connect live test 1',
        'client: connected FMS/3,5,3,888 "id7"',
        'server: publish fmle-publish x',
        'client: publishing',
        'server: media data 0 02000161',
        'server: media video 16777216 010101',
        'server: media audio 5 af',
        'server: unpublish FCUnpublish',
      ]);
    });

    it(`R007 plays, with the simple handshake, in pieces of ${step}`, () => {
      const pair = new Pair({}, step, {}, 'simple');
      pair.client.start();
      pair.run();
      expect(pair.client.handshakeKind).toBe('simple');
      pair.client.play('x', { start: 0, duration: 5000 });
      pair.run();
      const media = {
        chunkStreamId: 6,
        type: 9,
        streamId: mediaStreamId,
        timestamp: 7,
        payload: Uint8Array.of(0x17),
      };
      pair.server.sendMessage(media);
      pair.server.sendMessage({ ...media, chunkStreamId: 7, type: 8, payload: new Uint8Array(0) });
      pair.client.pause(true, 10);
      pair.client.receiveAudio(false);
      pair.client.receiveVideo(true);
      pair.client.seek(5);
      pair.run();
      pair.client.stop();
      pair.run();
      expect(pair.heard.slice(2)).toEqual(
        [
          'server: play x 0 5000',
          'client: playing',
          'client: media data 0 ' + '0200117c52746d7053616d706c65416363657373' + '01010101',
          'server: pause true 10',
          'server: audio false',
          'server: video true',
          'client: media video 7 17',
          'server: stop deleteStream',
        ].filter((line) => line !== ''),
      );
    });
  }

  it('hears a refused connect, with its redirect', () => {
    const pair: Pair = new Pair({}, 1 << 20, {
      onConnect: () => {
        pair.server.rejectConnect({ description: 'moved', redirect: { url: 'rtmp://o/live' } });
      },
    });
    pair.client.start();
    pair.run();
    expect(pair.status).toEqual({
      level: 'error',
      code: 'NetConnection.Connect.Rejected',
      description: 'moved',
      redirect: 'rtmp://o/live',
    });
  });

  it('hears a refused publish in the words of the server', () => {
    const pair: Pair = new Pair({}, 1 << 20, {
      onPublish: () => {
        pair.server.rejectPublish({ description: 'stream is busy' });
      },
    });
    pair.client.start();
    pair.run();
    pair.client.publish('x');
    pair.run();
    expect(pair.status).toMatchObject({ code: 'NetStream.Publish.BadName', description: 'stream is busy' });
  });

  it('gets the answers to its own calls', () => {
    const pair = new Pair({}, 1 << 20);
    pair.client.start();
    pair.run();
    let answer: unknown;
    pair.client.call('anything', [null], (accepted, args) => {
      answer = [accepted, args];
    });
    pair.run();
    expect(answer).toEqual([true, [null, null]]);
  });

  it('refuses media and stream commands before there is a stream', () => {
    const pair = new Pair({}, 1 << 20);
    expect(() => {
      pair.client.sendAudio(0, Uint8Array.of(1));
    }).toThrow(expect.objectContaining({ code: 'bad-state' }));
    expect(() => {
      pair.client.pause(true);
    }).toThrow(RtmpError);
  });

  it('a whole session, changed at random, throws nothing but RtmpError on either side', () => {
    const recorded = recordSession();
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.constantFrom('up', 'down'),
        fc.array(change, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 5000 }),
        (way, changes, step) => {
          const bytes = recorded[way].slice();
          for (const [at, value] of changes) {
            // Past the handshake, where any byte but the first is as good as another.
            bytes[3073 + (at % (bytes.length - 3073))] = value;
          }
          const pair = new Pair({}, step);
          const target = way === 'up' ? pair.server : pair.client;
          if (way === 'down') {
            pair.client.start();
          }
          try {
            for (let start = 0; start < bytes.length; start += step) {
              target.write(bytes.subarray(start, start + step));
            }
          } catch (error) {
            expect(error).toBeInstanceOf(RtmpError);
          }
        },
      ),
      { numRuns: 1500 },
    );
  });
});

/** The bytes of both directions of a publish; the handshakes are the simple one, which any peer takes. */
function recordSession(): { up: Uint8Array; down: Uint8Array } {
  const pair = new Pair({}, 1 << 20, {}, 'simple');
  const down: Uint8Array[] = [];
  const record = (): void => {
    down.push(...pair.toClient.map((bytes) => bytes.slice()));
  };
  const up: Uint8Array[] = [];
  pair.client.start();
  const steps = [
    () => {
      pair.client.publish('x');
    },
    () => {
      pair.client.sendData(0, Uint8Array.of(2, 0, 1, 97));
      pair.client.sendVideo(0x100_0000, new Uint8Array(300).fill(1));
      pair.client.sendAudio(5, Uint8Array.of(0xaf, 1, 2));
    },
    () => {
      pair.client.stop();
    },
  ];
  for (const step of [undefined, ...steps]) {
    step?.();
    while (pair.toServer.length > 0) {
      const bytes = concatBytes(pair.toServer.splice(0));
      up.push(bytes);
      pair.server.write(bytes);
      record();
      pair.client.write(concatBytes(pair.toClient.splice(0)));
    }
  }
  return { up: concatBytes(up), down: concatBytes(down) };
}
