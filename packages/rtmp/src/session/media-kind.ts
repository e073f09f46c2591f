import { messageType } from '../message/index.ts';

/** What a media message carries: sound, pictures, or AMF0 values such as metadata. */
export type MediaKind = 'audio' | 'video' | 'data';

/** The message type id of each kind (Adobe RTMP 1.0, 7.1): 8, 9 and 18, which are also FLV's tag types. */
export const mediaMessageType = {
  audio: messageType.audio,
  video: messageType.video,
  data: messageType.dataAmf0,
} as const satisfies Record<MediaKind, number>;

/** The kind of media that messages of this type id carry; `undefined` for other types, AMF3 data included. */
export function mediaKindOf(type: number): MediaKind | undefined {
  switch (type) {
    case messageType.audio:
      return 'audio';
    case messageType.video:
      return 'video';
    case messageType.dataAmf0:
      return 'data';
    default:
      return undefined;
  }
}
