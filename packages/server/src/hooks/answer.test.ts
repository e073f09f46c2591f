import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { answerProblem } from './answer.ts';

describe('answerProblem', () => {
  it.each([
    '0',
    ' 0\r\n',
    '{"code":0}',
    '{ "code" : 0, "data": {"x": [1]} }\n',
    '{"code":0.0}',
    '{"code":-0}',
  ])('K002 status 200 and %j is a yes', (body) => {
    expect(answerProblem(200, body)).toBeUndefined();
  });

  it.each([
    ['', 'answered nothing'],
    ['  \n', 'answered nothing'],
    ['1', 'answered 1'],
    ['00', 'answered 00, neither 0 nor JSON'],
    ['"0"', 'answered "0"'],
    ['ok', 'answered ok, neither 0 nor JSON'],
    ['null', 'answered null'],
    ['[0]', 'answered [0]'],
    ['{}', 'answered without a code'],
    ['{"code":1}', 'answered code 1'],
    ['{"code":"0"}', 'answered code "0"'],
    ['{"code":null}', 'answered code null'],
    ['{"code":0', 'answered {"code":0, neither 0 nor JSON'],
    ['<html>\n'.repeat(1000), /^answered <html> <html> .{1,40}…, neither 0 nor JSON$/],
  ])('K002 status 200 and %j is a no', (body, problem) => {
    expect(answerProblem(200, body)).toEqual(
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    );
  });

  it.each([100, 201, 204, 301, 302, 401, 404, 500, 503])(
    'K002 status %d is a no, whatever the body',
    (status) => {
      expect(answerProblem(status, '0')).toBe(`answered with status ${status}`);
    },
  );

  it('K002 any other text is a no, and short to say', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        const problem = answerProblem(200, body);
        if (problem === undefined) {
          const text = body.trim();
          expect(text === '0' || (JSON.parse(text) as { code: unknown }).code === 0).toBe(true);
        } else expect(problem.length).toBeLessThan(100);
      }),
    );
  });
});
