import { beforeEach, describe, expect, it } from 'vitest';

import type { ListenAddress } from '../config/index.ts';
import { type ListenDoor, Listeners } from './listeners.ts';

/** Ports that somebody has, and everything that is done to them. */
const taken = new Map<string, string>();
const done: string[] = [];

class FakeDoor implements ListenDoor {
  readonly name: string;
  readonly directive: string;

  constructor(name: string, directive = name) {
    this.name = name;
    this.directive = directive;
  }

  open({ port }: ListenAddress): Promise<ListenAddress> {
    const bound = port === 0 ? 40_000 + taken.size : port;
    if (taken.has(String(bound))) {
      const error = Object.assign(new Error('taken'), { code: 'EADDRINUSE', syscall: 'listen' });
      return Promise.reject(new Error('cannot listen', { cause: error }));
    }
    taken.set(String(bound), this.name);
    done.push(`+${this.name}:${bound}`);
    return Promise.resolve({ port: bound });
  }

  close({ port }: ListenAddress): void {
    taken.delete(String(port));
    done.push(`-${this.name}:${port}`);
  }
}

function ports(...numbers: number[]): ListenAddress[] {
  return numbers.map((port) => ({ port }));
}

describe('Listeners', () => {
  const rtmp = new FakeDoor('RTMP', 'listen');
  const http = new FakeDoor('HTTP', 'http_server.listen');
  let errors: string[] = [];
  let listeners: Listeners;

  async function settle(...wanted: [ListenDoor, number[]][]): Promise<void> {
    const all = wanted.map(([door, numbers]) => ({ door, addresses: ports(...numbers) }));
    (await listeners.prepare(all)).commit();
  }

  beforeEach(() => {
    taken.clear();
    done.length = 0;
    errors = [];
    listeners = new Listeners((error) => errors.push(error.message));
  });

  it('C005 opens new addresses before it closes old ones, and leaves the others alone', async () => {
    await settle([rtmp, [1, 2]], [http, [3]]);
    done.length = 0;
    const prepared = await listeners.prepare([
      { door: rtmp, addresses: ports(2, 4) },
      { door: http, addresses: ports(3) },
    ]);
    expect(done).toEqual(['+RTMP:4']);
    prepared.commit();
    expect(done).toEqual(['+RTMP:4', '-RTMP:1']);
    expect(listeners.of(rtmp)).toEqual(ports(2, 4));
    expect(listeners.of(http)).toEqual(ports(3));
  });

  it('R001 an address of port 0 keeps the port that it got', async () => {
    await settle([rtmp, [0, 0]]);
    const bound = listeners.of(rtmp);
    await settle([rtmp, [0, 0]], [http, [7]]);
    expect(listeners.of(rtmp)).toEqual(bound);
  });

  it('C005 a port goes from one door to the other', async () => {
    await settle([rtmp, [1]], [http, [2]]);
    done.length = 0;
    await settle([rtmp, [2]], [http, [1]]);
    expect(done).toEqual(['-HTTP:2', '+RTMP:2', '-RTMP:1', '+HTTP:1']);
    expect([...taken]).toEqual([
      ['2', 'RTMP'],
      ['1', 'HTTP'],
    ]);
  });

  it('C004 a port in use: nothing has changed, and the error names directive and port', async () => {
    await settle([rtmp, [1]], [http, [2]]);
    taken.set('9', 'another program');
    const wanted = [
      { door: rtmp, addresses: ports(3) },
      { door: http, addresses: ports(1, 9) },
    ];
    await expect(listeners.prepare(wanted)).rejects.toMatchObject({
      code: 'listen-failed',
      message: 'HTTP port 9 is in use: stop the other program or change `http_server.listen`',
    });
    expect(new Map(taken)).toEqual(
      new Map([
        ['1', 'RTMP'],
        ['2', 'HTTP'],
        ['9', 'another program'],
      ]),
    );
    expect(listeners.of(rtmp)).toEqual(ports(1));
    expect(listeners.of(http)).toEqual(ports(2));
    expect(errors).toEqual([]);
  });

  it('C004 a rollback closes what was opened', async () => {
    await settle([rtmp, [1]]);
    await (await listeners.prepare([{ door: rtmp, addresses: ports(1, 2) }])).rollback();
    expect([...taken.keys()]).toEqual(['1']);
    expect(listeners.of(rtmp)).toEqual(ports(1));
  });

  it('C004 tells of an address that another program took meanwhile, and can open it later', async () => {
    await settle([rtmp, [1]], [http, [2]]);
    const prepared = await listeners.prepare([{ door: rtmp, addresses: ports(2) }]);
    rtmp.close({ port: 2 });
    taken.set('2', 'another program');
    // What it opened itself it still believes to be its own.
    done.length = 0;
    const close = rtmp.close.bind(rtmp);
    rtmp.close = () => undefined;
    await prepared.rollback();
    rtmp.close = close;
    expect(errors).toEqual(['HTTP port 2 is in use: stop the other program or change `http_server.listen`']);
    expect(listeners.of(http)).toEqual([]);
    taken.delete('2');
    await settle([rtmp, [1]], [http, [2]]);
    expect(listeners.of(http)).toEqual(ports(2));
  });
});
