import { ConfigError, ConfigErrorCode, MAX_PROBLEMS } from '../errors.ts';
import type { ConfigProblem } from '../errors.ts';
import type { Argument, Directive, Place, SourceTexts } from '../parse/index.ts';
import { nearestName } from './nearest.ts';
import { rootSection } from './root.ts';
import { isSwitchedOff } from './section.ts';
import type { Field, Fields, Reader, Section, SectionContext, SectionValue } from './section.ts';

/** Something that a user should know, though the configuration can be used. */
export interface ConfigWarning {
  readonly message: string;
  readonly file: string;
  /** 1-based; 0 when no line applies. */
  readonly line: number;
}

/** A directive that parses and validates but has no effect in this version. */
export interface InactiveDirective {
  /** Dotted path, e.g. `vhost(live.example.com).hls`. */
  readonly path: string;
  readonly file: string;
  readonly line: number;
}

/** The blocks that know a directive, as `vhost > hls`, nearest to the root first. */
function homesOf(name: string, section: Section<Fields> = rootSection, path = ''): readonly string[] {
  const here = section.knows(name) ? [path === '' ? 'the root' : `\`${path}\``] : [];
  const inner = Object.values<Field<unknown>>(section.fields).flatMap((field) =>
    field.section === undefined
      ? []
      : homesOf(name, field.section, path === '' ? field.name : `${path} > ${field.name}`),
  );
  return [...here, ...inner];
}

function allNames(section: Section<Fields> = rootSection): readonly string[] {
  const inner = Object.values<Field<unknown>>(section.fields).flatMap((field) =>
    field.section === undefined ? [] : allNames(field.section),
  );
  return [...section.names(), ...inner];
}

/** What to write instead of an unknown directive: where it belongs, or what it is called. */
function remedyFor(name: string, section: Section<Fields>): string {
  const [home] = homesOf(name);
  if (home !== undefined) return `; it belongs in ${home}`;
  const near = nearestName(name, section.names());
  if (near !== undefined) return `; did you mean \`${near}\`?`;
  const far = nearestName(name, allNames());
  const [farHome] = far === undefined ? [] : homesOf(far);
  return far === undefined || farHome === undefined ? '' : `; did you mean \`${far}\` of ${farHome}?`;
}

/**
 * What a block without others in it says, whatever its layout; undefined for one that is to be read by itself, since
 * where its words stand may matter.
 */
function blockText(directives: readonly Directive[]): string | undefined {
  let text = '';
  for (const { name, args, block, line } of directives) {
    if (block !== undefined) return undefined;
    text += `;${name.length}:${name}`;
    for (const argument of args) {
      if (argument.line !== line) return undefined;
      text += ` ${argument.text.length}:${argument.text}`;
    }
  }
  return text;
}

/** What is only warned of in a block that is switched off: it has no effect there. */
const WITHOUT_EFFECT_WHEN_OFF = new Set<ConfigErrorCode>([
  ConfigErrorCode.Unknown,
  ConfigErrorCode.Shape,
  ConfigErrorCode.Value,
]);

/** Turns directives into validated values by the sections' tables, and collects what is wrong. */
export class SectionReader implements Reader {
  readonly #texts: SourceTexts;
  readonly #problems: ConfigProblem[] = [];
  readonly warnings: ConfigWarning[] = [];
  readonly inactive: InactiveDirective[] = [];
  /** Values of blocks by what stands in them, in so far as nothing had to be said of them. */
  /** How many of the blocks that are being read are switched off, or stand in one that is. */
  #switchedOff = 0;
  readonly #known = new Map<Section<Fields>, Map<string, unknown>>();

  constructor(texts: SourceTexts) {
    this.#texts = texts;
  }

  /** Notes a problem of a directive; `at` narrows it down to one of its values. */
  problem(code: ConfigErrorCode, message: string, directive: Directive, at?: Argument): void {
    if (this.#switchedOff > 0 && WITHOUT_EFFECT_WHEN_OFF.has(code)) {
      this.warn(`${message}; ignored, because the block is switched off`, {
        ...directive,
        line: at?.line ?? directive.line,
      });
      return;
    }
    if (this.#problems.length >= MAX_PROBLEMS) return;
    if (directive.origin !== undefined) {
      const { file, line, column } = directive;
      this.#problems.push({ code, message: `${directive.origin}: ${message}`, file, line, column });
      return;
    }
    const place: Place = {
      file: directive.file,
      line: at?.line ?? directive.line,
      column: at?.column ?? directive.column,
    };
    const lineText = this.#texts.line(place.file, place.line);
    this.#problems.push({
      code,
      message,
      file: place.file,
      line: place.line,
      column: place.column,
      ...(lineText === undefined ? {} : { lineText }),
    });
  }

  warn(message: string, place: Place): void {
    this.warnings.push({ message, file: place.file, line: place.line });
  }

  noteInactive(path: string, directive: Directive): void {
    const file = directive.origin ?? directive.file;
    this.inactive.push({ path, file, line: directive.line });
  }

  /** Throws the ConfigError of all problems, in the order of the files, if there are any. */
  finish(): void {
    const files = [...new Set(this.#problems.map((problem) => problem.file))];
    const [first, ...rest] = this.#problems.toSorted(
      (left, right) =>
        files.indexOf(left.file) - files.indexOf(right.file) ||
        left.line - right.line ||
        left.column - right.column,
    );
    if (first !== undefined) throw new ConfigError([first, ...rest]);
  }

  /**
   * Reads the directives of one block. Fields that aren't there, or are wrong, get their default. Blocks that say the
   * same have one value, and are read once: a thousand vhosts differ in little.
   */
  section<F extends Fields>(
    section: Section<F>,
    directives: readonly Directive[],
    context: SectionContext,
  ): SectionValue<F> {
    const said = section.isFlat ? blockText(directives) : undefined;
    const text = said === undefined ? undefined : `${context.noteInactive ? '+' : '-'}${said}`;
    const known = this.#known.get(section) ?? new Map<string, unknown>();
    if (text !== undefined && known.has(text)) return known.get(text) as SectionValue<F>;
    const noticed = this.#noticed();
    const off = isSwitchedOff(section, directives);
    const value = this.inBlock(off, () => this.#read(section, directives, context));
    // What has something to say of a block says it of each.
    if (text !== undefined && this.#noticed() === noticed) this.#known.set(section, known.set(text, value));
    return value;
  }

  /** Does what may find problems in a block, which is switched `off` or not. */
  inBlock<Value>(off: boolean, read: () => Value): Value {
    if (!off) return read();
    this.#switchedOff += 1;
    try {
      return read();
    } finally {
      this.#switchedOff -= 1;
    }
  }

  /** How much was said so far. */
  #noticed(): number {
    return this.#problems.length + this.warnings.length + this.inactive.length;
  }

  #read<F extends Fields>(
    section: Section<F>,
    directives: readonly Directive[],
    context: SectionContext,
  ): SectionValue<F> {
    const found = this.#group(section, directives);
    const values: Record<string, unknown> = { ...section.defaults };
    for (const [property, field] of section.entries) {
      const group = found.get(field);
      const first = group?.[0];
      if (group === undefined || first === undefined) continue;
      const path = context.path === '' ? field.name : `${context.path}.${field.name}`;
      const noteChildren = context.noteInactive && field.active;
      const value = field.read(group, this, { path, noteInactive: noteChildren });
      values[property] = value;
      if (context.noteInactive && !field.active) {
        const on = field.switchedOn(value, group);
        if (on !== undefined) this.noteInactive(path, on);
      }
    }
    return values as SectionValue<F>;
  }

  /** The directives of each field, those with its own name before those with another spelling. */
  #group(section: Section<Fields>, directives: readonly Directive[]): Map<Field<unknown>, Directive[]> {
    const found = new Map<Field<unknown>, Directive[]>();
    for (const directive of directives) {
      const field = section.byName.get(directive.name);
      if (field === undefined) {
        this.unknown(section, directive);
        continue;
      }
      const group = found.get(field) ?? [];
      group.push(directive);
      found.set(field, group);
    }
    for (const [field, group] of found) {
      group.sort((left, right) => Number(left.name !== field.name) - Number(right.name !== field.name));
    }
    return found;
  }

  /** Refuses a directive that the section doesn't know, and says what was likely meant. */
  unknown(section: Section<Fields>, directive: Directive): void {
    const name = directive.name.length > 60 ? `${directive.name.slice(0, 60)}…` : directive.name;
    const message = `unknown directive \`${name}\` in ${section.title}${remedyFor(directive.name, section)}`;
    this.problem(ConfigErrorCode.Unknown, message, directive);
  }
}
