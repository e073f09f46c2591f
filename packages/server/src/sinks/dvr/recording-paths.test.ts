import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { expandPath, namesProblem } from '../disk/index.ts';
import { KeyframeIndex } from './keyframe-index.ts';
import { fileTemplate, numberedPath, templateRoot, templateShape, templateUnder } from './recording-paths.ts';

describe('the paths of recordings', () => {
  it.each([
    ['./rec', './rec/[stream].[timestamp].flv'],
    ['./rec/', './rec/[stream].[timestamp].flv'],
    ['./rec/[app]/[stream].flv', './rec/[app]/[stream].flv'],
    ['./rec/x.mp4', './rec/x.mp4'],
    ['./rec/flv', './rec/flv/[stream].[timestamp].flv'],
  ])('V002 %s is %s', (path, template) => {
    expect(fileTemplate(path)).toBe(template);
  });

  it.each([
    ['./rec/[app]/[stream].flv', './rec/'],
    ['./rec/day-[2006]/x.flv', './rec/'],
    ['/data/rec/x.flv', '/data/rec/'],
    ['[app]/x.flv', ''],
    ['/[app]/x.flv', '/'],
    ['./rec/[nothing]/x.flv', './rec/[nothing]/'],
  ])('the root of %s is %s', (template, root) => {
    expect(templateRoot(template)).toBe(root);
  });

  it('numbers go before the extension', () => {
    expect([0, 1, 12].map((number) => numberedPath('./a.b/c.d.flv', number))).toEqual([
      './a.b/c.d.flv',
      './a.b/c.d-1.flv',
      './a.b/c.d-12.flv',
    ]);
  });

  it('V002 the shape of a template fits every path that it makes, and says whose it is', () => {
    const name = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
    const template = fc.constantFrom(
      './r/[app]/[stream].[timestamp].flv',
      './r/[vhost]/[app]/[2006]-[01]-[02]/[stream]_[15].[04].[05].[999].mp4',
      './r (1)+[app]/[stream].flv',
      './r/[stream]/[stream].flv',
    );
    const at = fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true });
    fc.assert(
      fc.property(template, name, name, at, fc.nat(999), (form, app, stream, date, number) => {
        fc.pre(namesProblem(app, stream) === undefined && !/[\n\r\u2028\u2029]/.test(app + stream));
        const names = { vhost: 'v.com', app, stream };
        const path = numberedPath(expandPath(form, { ...names, at: date, utc: true }), number);
        expect(templateShape(form, { vhost: 'v.com' }).test(path)).toBe(true);
        expect(templateShape(form, names).test(path)).toBe(true);
        expect(templateShape(form, { vhost: 'other' }).test(path)).toBe(!form.includes('[vhost]'));
        expect(templateShape(form).test(`${path}.tmp`)).toBe(false);
      }),
    );
  });

  it('V008 no path from outside leads out of the root', () => {
    const part = fc.oneof(
      fc.constantFrom('..', '.', '', '/', '~', '%2e%2e', '[app]', 'rec', 'x.flv', 'a', '\0'),
      fc.string({ maxLength: 4 }),
    );
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 8 }),
        fc.constantFrom('./rec/', '/data/rec/'),
        (parts, root) => {
          const result = templateUnder(root, parts.join('/'));
          if (!('template' in result)) return;
          const resolved = new URL(
            `file://${result.template.startsWith('/') ? '' : '/'}${result.template.replace(/^\.\//, '').replaceAll(/[?#%]/g, '_')}`,
          );
          expect(resolved.pathname.startsWith(root.replace('./', '/'))).toBe(true);
        },
      ),
    );
  });
});

describe('KeyframeIndex', () => {
  it('V004 never has more than its room, and is even at any length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 50 }), fc.integer({ min: 0, max: 2_000 }), (capacity, count) => {
        const index = new KeyframeIndex(capacity);
        for (let at = 0; at < count; at += 1) index.add(at * 100, at * 1_000);
        const { entries } = index;
        expect(entries.length).toBeLessThanOrEqual(capacity);
        if (count === 0) return;
        expect(entries[0]).toEqual({ timestamp: 0, position: 0 });
        const gaps = new Set(
          entries.slice(1).map(({ timestamp }, at) => timestamp - (entries[at]?.timestamp ?? 0)),
        );
        expect(gaps.size).toBeLessThanOrEqual(1);
        expect(entries.length).toBeGreaterThanOrEqual(Math.min(count, Math.floor(capacity / 2) || 1));
      }),
    );
  });

  it('without room it has nothing', () => {
    const index = new KeyframeIndex(0);
    index.add(0, 0);
    expect(index.entries).toEqual([]);
  });
});
