import { AmfEcmaArray, AmfObject, type AmfValue, decodeAmf0, encodeAmf0 } from '@sluice/media/amf';
import { MediaError } from '@sluice/media';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { MAX_DATA_VALUES } from './limits.ts';
import { readDataMessage } from './metadata.ts';

const ours = { server: 'Test/1', server_version: '1' };

/** What players are told in `onMetaData`. */
function metadataOf(body: Uint8Array | undefined): [string, AmfValue][] {
  const values = decodeAmf0(body ?? new Uint8Array(0));
  expect(values[0]).toBe('onMetaData');
  expect(values).toHaveLength(2);
  const [, properties] = values;
  if (!(properties instanceof AmfEcmaArray)) throw new Error('onMetaData carries no ECMA array');
  return [...properties];
}

describe('readDataMessage', () => {
  const given = { duration: 12.5, width: 1280, server: 'theirs' };

  it.each([
    ['onMetaData with an object', ['onMetaData', new AmfObject(Object.entries(given))]],
    ['onMetaData with an ECMA array', ['onMetaData', new AmfEcmaArray(Object.entries(given))]],
    ['@setDataFrame', ['@setDataFrame', 'onMetaData', new AmfEcmaArray(Object.entries(given))]],
  ])('P008 %s loses duration and gets the server properties', (_, values) => {
    const message = readDataMessage(encodeAmf0(...(values as AmfValue[])), ours);
    expect(message?.name).toBe('onMetaData');
    expect(metadataOf(message?.body)).toEqual([
      ['width', 1280],
      ['server', 'Test/1'],
      ['server_version', '1'],
    ]);
    expect(message?.metadata?.get('width')).toBe(1280);
    expect(message?.metadata?.has('duration')).toBe(false);
  });

  it('P008 refuses more values than its limit before it has read them all', () => {
    const many = new AmfEcmaArray(Array.from({ length: MAX_DATA_VALUES }, (_, at) => [`k${at}`, null]));
    const body = encodeAmf0('onMetaData', many);
    expect(() => readDataMessage(body, ours)).toThrow(MediaError);
  });

  it('P008 onMetaData without properties gets the server properties all the same', () => {
    for (const values of [['onMetaData'], ['onMetaData', null], ['onMetaData', 'text']]) {
      const message = readDataMessage(encodeAmf0(...values), ours);
      expect(metadataOf(message?.body)).toEqual(Object.entries(ours));
    }
  });

  it.each([['onTextData'], ['onCuePoint']])('P008 %s passes as it is', (name) => {
    const bytes = encodeAmf0(name, new AmfObject(Object.entries({ text: 'hello', duration: 3 })));
    const message = readDataMessage(bytes, ours);
    expect(message).toMatchObject({ name, metadata: undefined });
    expect(message?.body).toEqual(bytes);
  });

  it('P008 @setDataFrame is taken off other messages too', () => {
    const message = readDataMessage(encodeAmf0('@setDataFrame', 'onTextData', 'x'), ours);
    expect(message?.body).toEqual(encodeAmf0('onTextData', 'x'));
  });

  it.each([
    ['nothing', encodeAmf0()],
    ['no name', encodeAmf0(17, 'onMetaData')],
    ['@setDataFrame alone', encodeAmf0('@setDataFrame')],
  ])('%s is no data message', (_, bytes) => {
    expect(readDataMessage(bytes, ours)).toBeUndefined();
  });

  it('lying AMF is refused with a MediaError and nothing else', () => {
    const good = encodeAmf0('onMetaData', new AmfEcmaArray(Object.entries(given)));
    const lying = Uint8Array.from([...encodeAmf0('onMetaData'), 0x0a, 0xff, 0xff, 0xff, 0xff]);
    expect(() => readDataMessage(lying, ours)).toThrow(MediaError);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }),
        fc.nat(good.length),
        (changes, length) => {
          const bytes = good.slice(0, length);
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          try {
            readDataMessage(bytes, ours);
          } catch (error) {
            expect(error).toBeInstanceOf(MediaError);
          }
        },
      ),
    );
  });
});
