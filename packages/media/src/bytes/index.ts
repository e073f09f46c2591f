/** Readers and writers of byte and bit fields, and the CRC of MPEG-2 tables. */
export { BitReader } from './bit-reader.ts';
export { BitWriter } from './bit-writer.ts';
export { ByteReader } from './byte-reader.ts';
export { ByteWriter } from './byte-writer.ts';
export { crc32Mpeg } from './crc32-mpeg.ts';
export { bytesEqual, bytesToHex, concatBytes, copyBytes, hexToBytes } from './helpers.ts';
export { decodeUtf8, encodeUtf8 } from './utf8.ts';
