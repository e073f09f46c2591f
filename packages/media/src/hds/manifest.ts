/** What an F4M manifest of one stream in one quality says (Adobe Flash Media Manifest, version 1.0). */
export interface HdsManifest {
  /** A name of the presentation. */
  readonly id: string;
  readonly streamType: 'live' | 'recorded' | 'liveOrRecorded';
  /** Where the bootstrap is, relative to the manifest; percent-encoded. */
  readonly bootstrapUrl: string;
  /** What the names of the fragments begin with, relative to the manifest; percent-encoded. */
  readonly mediaUrl: string;
  /** kbit/s; 0 when it is not known. */
  readonly bitrate: number;
}

/** The manifest as text: XML in UTF-8, lines end in LF. */
export function buildHdsManifest(manifest: HdsManifest): string {
  const { id, streamType, bootstrapUrl, mediaUrl, bitrate } = manifest;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<manifest xmlns="http://ns.adobe.com/f4m/1.0">',
    `  <id>${xmlText(id)}</id>`,
    `  <streamType>${streamType}</streamType>`,
    '  <deliveryType>streaming</deliveryType>',
    `  <bootstrapInfo profile="named" id="bootstrap0" url="${xmlText(bootstrapUrl)}"/>`,
    `  <media bitrate="${bitrate}" url="${xmlText(mediaUrl)}" bootstrapInfoId="bootstrap0"/>`,
    '</manifest>',
    '',
  ].join('\n');
}

/** What of a fragment's name follows on the media URL (Adobe HDS 1.0, "Seg" and "Frag"). */
export function hdsFragmentName(segment: number, fragment: number): string {
  return `Seg${segment}-Frag${fragment}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Text for an element or an attribute; characters that XML 1.0 has no place for become U+FFFD. */
function xmlText(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
