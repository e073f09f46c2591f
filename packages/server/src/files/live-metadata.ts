import { MediaError } from '@sluice/media';
import { AmfEcmaArray } from '@sluice/media/amf';
import { buildFlvMetadata, parseFlvMetadata } from '@sluice/media/flv';

/** What a file says of itself that is not true of a live stream. */
const FILE_PROPERTIES: readonly string[] = [
  'duration',
  'filesize',
  'datasize',
  'videosize',
  'audiosize',
  'keyframes',
  'spacer',
  'hasKeyframes',
  'hasMetadata',
  'hasCuePoints',
  'canSeekToEnd',
  'lasttimestamp',
  'lastkeyframetimestamp',
  'lastkeyframelocation',
];

/**
 * Turns the body of a file's script tag into a publisher's data message: metadata loses what is true of the
 * file only (its length, its index of keyframes) and gets `@setDataFrame` in front; other script data stays as
 * it is.
 *
 * @returns undefined for bytes that are no AMF 0: there is nothing to send.
 */
export function liveDataBody(body: Uint8Array): Uint8Array | undefined {
  try {
    const metadata = parseFlvMetadata(body);
    if (metadata === undefined) return body;
    const properties = new AmfEcmaArray(metadata.properties);
    for (const name of FILE_PROPERTIES) properties.delete(name);
    return buildFlvMetadata({ properties }, { setDataFrame: true });
  } catch (error) {
    if (error instanceof MediaError) return undefined;
    throw error;
  }
}
