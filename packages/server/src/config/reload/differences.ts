import { formatListenAddress } from '../address.ts';
import type { Field, Fields, Section } from '../sections/index.ts';

/** When a changed value counts: at once, after a restart, or never in this version. */
export type ChangeEffect = 'live' | 'restart' | 'none';

/** One directive whose value differs. */
export interface Difference {
  /** As in a file, with the blocks that it stands in: `play.gop_cache`. */
  readonly directive: string;
  /** For people; empty for nothing, and without the text of a secret. */
  readonly before: string;
  readonly after: string;
  readonly effect: ChangeEffect;
}

type Values = Readonly<Record<string, unknown>>;

const SECRET = /password|secret|^key$/;

/** Whether the value of a directive is nobody's to read, by its name. */
export function isSecret(directive: string): boolean {
  return SECRET.test(directive);
}

function effectOf(field: Field<unknown> | undefined): ChangeEffect {
  if (field?.active === false) return 'none';
  return field?.restart === true ? 'restart' : 'live';
}

function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isLabelled(value: unknown): value is Values & { readonly label: string } {
  return isValues(value) && typeof value['label'] === 'string';
}

/** `gopCacheMaxBytes` as `gop_cache_max_bytes`, for what no table names. */
function directiveName(property: string): string {
  return property.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A value as one would write it; times in ms say so. */
function valueText(property: string, value: unknown): string {
  if (value === undefined || value === '') return '';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number') return property.endsWith('Ms') ? `${value} ms` : String(value);
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map((item: unknown) => valueText('', item)).join(' ');
  if (isValues(value)) {
    const { port, host } = value;
    if (typeof port === 'number') {
      return formatListenAddress(typeof host === 'string' ? { host, port } : { port });
    }
    return Object.values(value)
      .map((item) => valueText('', item))
      .join(' ');
  }
  return '';
}

/** That there is a secret may be told. */
function masked(value: unknown, words: string): string {
  return valueText('', value) === '' ? '' : words;
}

/** Blocks by their names; those without a name, or with the same one, by their order. */
function byLabel(list: readonly unknown[]): Map<string, Values> {
  const found = new Map<string, Values>();
  for (const value of list) {
    if (!isLabelled(value)) continue;
    let key = value.label;
    for (let nth = 2; found.has(key); nth += 1) key = `${value.label}#${nth}`;
    found.set(key, value);
  }
  return found;
}

function blockDifferences(
  section: Section<Fields> | undefined,
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
  effect: ChangeEffect,
): Difference[] {
  const old = byLabel(before);
  const young = byLabel(after);
  const found: Difference[] = [];
  for (const label of new Set([...old.keys(), ...young.keys()])) {
    const directive = label === '' ? path : `${path}(${label})`;
    const was = old.get(label);
    const is = young.get(label);
    if (was === undefined) found.push({ directive, before: '', after: 'added', effect });
    else if (is === undefined) found.push({ directive, before: 'removed', after: '', effect });
    else found.push(...differences(section, was, is, directive));
  }
  return found;
}

/**
 * The directives that differ between two values of one section.
 *
 * @param section - the table that names them; a part without one is named by its properties
 * @param before - must share with `after` what is the same, see `keepUnchanged`
 */
export function differences(
  section: Section<Fields> | undefined,
  before: Values,
  after: Values,
  path: string,
): Difference[] {
  const found: Difference[] = [];
  for (const property of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const was = before[property];
    const is = after[property];
    if (was === is) continue;
    const field = section === undefined ? undefined : section.fields[property];
    const name = field?.name ?? directiveName(property);
    const directive = path === '' ? name : `${path}.${name}`;
    const isBlocks = [was, is].every(Array.isArray) && [was, is].flat().some(isLabelled);
    if (isBlocks) {
      const [old, young] = [was as readonly unknown[], is as readonly unknown[]];
      found.push(...blockDifferences(field?.section, old, young, directive, effectOf(field)));
    } else if (isValues(was) && isValues(is)) {
      found.push(...differences(field?.section, was, is, directive));
    } else {
      const secret = isSecret(name);
      found.push({
        directive,
        before: secret ? masked(was, '(secret)') : valueText(property, was),
        after: secret ? masked(is, '(another secret)') : valueText(property, is),
        effect: effectOf(field),
      });
    }
  }
  return found;
}
