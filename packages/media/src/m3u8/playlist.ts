/** How a segment is encrypted (RFC 8216 clause 4.3.2.4). */
export interface PlaylistKey {
  /** METHOD; `NONE` is the same as no key at all. */
  readonly method: 'NONE' | 'AES-128' | 'SAMPLE-AES';
  /** URI of the key; there for every method but `NONE`. */
  readonly uri?: string | undefined;
  /** IV, 16 bytes; without one the segment's media sequence number serves. */
  readonly iv?: Uint8Array | undefined;
}

/** A part of a resource (RFC 8216 clause 4.3.2.2), bytes. */
export interface PlaylistByteRange {
  readonly length: number;
  /** Where it starts; without one, behind the range of the segment before. */
  readonly offset?: number | undefined;
}

/** The initialisation section of the segments from one on (RFC 8216 clause 4.3.2.5). */
export interface PlaylistMap {
  readonly uri: string;
  readonly byteRange?: PlaylistByteRange | undefined;
}

/** One media segment. */
export interface PlaylistSegment {
  /** As a reference, relative to the playlist or absolute. */
  readonly uri: string;
  /** Seconds. */
  readonly duration: number;
  /** Behind the duration in `EXTINF`; one line. */
  readonly title?: string | undefined;
  /** Timestamps or codecs do not go on from the segment before. Default false. */
  readonly discontinuity?: boolean | undefined;
  /** The wall clock at its first sample, ms since the epoch. */
  readonly programDateTime?: number | undefined;
  /** The key it is encrypted with: said for every segment, printed where it changes. */
  readonly key?: PlaylistKey | undefined;
  /** The initialisation section: said for every segment, printed where it changes. */
  readonly map?: PlaylistMap | undefined;
  readonly byteRange?: PlaylistByteRange | undefined;
}

/** A media playlist (RFC 8216 clause 4.3.3): the segments of one rendition. */
export interface MediaPlaylist {
  /** EXT-X-VERSION, 1 or more. */
  readonly version: number;
  /** EXT-X-ALLOW-CACHE, gone since version 7 of the format; printed only when it is said. */
  readonly allowCache?: boolean | undefined;
  /** EXT-X-TARGETDURATION, whole seconds: no segment, rounded, is longer. */
  readonly targetDuration: number;
  /** The number of the first segment. */
  readonly mediaSequence: number;
  /** Discontinuities that left the playlist. Default 0, which isn't printed. */
  readonly discontinuitySequence?: number | undefined;
  readonly playlistType?: 'VOD' | 'EVENT' | undefined;
  /** Every segment can be decoded without another one. */
  readonly independentSegments?: boolean | undefined;
  /** No segment will be added. */
  readonly endList?: boolean | undefined;
  readonly segments: readonly PlaylistSegment[];
}

/** One variant stream (RFC 8216 clause 4.3.4.2). */
export interface PlaylistVariant {
  readonly uri: string;
  /** BANDWIDTH: the peak, bit/s. */
  readonly bandwidth: number;
  /** AVERAGE-BANDWIDTH, bit/s. */
  readonly averageBandwidth?: number | undefined;
  /** CODECS as in RFC 6381, comma-separated. */
  readonly codecs?: string | undefined;
  /** Pixels. */
  readonly width?: number | undefined;
  /** Pixels. */
  readonly height?: number | undefined;
  /** Frames a second. */
  readonly frameRate?: number | undefined;
  /** Group of renditions. */
  readonly audio?: string | undefined;
  /** Group of renditions. */
  readonly video?: string | undefined;
  /** Group of renditions. */
  readonly subtitles?: string | undefined;
}

/** An alternative rendition (RFC 8216 clause 4.3.4.1). */
export interface PlaylistRendition {
  readonly type: 'AUDIO' | 'VIDEO' | 'SUBTITLES' | 'CLOSED-CAPTIONS';
  readonly groupId: string;
  readonly name: string;
  readonly language?: string | undefined;
  /** Default: the media is in the variant itself. */
  readonly uri?: string | undefined;
  /** DEFAULT. Default false. */
  readonly isDefault?: boolean | undefined;
  readonly autoselect?: boolean | undefined;
}

/** A master playlist (RFC 8216 clause 4.3.4): the variants of one presentation. */
export interface MasterPlaylist {
  /** EXT-X-VERSION; not printed when it isn't said. */
  readonly version?: number | undefined;
  readonly independentSegments?: boolean | undefined;
  readonly renditions?: readonly PlaylistRendition[] | undefined;
  readonly variants: readonly PlaylistVariant[];
}

/** Whether a playlist is a master playlist. */
export function isMasterPlaylist(playlist: MediaPlaylist | MasterPlaylist): playlist is MasterPlaylist {
  return 'variants' in playlist;
}
