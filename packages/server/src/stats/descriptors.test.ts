import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, it } from 'vitest';

import { Admission, descriptorOf, Descriptors, isOutOfDescriptors } from './index.ts';

function create(limit: number) {
  const events: string[] = [];
  const time = { now: 0 };
  const descriptors = new Descriptors({
    limit: () => limit,
    onShort: (all) => events.push(`short ${all}`),
    onRelieved: (refused) => events.push(`relieved ${refused}`),
    now: () => time.now,
  });
  return { descriptors, events, time };
}

it('R002 the last 32 descriptors are not for clients', () => {
  const { descriptors } = create(200);
  expect(descriptors.admits(167)).toBe(true);
  expect(descriptors.admits(168)).toBe(false);
  expect(descriptors.admits(undefined)).toBe(true);
  expect(descriptors.refused).toBe(1);
});

it('an episode is told of once at its beginning and once at its end', () => {
  const { descriptors, events, time } = create(200);
  for (let refusal = 0; refusal < 1000; refusal += 1) {
    descriptors.admits(199);
    // One that leaves meanwhile makes room for one, not an end.
    descriptors.admits(20);
    time.now += 1;
  }
  expect(events).toEqual(['short 200']);
  time.now += 5000;
  descriptors.admits(20);
  expect(events).toEqual(['short 200', 'relieved 1000']);
  descriptors.refuse();
  expect(events).toEqual(['short 200', 'relieved 1000', 'short 200']);
});

it('a file takes a descriptor besides its connection', () => {
  const { descriptors } = create(100);
  expect(descriptors.takeFile(35)).toBe(true);
  expect(descriptors.takeFile(35)).toBe(true);
  expect(descriptors.takeFile(35)).toBe(false);
  descriptors.releaseFile();
  expect(descriptors.takeFile(35)).toBe(true);
  expect(descriptors.fitsFile(91)).toBe(true);
  expect(descriptors.fitsFile(92)).toBe(false);
});

it('a limit that is raised at run time counts from the next look on, one that cannot be read does not', () => {
  let limit = 100;
  const descriptors = new Descriptors({ limit: () => limit, onShort: () => {}, onRelieved: () => {} });
  limit = 1000;
  expect(descriptors.admits(500)).toBe(false);
  descriptors.refresh();
  expect(descriptors.admits(500)).toBe(true);
  limit = Number.POSITIVE_INFINITY;
  descriptors.refresh();
  expect(descriptors.limit).toBe(1000);
});

it('a connection without a descriptor to spare takes no place', () => {
  const { descriptors } = create(100);
  const admission = new Admission(() => 1000, undefined, descriptors);
  expect(admission.admit('192.0.2.1', 99)).toBe('too-few-descriptors');
  expect(admission.open).toBe(0);
  expect(admission.admit('192.0.2.1', 20)).toBeUndefined();
  expect(admission.open).toBe(1);
});

it.skipIf(process.platform === 'win32')('tells the descriptor of an accepted socket', async () => {
  const server = createServer();
  const accepted = new Promise<number | undefined>((resolve) => {
    server.on('connection', (socket) => {
      resolve(descriptorOf(socket));
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
  expect(await accepted).toBeGreaterThan(2);
  server.close();
  expect(descriptorOf({})).toBeUndefined();
});

it('knows what the system says when there is none left', () => {
  expect(isOutOfDescriptors(Object.assign(new Error('x'), { code: 'EMFILE' }))).toBe(true);
  expect(isOutOfDescriptors(Object.assign(new Error('x'), { code: 'ENFILE' }))).toBe(true);
  expect(isOutOfDescriptors(Object.assign(new Error('x'), { code: 'EACCES' }))).toBe(false);
});
