import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter, bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  AmfDictionary,
  AmfEcmaArray,
  AmfNumberVector,
  AmfObject,
  AmfObjectVector,
  amfUnsupported,
  AmfXml,
  decodeAmf0,
  decodeAmf3,
  encodeAmf0,
  encodeAmf3,
  readAmf0,
  readAmf3,
  writeAmf0,
  writeAmf3,
} from './index.ts';
import type { AmfLimits, AmfValue } from './index.ts';

interface Case {
  readonly name: string;
  readonly value: AmfValue;
  readonly hex: string;
}

const amf0Cases: readonly Case[] = [
  { name: 'R022 number', value: 5, hex: '00 4014000000000000' },
  { name: 'R022 number, minus zero', value: -0, hex: '00 8000000000000000' },
  { name: 'R022 boolean, true', value: true, hex: '01 01' },
  { name: 'R022 boolean, false', value: false, hex: '01 00' },
  { name: 'R022 string', value: 'live', hex: '02 0004 6c697665' },
  { name: 'R022 empty string', value: '', hex: '02 0000' },
  { name: 'R022 string beyond ASCII', value: 'é€😀', hex: '02 0009 c3a9 e282ac f09f9880' },
  { name: 'R022 null', value: null, hex: '05' },
  { name: 'R022 undefined', value: undefined, hex: '06' },
  { name: 'R022 empty object', value: new AmfObject(), hex: '03 0000 09' },
  {
    name: 'R022 R023 object that keeps its order',
    value: new AmfObject([
      ['b', 1],
      ['2', null],
      ['1', new AmfObject([['__proto__', true]])],
    ]),
    hex: '03 0001 62 00 3ff0000000000000 0001 32 05 0001 31 03 0009 5f5f70726f746f5f5f 01 01 0000 09 0000 09',
  },
  {
    name: 'R022 object with an empty name',
    value: new AmfObject([['', null]]),
    hex: '03 0000 05 0000 09',
  },
  {
    name: 'R022 ECMA array',
    value: new AmfEcmaArray([['width', 1280]]),
    hex: '08 00000001 0005 7769647468 00 4094000000000000 0000 09',
  },
  { name: 'R022 strict array', value: [true, [], null], hex: '0a 00000003 01 01 0a 00000000 05' },
  { name: 'R022 date', value: new Date(1000), hex: '0b 408f400000000000 0000' },
  {
    name: 'R022 typed object',
    value: new AmfObject([['a', 'x']], { className: 'Foo' }),
    hex: '10 0003 466f6f 0001 61 02 0001 78 0000 09',
  },
  { name: 'R022 unsupported', value: amfUnsupported, hex: '0d' },
  { name: 'R022 XML document', value: new AmfXml('<a/>'), hex: '0f 00000004 3c612f3e' },
  { name: 'AVM+ byte array', value: hexToBytes('0102'), hex: '11 0c 05 0102' },
  {
    name: 'AVM+ values that share their tables',
    value: [new AmfDictionary([['abc', 1]]), new AmfDictionary([['abc', 2]])],
    hex: '0a 00000002 11 11 03 00 06 07 616263 04 01 11 11 03 00 06 00 04 02',
  },
];

const amf3Cases: readonly Case[] = [
  { name: 'undefined', value: undefined, hex: '00' },
  { name: 'null', value: null, hex: '01' },
  { name: 'false', value: false, hex: '02' },
  { name: 'true', value: true, hex: '03' },
  { name: 'integer of one byte', value: 0x7f, hex: '04 7f' },
  { name: 'integer of two bytes', value: 0x80, hex: '04 8100' },
  { name: 'integer of two bytes, last', value: 0x3fff, hex: '04 ff7f' },
  { name: 'integer of three bytes', value: 0x4000, hex: '04 818000' },
  { name: 'integer of three bytes, last', value: 0x1fffff, hex: '04 ffff7f' },
  { name: 'integer of four bytes', value: 0x200000, hex: '04 80c08000' },
  { name: 'integer, largest', value: 0x0fffffff, hex: '04 bfffffff' },
  { name: 'integer, least', value: -0x10000000, hex: '04 c0808000' },
  { name: 'integer, minus one', value: -1, hex: '04 ffffffff' },
  { name: 'double beyond the integers', value: 0x10000000, hex: '05 41b0000000000000' },
  { name: 'double', value: 1.5, hex: '05 3ff8000000000000' },
  { name: 'double, minus zero', value: -0, hex: '05 8000000000000000' },
  { name: 'string', value: 'live', hex: '06 09 6c697665' },
  { name: 'empty string', value: '', hex: '06 01' },
  { name: 'XML document', value: new AmfXml('<a/>'), hex: '07 09 3c612f3e' },
  { name: 'date', value: new Date(1000), hex: '08 01 408f400000000000' },
  { name: 'array', value: [1, 'a', []], hex: '09 07 01 04 01 06 03 61 09 01 01' },
  {
    name: 'array with names',
    value: new AmfEcmaArray([
      ['a', true],
      ['0', 'x'],
      ['1', 'a'],
    ]),
    hex: '09 05 03 61 03 01 06 03 78 06 00',
  },
  {
    name: 'objects that share strings and traits',
    value: [new AmfObject([['a', 1]]), new AmfObject([['a', 2]])],
    hex: '09 05 01 0a 0b 01 03 61 04 01 01 0a 01 00 04 02 01',
  },
  {
    name: 'sealed object',
    value: new AmfObject([['x', 1]], { className: 'P', sealedNames: ['x'] }),
    hex: '0a 13 03 50 03 78 04 01',
  },
  {
    name: 'sealed and dynamic object, twice by traits',
    value: [
      new AmfObject(
        [
          ['x', 1],
          ['y', 2],
        ],
        { className: 'P', sealedNames: ['x'] },
      ),
      new AmfObject(
        [
          ['x', 3],
          ['y', 4],
        ],
        { className: 'P', sealedNames: ['x'] },
      ),
    ],
    hex: '09 05 01 0a 1b 03 50 03 78 04 01 03 79 04 02 01 0a 01 04 03 04 04 04 01',
  },
  { name: 'XML', value: new AmfXml('<a/>', 'e4x'), hex: '0b 09 3c612f3e' },
  { name: 'byte array', value: hexToBytes('00ff'), hex: '0c 05 00ff' },
  { name: 'vector of int', value: new AmfNumberVector('int', [-1, 2]), hex: '0d 05 00 ffffffff 00000002' },
  {
    name: 'vector of uint',
    value: new AmfNumberVector('uint', [0xffffffff], true),
    hex: '0e 03 01 ffffffff',
  },
  { name: 'vector of double', value: new AmfNumberVector('double', [1.5]), hex: '0f 03 00 3ff8000000000000' },
  {
    name: 'vector of object',
    value: new AmfObjectVector('Foo', [null, 1]),
    hex: '10 05 00 07 466f6f 01 04 01',
  },
  {
    name: 'dictionary',
    value: new AmfDictionary(
      [
        ['a', 1],
        [2, new AmfObject()],
      ],
      true,
    ),
    hex: '11 05 01 06 03 61 04 01 04 02 0a 0b 01 01',
  },
];

function plain(hex: string): string {
  return hex.replaceAll(' ', '');
}

/** The error's code; any other error goes on and fails the test. */
function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof MediaError) return error.code;
    throw error;
  }
  return 'none';
}

function only(values: readonly AmfValue[]): AmfValue {
  expect(values).toHaveLength(1);
  return values[0];
}

const formats = [
  {
    format: 'AMF0',
    cases: amf0Cases,
    decode: decodeAmf0,
    encode: encodeAmf0,
    read: readAmf0,
    write: writeAmf0,
  },
  {
    format: 'AMF3',
    cases: amf3Cases,
    decode: decodeAmf3,
    encode: encodeAmf3,
    read: readAmf3,
    write: writeAmf3,
  },
] as const;

describe.each(formats)('$format', ({ cases, decode, encode, read, write }) => {
  it.each(cases)('writes and reads $name', ({ value, hex }) => {
    const bytes = hexToBytes(hex);
    expect(bytesToHex(encode(value))).toBe(plain(hex));
    expect(only(decode(bytes))).toStrictEqual(value);

    const writer = new ByteWriter(1).u8(0xee);
    write(writer, value);
    expect(bytesToHex(writer.finish())).toBe(`ee${plain(hex)}`);
    const reader = new ByteReader(concatBytes([bytes, Uint8Array.of(5)]));
    expect(read(reader)).toStrictEqual(value);
    expect(reader.remaining).toBe(1);
  });

  it.each(cases)('reads $name cut at every byte as a short read', ({ value, hex }) => {
    const bytes = hexToBytes(hex);
    for (let end = 0; end < bytes.length; end++) {
      const cut = bytes.subarray(0, end);
      const mayEndEarly = value instanceof AmfEcmaArray && bytes[0] === 0x08;
      const code = codeOf(() => read(new ByteReader(cut)));
      if (code !== 'none' || !mayEndEarly) expect([end, code]).toEqual([end, 'short-read']);
    }
  });

  it('reads many values to the end, and none from nothing', () => {
    const bytes = concatBytes(cases.map(({ hex }) => hexToBytes(hex)));
    // References of AMF 3 count over the whole message, so only AMF 0's values stand by themselves.
    if (decode === decodeAmf0) expect(decode(bytes).length).toBe(cases.length);
    expect(decode(encode(...cases.map(({ value }) => value)))).toStrictEqual(cases.map(({ value }) => value));
    expect(decode(new Uint8Array(0))).toEqual([]);
    expect(bytesToHex(encode())).toBe('');
  });

  it('survives mutated input with MediaError alone, within its limits', () => {
    const limits: Partial<AmfLimits> = { maxCount: 500, maxDepth: 8, maxStringBytes: 100 };
    const whole = cases.map(({ value }) => encode(value)).concat(cases.map(({ hex }) => hexToBytes(hex)));
    const mutation = fc.record({
      at: fc.nat(),
      value: fc.nat(255),
      kind: fc.constantFrom('set', 'insert', 'cut'),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...whole),
        fc.array(mutation, { minLength: 1, maxLength: 6 }),
        (seed, mutations) => {
          const bytes = [...seed];
          for (const { at, value, kind } of mutations) {
            const index = at % (bytes.length + 1);
            if (kind === 'cut') bytes.splice(index, 1);
            else bytes.splice(index, kind === 'set' ? 1 : 0, value);
          }
          codeOf(() => decode(Uint8Array.from(bytes), limits));
        },
      ),
      { numRuns: 5000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        codeOf(() => decode(bytes, limits));
      }),
      { numRuns: 2000 },
    );
  });

  it('replaces text that is not UTF-8', () => {
    const hex = decode === decodeAmf0 ? '02 0003 41ff42' : '06 07 41ff42';
    expect(only(decode(hexToBytes(hex)))).toBe('A\ufffdB');
  });

  it('refuses to write what is no AmfValue, and nesting beyond its limit', () => {
    expect(codeOf(() => encode((() => 1) as unknown as AmfValue))).toBe('bad-value');
    expect(codeOf(() => encode({ plain: 1 } as unknown as AmfValue))).toBe('bad-value');
    let nested: AmfValue = [];
    for (let level = 1; level < 64; level++) nested = [nested];
    expect(only(decode(encode(nested)))).toStrictEqual(nested);
    expect(codeOf(() => encode([nested]))).toBe('limit-exceeded');
    const writer = new ByteWriter();
    write(writer, [nested], { maxDepth: 65 });
    expect(codeOf(() => decode(writer.finish()))).toBe('limit-exceeded');
    expect(only(decode(writer.finish(), { maxDepth: 65 }))).toStrictEqual([nested]);
    expect(
      codeOf(() => {
        write(new ByteWriter(), [1, 2], { maxCount: 2 });
      }),
    ).toBe('limit-exceeded');
  });
});

function leaves(): fc.Arbitrary<AmfValue> {
  return fc.oneof(
    fc.double(),
    fc.integer(),
    fc.string({ unit: 'grapheme' }),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.date({ noInvalidDate: false }),
    fc.string({ unit: 'grapheme' }).map((text) => new AmfXml(text)),
    fc.string().map((text) => new AmfXml(text, 'e4x')),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(fc.integer()).map((values) => new AmfNumberVector('int', values)),
    fc.array(fc.nat(0xffffffff)).map((values) => new AmfNumberVector('uint', values, true)),
    fc.array(fc.double()).map((values) => new AmfNumberVector('double', values)),
  );
}

/** Values that both formats can hold; names are never empty nor like an index, which AMF 3 would move. */
function anyValue(): fc.Arbitrary<AmfValue> {
  const name = fc.oneof(
    fc.constantFrom('a', '__proto__', 'constructor'),
    fc.string({ unit: 'grapheme' }).map((text) => `k${text}`),
  );
  const { value } = fc.letrec<{ value: AmfValue }>((tie) => {
    const properties = fc.array(fc.tuple(name, tie('value')), { maxLength: 5 });
    return {
      value: fc.oneof(
        { maxDepth: 5 },
        leaves(),
        fc.array(tie('value'), { maxLength: 5 }),
        properties.map((entries) => new AmfObject(entries)),
        fc.tuple(properties, name).map(([entries, className]) => new AmfObject(entries, { className })),
        fc
          .array(fc.tuple(name, tie('value')), { minLength: 1, maxLength: 5 })
          .map((list) => new AmfEcmaArray(list)),
        fc.array(tie('value'), { maxLength: 5 }).map((values) => new AmfObjectVector('T', values)),
        fc
          .array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 })
          .map((list) => new AmfDictionary(list)),
      ),
    };
  });
  return value;
}

describe('any value', () => {
  it.each(formats)('comes back from $format', ({ decode, encode }) => {
    fc.assert(
      fc.property(fc.array(anyValue(), { maxLength: 4 }), (values) => {
        const bytes = encode(...values);
        const decoded = decode(bytes);
        expect(decoded).toStrictEqual(values);
        expect(bytesToHex(encode(...decoded))).toBe(bytesToHex(bytes));
      }),
      { numRuns: 500 },
    );
  });
});

describe('AmfObject and AmfEcmaArray', () => {
  it('convert from and to plain objects, with __proto__ a name like any other', () => {
    const record = Object.fromEntries<AmfValue>([
      ['app', 'live'],
      ['__proto__', 1],
    ]);
    for (const value of [AmfObject.from(record), AmfEcmaArray.from(record)]) {
      expect([...value.keys()]).toEqual(['app', '__proto__']);
      expect(Object.entries(value.toRecord())).toEqual([
        ['app', 'live'],
        ['__proto__', 1],
      ]);
      expect(Object.getPrototypeOf(value.toRecord())).toBe(Object.prototype);
    }
    expect(AmfObject.from({}, { className: 'Foo' }).className).toBe('Foo');
  });
});
