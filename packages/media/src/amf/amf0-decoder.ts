import { ByteReader } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { Amf3Decoder } from './amf3-decoder.ts';
import { AmfBudget } from './limits.ts';
import type { AmfLimits } from './limits.ts';
import { Amf0Marker } from './markers.ts';
import { valuesToEnd } from './sequences.ts';
import { AmfEcmaArray, AmfObject, amfUnsupported, AmfXml } from './values.ts';
import type { AmfValue } from './values.ts';

/**
 * Reads one AMF 0 value. References are resolved within this value only: where a message of several values may
 * have them, {@link decodeAmf0} is right.
 *
 * Real encoders are met half-way: the count of an ECMA array is not believed, its end may be missing where the
 * data ends, and text that is not UTF-8 gets U+FFFD. An AMF 3 value inside (clause 3.1 of AMF 0) is read as such;
 * its byte arrays are views of the reader's memory, all else is copied.
 *
 * @throws MediaError `short-read`, `bad-value`, `limit-exceeded`, or `unsupported` for a movie clip, a record set
 *   or an externalizable object. The reader's offset is then anywhere in the value.
 */
export function readAmf0(reader: ByteReader, limits?: Partial<AmfLimits>): AmfValue {
  return new Amf0Decoder(reader, new AmfBudget(limits)).value();
}

/** Reads AMF 0 values to the end of the bytes; none for no bytes. Limits hold for all together. @throws as {@link readAmf0}. */
export function decodeAmf0(bytes: Uint8Array, limits?: Partial<AmfLimits>): AmfValue[] {
  const reader = new ByteReader(bytes);
  return valuesToEnd(reader, new Amf0Decoder(reader, new AmfBudget(limits)));
}

class Amf0Decoder {
  readonly #reader: ByteReader;
  readonly #budget: AmfBudget;
  /** Objects and arrays by the order of their beginning, for references. */
  readonly #complex: AmfValue[] = [];
  #amf3: Amf3Decoder | undefined;

  constructor(reader: ByteReader, budget: AmfBudget) {
    this.#reader = reader;
    this.#budget = budget;
  }

  value(): AmfValue {
    this.#budget.countOne();
    const reader = this.#reader;
    const marker = reader.u8();
    switch (marker) {
      case Amf0Marker.number:
        return reader.f64();
      case Amf0Marker.boolean:
        return reader.u8() !== 0;
      case Amf0Marker.string:
        return this.#text(reader.u16());
      case Amf0Marker.object:
        return this.#object('');
      case Amf0Marker.null:
        return null;
      case Amf0Marker.undefined:
        return undefined;
      case Amf0Marker.reference:
        return this.#reference();
      case Amf0Marker.ecmaArray:
        return this.#ecmaArray();
      case Amf0Marker.strictArray:
        return this.#strictArray();
      case Amf0Marker.date:
        return this.#date();
      case Amf0Marker.longString:
        return this.#text(reader.u32());
      case Amf0Marker.unsupported:
        return amfUnsupported;
      case Amf0Marker.xmlDocument:
        return new AmfXml(this.#text(reader.u32()));
      case Amf0Marker.typedObject:
        return this.#object(this.#text(reader.u16()));
      case Amf0Marker.avmPlus:
        this.#amf3 ??= new Amf3Decoder(reader, this.#budget);
        return this.#amf3.value();
      case Amf0Marker.movieClip:
      case Amf0Marker.recordSet:
        throw new MediaError('unsupported', `AMF0: reserved type ${marker} at offset ${reader.offset - 1}`);
      default:
        throw new MediaError(
          'bad-value',
          `AMF0: wanted a type marker at offset ${reader.offset - 1}, got ${marker}`,
        );
    }
  }

  #text(length: number): string {
    return this.#budget.readText(this.#reader, length);
  }

  #date(): Date {
    const date = new Date(this.#reader.f64());
    this.#reader.skip(2); // time-zone: reserved, not to be used (clause 2.13)
    return date;
  }

  #reference(): AmfValue {
    const index = this.#reader.u16();
    if (index >= this.#complex.length) {
      throw new MediaError(
        'bad-value',
        `AMF0: reference to object ${index}, there are ${this.#complex.length}`,
      );
    }
    return this.#complex[index];
  }

  #object(className: string): AmfObject {
    const object = new AmfObject([], { className });
    this.#complex.push(object);
    this.#budget.enter();
    while (this.#property(object));
    this.#budget.leave();
    return object;
  }

  #ecmaArray(): AmfEcmaArray {
    this.#reader.skip(4); // associative-count: encoders in the field write anything here
    const array = new AmfEcmaArray();
    this.#complex.push(array);
    this.#budget.enter();
    while (this.#reader.remaining > 0 && this.#property(array));
    this.#budget.leave();
    return array;
  }

  /** Reads one property, or the object-end (false). An empty name alone is no end: it can name a property. */
  #property(target: AmfObject | AmfEcmaArray): boolean {
    const name = this.#text(this.#reader.u16());
    if (name === '' && this.#reader.peekU8() === Amf0Marker.objectEnd) {
      this.#reader.skip(1);
      return false;
    }
    target.set(name, this.value());
    return true;
  }

  #strictArray(): AmfValue[] {
    const count = this.#reader.u32();
    this.#budget.checkCount(count, 1, this.#reader.remaining);
    const array: AmfValue[] = [];
    this.#complex.push(array);
    this.#budget.enter();
    for (let index = 0; index < count; index++) array.push(this.value());
    this.#budget.leave();
    return array;
  }
}
