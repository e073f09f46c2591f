import type { BitReader } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';

/** Reads ue(v) that the standard keeps within 0..maximum; `name` is the standard's own field name. */
export function readUe(reader: BitReader, name: string, maximum: number): number {
  const value = reader.ue();
  if (value > maximum) throw new MediaError('bad-value', `${name} is ${value}, wanted 0..${maximum}`);
  return value;
}

/** Reads ue(v) that a limit of ours keeps within 0..maximum. */
export function readLimitedUe(reader: BitReader, name: string, maximum: number): number {
  const value = reader.ue();
  if (value > maximum) throw new MediaError('limit-exceeded', `${name} is ${value}, the limit is ${maximum}`);
  return value;
}
