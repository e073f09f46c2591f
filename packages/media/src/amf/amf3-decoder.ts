import { ByteReader } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { AmfBudget } from './limits.ts';
import type { AmfLimits } from './limits.ts';
import { Amf3Marker } from './markers.ts';
import { valuesToEnd } from './sequences.ts';
import {
  AmfDictionary,
  AmfEcmaArray,
  AmfNumberVector,
  AmfObject,
  AmfObjectVector,
  AmfXml,
} from './values.ts';
import type { AmfValue } from './values.ts';

/**
 * Reads one AMF 3 value. References are resolved within this value only: where a message has several values,
 * {@link decodeAmf3} is right. Text that is not UTF-8 gets U+FFFD. Byte arrays are views of the reader's memory,
 * all else is copied. An array without named elements is a JavaScript array, others are {@link AmfEcmaArray}.
 *
 * @throws MediaError `short-read`, `bad-value`, `limit-exceeded`, or `unsupported` for an externalizable object,
 *   whose bytes only its own class can read. The reader's offset is then anywhere in the value.
 */
export function readAmf3(reader: ByteReader, limits?: Partial<AmfLimits>): AmfValue {
  return new Amf3Decoder(reader, new AmfBudget(limits)).value();
}

/** Reads AMF 3 values to the end of the bytes; none for no bytes. Limits hold for all together. @throws as {@link readAmf3}. */
export function decodeAmf3(bytes: Uint8Array, limits?: Partial<AmfLimits>): AmfValue[] {
  const reader = new ByteReader(bytes);
  return valuesToEnd(reader, new Amf3Decoder(reader, new AmfBudget(limits)));
}

interface Traits {
  readonly className: string;
  readonly sealedNames: readonly string[];
  readonly dynamic: boolean;
}

/** Reads values that share one set of reference tables (clause 2.2). Not to be used again after it threw. */
export class Amf3Decoder {
  readonly #reader: ByteReader;
  readonly #budget: AmfBudget;
  readonly #strings: string[] = [];
  readonly #objects: AmfValue[] = [];
  readonly #traits: Traits[] = [];

  constructor(reader: ByteReader, budget: AmfBudget) {
    this.#reader = reader;
    this.#budget = budget;
  }

  value(): AmfValue {
    this.#budget.countOne();
    const reader = this.#reader;
    const marker = reader.u8();
    switch (marker) {
      case Amf3Marker.undefined:
        return undefined;
      case Amf3Marker.null:
        return null;
      case Amf3Marker.false:
        return false;
      case Amf3Marker.true:
        return true;
      case Amf3Marker.integer:
        return (this.#u29() << 3) >> 3; // 29 bits, signed
      case Amf3Marker.double:
        return reader.f64();
      case Amf3Marker.string:
        return this.#string();
      default:
        return this.#objectValue(marker);
    }
  }

  /** A value that has a place in the object table: a reference to an earlier one, or the value itself. */
  #objectValue(marker: number): AmfValue {
    if (marker > Amf3Marker.dictionary) {
      throw new MediaError(
        'bad-value',
        `AMF3: wanted a type marker at offset ${this.#reader.offset - 1}, got ${marker}`,
      );
    }
    const header = this.#u29();
    if ((header & 1) === 0) return this.#entry(this.#objects, header >> 1, 'object');
    const rest = header >> 1;
    switch (marker) {
      case Amf3Marker.xmlDocument:
        return this.#remember(new AmfXml(this.#text(rest), 'document'));
      case Amf3Marker.xml:
        return this.#remember(new AmfXml(this.#text(rest), 'e4x'));
      case Amf3Marker.date:
        return this.#remember(new Date(this.#reader.f64()));
      case Amf3Marker.byteArray:
        return this.#remember(this.#reader.bytes(rest));
      case Amf3Marker.array:
        return this.#array(rest);
      case Amf3Marker.object:
        return this.#object(rest);
      case Amf3Marker.vectorInt:
        return this.#numberVector('int', rest);
      case Amf3Marker.vectorUint:
        return this.#numberVector('uint', rest);
      case Amf3Marker.vectorDouble:
        return this.#numberVector('double', rest);
      case Amf3Marker.vectorObject:
        return this.#objectVector(rest);
      default:
        return this.#dictionary(rest);
    }
  }

  /** Clause 1.3.1: seven bits from each of three bytes, eight from a fourth. */
  #u29(): number {
    let value = 0;
    for (let index = 0; index < 3; index++) {
      const byte = this.#reader.u8();
      value = (value << 7) | (byte & 0x7f);
      if (byte < 0x80) return value;
    }
    return (value << 8) | this.#reader.u8();
  }

  /** Clause 1.3.2: a reference, or a text that is put in the table unless it is empty. */
  #string(): string {
    const header = this.#u29();
    if ((header & 1) === 0) return this.#entry(this.#strings, header >> 1, 'string') ?? '';
    const text = this.#text(header >> 1);
    if (text !== '') this.#strings.push(text);
    return text;
  }

  #text(length: number): string {
    return this.#budget.readText(this.#reader, length);
  }

  #entry<Entry>(table: readonly Entry[], index: number, what: string): Entry | undefined {
    if (index >= table.length) {
      throw new MediaError('bad-value', `AMF3: reference to ${what} ${index}, there are ${table.length}`);
    }
    return table[index];
  }

  #remember<Value extends AmfValue>(value: Value): Value {
    this.#objects.push(value);
    return value;
  }

  #array(count: number): AmfValue[] | AmfEcmaArray {
    this.#budget.checkCount(count, 1, this.#reader.remaining);
    // What it becomes is known before anything inside can refer to it: names come first.
    let name = this.#string();
    this.#budget.enter();
    const array = this.#remember<AmfValue[] | AmfEcmaArray>(name === '' ? [] : new AmfEcmaArray());
    if (Array.isArray(array)) {
      for (let index = 0; index < count; index++) array.push(this.value());
    } else {
      for (; name !== ''; name = this.#string()) array.set(name, this.value());
      for (let index = 0; index < count; index++) array.set(String(index), this.value());
    }
    this.#budget.leave();
    return array;
  }

  #object(header: number): AmfObject {
    const traits = this.#objectTraits(header);
    const object = this.#remember(new AmfObject([], traits));
    this.#budget.enter();
    for (const name of traits.sealedNames) object.set(name, this.value());
    if (traits.dynamic) {
      for (let name = this.#string(); name !== ''; name = this.#string()) object.set(name, this.value());
    }
    this.#budget.leave();
    return object;
  }

  /** Clause 3.12; `header` is U29O without its lowest bit. */
  #objectTraits(header: number): Traits {
    if ((header & 1) === 0) {
      const traits = this.#entry(this.#traits, header >> 1, 'traits');
      if (traits !== undefined) return traits;
    }
    if ((header & 2) !== 0) {
      throw new MediaError(
        'unsupported',
        `AMF3: externalizable object of class "${this.#string().slice(0, 100)}"`,
      );
    }
    const className = this.#string();
    const count = header >> 3;
    this.#budget.checkCount(count, 1, this.#reader.remaining);
    this.#budget.countMany(count);
    const sealedNames: string[] = [];
    for (let index = 0; index < count; index++) sealedNames.push(this.#string());
    const traits = { className, sealedNames, dynamic: (header & 4) !== 0 };
    this.#traits.push(traits);
    return traits;
  }

  #numberVector(kind: AmfNumberVector['kind'], count: number): AmfNumberVector {
    const reader = this.#reader;
    const fixed = reader.u8() !== 0;
    this.#budget.checkCount(count, kind === 'double' ? 8 : 4, reader.remaining);
    this.#budget.countMany(count);
    const values: number[] = [];
    for (let index = 0; index < count; index++) {
      values.push(kind === 'int' ? reader.i32() : kind === 'uint' ? reader.u32() : reader.f64());
    }
    return this.#remember(new AmfNumberVector(kind, values, fixed));
  }

  #objectVector(count: number): AmfObjectVector {
    const fixed = this.#reader.u8() !== 0;
    this.#budget.checkCount(count, 1, this.#reader.remaining);
    const vector = this.#remember(new AmfObjectVector(this.#string(), [], fixed));
    this.#budget.enter();
    for (let index = 0; index < count; index++) vector.values.push(this.value());
    this.#budget.leave();
    return vector;
  }

  #dictionary(count: number): AmfDictionary {
    const weakKeys = this.#reader.u8() !== 0;
    this.#budget.checkCount(count, 2, this.#reader.remaining);
    const dictionary = this.#remember(new AmfDictionary([], weakKeys));
    this.#budget.enter();
    for (let index = 0; index < count; index++) {
      const key = this.value();
      dictionary.set(key, this.value());
    }
    this.#budget.leave();
    return dictionary;
  }
}
