import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import type { Directive } from './directive.ts';
import { DEFAULT_PARSE_LIMITS, parseDirectives } from './index.ts';

const environment = { NAME: 'value', EMPTY: '', TWO: 'two words;' };

function parse(text: string, limits: Partial<typeof DEFAULT_PARSE_LIMITS> = {}): readonly Directive[] {
  return parseDirectives(text, {
    file: 'x.conf',
    environment,
    limits: { ...DEFAULT_PARSE_LIMITS, ...limits },
  });
}

/** Directives without places: `[name, values, block?]`. */
type Plain = readonly [string, readonly string[], (readonly Plain[])?];

function plain(directives: readonly Directive[]): readonly Plain[] {
  return directives.map(({ name, args, block }) => {
    const values = args.map((argument) => argument.text);
    return block === undefined ? [name, values] : [name, values, plain(block)];
  });
}

function print(directives: readonly Plain[]): string {
  function quote(text: string): string {
    return `"${text.replace(/[\\"$]/g, '\\$&')}"`;
  }
  return directives
    .map(([name, values, block]) => {
      const head = [quote(name), ...values.map(quote)].join(' ');
      return block === undefined ? `${head};\n` : `${head} {\n${print(block)}}\n`;
    })
    .join('');
}

function fault(text: string, limits: Partial<typeof DEFAULT_PARSE_LIMITS> = {}): ConfigError {
  try {
    parse(text, limits);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error(`no error: ${text}`);
}

describe('parseDirectives (C001)', () => {
  it.each<[string, readonly Plain[]]>([
    ['', []],
    ['# only a comment', []],
    ['listen 1935;', [['listen', ['1935']]]],
    ['listen 1935 1936;# two', [['listen', ['1935', '1936']]]],
    ['flag;', [['flag', []]]],
    [
      'a 1;\r\n\tb 2;\r\n',
      [
        ['a', ['1']],
        ['b', ['2']],
      ],
    ],
    ['a\n1\n2\n;', [['a', ['1', '2']]]],
    ['vhost x { }', [['vhost', ['x'], []]]],
    [
      'vhost x{a 1;b{c 2;}}',
      [
        [
          'vhost',
          ['x'],
          [
            ['a', ['1']],
            ['b', [], [['c', ['2']]]],
          ],
        ],
      ],
    ],
    ['a "x y; {}#";', [['a', ['x y; {}#']]]],
    [`a 'x "y"; z';`, [['a', ['x "y"; z']]]],
    ['a "line\nbreak";', [['a', ['line\nbreak']]]],
    [String.raw`a "\n\t\r\"\\\$NAME";`, [['a', ['\n\t\r"\\$NAME']]]],
    [String.raw`a "C:\dir\:x";`, [['a', ['C:\\dir\\:x']]]],
    [String.raw`a '\'\\\n$NAME';`, [['a', ["'\\\\n$NAME"]]]],
    [String.raw`a x\ y\;z\{\}\#\$NAME;`, [['a', ['x y;z{}#$NAME']]]],
    ['a "" \'\';', [['a', ['', '']]]],
    ['a x#y;', [['a', ['x#y']]]],
    ['a [vhost]/[app]/[stream].flv?x=1&y="2";', [['a', ['[vhost]/[app]/[stream].flv?x=1&y="2"']]]],
    ['profile:a aac_low;', [['profile:a', ['aac_low']]]],
    ['a $NAME ${NAME}s x${NAME} "$NAME;";', [['a', ['value', 'values', 'xvalue', 'value;']]]],
    ['a $TWO;', [['a', ['two words;']]]],
    ['a x$EMPTY;', [['a', ['x']]]],
    ['a ^[a-z]+$ $1 (x|y)$ $$ "$";', [['a', ['^[a-z]+$', '$1', '(x|y)$', '$$', '$']]]],
    ['名 值;', [['名', ['值']]]],
  ])('%j', (text, expected) => {
    expect(plain(parse(text))).toEqual(expected);
  });

  it.each<[string, string, number, number, RegExp]>([
    ['listen 1935', 'config-syntax', 1, 1, /`listen` is not ended; add a `;`/],
    ['vhost x {\n a 1\n}', 'config-syntax', 2, 2, /`a` is not ended/],
    ['a 1;\nvhost x {\n a 1;\n', 'config-syntax', 2, 1, /block of `vhost` is never closed/],
    ['a 1;\n}', 'config-syntax', 2, 1, /closes nothing/],
    ['a 1;;', 'config-syntax', 1, 5, /ends nothing/],
    ['{ a 1; }', 'config-syntax', 1, 1, /name of a directive before `\{`/],
    ['a "x;\nb 2;', 'config-syntax', 1, 3, /quote that starts here is never closed/],
    ['a "x"y;', 'config-syntax', 1, 6, /after the closing quote, not `y`/],
    ['a ${NAME;', 'config-syntax', 1, 3, /expected `\$\{NAME\}`/],
    ['a ${};', 'config-syntax', 1, 3, /expected `\$\{NAME\}`/],
    ['a \0;', 'config-encoding', 1, 3, /NUL byte/],
  ])('%j is refused with its place', (text, code, line, column, message) => {
    const error = fault(text);
    expect([error.code, error.file, error.line, error.column]).toEqual([code, 'x.conf', line, column]);
    expect(error.message).toMatch(message);
  });

  it('shows the line and a caret under the place', () => {
    expect(fault('a 1;\n\tb ${ 3;\n').message).toBe(
      'x.conf:2:4: expected `${NAME}`; write `\\$` for a literal `$`\n    \tb ${ 3;\n    \t  ^',
    );
  });

  it('shows a part of a very long line', () => {
    const error = fault(`a ${'x '.repeat(5000)}\${MISSING ${'y '.repeat(5000)};`);
    expect(error.message.length).toBeLessThan(400);
    expect(error.message).toContain('${MISSING');
  });

  it.each([
    ['$MISSING', '$MISSING', { name: 'MISSING', whole: true }],
    ['${MISSING}', '${MISSING}', { name: 'MISSING', whole: true }],
    ['"$MISSING"', '$MISSING', { name: 'MISSING', whole: true }],
    ['a$MISSING/b', 'a$MISSING/b', { name: 'MISSING', whole: false }],
    ['$MISSING$OTHER', '$MISSING$OTHER', { name: 'MISSING', whole: false }],
    ['$NAME$MISSING', 'value$MISSING', { name: 'MISSING', whole: false }],
    ['$toString', '$toString', { name: 'toString', whole: true }],
    ["'$MISSING'", '$MISSING', undefined],
    ['\\$MISSING', '$MISSING', undefined],
    ['"${MISSING:-x}"', '${MISSING:-x}', undefined],
    ['"$(date)$"', '$(date)$', undefined],
    ['$1$', '$1$', undefined],
    ['$NAME', 'value', undefined],
  ])('keeps a variable that is not set as it is written: %s', (written, text, unset) => {
    const [first, second] = parse(`a ${written} b;`)[0]?.args ?? [];
    expect(first?.text).toBe(text);
    expect(first?.unset).toEqual(unset);
    expect(second?.unset).toBeUndefined();
  });

  it('keeps the place of each value', () => {
    const [directive] = parse('\n  listen 1935\n    "1936";');
    expect(directive).toMatchObject({ file: 'x.conf', line: 2, column: 3 });
    expect(directive?.args).toEqual([
      { text: '1935', line: 2, column: 10, quoted: false },
      { text: '1936', line: 3, column: 5, quoted: true },
    ]);
  });

  it('limits the nesting of blocks and the number of directives', () => {
    const nested = (depth: number) => 'a {'.repeat(depth) + '}'.repeat(depth);
    expect(parse(nested(16))).toHaveLength(1);
    expect(fault(nested(17)).code).toBe('config-limit');
    expect(fault('a {'.repeat(50_000)).code).toBe('config-limit');
    expect(fault('a;'.repeat(11), { maxDirectives: 10 })).toMatchObject({ code: 'config-limit', column: 21 });
  });

  it('reads what was printed', () => {
    const word = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));
    const { tree } = fc.letrec<{ tree: Plain }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small', maxDepth: 4 },
        fc.tuple(word, fc.array(word, { maxLength: 4 })),
        fc.tuple(word, fc.array(word, { maxLength: 2 }), fc.array(tie('tree'), { maxLength: 4 })),
      ),
    }));
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 5 }), (directives) => {
        expect(plain(parse(print(directives)))).toEqual(directives);
      }),
    );
  });

  it('throws nothing but ConfigError, whatever the text', () => {
    const piece = fc.oneof(
      fc.constantFrom('{', '}', ';', '"', "'", '\\', '$', '${', '#', '\n', ' ', 'a', 'NAME', '\0', '\uFEFF'),
      fc.string({ maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        try {
          parse(pieces.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
