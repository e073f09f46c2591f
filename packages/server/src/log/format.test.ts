import { describe, expect, it } from 'vitest';

import { formatRecord, type LogForm, parseRecord } from './format.ts';

const form: LogForm = { format: 'line', utc: true, colours: true, mask: (text) => text };

/** A line as a console gets it. */
function line(level: number, changes: Partial<LogForm> = {}): string {
  const record = { level, time: 0, id: 'abcd1234', ip: undefined, msg: 'text', error: undefined };
  return formatRecord(record, { ...form, ...changes });
}

describe('formatRecord', () => {
  it('G005 on a console, warnings are yellow and errors are red', () => {
    const stamp = '[1970-01-01 00:00:00.000]';
    const rest = `[${process.pid}][abcd1234] text`;
    expect(line(30)).toBe(`${stamp}[trace]${rest}\n`);
    expect(line(40)).toBe(`\u001b[33m${stamp}[warn]${rest}\u001b[0m\n`);
    expect(line(50)).toBe(`\u001b[31m${stamp}[error]${rest}\u001b[0m\n`);
    expect(line(60)).toBe(`\u001b[31m${stamp}[fatal]${rest}\u001b[0m\n`);
  });

  it('G005 elsewhere, and in JSON, there are no colours', () => {
    expect(line(50, { colours: false })).not.toContain('\u001b');
    expect(line(50, { format: 'json' })).not.toContain('\u001b');
  });
});

describe('what a peer says in a line', () => {
  const unsafe = ['\n', '\r', '\u0000', '\u001b', '\u007f', '\u0085', '\u009b', '\u2028', '\u2029'];
  const bidi = [
    '\u061c',
    '\u200e',
    '\u200f',
    '\u202a',
    '\u202b',
    '\u202c',
    '\u202d',
    '\u202e',
    '\u2066',
    '\u2069',
  ];

  it.each([...unsafe, ...bidi])('G005 %j neither ends it nor turns it around', (character) => {
    const record = {
      level: 30,
      time: 0,
      id: undefined,
      ip: undefined,
      msg: `a${character}b`,
      error: { message: `c${character}d`, stack: `e${character}f` },
    };
    const text = formatRecord(record, { ...form, colours: false });
    expect(text.endsWith(`a b: c d\n`)).toBe(true);
    const json = formatRecord(record, { ...form, format: 'json' });
    expect(json.slice(0, -1)).not.toContain(character);
    expect(JSON.parse(json)).toMatchObject({ error: { message: expect.stringMatching(/^c.d$/s) as string } });
  });

  it('G005 other scripts and emoji stay', () => {
    const msg = 'カメラ עברית 👩‍💻';
    const record = { level: 30, time: 0, id: undefined, ip: undefined, msg, error: undefined };
    expect(formatRecord(record, { ...form, colours: false })).toContain(msg);
  });
});

describe('parseRecord', () => {
  it.each(['null', '1', '"text"', '[]', '{}', '{"level":"high","time":"now","id":7,"msg":null,"err":"x"}'])(
    'makes a record of %s, too',
    (json) => {
      expect(parseRecord(json)).toMatchObject({ level: 30, id: undefined, msg: '', error: undefined });
    },
  );
});
