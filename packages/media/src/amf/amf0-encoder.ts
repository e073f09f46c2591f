import { ByteWriter, encodeUtf8 } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { Amf3Encoder } from './amf3-encoder.ts';
import { AmfBudget } from './limits.ts';
import type { AmfLimits } from './limits.ts';
import { Amf0Marker } from './markers.ts';
import { AmfEcmaArray, AmfObject, amfUnsupported, AmfXml } from './values.ts';
import type { AmfValue } from './values.ts';

const MAX_SHORT_BYTES = 0xffff;
/** A text of so few UTF-16 units fits a short string whatever its characters are. */
const SURELY_SHORT = Math.floor(MAX_SHORT_BYTES / 3);

/**
 * Writes one AMF 0 value. A text of over 65,535 bytes becomes a long string; what only AMF 3 has (byte array,
 * vector, dictionary, E4X) is written in AMF 3 behind its marker. An object that comes twice is written twice,
 * since hardly any RTMP peer reads references; an object within itself is written as a reference.
 *
 * @param limits Depth and count, as for reading.
 * @throws MediaError `limit-exceeded`; `bad-value` for a name of over 65,535 bytes or a value that is no AmfValue.
 *   The writer then holds a part of the value.
 */
export function writeAmf0(writer: ByteWriter, value: AmfValue, limits?: Partial<AmfLimits>): void {
  new Amf0Encoder(writer, new AmfBudget(limits)).value(value);
}

/** The AMF 0 bytes of all the values, one after another. @throws as {@link writeAmf0}, with the default limits. */
export function encodeAmf0(...values: readonly AmfValue[]): Uint8Array {
  const writer = new ByteWriter();
  const encoder = new Amf0Encoder(writer, new AmfBudget());
  for (const value of values) encoder.value(value);
  return writer.finish();
}

class Amf0Encoder {
  readonly #writer: ByteWriter;
  readonly #budget: AmfBudget;
  /** The objects and arrays that are being written now, with their place in the reader's reference table. */
  readonly #open = new Map<object, number>();
  #complexCount = 0;
  #amf3: Amf3Encoder | undefined;

  constructor(writer: ByteWriter, budget: AmfBudget) {
    this.#writer = writer;
    this.#budget = budget;
  }

  value(value: AmfValue): void {
    this.#budget.countOne();
    const writer = this.#writer;
    switch (typeof value) {
      case 'number':
        writer.u8(Amf0Marker.number).f64(value);
        return;
      case 'string':
        this.#string(value);
        return;
      case 'boolean':
        writer.u8(Amf0Marker.boolean).u8(value ? 1 : 0);
        return;
      case 'undefined':
        writer.u8(Amf0Marker.undefined);
        return;
      case 'object':
        if (value === null) writer.u8(Amf0Marker.null);
        else this.#objectValue(value);
        return;
      default:
        if (value !== amfUnsupported)
          throw new MediaError('bad-value', `AMF0: cannot write a ${typeof value}`);
        writer.u8(Amf0Marker.unsupported);
    }
  }

  #objectValue(value: Exclude<AmfValue & object, null>): void {
    const writer = this.#writer;
    if (value instanceof Date) {
      writer.u8(Amf0Marker.date).f64(value.getTime()).u16(0);
    } else if (value instanceof AmfXml && value.kind === 'document') {
      const text = encodeUtf8(value.text);
      writer.u8(Amf0Marker.xmlDocument).u32(text.length).bytes(text);
    } else if (value instanceof AmfObject || value instanceof AmfEcmaArray || Array.isArray(value)) {
      this.#complex(value);
    } else {
      writer.u8(Amf0Marker.avmPlus);
      this.#amf3 ??= new Amf3Encoder(writer, this.#budget);
      this.#amf3.value(value);
    }
  }

  #complex(value: AmfObject | AmfEcmaArray | AmfValue[]): void {
    const writer = this.#writer;
    const openIndex = this.#open.get(value);
    if (openIndex !== undefined) {
      if (openIndex > 0xffff)
        throw new MediaError('limit-exceeded', 'AMF0: a reference goes to 65,536 objects only');
      writer.u8(Amf0Marker.reference).u16(openIndex);
      return;
    }
    this.#budget.enter();
    this.#open.set(value, this.#complexCount++);
    if (Array.isArray(value)) {
      writer.u8(Amf0Marker.strictArray).u32(value.length);
      for (const element of value) this.value(element);
    } else {
      if (value instanceof AmfEcmaArray) {
        writer.u8(Amf0Marker.ecmaArray).u32(value.size);
      } else if (value.className !== '') {
        writer.u8(Amf0Marker.typedObject);
        this.#shortText(value.className);
      } else {
        writer.u8(Amf0Marker.object);
      }
      for (const [name, property] of value) {
        this.#shortText(name);
        this.value(property);
      }
      writer.u16(0).u8(Amf0Marker.objectEnd);
    }
    this.#open.delete(value);
    this.#budget.leave();
  }

  #string(text: string): void {
    const writer = this.#writer;
    if (text.length <= SURELY_SHORT) {
      writer.u8(Amf0Marker.string);
      this.#shortText(text);
      return;
    }
    const bytes = encodeUtf8(text);
    if (bytes.length <= MAX_SHORT_BYTES) writer.u8(Amf0Marker.string).u16(bytes.length);
    else writer.u8(Amf0Marker.longString).u32(bytes.length);
    writer.bytes(bytes);
  }

  /** A text with 16 bits of length and no marker: names of properties and classes, and most strings. */
  #shortText(text: string): void {
    const writer = this.#writer;
    const at = writer.length;
    writer.u16(0).utf8(text);
    const length = writer.length - at - 2;
    if (length > MAX_SHORT_BYTES) {
      throw new MediaError(
        'bad-value',
        `AMF0: wanted a name of at most ${MAX_SHORT_BYTES} bytes, got ${length}`,
      );
    }
    writer.patchU16(at, length);
  }
}
