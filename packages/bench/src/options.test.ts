import { Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { checkDescriptors, descriptorLimit } from './descriptors.ts';
import { BenchError } from './errors.ts';
import { registerBenchCommands } from './index.ts';
import { localAddressOf } from './local-address.ts';
import { positiveNumber, share, wholeNumber } from './options.ts';

describe('numbers on the command line', () => {
  it('takes whole numbers within bounds', () => {
    expect(wholeNumber(1, 10)('10')).toBe(10);
    for (const text of ['0', '11', '1.5', '-1', '1e1', 'x', ''])
      expect(() => wholeNumber(1, 10)(text)).toThrow();
  });

  it('takes positive numbers', () => {
    expect(positiveNumber(10)('0.5')).toBe(0.5);
    for (const text of ['0', '11', '-1', 'NaN', '']) expect(() => positiveNumber(10)(text)).toThrow();
  });
});

describe('share', () => {
  it('splits evenly and leaves no process without work', () => {
    expect(share(10, 3)).toEqual([3, 3, 4]);
    expect(share(2, 4)).toEqual([1, 1]);
    expect(share(0, 2)).toEqual([]);
  });
});

describe('checkDescriptors', () => {
  it('names the remedy when the limit is too low', () => {
    expect(() => {
      checkDescriptors(2000, 1024);
    }).toThrow(/ulimit -n 2064/);
    checkDescriptors(2000, 2064);
    checkDescriptors(2000, undefined);
  });

  it('knows the limit of this process, where the system tells it', () => {
    const limit = descriptorLimit();
    expect(limit === undefined || limit > 0).toBe(true);
  });
});

describe('localAddressOf', () => {
  it('spreads connections over loopback addresses, and leaves the choice to the system elsewhere', () => {
    expect(localAddressOf('127.0.0.1', 0)).toBe('127.0.0.2');
    expect(localAddressOf('127.0.0.1', 249)).toBe('127.0.0.251');
    expect(localAddressOf('127.0.0.1', 250)).toBe('127.0.0.2');
    expect(localAddressOf('192.0.2.1', 1)).toBeUndefined();
  });
});

describe('registerBenchCommands', () => {
  async function run(...args: string[]): Promise<unknown> {
    const program = new Command('sluice').exitOverride();
    registerBenchCommands(program);
    for (const command of program.commands[0]?.commands ?? []) {
      command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
    }
    try {
      await program.parseAsync(['bench', ...args], { from: 'user' });
      return undefined;
    } catch (error) {
      return error;
    }
  }

  it('adds play, publish, latency and fetch', () => {
    const program = new Command('sluice');
    registerBenchCommands(program);
    expect(program.commands[0]?.commands.map((command) => command.name())).toEqual([
      'play',
      'publish',
      'latency',
      'fetch',
    ]);
  });

  it.each([
    ['play'],
    ['play', 'rtmp://h/a/b', '--clients', '0'],
    ['play', 'rtmp://h/a/b', '--rate', 'fast'],
    ['publish', 'rtmp://h/a/b'],
    ['latency', 'rtmp://h/a/b'],
  ])('refuses %s %s %s %s', async (...args) => {
    expect(await run(...args)).toBeInstanceOf(CommanderError);
  });

  it('codes its own errors', () => {
    expect(new BenchError('bad-option', 'x').code).toBe('bad-option');
  });
});
