import { ByteReader, ByteWriter } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';

/** objectTypeIndication (ISO/IEC 14496-1 Table 5; mp4ra.org): what an `esds` box says the codec is. */
export const Mp4ObjectType = {
  /** MPEG-4 audio: an AudioSpecificConfig follows. */
  mpeg4Audio: 0x40,
  /** MPEG-2 AAC Main, LC and SSR: an AudioSpecificConfig may follow. */
  mpeg2AacMain: 0x66,
  mpeg2AacLc: 0x67,
  mpeg2AacSsr: 0x68,
  /** MP3 with the rates of MPEG-2: 16, 22.05 and 24 kHz. */
  mpeg2Audio: 0x69,
  /** MP3 with 32, 44.1 and 48 kHz. */
  mpeg1Audio: 0x6b,
} as const;
export type Mp4ObjectType = (typeof Mp4ObjectType)[keyof typeof Mp4ObjectType];

/** The part of an ES_Descriptor that tells the codec (ISO/IEC 14496-1 clause 7.2.6.5). */
export interface ElementaryStreamDescriptor {
  /** objectTypeIndication. */
  readonly objectType: number;
  /** DecoderSpecificInfo; empty when there is none. A view of the parsed bytes. */
  readonly configuration: Uint8Array;
}

const ES_DESCRIPTOR_TAG = 0x03;
const DECODER_CONFIG_TAG = 0x04;
const DECODER_SPECIFIC_TAG = 0x05;
const SL_CONFIG_TAG = 0x06;

const AUDIO_STREAM_TYPE = 0x15; // streamType 5, upStream 0, reserved 1
const PREDEFINED_MP4 = 0x02;
/** Bytes of a size field; always four, as most writers do. */
const SIZE_BYTES = 4;
const DECODER_CONFIG_BYTES = 13;

/** Reads an ES_Descriptor, the body of `esds`. @throws MediaError `short-read`, `bad-value`. */
export function parseElementaryStreamDescriptor(bytes: Uint8Array): ElementaryStreamDescriptor {
  const stream = descriptor(new ByteReader(bytes), ES_DESCRIPTOR_TAG, 'ES_Descriptor');
  stream.skip(2); // ES_ID
  const flags = stream.u8(); // streamDependenceFlag, URL_Flag, OCRstreamFlag, streamPriority
  if ((flags & 0x80) !== 0) stream.skip(2); // dependsOn_ES_ID
  if ((flags & 0x40) !== 0) stream.skip(stream.u8()); // URLlength, URLstring
  if ((flags & 0x20) !== 0) stream.skip(2); // OCR_ES_Id
  const decoder = descriptor(stream, DECODER_CONFIG_TAG, 'DecoderConfigDescriptor');
  const objectType = decoder.u8(); // objectTypeIndication
  decoder.skip(DECODER_CONFIG_BYTES - 1); // streamType .. avgBitrate
  if (decoder.remaining === 0 || decoder.peekU8() !== DECODER_SPECIFIC_TAG) {
    return { objectType, configuration: bytes.subarray(0, 0) };
  }
  const specific = descriptor(decoder, DECODER_SPECIFIC_TAG, 'DecoderSpecificInfo');
  return { objectType, configuration: specific.bytes(specific.remaining) };
}

/** Builds an ES_Descriptor, the body of `esds`, as new bytes. */
export function buildElementaryStreamDescriptor({
  objectType,
  configuration,
}: ElementaryStreamDescriptor): Uint8Array {
  const header = 1 + SIZE_BYTES;
  const specificBytes = configuration.length === 0 ? 0 : header + configuration.length;
  const decoderBytes = DECODER_CONFIG_BYTES + specificBytes;
  const writer = new ByteWriter(64 + configuration.length);
  writeHead(writer, ES_DESCRIPTOR_TAG, 3 + header + decoderBytes + header + 1);
  writer.u16(0); // ES_ID
  writer.u8(0); // flags, streamPriority
  writeHead(writer, DECODER_CONFIG_TAG, decoderBytes);
  writer.u8(objectType); // objectTypeIndication
  writer.u8(AUDIO_STREAM_TYPE); // streamType, upStream, reserved
  writer.u24(0); // bufferSizeDB
  writer.u32(0); // maxBitrate
  writer.u32(0); // avgBitrate
  if (specificBytes > 0) {
    writeHead(writer, DECODER_SPECIFIC_TAG, configuration.length);
    writer.bytes(configuration); // DecoderSpecificInfo
  }
  writeHead(writer, SL_CONFIG_TAG, 1);
  writer.u8(PREDEFINED_MP4); // predefined
  return writer.finish();
}

/** Moves `reader` over one descriptor and gives a reader of its body. */
function descriptor(reader: ByteReader, tag: number, name: string): ByteReader {
  const found = reader.u8();
  if (found !== tag) throw new MediaError('bad-value', `wanted ${name} (tag ${tag}), got tag ${found}`);
  let size = 0;
  for (let index = 0; index < SIZE_BYTES; index++) {
    const byte = reader.u8();
    size = size * 128 + (byte & 0x7f);
    if ((byte & 0x80) === 0) break;
  }
  return new ByteReader(reader.bytes(size));
}

function writeHead(writer: ByteWriter, tag: number, size: number): void {
  writer.u8(tag);
  writer.u8(0x80 | ((size >> 21) & 0x7f));
  writer.u8(0x80 | ((size >> 14) & 0x7f));
  writer.u8(0x80 | ((size >> 7) & 0x7f));
  writer.u8(size & 0x7f);
}
