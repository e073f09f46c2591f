/**
 * The values of AMF 0 and AMF 3. What JavaScript has is itself; the rest are the classes below. A decoded value
 * can be shared or can contain itself, because both formats have references: walk it with a depth limit.
 */
export type AmfValue =
  | number
  | string
  | boolean
  | null
  | undefined
  | typeof amfUnsupported
  | Date
  | AmfXml
  | AmfObject
  | AmfEcmaArray
  | AmfValue[]
  | Uint8Array
  | AmfNumberVector
  | AmfObjectVector
  | AmfDictionary;

/** The value that AMF 0 writes in place of one that its sender had no form for (AMF 0 clause 2.15). */
export const amfUnsupported: unique symbol = Symbol('AMF 0 unsupported');

/**
 * Named values in the order of the wire, integer-like names included; a name that comes again replaces its
 * value. As a Map it has no names of its own, so a peer's `__proto__` is a name like any other.
 */
class AmfProperties extends Map<string, AmfValue> {
  /** A plain object with the same properties (values within are not converted). Integer-like names move first. */
  toRecord(): Record<string, AmfValue> {
    return Object.fromEntries(this);
  }
}

/** How an {@link AmfObject} is declared; all optional. */
export interface AmfObjectOptions {
  /** Name of the object's class; default '', an anonymous object. */
  readonly className?: string;
  /** AMF 3 only: the names which belong to the class itself, all others are dynamic. Default none. */
  readonly sealedNames?: readonly string[];
}

/** An object, anonymous or of a named class (AMF 0 clauses 2.5 and 2.18, AMF 3 clause 3.12). */
export class AmfObject extends AmfProperties {
  /** Tells the classes of {@link AmfValue} apart. */
  readonly amfType = 'object';
  /** Name of the object's class, '' when it has none. */
  readonly className: string;
  /** AMF 3 only: the names which belong to the class itself; empty for most. */
  readonly sealedNames: readonly string[];

  constructor(entries: Iterable<readonly [string, AmfValue]> = [], options: AmfObjectOptions = {}) {
    super(entries);
    this.className = options.className ?? '';
    this.sealedNames = options.sealedNames ?? [];
  }

  /** The properties of a plain object, in JavaScript's order. Values within are taken as they are. */
  static from(record: Readonly<Record<string, AmfValue>>, options?: AmfObjectOptions): AmfObject {
    return new AmfObject(Object.entries(record), options);
  }
}

/**
 * An array with named elements: AMF 0's ECMA array (clause 2.10), the usual form of `onMetaData`, and AMF 3's
 * array with an associative part, whose dense elements get the names '0', '1' and so on.
 */
export class AmfEcmaArray extends AmfProperties {
  /** Tells the classes of {@link AmfValue} apart. */
  readonly amfType = 'ecma-array';

  /** The properties of a plain object, in JavaScript's order. Values within are taken as they are. */
  static from(record: Readonly<Record<string, AmfValue>>): AmfEcmaArray {
    return new AmfEcmaArray(Object.entries(record));
  }
}

/** XML as text, not parsed. */
export class AmfXml {
  readonly text: string;
  /** `document`: the older XMLDocument, AMF 0's only one; `e4x`: AMF 3's XML. */
  readonly kind: 'document' | 'e4x';

  constructor(text: string, kind: 'document' | 'e4x' = 'document') {
    this.text = text;
    this.kind = kind;
  }
}

/** An AMF 3 vector of numbers (clause 3.15). */
export class AmfNumberVector {
  /** `int`: signed 32 bits; `uint`: unsigned 32 bits; `double`: IEEE 754. */
  readonly kind: 'int' | 'uint' | 'double';
  readonly values: number[];
  /** Whether the vector's length is fixed. */
  readonly fixed: boolean;

  constructor(kind: 'int' | 'uint' | 'double', values: number[], fixed = false) {
    this.kind = kind;
    this.values = values;
    this.fixed = fixed;
  }
}

/** An AMF 3 vector of one class of objects (clause 3.15). */
export class AmfObjectVector {
  /** The class of the elements; '' or '*' for any. */
  readonly typeName: string;
  readonly values: AmfValue[];
  /** Whether the vector's length is fixed. */
  readonly fixed: boolean;

  constructor(typeName: string, values: AmfValue[], fixed = false) {
    this.typeName = typeName;
    this.values = values;
    this.fixed = fixed;
  }
}

/** An AMF 3 dictionary, whose keys are values of any kind (clause 3.16). */
export class AmfDictionary extends Map<AmfValue, AmfValue> {
  /** Tells the classes of {@link AmfValue} apart. */
  readonly amfType = 'dictionary';
  /** Whether the keys are held weakly by Flash; only carried. */
  readonly weakKeys: boolean;

  constructor(entries: Iterable<readonly [AmfValue, AmfValue]> = [], weakKeys = false) {
    super(entries);
    this.weakKeys = weakKeys;
  }
}
