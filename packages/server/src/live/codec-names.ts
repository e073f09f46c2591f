const names: Readonly<Record<string, string>> = {
  h264: 'H264',
  hevc: 'HEVC',
  av1: 'AV1',
  vp8: 'VP8',
  vp9: 'VP9',
  vvc: 'VVC',
  vp6: 'VP6',
  vp6a: 'VP6Alpha',
  h263: 'H263',
  screen: 'Screen',
  screen2: 'Screen2',
  aac: 'AAC',
  mp3: 'MP3',
  opus: 'Opus',
  flac: 'FLAC',
  speex: 'Speex',
  nellymoser: 'Nellymoser',
  g711a: 'G711A',
  g711u: 'G711U',
  ac3: 'AC3',
  eac3: 'EAC3',
};

/** A codec as the API names it, as SRS does. */
export function codecName(codec: string): string {
  return names[codec] ?? codec;
}
