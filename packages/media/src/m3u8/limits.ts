/** What a playlist from outside may make its reader hold. */
export interface M3u8Limits {
  /** Characters of the whole text. Default 4 Mi. */
  readonly maxCharacters: number;
  /** Lines, empty ones included. Default 200,000. */
  readonly maxLines: number;
  /** Media segments, or variants and renditions together. Default 50,000. */
  readonly maxSegments: number;
  /** Attributes of one tag. Default 64. */
  readonly maxAttributes: number;
}

/** The defaults of {@link M3u8Limits}. */
export const DEFAULT_M3U8_LIMITS: M3u8Limits = {
  maxCharacters: 4 * 1024 * 1024,
  maxLines: 200_000,
  maxSegments: 50_000,
  maxAttributes: 64,
};
