import { createPacket, type KeptPacket, type Packet } from '@sluice/media/model';

import { MAX_DATA_BYTES } from './limits.ts';
import { announcesCodec, readDataMessage } from './metadata.ts';

/** What a publisher's data messages say of its stream. */
export class IncomingMetadata {
  /** The latest metadata, as players are told it. */
  packet: KeptPacket | undefined;
  /** The tracks that the metadata announces. */
  announced = { audio: false, video: false };
  /** The metadata says that the publisher's times are absolute. */
  announcesAtc = false;

  /**
   * Reads a data message.
   *
   * @param ours - properties that the server adds to `onMetaData`
   * @param timestamp - on the stream's timeline, ms
   * @returns the packet for players; undefined for a message without a name, or a too long one
   * @throws MediaError for bytes that are not AMF 0, or go over its limits
   */
  read(
    { body, sourceTimestamp, track }: Packet,
    ours: Readonly<Record<string, string>>,
    timestamp: number,
  ): KeptPacket | undefined {
    const message = readDataMessage(body, ours);
    if (message === undefined || message.body.length > MAX_DATA_BYTES) return undefined;
    const options = { type: 'data', decodeTime: timestamp, sourceTimestamp, body: message.body } as const;
    const packet = createPacket({ track, ...options }, false);
    const { metadata } = message;
    if (metadata === undefined) return packet;
    this.packet = packet;
    this.announced = {
      audio: announcesCodec(metadata.get('audiocodecid')),
      video: announcesCodec(metadata.get('videocodecid')),
    };
    const atc = metadata.get('bravo_atc');
    if (atc === 'true' || atc === true) this.announcesAtc = true;
    return packet;
  }

  /** The publisher has gone. */
  clear(): void {
    this.packet = undefined;
    this.announced = { audio: false, video: false };
  }
}
