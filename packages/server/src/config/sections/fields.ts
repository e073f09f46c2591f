import { ConfigErrorCode } from '../errors.ts';
import type { Argument, Directive } from '../parse/index.ts';
import type { EnvironmentForm, Field } from './section.ts';

/** What every field of a table says about itself. */
export interface FieldOptions<Value> {
  readonly default: Value;
  /** One sentence for the reference. */
  readonly means: string;
  /** Whether this version acts on it; false unless said. */
  readonly active?: boolean;
  /** Whether it counts after a restart only; false unless said. */
  readonly restart?: boolean;
  readonly aliases?: readonly string[];
  /** The default as one writes it, where that isn't plain. */
  readonly defaultText?: string;
  /** Whether a value asks for something; default: it differs from the default. */
  readonly asks?: (value: Value) => boolean;
}

/** Bounds of a number, in the unit of the value. */
export interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** Text that isn't a value: thrown by a `ValueReader`, caught by its field. */
export class ValueProblem extends Error {
  override readonly name = 'ValueProblem';
  readonly argument: Argument | undefined;
  constructor(message: string, argument?: Argument) {
    super(message);
    this.argument = argument;
  }
}

/** How the values of a directive are written and read. */
export interface ValueForm<Value> {
  readonly shape: string;
  readonly least: number;
  readonly most: number;
  readonly environment: EnvironmentForm;
  /** Throws ValueProblem. */
  read(args: readonly Argument[]): Value;
  /** What is wrong with a value of the right type, or undefined. */
  check?(value: Value): string | undefined;
  print(value: Value): string;
}

function arityText(form: { readonly least: number; readonly most: number }): string {
  if (form.least === form.most) return form.least === 1 ? 'one value' : `${form.least} values`;
  return form.most === Infinity ? `${form.least} or more values` : `${form.least} to ${form.most} values`;
}

function same(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function readOne<Value>(form: ValueForm<Value>, directive: Directive): Value {
  const { args, name } = directive;
  if (directive.block !== undefined) {
    throw new ValueProblem(`\`${name}\` takes ${arityText(form)} and no block: \`${name} ${form.shape};\``);
  }
  if (args.length < form.least || args.length > form.most) {
    const surplus = args.length > form.most ? args[form.most] : undefined;
    const wanted = `\`${name}\` takes ${arityText(form)}, not ${args.length}: \`${name} ${form.shape};\``;
    throw new ValueProblem(wanted, surplus);
  }
  const value = form.read(args);
  const wrong = form.check?.(value);
  if (wrong !== undefined) throw new ValueProblem(wrong, args[0]);
  return value;
}

/** The first directive's value; a second one of the same name is checked, but has no effect. */
function readFirst<Value>(
  field: Field<Value>,
  form: ValueForm<Value>,
  ...[directives, reader]: Parameters<Field<Value>['read']>
): Value {
  let first: { readonly value: Value } | undefined;
  for (const directive of directives) {
    try {
      const value = readOne(form, directive);
      first ??= { value };
    } catch (problem) {
      if (!(problem instanceof ValueProblem)) throw problem;
      const arity = directive.args.length < form.least || directive.args.length > form.most;
      const code = arity || directive.block !== undefined ? ConfigErrorCode.Shape : ConfigErrorCode.Value;
      const prefix = code === ConfigErrorCode.Value ? `\`${directive.name}\`: ` : '';
      reader.problem(code, prefix + problem.message, directive, problem.argument);
    }
  }
  const [used, repeated] = directives;
  if (used !== undefined && repeated !== undefined) {
    reader.warn(
      `\`${repeated.name}\` is given again; \`${used.name}\` of line ${used.line} counts`,
      repeated,
    );
  }
  return first === undefined ? field.default : first.value;
}

/** A directive with values, given once. */
export function valueField<Value>(
  name: string,
  form: ValueForm<Value>,
  options: FieldOptions<Value>,
): Field<Value> {
  const asks = options.asks ?? ((value: Value) => !same(value, options.default));
  const defaultText =
    options.defaultText ?? (options.default === undefined ? '' : form.print(options.default));
  const field: Field<Value> = {
    name,
    aliases: options.aliases ?? [],
    shape: form.shape,
    default: options.default,
    defaultText,
    means: options.means,
    active: options.active ?? false,
    restart: options.restart ?? false,
    kind: 'value',
    section: undefined,
    environment: form.environment,
    read: (directives, reader, context) => readFirst(field, form, directives, reader, context),
    check: (value) => (value === undefined ? undefined : form.check?.(value)),
    switchedOn: (value, directives) => (asks(value) ? directives[0] : undefined),
  };
  return field;
}

/** A directive with values that may be given any number of times; the value is the list of them. */
export function ruleField<Value>(
  name: string,
  form: ValueForm<Value>,
  options: Omit<FieldOptions<readonly Value[]>, 'default'>,
): Field<readonly Value[]> {
  return {
    name,
    aliases: options.aliases ?? [],
    shape: form.shape,
    default: [],
    defaultText: '',
    means: options.means,
    active: options.active ?? false,
    restart: options.restart ?? false,
    kind: 'rules',
    section: undefined,
    environment: form.environment,
    read(directives, reader) {
      const values: Value[] = [];
      for (const directive of directives) {
        try {
          values.push(readOne(form, directive));
        } catch (problem) {
          if (!(problem instanceof ValueProblem)) throw problem;
          const message = `\`${directive.name}\`: ${problem.message}`;
          reader.problem(ConfigErrorCode.Value, message, directive, problem.argument);
        }
      }
      return values;
    },
    check: () => undefined,
    switchedOn: (_value, directives) => directives[0],
  };
}
