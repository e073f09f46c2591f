import type { ByteReader } from '../bytes/index.ts';
import type { AmfValue } from './values.ts';

/** Reads values to the end of the reader's bytes. */
export function valuesToEnd(reader: ByteReader, decoder: { value(): AmfValue }): AmfValue[] {
  const values: AmfValue[] = [];
  while (reader.remaining > 0) values.push(decoder.value());
  return values;
}
