import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';

import { EarlySignals } from './early-signals.ts';

class FakeProcess extends EventEmitter {
  readonly pid = 7;
  readonly killed: string[] = [];

  kill(_pid: number, signal: string): true {
    this.killed.push(signal);
    return true;
  }
}

function create() {
  const source = new FakeProcess();
  return { source, early: new EarlySignals(source as unknown as NodeJS.Process) };
}

test('G003: signals that come early reach the server once it listens, each kind once', () => {
  const { source, early } = create();
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGHUP', 'SIGTERM']) source.emit(signal, signal);
  const got: string[] = [];
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGTERM']) source.on(signal, () => got.push(signal));
  early.passOn();
  expect(got).toEqual(['SIGHUP', 'SIGUSR1', 'SIGTERM']);
  source.emit('SIGHUP', 'SIGHUP');
  expect(got).toHaveLength(4);
});

test('G003: every signal keeps a listener to the end of a server', () => {
  const { source, early } = create();
  early.passOn();
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGALRM']) {
    expect(source.listenerCount(signal), signal).toBe(1);
  }
});

test('G003: other commands have the default actions, those that were kept included', () => {
  const { source, early } = create();
  source.emit('SIGINT', 'SIGINT');
  early.release();
  expect(source.killed).toEqual(['SIGINT']);
  expect(source.eventNames()).toEqual([]);
});
