import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { DEFAULT_PARSE_LIMITS, SourceTexts, readConfigFile, readConfigText } from './index.ts';
import type { Directive, ParseLimits } from './index.ts';

/** Files in memory, by absolute path. */
function read(
  files: Readonly<Record<string, string | Uint8Array>>,
  options: { readonly env?: Record<string, string>; readonly limits?: Partial<ParseLimits> } = {},
): readonly Directive[] {
  return readConfigFile('/c/main.conf', {
    environment: options.env ?? {},
    limits: { ...DEFAULT_PARSE_LIMITS, ...options.limits },
    texts: new SourceTexts(),
    workingDirectory: '/w',
    readFile(path) {
      const content = files[path];
      if (content === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
      return content;
    },
    listDirectory(directory) {
      const inside = Object.keys(files).filter((path) => path.startsWith(`${directory}/`));
      return [...new Set(inside.map((path) => path.slice(directory.length + 1).split('/', 1)[0] ?? ''))];
    },
  });
}

function fault(...args: Parameters<typeof read>): ConfigError {
  try {
    read(...args);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('no error');
}

function names(directives: readonly Directive[]): unknown[] {
  return directives.map(({ name, block }) => (block === undefined ? name : [name, ...names(block)]));
}

describe('readConfigFile', () => {
  it('puts an included file in the place of its include, at the root and in a block', () => {
    const directives = read({
      '/c/main.conf': 'a;\ninclude one.conf;\nvhost x { include sub/two.conf; d; }\n',
      '/c/one.conf': 'b;',
      '/c/sub/two.conf': 'include three.conf;',
      '/c/sub/three.conf': 'c;',
    });
    expect(names(directives)).toEqual(['a', 'b', ['vhost', 'c', 'd']]);
    expect(directives[1]).toMatchObject({ file: '/c/one.conf', line: 1 });
  });

  it('includes by pattern in the order of names, several files, and by variable', () => {
    const files = {
      '/c/main.conf': 'include d/*.conf; include d/[ab]?.conf $WHICH; include none/*.conf;',
      '/c/d/b1.conf': 'b1;',
      '/c/d/a1.conf': 'a1;',
      '/c/d/.hidden.conf': 'hidden;',
      '/c/d/note.txt': 'note;',
      '/abs.conf': 'abs;',
    };
    expect(names(read(files, { env: { WHICH: '/abs.conf' } }))).toEqual(['a1', 'b1', 'a1', 'b1', 'abs']);
  });

  it.each([
    ['[!a]*.conf', ['b']],
    ['[z-a].conf', []],
    ['*/x.conf', []],
    ['../?/a.conf', ['a']],
    ['?.conf', ['a', 'b']],
  ])('pattern %s', (pattern, expected) => {
    const files = { '/c/main.conf': `include d/${pattern};`, '/c/d/a.conf': 'a;', '/c/d/b.conf': 'b;' };
    expect(names(read(files))).toEqual(expected);
  });

  it('takes the marks of the including directory as they are', () => {
    expect(names(read({ '/c/main.conf': 'include [d]/main.conf;', '/c/[d]/main.conf': 'x;' }))).toEqual([]);
    const files = {
      '/c/main.conf': 'include *d*/main.conf;',
      '/c/[d]/main.conf': 'include *.inc;',
      '/c/[d]/x.inc': 'x;',
    };
    expect(names(read(files))).toEqual(['x']);
  });

  it('says where a missing include stands', () => {
    const error = fault({ '/c/main.conf': 'a;\ninclude one.conf;' });
    expect([error.code, error.file, error.line, error.column]).toEqual(['config-file', '/c/main.conf', 2, 9]);
    expect(error.message).toContain("can't read `/c/one.conf`: no such file");
  });

  it('looks for a name beside the including file, and then from the working directory', () => {
    const files = {
      '/c/main.conf': 'include conf/both.conf ./conf/one.conf conf/d/*.conf;',
      '/c/conf/both.conf': 'beside;',
      '/w/conf/both.conf': 'working;',
      '/w/conf/one.conf': 'include conf/two.conf two.conf;',
      '/w/conf/two.conf': 'two;',
      '/w/conf/d/three.conf': 'three;',
    };
    expect(names(read(files))).toEqual(['beside', 'two', 'two', 'three']);
    const error = fault({ '/c/main.conf': '\ninclude a.conf;' });
    expect(error).toMatchObject({ code: 'config-file', line: 2, column: 9 });
    expect(error.message).toContain("can't read `/c/a.conf`: no such file, and none at `/w/a.conf`");
    expect(fault({ '/c/main.conf': 'include b.conf;', '/w/b.conf': 'include c.conf;' }).message).toContain(
      "/w/b.conf:1:9: can't read `/w/c.conf`: no such file",
    );
    const cycle = { '/c/main.conf': 'include x/a.conf;', '/w/x/a.conf': 'include x/a.conf;' };
    expect(fault(cycle).code).toBe('config-include');
  });

  it('does not include a file whose name is a variable that is not set', () => {
    expect(fault({ '/c/main.conf': 'include $FILE;' })).toMatchObject({ code: 'config-variable', column: 9 });
  });

  it('says that the file itself is missing', () => {
    expect(fault({}).message).toBe("/c/main.conf: can't read `/c/main.conf`: no such file");
  });

  it('detects a cycle', () => {
    const error = fault({ '/c/main.conf': 'include one.conf;', '/c/one.conf': 'a;\ninclude main.conf;' });
    expect([error.code, error.file, error.line]).toEqual(['config-include', '/c/one.conf', 2]);
    expect(error.message).toContain('/c/main.conf → /c/one.conf → /c/main.conf');
  });

  it('limits depth, number and size of files, and directives', () => {
    const chain: Record<string, string> = { '/c/main.conf': 'include 1.conf;' };
    for (let index = 1; index < 20; index += 1) chain[`/c/${index}.conf`] = `include ${index + 1}.conf;`;
    expect(fault(chain)).toMatchObject({ code: 'config-limit', file: '/c/8.conf' });
    const wide = { '/c/main.conf': 'include a.conf a.conf a.conf;', '/c/a.conf': 'a; b;' };
    expect(fault(wide, { limits: { maxFiles: 3 } }).code).toBe('config-limit');
    expect(fault(wide, { limits: { maxDirectives: 5 } }).code).toBe('config-limit');
    expect(read(wide, { limits: { maxFiles: 4, maxDirectives: 7 } })).toHaveLength(6);
    expect(fault({ '/c/main.conf': '#'.repeat(11) }, { limits: { maxFileBytes: 10 } }).code).toBe(
      'config-limit',
    );
  });

  it.each(['include;', 'include a { }'])('refuses %s', (text) => {
    expect(fault({ '/c/main.conf': text }).code).toBe('config-shape');
  });

  it('reads UTF-8 with a byte order mark', () => {
    expect(names(read({ '/c/main.conf': new TextEncoder().encode('\uFEFFa;') }))).toEqual(['a']);
    expect(names(read({ '/c/main.conf': '\uFEFFa;' }))).toEqual(['a']);
  });

  it.each([
    ['b \xff;', 2, 3],
    ['b "\xc3(";', 2, 4],
    ['\xd6 1;', 2, 1],
  ])('refuses bytes that are not UTF-8, with their place: %j', (text, line, column) => {
    const bytes = Buffer.from(`# \xd7\xa2\xca\xcd\n${text}`, 'latin1');
    expect(fault({ '/c/main.conf': bytes })).toMatchObject({ code: 'config-encoding', line, column });
  });

  it.each([
    ['GBK', [0xd7, 0xa2, 0xca, 0xcd, 0x81, 0x7b]],
    ['Big5', [0xb5, 0xf9, 0xb8, 0xd1, 0xa5, 0x5c]],
    ['Latin 1', [0xe9, 0xe8, 0xff]],
    ['half of a UTF-8 character', [0xe6, 0xb3]],
    ['NUL bytes', [0x61, 0x00, 0x62, 0x00]],
  ])('takes comments in any encoding: %s', (_name, comment) => {
    const words = ['#', '\nvhost ü { # ', '\n b; }'].map((text) => Buffer.from(text));
    const bytes = Buffer.concat(
      words.flatMap((word, index) => (index === 0 ? [word] : [Buffer.from(comment), word])),
    );
    const directives = read({ '/c/main.conf': bytes });
    expect(names(directives)).toEqual([['vhost', 'b']]);
    expect(directives[0]?.args[0]?.text).toBe('ü');
  });

  it('takes U+FFFD that stands in a file', () => {
    expect(names(read({ '/c/main.conf': new TextEncoder().encode('\uFFFD;') }))).toEqual(['\uFFFD']);
  });

  it('limits a text', () => {
    const options = {
      environment: {},
      limits: { ...DEFAULT_PARSE_LIMITS, maxFileBytes: 3 },
      texts: new SourceTexts(),
    };
    expect(readConfigText('a;', 'x', options)).toHaveLength(1);
    expect(() => readConfigText('a; b;', 'x', options)).toThrow(ConfigError);
  });

  describe('on the file system', () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-config-'));
    const options = { environment: {}, limits: DEFAULT_PARSE_LIMITS, texts: new SourceTexts() };
    beforeAll(() => {
      mkdirSync(join(directory, 'd'));
      writeFileSync(join(directory, 'main.conf'), 'include d/*.conf;');
      writeFileSync(join(directory, 'd', 'a.conf'), 'a;');
    });
    afterAll(() => {
      rmSync(directory, { recursive: true });
    });

    it('reads files and lists directories', () => {
      expect(names(readConfigFile(join(directory, 'main.conf'), options))).toEqual(['a']);
    });

    it('says that a directory is no file', () => {
      expect(() => readConfigFile(directory, options)).toThrow('it is a directory');
    });
  });
});
