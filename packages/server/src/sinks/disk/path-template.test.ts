import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { expandPath, fileName, namesProblem } from './path-template.ts';

const at = new Date(Date.UTC(2026, 10, 3, 4, 5, 6, 78));
const variables = { vhost: 'v.com', app: 'live', stream: 'cam', sequence: 7, at, utc: true };

describe('expandPath', () => {
  it.each([
    ['[vhost]/[app]/[stream]-[seq].ts', 'v.com/live/cam-7.ts'],
    ['[2006]/[01]/[02]/[15].[04].[05].[999].flv', '2026/11/03/04.05.06.078.flv'],
    ['[stream].[timestamp].flv', `cam.${at.getTime()}.flv`],
    ['[nothing]/x', '[nothing]/x'],
  ])('L007 V002 %s', (template, path) => {
    expect(expandPath(template, variables)).toBe(path);
  });

  it("L007 takes the machine's own time unless utc is asked for", () => {
    const local = `${at.getFullYear()}-${String(at.getHours()).padStart(2, '0')}`;
    expect(expandPath('[2006]-[15]', { ...variables, utc: false })).toBe(local);
  });

  it('leaves a variable without a value, and does not fill in what a value says', () => {
    const { sequence: _sequence, at: _at, ...names } = variables;
    expect(expandPath('[seq].[timestamp].[app]', { ...names, app: '[stream]' })).toBe(
      '[seq].[timestamp].[stream]',
    );
  });
});

describe('fileName', () => {
  it.each([
    ['my cam "1" \'2\'', 'my cam "1" \'2\''],
    ['直播/摄像头', '直播/摄像头'],
    ['a\nb\u007f\u0085', 'a%0Ab%7F%85'],
    ['back\\slash', 'back%5Cslash'],
    ['100%', '100%'],
    ['50%0A', '50%250A'],
  ])('%j becomes %j', (name, file) => {
    expect(fileName(name)).toBe(file);
  });

  it('gives different names different files', () => {
    const name = fc.string({ unit: fc.constantFrom('a', '%', '0', 'A', '2', '5', '\n', '\\'), maxLength: 6 });
    fc.assert(
      fc.property(name, name, (left, right) => {
        expect(fileName(left) === fileName(right)).toBe(left === right);
      }),
    );
  });
});

describe('namesProblem', () => {
  it.each(['..', '../x', 'a/../b', 'a/..', '.', 'a//b', '', '/a', 'a/'])(
    'refuses the stream %j',
    (stream) => {
      expect(namesProblem('live', stream)).toContain('stream name');
    },
  );

  it.each(['a', 'a/b', '...', '..a', '.hidden', 'a b', '直播', "'"])('takes the stream %j', (stream) => {
    expect(namesProblem('live', stream)).toBeUndefined();
  });

  it('refuses an app alike', () => {
    expect(namesProblem('live/..', 'x')).toContain('app name');
  });
});
