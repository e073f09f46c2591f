function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** One comparison. Vhosts share what is equal, so that the same two objects may come again and again. */
class Keeper {
  /** By the new object: the old one that it was compared with last, and what came of it. */
  readonly #kept = new Map<object, { readonly before: unknown; readonly result: unknown }>();

  keep(before: unknown, after: unknown): unknown {
    if (Object.is(before, after)) return before;
    if (typeof after !== 'object' || after === null) return after;
    const known = this.#kept.get(after);
    if (known !== undefined && known.before === before) return known.result;
    const result = this.#compare(before, after);
    this.#kept.set(after, { before, result });
    return result;
  }

  #compare(before: unknown, after: object): unknown {
    if (Array.isArray(before) && Array.isArray(after)) return this.#list(before, after);
    if (before instanceof Map && after instanceof Map) return this.#map(before, after);
    return isRecord(before) && isRecord(after) ? this.#record(before, after) : after;
  }

  #list(before: readonly unknown[], after: readonly unknown[]): readonly unknown[] {
    const kept = after.map((value, index) => this.keep(before[index], value));
    const same = kept.length === before.length && kept.every((value, index) => value === before[index]);
    return same ? before : kept;
  }

  #map(before: ReadonlyMap<unknown, unknown>, after: ReadonlyMap<unknown, unknown>): unknown {
    const kept = new Map([...after].map(([key, value]) => [key, this.keep(before.get(key), value)]));
    const order = [...before.keys()];
    const same =
      kept.size === before.size &&
      [...kept].every(([key, value], index) => key === order[index] && value === before.get(key));
    return same ? before : kept;
  }

  #record(
    before: Readonly<Record<string, unknown>>,
    after: Readonly<Record<string, unknown>>,
  ): Readonly<Record<string, unknown>> {
    const kept = Object.fromEntries(
      Object.entries(after).map(([key, value]) => [key, this.keep(before[key], value)]),
    );
    const keys = Object.keys(kept);
    const same =
      keys.length === Object.keys(before).length &&
      keys.every((key) => Object.hasOwn(before, key) && kept[key] === before[key]);
    return same ? before : kept;
  }
}

/**
 * A value equal to `after` in which everything that is as it was before is the very object that it was before, at
 * every depth: who compares `before.play === after.play`, or keeps something by that object, sees no change where
 * there is none. Neither argument is changed.
 */
export function keepUnchanged<Value>(before: Value, after: Value): Value {
  return new Keeper().keep(before, after) as Value;
}
