import { lookup } from 'node:dns/promises';
import { InvalidArgumentError } from 'commander';
import { BenchError } from './errors.ts';
import type { Target } from './target.ts';

/** The most load processes of one command. */
export const MAX_PROCESSES = 256;
/** The most connections of one command. */
export const MAX_CLIENTS = 1_000_000;

/**
 * Makes a commander argument parser for whole numbers.
 * @throws InvalidArgumentError from the parser, for anything else
 */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/**
 * Makes a commander argument parser for positive numbers.
 * @throws InvalidArgumentError from the parser, for anything else
 */
export function positiveNumber(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || value <= 0 || value > max) {
      throw new InvalidArgumentError(`It must be a number above 0, at most ${max}.`);
    }
    return value;
  };
}

/**
 * Splits connections over processes as evenly as they go.
 * @returns how many each gets; processes that would get none are left out
 */
export function share(total: number, processes: number): number[] {
  const shares: number[] = [];
  for (let index = 0; index < processes; index++) {
    const part = Math.floor(((index + 1) * total) / processes) - Math.floor((index * total) / processes);
    if (part > 0) shares.push(part);
  }
  return shares;
}

/**
 * The IP address of a target's host, looked up once for all connections.
 * @throws BenchError `bad-option` when the name cannot be resolved
 */
export async function addressOf(target: Target): Promise<string> {
  try {
    return (await lookup(target.host)).address;
  } catch (cause) {
    throw new BenchError('bad-option', `cannot find the host ${JSON.stringify(target.host)}`, { cause });
  }
}
