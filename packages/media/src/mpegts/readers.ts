import { AdtsFraming, LatmFraming, Mp3Framing } from './audio-framing.ts';
import { TsAudioReader } from './audio-reader.ts';
import { type TsAudioCodec, TsStreamType, type TsVideoCodec } from './constants.ts';
import type { TsElementaryReader, TsElementaryReaderOptions } from './elementary-reader.ts';
import type { TsDemuxerCounters, TsStream } from './events.ts';
import { TsVideoReader } from './video-reader.ts';

/** What a stream of this stream_type holds; undefined when it is nothing that is read here. */
export function codecOf(streamType: number): TsVideoCodec | TsAudioCodec | undefined {
  switch (streamType) {
    case TsStreamType.h264:
      return 'h264';
    case TsStreamType.hevc:
      return 'hevc';
    case TsStreamType.adtsAac:
    case TsStreamType.latmAac:
      return 'aac';
    case TsStreamType.mpeg1Audio:
    case TsStreamType.mpeg2Audio:
      return 'mp3';
    default:
      return undefined;
  }
}

/** The reader for a stream; undefined when there is none for it. */
export function readerOf(stream: TsStream, counters: TsDemuxerCounters): TsElementaryReader | undefined {
  const options: TsElementaryReaderOptions = { stream, counters };
  switch (stream.codec) {
    case undefined:
      return undefined;
    case 'h264':
    case 'hevc':
      return new TsVideoReader(stream.codec, options);
    case 'mp3':
      return new TsAudioReader('mp3', new Mp3Framing(), options);
    case 'aac': {
      const framing = stream.streamType === TsStreamType.latmAac ? new LatmFraming() : new AdtsFraming();
      return new TsAudioReader('aac', framing, options);
    }
  }
}
