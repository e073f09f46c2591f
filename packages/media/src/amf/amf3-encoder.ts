import { ByteWriter, encodeUtf8 } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { AmfBudget } from './limits.ts';
import type { AmfLimits } from './limits.ts';
import { Amf3Marker } from './markers.ts';
import {
  AmfDictionary,
  AmfEcmaArray,
  AmfNumberVector,
  AmfObject,
  AmfObjectVector,
  AmfXml,
} from './values.ts';
import type { AmfValue } from './values.ts';

const MAX_U29 = 0x1fffffff;
const MIN_INTEGER = -0x10000000;
const MAX_INTEGER = 0x0fffffff;

/**
 * Writes one AMF 3 value, with references for strings, objects and traits that come again in it. Whole numbers of
 * up to 29 bits become integers, others doubles. An {@link AmfEcmaArray} of nothing but '0', '1' and so on becomes
 * the same bytes as a plain array.
 *
 * @param limits Depth and count, as for reading.
 * @throws MediaError `limit-exceeded`; `unsupported` for {@link amfUnsupported}; `bad-value` for a property
 *   without a name (that is AMF 3's end mark), a vector's number out of range, a text or array of 2^28 bytes or
 *   elements, or a value that is no AmfValue. The writer then holds a part of the value.
 */
export function writeAmf3(writer: ByteWriter, value: AmfValue, limits?: Partial<AmfLimits>): void {
  new Amf3Encoder(writer, new AmfBudget(limits)).value(value);
}

/** The AMF 3 bytes of all the values with common reference tables. @throws as {@link writeAmf3}, with the default limits. */
export function encodeAmf3(...values: readonly AmfValue[]): Uint8Array {
  const writer = new ByteWriter();
  const encoder = new Amf3Encoder(writer, new AmfBudget());
  for (const value of values) encoder.value(value);
  return writer.finish();
}

/** Writes values that share one set of reference tables (clause 2.2). Not to be used again after it threw. */
export class Amf3Encoder {
  readonly #writer: ByteWriter;
  readonly #budget: AmfBudget;
  readonly #strings = new Map<string, number>();
  readonly #objects = new Map<object, number>();
  readonly #traits = new Map<string, number>();

  constructor(writer: ByteWriter, budget: AmfBudget) {
    this.#writer = writer;
    this.#budget = budget;
  }

  value(value: AmfValue): void {
    this.#budget.countOne();
    const writer = this.#writer;
    switch (typeof value) {
      case 'number':
        this.#number(value);
        return;
      case 'string':
        writer.u8(Amf3Marker.string);
        this.#string(value);
        return;
      case 'boolean':
        writer.u8(value ? Amf3Marker.true : Amf3Marker.false);
        return;
      case 'undefined':
        writer.u8(Amf3Marker.undefined);
        return;
      case 'object':
        if (value === null) writer.u8(Amf3Marker.null);
        else this.#objectValue(value);
        return;
      case 'symbol':
        throw new MediaError('unsupported', "AMF3: has no form for AMF 0's unsupported value");
      default:
        throw new MediaError('bad-value', `AMF3: cannot write a ${typeof value}`);
    }
  }

  #objectValue(value: Exclude<AmfValue & object, null>): void {
    const writer = this.#writer;
    writer.u8(objectMarker(value));
    const index = this.#objects.get(value);
    if (index !== undefined) {
      this.#u29(index * 2);
      return;
    }
    this.#objects.set(value, this.#objects.size);
    if (value instanceof Date) {
      this.#u29(1);
      writer.f64(value.getTime());
    } else if (value instanceof AmfXml) {
      const text = encodeUtf8(value.text);
      this.#header(text.length);
      writer.bytes(text);
    } else if (value instanceof Uint8Array) {
      this.#header(value.length);
      writer.bytes(value);
    } else if (value instanceof AmfNumberVector) {
      this.#numberVector(value);
    } else {
      this.#budget.enter();
      this.#container(value);
      this.#budget.leave();
    }
  }

  #container(value: AmfValue[] | AmfEcmaArray | AmfObject | AmfObjectVector | AmfDictionary): void {
    const writer = this.#writer;
    if (Array.isArray(value)) {
      this.#header(value.length);
      this.#string('');
      for (const element of value) this.value(element);
    } else if (value instanceof AmfEcmaArray) {
      this.#ecmaArray(value);
    } else if (value instanceof AmfObject) {
      this.#object(value);
    } else if (value instanceof AmfObjectVector) {
      this.#header(value.values.length);
      writer.u8(value.fixed ? 1 : 0);
      this.#string(value.typeName);
      for (const element of value.values) this.value(element);
    } else {
      this.#header(value.size);
      writer.u8(value.weakKeys ? 1 : 0);
      for (const [key, element] of value) {
        this.value(key);
        this.value(element);
      }
    }
  }

  #number(value: number): void {
    const writer = this.#writer;
    if (Number.isInteger(value) && value >= MIN_INTEGER && value <= MAX_INTEGER && !Object.is(value, -0)) {
      writer.u8(Amf3Marker.integer);
      this.#u29(value & MAX_U29);
    } else {
      writer.u8(Amf3Marker.double).f64(value);
    }
  }

  /** Clause 1.3.1: seven bits in each of three bytes, eight in a fourth. */
  #u29(value: number): void {
    const writer = this.#writer;
    if (value > MAX_U29) throw new MediaError('bad-value', `AMF3: wanted a number of 29 bits, got ${value}`);
    if (value >= 0x200000) {
      writer.u8(0x80 | (value >> 22));
      writer.u8(0x80 | ((value >> 15) & 0x7f));
      writer.u8(0x80 | ((value >> 8) & 0x7f));
      writer.u8(value & 0xff);
      return;
    }
    if (value >= 0x4000) writer.u8(0x80 | (value >> 14));
    if (value >= 0x80) writer.u8(0x80 | ((value >> 7) & 0x7f));
    writer.u8(value & 0x7f);
  }

  /** The length or count of something that stands here itself, not by reference. */
  #header(count: number): void {
    this.#u29(count * 2 + 1);
  }

  #string(text: string): void {
    if (text === '') {
      this.#header(0);
      return;
    }
    const index = this.#strings.get(text);
    if (index !== undefined) {
      this.#u29(index * 2);
      return;
    }
    this.#strings.set(text, this.#strings.size);
    const bytes = encodeUtf8(text);
    this.#header(bytes.length);
    this.#writer.bytes(bytes);
  }

  #name(name: string): void {
    if (name === '')
      throw new MediaError('bad-value', 'AMF3: wanted a name for each property, got an empty one');
    this.#string(name);
  }

  #ecmaArray(array: AmfEcmaArray): void {
    let dense = 0;
    while (array.has(String(dense))) dense++;
    this.#header(dense);
    for (const [name, element] of array) {
      if (isIndexBelow(name, dense)) continue;
      this.#name(name);
      this.value(element);
    }
    this.#string('');
    for (let index = 0; index < dense; index++) this.value(array.get(String(index)));
  }

  #object(object: AmfObject): void {
    const { className, sealedNames } = object;
    const sealed = new Set(sealedNames);
    let dynamic = sealedNames.length === 0;
    for (const name of object.keys()) dynamic ||= !sealed.has(name);
    this.#objectTraits(className, sealedNames, dynamic);
    for (const name of sealedNames) this.value(object.get(name));
    if (!dynamic) return;
    for (const [name, property] of object) {
      if (sealed.has(name)) continue;
      this.#name(name);
      this.value(property);
    }
    this.#string('');
  }

  /** Clause 3.12, U29O. */
  #objectTraits(className: string, sealedNames: readonly string[], dynamic: boolean): void {
    const key =
      className === '' && sealedNames.length === 0 ? '' : JSON.stringify([className, dynamic, sealedNames]);
    const index = this.#traits.get(key);
    if (index !== undefined) {
      this.#u29(index * 4 + 1);
      return;
    }
    this.#traits.set(key, this.#traits.size);
    this.#u29(sealedNames.length * 16 + (dynamic ? 0b1011 : 0b0011));
    this.#string(className);
    for (const name of sealedNames) this.#string(name);
  }

  #numberVector(vector: AmfNumberVector): void {
    const writer = this.#writer;
    this.#header(vector.values.length);
    writer.u8(vector.fixed ? 1 : 0);
    for (const value of vector.values) {
      if (vector.kind === 'int') writer.i32(value);
      else if (vector.kind === 'uint') writer.u32(value);
      else writer.f64(value);
    }
  }
}

function isIndexBelow(name: string, end: number): boolean {
  const index = Number(name);
  return index >= 0 && index < end && String(index) === name;
}

function objectMarker(value: Exclude<AmfValue & object, null>): number {
  if (value instanceof Date) return Amf3Marker.date;
  if (value instanceof AmfXml) return value.kind === 'document' ? Amf3Marker.xmlDocument : Amf3Marker.xml;
  if (value instanceof Uint8Array) return Amf3Marker.byteArray;
  if (Array.isArray(value) || value instanceof AmfEcmaArray) return Amf3Marker.array;
  if (value instanceof AmfObject) return Amf3Marker.object;
  if (value instanceof AmfObjectVector) return Amf3Marker.vectorObject;
  if (value instanceof AmfDictionary) return Amf3Marker.dictionary;
  if (value instanceof AmfNumberVector) {
    if (value.kind === 'int') return Amf3Marker.vectorInt;
    return value.kind === 'uint' ? Amf3Marker.vectorUint : Amf3Marker.vectorDouble;
  }
  throw new MediaError('bad-value', 'AMF3: wanted an AmfValue, got an object of another class');
}
