import { FlvPacketReader, FlvTagType } from '@sluice/media/flv';
import {
  createDataTrack,
  createPacket,
  type KeptPacket,
  type Packet,
  type PacketOptions,
  type Track,
} from '@sluice/media/model';

/**
 * The packet of an FLV tag's body, of a track that nothing is known of besides.
 *
 * @throws Error for a body that makes none
 */
export function packetOf(
  kind: 'audio' | 'video',
  timestamp: number,
  body: Uint8Array,
  sourceTimestamp = timestamp,
): KeptPacket {
  const [packet] = new FlvPacketReader().read(FlvTagType[kind], timestamp, body);
  if (packet === undefined) throw new Error(`the body makes no packet of ${kind}`);
  return keptPacketOf(createPacket({ ...optionsOf(packet), sourceTimestamp }, true));
}

/** A data packet. */
export function dataPacketOf(timestamp: number, body: Uint8Array): KeptPacket {
  return createPacket({ track: createDataTrack(), type: 'data', decodeTime: timestamp, body }, false);
}

/** The packet in memory of its own. */
export function keptPacketOf(packet: Packet): KeptPacket {
  return packet.keep();
}

/** Gives packets that were made apart the configuration that went before them, as a live stream does. */
export class ConfigurationLinker {
  readonly #tracks = new Map<string, Track>();

  link<Lent extends boolean>(packet: Packet<Lent>): Packet<Lent> {
    const { track, type } = packet;
    const key = `${track.kind} ${track.id}`;
    if (type === 'configuration') {
      if (track.configuration?.readable === true) this.#tracks.set(key, track);
      return packet;
    }
    const known = this.#tracks.get(key);
    return known?.codec === track.codec ? packet.of(known) : packet;
  }
}

function optionsOf(packet: Packet): PacketOptions {
  const { track, type, decodeTime, compositionOffset, keyframe, body, payloadStart, payloadEnd } = packet;
  return { track, type, decodeTime, compositionOffset, keyframe, body, payloadStart, payloadEnd };
}
