import { concatBytes, copyBytes } from '../bytes/index.ts';
import { av1Payload } from './av1-payload.ts';
import { isNalCodec } from './codec.ts';
import { nalPayload } from './nal-payload.ts';
import type { Track } from './track.ts';

/**
 * What a packet holds:
 * - `media`: coded video or audio.
 * - `configuration`: a decoder configuration; the payload is its record, which {@link Packet.track} has too.
 * - `control`: what is neither and goes to players as it came: the end of a sequence, colour metadata, a command.
 * - `data`: a message of a data track.
 */
export type PacketType = 'media' | 'configuration' | 'control' | 'data';

/** What {@link createPacket} makes a packet of; another packet will do. */
export interface PacketOptions {
  readonly track: Track;
  /** Default: `media`. */
  readonly type?: PacketType;
  /** Ticks of the track's timescale. */
  readonly decodeTime: number;
  /** The publisher's own decode time, ms. Default: {@link decodeTime} in ms. */
  readonly sourceTimestamp?: number | undefined;
  /** Presentation time minus decode time, ticks. Default 0. */
  readonly compositionOffset?: number;
  /** A decoder can start here. Default false. */
  readonly keyframe?: boolean;
  /** Kept by reference. */
  readonly body: Uint8Array;
  /** Where the payload is in `body`. Default: all of it. */
  readonly payloadStart?: number;
  readonly payloadEnd?: number;
  /** For a packet that did not come as FLV: what stands in front of `body` there. */
  readonly flvHeader?: Uint8Array | undefined;
  /** Of a message with several tracks: which of its packets this is. Default 0. */
  readonly part?: number;
  /** Of a message with several tracks: how many tracks it holds. Default 1. */
  readonly parts?: number;
  /** Nanoseconds, 0..999999, that are added to the presentation time. Default 0. */
  readonly nanoseconds?: number;
}

/**
 * One coded picture or audio frame of a track, or what goes along with them. It is never changed; what changes makes
 * another one.
 *
 * Its bytes are those of one FLV tag body (or RTMP message) where it came as such, so that they leave as they are,
 * uncopied: {@link flvHeader}, if any, and then {@link body}. {@link payload} is the codec's own part, in one form for
 * each codec, wherever it came from (the README has the table).
 *
 * `Lent` says whose memory it is. That of a lent packet is used again after the call that it is given to: who keeps it
 * calls {@link keep}.
 */
export class Packet<Lent extends boolean = boolean> {
  readonly lent: Lent;
  readonly track: Track;
  readonly type: PacketType;
  readonly keyframe: boolean;
  /** Ticks of the track's timescale. */
  readonly decodeTime: number;
  /** The publisher's own decode time, ms, where a stream's times are corrected. */
  readonly sourceTimestamp: number;
  /** Presentation time minus decode time, ticks. */
  readonly compositionOffset: number;
  /** What goes into an FLV tag or RTMP message behind {@link flvHeader}; all packets of one message share it. */
  readonly body: Uint8Array;
  /** Where the payload is in {@link body}. */
  readonly payloadStart: number;
  readonly payloadEnd: number;
  readonly #rare: RareProperties | undefined;

  /** For {@link createPacket}, and for readers that make one for each frame. */
  constructor(
    lent: Lent,
    track: Track,
    type: PacketType,
    keyframe: boolean,
    decodeTime: number,
    sourceTimestamp: number,
    compositionOffset: number,
    body: Uint8Array,
    payloadStart: number,
    payloadEnd: number,
    rare: RareProperties | undefined,
  ) {
    this.lent = lent;
    this.track = track;
    this.type = type;
    this.keyframe = keyframe;
    this.decodeTime = decodeTime;
    this.sourceTimestamp = sourceTimestamp;
    this.compositionOffset = compositionOffset;
    this.body = body;
    this.payloadStart = payloadStart;
    this.payloadEnd = payloadEnd;
    this.#rare = rare;
  }

  /** Decode time in ms, rounded: that of FLV and RTMP. */
  get timestamp(): number {
    return millisecondsOf(this.track, this.decodeTime);
  }

  /** Added to the presentation time: 0..999999. */
  get nanoseconds(): number {
    return this.#rare?.nanoseconds ?? 0;
  }

  /** What goes in front of {@link body} in FLV and RTMP; undefined where the body has it. */
  get flvHeader(): Uint8Array | undefined {
    return this.#rare?.flvHeader;
  }

  /** Which of the packets of its message this is: the first one stands for the whole message. */
  get part(): number {
    return this.#rare?.part ?? 0;
  }

  /** How many tracks its message holds. A reader that leaves some of them out makes fewer packets of it. */
  get parts(): number {
    return this.#rare?.parts ?? 1;
  }

  /** Ticks of the track's timescale. */
  get presentationTime(): number {
    return this.decodeTime + this.compositionOffset;
  }

  /** Bytes of an FLV tag body, or RTMP message, of the whole message. */
  get flvSize(): number {
    return this.body.length + (this.#rare?.flvHeader?.length ?? 0);
  }

  /** Bytes of the payload as it came, without a look at them. */
  get payloadSize(): number {
    return this.payloadEnd - this.payloadStart;
  }

  /** The payload as it came: a view. Its form may be the publisher's own; that of {@link payload} is not. */
  get rawPayload(): Uint8Array {
    return this.body.subarray(this.payloadStart, this.payloadEnd);
  }

  /**
   * The payload in its codec's one form: NAL units behind lengths of four bytes, raw AAC, OBUs without temporal
   * delimiter, … A view where it has that form already; no bytes where nothing of it can be read.
   */
  get payload(): Uint8Array {
    const raw = this.rawPayload;
    const { codec, configuration } = this.track;
    if (this.type !== 'media') return raw;
    if (isNalCodec(codec)) return nalPayload(raw, configuration?.nalLengthSize ?? 4);
    return codec === 'av1' ? av1Payload(raw) : raw;
  }

  /** The packet in memory of its own, with {@link flvHeader} in its body: itself when it is so. */
  keep(): Packet<false> {
    const { body, flvHeader } = this;
    if (flvHeader !== undefined) return this.keptAs(concatBytes([flvHeader, body]));
    return asKept(this) ?? this.keptAs(copyBytes(body));
  }

  /**
   * The packet in memory of its own.
   *
   * @param body - a copy of {@link flvHeader} and {@link body}, one behind the other, which nobody will change
   */
  keptAs(body: Uint8Array): Packet<false> {
    const rare = this.#rare;
    const shift = rare?.flvHeader?.length ?? 0;
    return new Packet(
      false,
      this.track,
      this.type,
      this.keyframe,
      this.decodeTime,
      this.sourceTimestamp,
      this.compositionOffset,
      body,
      this.payloadStart + shift,
      this.payloadEnd + shift,
      shift === 0 ? rare : { ...ORDINARY, ...rare, flvHeader: undefined },
    );
  }

  /** The packet of another track object: one with another configuration. */
  of(track: Track): Packet<Lent> {
    return this.track === track ? this : this.#with(track, this.decodeTime);
  }

  /** The packet as one at which a decoder can start. */
  asKeyframe(): Packet<Lent> {
    return this.keyframe ? this : this.#with(this.track, this.decodeTime, true);
  }

  /** The packet at another time of its decode, ms; its ticks move along. */
  at(timestamp: number): Packet<Lent> {
    const before = this.timestamp;
    if (timestamp === before) return this;
    const { timescale } = this.track;
    let decodeTime = this.decodeTime + Math.round(((timestamp - before) * timescale) / 1000);
    // Ticks that are no whole number in a ms can round to the ms beside it.
    const rounded = timescale === 1000 ? timestamp : Math.round((decodeTime * 1000) / timescale);
    if (rounded !== timestamp && timescale > 1000) decodeTime += Math.sign(timestamp - rounded);
    return this.#with(this.track, decodeTime);
  }

  #with(track: Track, decodeTime: number, keyframe = this.keyframe): Packet<Lent> {
    return new Packet(
      this.lent,
      track,
      this.type,
      keyframe,
      decodeTime,
      this.sourceTimestamp,
      this.compositionOffset,
      this.body,
      this.payloadStart,
      this.payloadEnd,
      this.#rare,
    );
  }
}

/**
 * Makes a packet.
 *
 * @param lent - whether the memory of its bytes is used again after the call that it is given to
 */
export function createPacket<Lent extends boolean>(options: PacketOptions, lent: Lent): Packet<Lent> {
  const { body, decodeTime, flvHeader, nanoseconds = 0, part = 0, parts = 1, track } = options;
  const isOrdinary = flvHeader === undefined && parts === 1 && nanoseconds === 0;
  return new Packet(
    lent,
    track,
    options.type ?? 'media',
    options.keyframe ?? false,
    decodeTime,
    options.sourceTimestamp ?? millisecondsOf(track, decodeTime),
    options.compositionOffset ?? 0,
    body,
    options.payloadStart ?? 0,
    options.payloadEnd ?? body.length,
    isOrdinary ? undefined : { flvHeader, part, parts, nanoseconds },
  );
}

/** What most packets have none of: they are small without it. */
export interface RareProperties {
  readonly flvHeader: Uint8Array | undefined;
  readonly part: number;
  readonly parts: number;
  readonly nanoseconds: number;
}

const ORDINARY: RareProperties = { flvHeader: undefined, part: 0, parts: 1, nanoseconds: 0 };

/** A packet whose memory is its own. */
export type KeptPacket = Packet<false>;
/** A packet whose memory is lent for a call. */
export type LentPacket = Packet<true>;

function millisecondsOf({ timescale }: Track, ticks: number): number {
  return timescale === 1000 ? ticks : Math.round((ticks * 1000) / timescale);
}

function asKept(packet: Packet): KeptPacket | undefined {
  return isKept(packet) ? packet : undefined;
}

function isKept(packet: Packet): packet is KeptPacket {
  return !packet.lent;
}
