import { AmfEcmaArray, AmfObject, type AmfValue, decodeAmf0, encodeAmf0 } from '@sluice/media/amf';

import { MAX_DATA_VALUES } from './limits.ts';

/** A publisher's data message, read. */
export interface DataMessage {
  /** Name of the message, e.g. `onMetaData` or `onTextData`. */
  readonly name: string;
  /** AMF0 bytes for players: the name, then its values; `@setDataFrame` is gone. */
  readonly body: Uint8Array;
  /** The properties, when the message is `onMetaData`. */
  readonly metadata: ReadonlyMap<string, AmfValue> | undefined;
}

/**
 * Reads a data message. `onMetaData` gets the server's own properties and loses `duration`, which players
 * take for the length of a file (P008); every other message passes as it is.
 *
 * @param payload - AMF0 values as the publisher sent them
 * @param ours - properties that the server adds to `onMetaData`
 * @throws MediaError when the bytes are not AMF0, or have over {@link MAX_DATA_VALUES} values
 */
export function readDataMessage(
  payload: Uint8Array,
  ours: Readonly<Record<string, string>>,
): DataMessage | undefined {
  const values = decodeAmf0(payload, { maxCount: MAX_DATA_VALUES });
  if (values[0] === '@setDataFrame') values.shift();
  const [name, properties] = values;
  if (typeof name !== 'string') return undefined;
  if (name !== 'onMetaData') return { name, body: encodeAmf0(...values), metadata: undefined };
  const metadata = new AmfEcmaArray();
  if (properties instanceof AmfObject || properties instanceof AmfEcmaArray) {
    for (const [key, value] of properties) if (key !== 'duration') metadata.set(key, value);
  }
  for (const [key, value] of Object.entries(ours)) metadata.set(key, value);
  return { name, body: encodeAmf0(name, metadata), metadata };
}

/**
 * Whether the value of `audiocodecid` or `videocodecid` announces a track: relays of streams without one write 0, an empty
 * text or null.
 */
export function announcesCodec(value: AmfValue): boolean {
  return (
    (typeof value === 'number' && value > 0) || (typeof value === 'string' && value !== '' && value !== '0')
  );
}
