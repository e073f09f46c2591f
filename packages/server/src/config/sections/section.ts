import type { ConfigErrorCode } from '../errors.ts';
import type { Argument, Directive, Place } from '../parse/index.ts';

/** Where in the tree of sections a reader is. */
export interface SectionContext {
  /** Dotted path, empty at the root. */
  readonly path: string;
  /** Whether directives without effect are noted: not within a block that has none itself. */
  readonly noteInactive: boolean;
}

/** What a field needs of the reader that walks the tables. */
export interface Reader {
  /** Notes a problem of a directive; `at` narrows it down to one of its values. */
  problem(code: ConfigErrorCode, message: string, directive: Directive, at?: Argument): void;
  warn(message: string, place: Place): void;
  /** Reads the directives of one block. Fields that aren't there, or are wrong, get their default. */
  section<F extends Fields>(
    section: Section<F>,
    directives: readonly Directive[],
    context: SectionContext,
  ): SectionValue<F>;
}

/**
 * How a directive is given: with values once, with values any number of times, as a block once, as a block any number
 * of times (each with a label), or as a block of names that are not ours to know.
 */
export type FieldKind = 'value' | 'rules' | 'block' | 'blocks' | 'free';

/** How an environment variable becomes the values of a directive. */
export type EnvironmentForm = 'text' | 'list' | 'none';

/**
 * One directive of a section's table: how it is written, what it means, and how it is read. `Value` is the
 * type of the validated value.
 */
export interface Field<Value> {
  /** The directive's name. */
  readonly name: string;
  /** Other spellings in the same block; the first one wins where both are given. */
  readonly aliases: readonly string[];
  /** How the values are written, for the reference and for problems. */
  readonly shape: string;
  readonly default: Value;
  /** The default as one writes it; empty when there is none. */
  readonly defaultText: string;
  /** One sentence for the reference. */
  readonly means: string;
  /** Whether this version acts on it. */
  readonly active: boolean;
  /** Whether a running server can't take another value: it counts after a restart. */
  readonly restart: boolean;
  readonly kind: FieldKind;
  /** The table of its block, for blocks that have one. */
  readonly section: Section<Fields> | undefined;
  readonly environment: EnvironmentForm;
  /** Reads all directives of this name in one block: there is at least one. */
  read(directives: readonly Directive[], reader: Reader, context: SectionContext): Value;
  /** What is wrong with a value beyond its type, or undefined; for values that come from no text. */
  check(value: Value): string | undefined;
  /** The directive that asks for something when the value isn't just the default. */
  switchedOn(value: Value, directives: readonly Directive[]): Directive | undefined;
}

/** The table of a section: property name → directive. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** The validated value of a section: every field is there. */
export type SectionValue<F extends Fields> = { readonly [Property in keyof F]: F[Property]['default'] };

/** A directive of an older or flatter spelling, read as if it stood in a block of the section. */
export interface Move {
  /** Its name in the section. */
  readonly from: string;
  /** The block it belongs to. */
  readonly into: string;
  /** Its name there; absent for a block whose children move one by one. */
  readonly as?: string;
  /** For a block: its children's names → their names in `into`. */
  readonly children?: Readonly<Record<string, string>>;
  /** Switches the block on, too: the old spelling has no `enabled`. */
  readonly enables?: boolean;
}

/** The table of one kind of block. */
export class Section<F extends Fields> {
  /** As problems name it: `vhost`, `hls` … */
  readonly title: string;
  readonly fields: F;
  readonly moves: readonly Move[];
  readonly byName: ReadonlyMap<string, Field<unknown>>;
  /** The fields by their properties, in the order of the table. */
  readonly entries: readonly (readonly [property: string, field: Field<unknown>])[];
  readonly defaults: SectionValue<F>;
  /** No block stands in it. */
  readonly isFlat: boolean;

  constructor(title: string, fields: F, moves: readonly Move[] = []) {
    this.title = title;
    this.fields = fields;
    this.moves = moves;
    const byName = new Map<string, Field<unknown>>();
    const defaults: Record<string, unknown> = {};
    this.entries = Object.entries<Field<unknown>>(fields);
    for (const [property, field] of this.entries) {
      defaults[property] = field.default;
      for (const name of [field.name, ...field.aliases]) byName.set(name, field);
    }
    this.isFlat = this.entries.every(([, { kind }]) => kind === 'value' || kind === 'rules');
    this.byName = byName;
    this.defaults = defaults as SectionValue<F>;
  }

  knows(name: string): boolean {
    return this.byName.has(name) || this.moves.some((move) => move.from === name);
  }

  names(): readonly string[] {
    return [...this.byName.keys(), ...this.moves.map((move) => move.from)];
  }
}

/** Whether a block says of itself that it is off. */
export function isSwitchedOff(section: Section<Fields>, directives: readonly Directive[]): boolean {
  return section.byName.has('enabled') && saysOff(directives);
}

/** Whether the directives have an `enabled off`. */
export function saysOff(directives: readonly Directive[]): boolean {
  return directives.find(({ name }) => name === 'enabled')?.args[0]?.text === 'off';
}
