import { isIP } from 'node:net';
import { formatListenAddress, parseListenAddress } from '../address.ts';
import type { ListenAddress } from '../address.ts';
import type { Argument } from '../parse/index.ts';
import { ValueProblem, valueField } from './fields.ts';
import type { FieldOptions, Range, ValueForm } from './fields.ts';
import type { Field } from './section.ts';

function oneOf(args: readonly Argument[]): Argument {
  const [argument] = args;
  if (argument === undefined) throw new ValueProblem('a value is missing');
  return argument;
}

/** The form of a directive with exactly one value. */
function single<Value>(
  shape: string,
  read: (text: string, argument: Argument) => Value,
  print: (value: Value) => string,
  check?: (value: Value) => string | undefined,
): ValueForm<Value> {
  return {
    shape,
    least: 1,
    most: 1,
    environment: 'text',
    read(args) {
      const argument = oneOf(args);
      return read(argument.text, argument);
    },
    print,
    ...(check === undefined ? {} : { check }),
  };
}

function readFlag(text: string, argument: Argument): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new ValueProblem(`expected \`on\` or \`off\`, not \`${text}\``, argument);
}

/** `on` or `off`. */
export function flag(name: string, options: FieldOptions<boolean>): Field<boolean> {
  const form = single('on|off', readFlag, (value) => (value ? 'on' : 'off'));
  return valueField(name, form, options);
}

/** `on` or `off`, or undefined where it is not written. */
export function optionalFlag(
  name: string,
  options: Omit<FieldOptions<boolean | undefined>, 'default'>,
): Field<boolean | undefined> {
  const print = (value: boolean | undefined) => (value === undefined ? '' : value ? 'on' : 'off');
  const form = single<boolean | undefined>('on|off', readFlag, print);
  return valueField<boolean | undefined>(name, form, { ...options, default: undefined });
}

function rangeCheck(
  range: Range,
  print: (value: number) => string,
): (value: number | undefined) => string | undefined {
  return (value) => {
    if (value === undefined) return undefined;
    if (!Number.isFinite(value)) return 'expected a finite number';
    const { min = 0, max } = range;
    if (value >= min && (max === undefined || value <= max)) return undefined;
    const bounds = max === undefined ? `at least ${print(min)}` : `${print(min)} to ${print(max)}`;
    return `${print(value)} is out of range: ${bounds}`;
  };
}

/** A field of a number: `scales` says what one unit and each suffix are worth. */
function numberField<Default extends number | undefined>(
  name: string,
  number: {
    readonly shape: string;
    readonly pattern: RegExp;
    readonly expected: string;
    readonly scales: Readonly<Record<string, number>>;
    print(value: number): string;
  },
  options: FieldOptions<number | Default> & Range,
): Field<number | Default> {
  function read(text: string, argument: Argument): number {
    const match = number.pattern.exec(text);
    const scale = number.scales[match?.[2]?.toLowerCase() ?? ''];
    if (match === null || scale === undefined) {
      throw new ValueProblem(`expected ${number.expected}, not \`${text}\``, argument);
    }
    const value = Number(match[1]) * scale;
    return Number.isInteger(scale) && scale > 1 ? Math.round(value) : value;
  }
  const check = rangeCheck(options, (value) => number.print(value));
  const form = single<number | Default>(
    number.shape,
    read,
    (value) => (value === undefined ? '' : number.print(value)),
    check,
  );
  return valueField(name, form, options);
}

/** A whole number; at least 0 unless `min` says otherwise. */
export function integer<Default extends number | undefined>(
  name: string,
  options: FieldOptions<number | Default> & Range & { readonly shape?: string },
): Field<number | Default> {
  const number = {
    shape: options.shape ?? 'NUMBER',
    pattern: /^(-?\d{1,15})$/,
    expected: 'a whole number',
    scales: { '': 1 },
    print: String,
  };
  return numberField(name, number, options);
}

/** A number with an optional fraction; at least 0 unless `min` says otherwise. */
export function decimal(name: string, options: FieldOptions<number> & Range): Field<number> {
  const pattern = /^(-?\d{1,15}(?:\.\d{1,15})?)$/;
  const number = { shape: 'NUMBER', pattern, expected: 'a number', scales: { '': 1 }, print: String };
  return numberField<number>(name, number, options);
}

const DURATION = /^(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h)?$/i;

/** A time that is written in seconds unless `ms`, `m` or `h` follows; the value is in milliseconds. */
export function seconds(name: string, options: FieldOptions<number> & Range): Field<number> {
  const number = {
    shape: 'SECONDS',
    pattern: DURATION,
    expected: 'seconds, such as `10`, `0.5` or `500ms`',
    scales: { '': 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000 },
    print: (value: number) => String(value / 1000),
  };
  return numberField<number>(name, number, options);
}

/** A time that is written in milliseconds unless `s`, `m` or `h` follows; the value is in milliseconds. */
export function milliseconds(name: string, options: FieldOptions<number> & Range): Field<number> {
  const number = {
    shape: 'MILLISECONDS',
    pattern: DURATION,
    expected: 'milliseconds, such as `350` or `0.35s`',
    scales: { '': 1, ms: 1, s: 1000, m: 60_000, h: 3_600_000 },
    print: String,
  };
  return numberField<number>(name, number, options);
}

const KIBIBYTE = 1024;

function printBytes(value: number): string {
  if (value > 0 && value % KIBIBYTE ** 2 === 0) return `${value / KIBIBYTE ** 2}m`;
  return value > 0 && value % KIBIBYTE === 0 ? `${value / KIBIBYTE}k` : String(value);
}

/** A size in bytes, or with `k`, `m`, `g` in units of 1024, 1024² and 1024³ bytes. */
export function bytes(name: string, options: FieldOptions<number> & Range): Field<number> {
  const number = {
    shape: 'BYTES',
    pattern: /^(\d{1,12})([kmg])?$/i,
    expected: 'bytes, such as `65536`, `64k` or `16m`',
    scales: { '': 1, k: KIBIBYTE, m: KIBIBYTE ** 2, g: KIBIBYTE ** 3 },
    print: printBytes,
  };
  return numberField<number>(name, number, options);
}

/** One of a set of words. */
export function choice<const Word extends string>(
  name: string,
  words: readonly Word[],
  options: FieldOptions<NoInfer<Word>> & {
    /** Other spellings of the words. */
    readonly spellings?: Readonly<Record<string, NoInfer<Word>>>;
  },
): Field<Word> {
  const spellings = new Map(Object.entries(options.spellings ?? {}));
  function read(text: string, argument: Argument): Word {
    const word = spellings.get(text) ?? words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    const listed = words.map((candidate) => `\`${candidate}\``).join(', ');
    throw new ValueProblem(`expected one of ${listed}, not \`${text}\``, argument);
  }
  function check(value: Word): string | undefined {
    return words.includes(value) ? undefined : `expected one of ${words.join(', ')}, not ${value}`;
  }
  const shape = words.filter((word) => word !== '').join('|');
  return valueField(name, single(shape, read, String, check), options);
}

/** Any text, not empty unless the default is. */
export function text(
  name: string,
  options: FieldOptions<string> & {
    readonly shape?: string;
    /** What is wrong with the text, or undefined. */
    readonly check?: (text: string) => string | undefined;
  },
): Field<string> {
  function read(value: string, argument: Argument): string {
    if (value === '' && options.default !== '') throw new ValueProblem('an empty value', argument);
    const wrong = options.check?.(value);
    if (wrong !== undefined) throw new ValueProblem(wrong, argument);
    return value;
  }
  return valueField(name, single(options.shape ?? 'TEXT', read, String, options.check), options);
}

/** The path of a file or directory. */
export function path(name: string, options: FieldOptions<string>): Field<string> {
  return text(name, { shape: 'PATH', ...options });
}

/** One or more words. */
export function words(
  name: string,
  options: Omit<FieldOptions<readonly string[]>, 'default'> & {
    readonly default?: readonly string[];
    readonly shape?: string;
    readonly least?: number;
    /** What is wrong with a word, or undefined. */
    readonly check?: (word: string) => string | undefined;
  },
): Field<readonly string[]> {
  const form: ValueForm<readonly string[]> = {
    shape: options.shape ?? 'WORD …',
    least: options.least ?? 1,
    most: Infinity,
    environment: 'list',
    read: (args) =>
      args.map((argument) => {
        const wrong = options.check?.(argument.text);
        if (wrong !== undefined) throw new ValueProblem(wrong, argument);
        return argument.text;
      }),
    check: (values) => values.map((word) => options.check?.(word)).find((wrong) => wrong !== undefined),
    print: (values) => values.join(' '),
  };
  return valueField(name, form, { ...options, default: options.default ?? [] });
}

function urlProblem(word: string): string | undefined {
  if (!/^https?:\/\/[^/\s]/.test(word)) {
    return `expected a URL that begins with http:// or https://, not \`${word}\``;
  }
  // What parses a URL leaves these out: it would lead elsewhere than it says.
  return /[\s\p{Cc}]/u.test(word) ? `a URL with a blank or a control character: \`${word}\`` : undefined;
}

/** One or more http(s) URLs. */
export function urls(
  name: string,
  options: { readonly means: string; readonly active?: boolean },
): Field<readonly string[]> {
  return words(name, { ...options, shape: 'URL …', check: urlProblem });
}

/** One http(s) URL. */
export function url(name: string, options: FieldOptions<string>): Field<string> {
  function read(value: string, argument: Argument): string {
    const wrong = urlProblem(value);
    if (wrong !== undefined) throw new ValueProblem(wrong, argument);
    return value;
  }
  return valueField(name, single('URL', read, String), options);
}

function addressProblem(address: ListenAddress): string | undefined {
  const { port } = address;
  return Number.isInteger(port) && port >= 0 && port <= 65_535
    ? undefined
    : `port ${port} is out of range: 1 to 65535`;
}

/** One or more addresses to listen on: `port`, `ip:port` or `[ipv6]:port` (R001). */
export function addresses(
  name: string,
  options: FieldOptions<readonly ListenAddress[]>,
): Field<readonly ListenAddress[]> {
  const form: ValueForm<readonly ListenAddress[]> = {
    shape: 'ADDRESS …',
    least: 1,
    most: Infinity,
    environment: 'list',
    read: (args) =>
      args.map((argument) => {
        const address = parseListenAddress(argument.text);
        if (typeof address === 'string')
          throw new ValueProblem(`${address}, not \`${argument.text}\``, argument);
        return address;
      }),
    check: (values) => values.map(addressProblem).find((wrong) => wrong !== undefined),
    print: (values) => values.map(formatListenAddress).join(' '),
  };
  return valueField(name, form, options);
}

/** Whether a text is an IP address or a range of them (`10.0.0.0/8`). */
export function isAddressOrRange(value: string): boolean {
  const [ip = '', prefix, ...rest] = value.split('/');
  const version = isIP(ip);
  if (version === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}
