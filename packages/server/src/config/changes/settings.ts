import type { Argument, Directive, Place } from '../parse/index.ts';
import { isSecret } from '../reload/index.ts';
import { nearestName, rootSection, vhostSection } from '../sections/index.ts';
import type { Field, Fields, Section } from '../sections/index.ts';

/** Why a setting can't be changed by the API. The codes are stable. */
export type SettingErrorCode =
  /** No directive has that name there. */
  | 'unknown-setting'
  /** It counts after a restart only, or not at all in this version. */
  | 'setting-not-live'
  /** The API doesn't change what guards the API. */
  | 'setting-guarded'
  /** A value of a kind that no directive takes. */
  | 'bad-value'
  /** The vhost, or the block of a list, isn't there. */
  | 'no-such-block';

/** A setting that can't be changed so; the message names the directive and what helps. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
  readonly code: SettingErrorCode;

  constructor(code: SettingErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The values of a setting in the config language: one text; a list of them, for a directive with many values or one
 * that is given many times; or null, as if the directive weren't written: its default counts.
 */
export type SettingValue = string | readonly string[] | null;

/** One directive from the root of the configuration, or of a vhost, on. */
export interface Setting {
  /** In one spelling: `play.gop_cache`, also where `gop_cache` was asked for. */
  readonly name: string;
  readonly steps: readonly Step[];
  readonly field: Field<unknown>;
  /** Its value is nobody's to read. */
  readonly secret: boolean;
}

/** A block, or at the end a directive with values; of a list of blocks, the one with that label. */
interface Step {
  readonly field: Field<unknown>;
  readonly label: string | undefined;
}

/** Longest name of a setting. */
const MAX_NAME_LENGTH = 300;

/** `play.gop_cache`, `ingest(film).enabled`; a label may have dots. */
const NAME = /^[^.()]+(?:\([^()]*\))?(?:\.[^.()]+(?:\([^()]*\))?)*$/;
const STEP = /([^.()]+)(?:\(([^()]*)\))?/g;

/** What the API itself is guarded by, and where it is: a slip would lock everyone out, or let everyone in. */
const GUARDED: ReadonlySet<string> = new Set(['http_api', 'outbound', 'trusted_proxies']);

/**
 * Finds a setting by its dotted name: `hls.hls_fragment`, `ingest(film).enabled`; in a vhost also the flat spellings of
 * SRS 2 that stand for one directive.
 *
 * @throws SettingError unless it is one that a running server takes
 */
export function findSetting(scope: 'root' | 'vhost', name: string): Setting {
  const section: Section<Fields> = scope === 'root' ? rootSection : vhostSection;
  const written = name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}…` : name;
  const steps = stepsOf(section, scope, written);
  const last = steps.at(-1)?.field;
  if (last === undefined) throw unknownSetting(section, scope, written);
  if (last.section !== undefined || last.kind === 'free') {
    const [inner] = Object.values<Field<unknown>>(last.section?.fields ?? {});
    const such = inner === undefined ? '' : `, such as \`${written}.${inner.name}\``;
    throw new SettingError('unknown-setting', `\`${written}\` is a block: name a directive in it${such}`);
  }
  refuseWhatIsNotLive(written, steps);
  if (scope === 'root' && GUARDED.has(steps[0]?.field.name ?? '')) {
    const message = `\`${written}\` is part of what guards the API and is changed in the file only, by a reload`;
    throw new SettingError('setting-guarded', message);
  }
  return { name: nameOf(steps), steps, field: last, secret: isSecret(last.name) };
}

function stepsOf(section: Section<Fields>, scope: 'root' | 'vhost', name: string): readonly Step[] {
  const steps: Step[] = [];
  let at: Section<Fields> | undefined = section;
  const modern = modernName(section, name);
  if (!NAME.test(modern)) throw unknownSetting(section, scope, name);
  for (const [, word = '', label] of modern.matchAll(STEP)) {
    const field: Field<unknown> | undefined = at?.byName.get(word);
    if (field === undefined) throw unknownSetting(section, scope, name);
    if (field.name === 'vhost' && field.kind === 'blocks') {
      const message = `\`${name}\`: a setting of a vhost is changed by the vhost's own name, not in the root`;
      throw new SettingError('unknown-setting', message);
    }
    if (field.kind === 'blocks' && label === undefined) {
      const message = `\`${word}\` is given many times: say which one, as in \`${word}(NAME).enabled\``;
      throw new SettingError('unknown-setting', message);
    }
    if (field.kind !== 'blocks' && label !== undefined) throw unknownSetting(section, scope, name);
    steps.push({ field, label });
    at = field.section;
  }
  return steps;
}

/** A flat spelling of SRS 2 as the block's: `gop_cache` as `play.gop_cache`, `mr.latency` as `publish.mr_latency`. */
function modernName(section: Section<Fields>, name: string): string {
  for (const { from, into, as, children, enables } of section.moves) {
    if (name === from && as !== undefined && enables !== true) return `${into}.${as}`;
    for (const [child, inner] of Object.entries(children ?? {})) {
      if (name === `${from}.${child}`) return `${into}.${inner}`;
    }
  }
  return name;
}

function nameOf(steps: readonly Step[]): string {
  return steps
    .map(({ field, label }) => (label === undefined ? field.name : `${field.name}(${label})`))
    .join('.');
}

function refuseWhatIsNotLive(name: string, steps: readonly Step[]): void {
  if (steps.some(({ field }) => !field.active)) {
    throw new SettingError('setting-not-live', `\`${name}\` has no effect in this version`);
  }
  if (steps.some(({ field }) => field.restart)) {
    const message = `\`${name}\` counts after a restart only: change it in the file, and restart the server`;
    throw new SettingError('setting-not-live', message);
  }
}

function unknownSetting(section: Section<Fields>, scope: 'root' | 'vhost', name: string): SettingError {
  const names = dottedNames(section);
  const inside = names.filter((known) => known.endsWith(`.${name}`));
  const meant = inside[0] ?? nearestName(name, names);
  const where = scope === 'root' ? 'the root' : 'a vhost';
  const other = dottedNames(scope === 'root' ? vhostSection : rootSection);
  const elsewhere = scope === 'root' ? 'a vhost: name that' : 'the root: name no vhost';
  const remedy = other.includes(name)
    ? `; it belongs in ${elsewhere}`
    : meant === undefined
      ? ''
      : `; did you mean \`${meant}\`?`;
  return new SettingError('unknown-setting', `unknown directive \`${name}\` in ${where}${remedy}`);
}

/** Every directive with values below a section, but for those in lists of blocks. */
function dottedNames(section: Section<Fields>, path = ''): readonly string[] {
  return Object.values<Field<unknown>>(section.fields).flatMap((field) => {
    const name = `${path}${field.name}`;
    if (field.kind === 'value' || field.kind === 'rules') return [name];
    return field.kind === 'block' && field.section !== undefined
      ? dottedNames(field.section, `${name}.`)
      : [];
  });
}

/** The most values of one setting. */
const MAX_VALUES = 1_000;

/**
 * A value of JSON in the config language: `true` is `on`, a number its digits; a text with spaces is several values
 * where the directive takes several.
 *
 * @throws SettingError for what no directive takes
 */
export function settingValue({ name, field }: Setting, given: unknown): SettingValue {
  if (given === null) return null;
  const isList = field.kind === 'rules' || field.environment === 'list';
  if (Array.isArray(given)) {
    if (!isList) throw badValue(name, `takes one value: \`${field.shape}\``);
    if (given.length === 0) return null;
    if (given.length > MAX_VALUES) throw badValue(name, `takes ${MAX_VALUES} values at most`);
    return given.map((item) => wordOf(name, item));
  }
  const word = wordOf(name, given);
  if (!isList) return word;
  return field.kind === 'rules' ? [word] : word.trim().split(/\s+/);
}

function wordOf(name: string, given: unknown): string {
  if (typeof given === 'boolean') return given ? 'on' : 'off';
  if (typeof given === 'number') return String(given);
  if (typeof given === 'string') {
    if (/\p{Cc}/u.test(given)) throw badValue(name, 'takes no line breaks and other control characters');
    return given;
  }
  throw badValue(name, 'takes a text, a number, true or false, a list of them, or null for its default');
}

function badValue(name: string, what: string): SettingError {
  return new SettingError('bad-value', `\`${name}\` ${what}`);
}

/**
 * Puts a setting's value into the directives of its section, in place of what is there. The directives have the flat
 * spellings moved into blocks already.
 *
 * @param place - what problems of the value say of where it comes from
 * @throws SettingError when a block of a list isn't there
 */
export function withSetting(
  directives: readonly Directive[],
  { steps }: Setting,
  value: SettingValue,
  place: Place & { readonly origin?: string },
): readonly Directive[] {
  return put(directives, steps, directivesOf(steps, value, place), place);
}

function directivesOf(
  steps: readonly Step[],
  value: SettingValue,
  place: Place & { readonly origin?: string },
): readonly Directive[] {
  const field = steps.at(-1)?.field;
  if (value === null || field === undefined) return [];
  const words = typeof value === 'string' ? [value] : value;
  const lists = field.kind === 'rules' ? words.map((rule) => rule.trim().split(/\s+/)) : [words];
  return lists.map((texts) => ({ ...place, name: field.name, args: texts.map(argument) }));
}

function argument(text: string): Argument {
  return { text, line: 0, column: 0, quoted: true };
}

function put(
  siblings: readonly Directive[],
  [step, ...rest]: readonly Step[],
  leaves: readonly Directive[],
  place: Place & { readonly origin?: string },
): readonly Directive[] {
  if (step === undefined) return siblings;
  const { field, label } = step;
  if (rest.length === 0) return [...siblings.filter((sibling) => !isOf(sibling, field)), ...leaves];
  const found = counting(siblings, step);
  if (found === undefined) {
    if (label !== undefined) {
      throw new SettingError('no-such-block', `there is no \`${field.name} ${label}\``);
    }
    return [...siblings, { ...place, name: field.name, args: [], block: put([], rest, leaves, place) }];
  }
  const block = put(found.block ?? [], rest, leaves, place);
  return siblings.map((sibling) => (sibling === found ? { ...found, block } : sibling));
}

function isOf({ name }: Directive, field: Field<unknown>): boolean {
  return name === field.name || field.aliases.includes(name);
}

/** Of blocks of one name the one that counts: the first, those of its own name before those of another spelling. */
function counting(siblings: readonly Directive[], { field, label }: Step): Directive | undefined {
  const all = siblings.filter(
    (sibling) => isOf(sibling, field) && (label === undefined || (sibling.args[0]?.text ?? '') === label),
  );
  return all.find(({ name }) => name === field.name) ?? all[0];
}

/** The values that a setting has in the directives of its section, as one writes them; undefined when it isn't written. */
export function writtenValue(directives: readonly Directive[], { steps }: Setting): string | undefined {
  let siblings = directives;
  for (const step of steps.slice(0, -1)) siblings = counting(siblings, step)?.block ?? [];
  const last = steps.at(-1);
  if (last === undefined) return undefined;
  const all = siblings.filter((sibling) => isOf(sibling, last.field));
  if (all.length === 0) return undefined;
  const count = last.field.kind === 'rules' ? all : [counting(siblings, last)];
  return count.map((directive) => (directive?.args ?? []).map(({ text }) => text).join(' ')).join(', ');
}
