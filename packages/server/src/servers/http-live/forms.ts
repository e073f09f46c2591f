import { type FanOutFamily, type LiveStream, unsupportedCodec } from '../../live/index.ts';
import { aacFamily, flvFamily, type Framing, mp3Family, tsFamily } from '../../remux/index.ts';
import type { SessionType } from '../../stats/index.ts';

/** The forms of live streams over HTTP and WebSocket, named by the extension of their paths (H008). */
export type LiveForm = 'flv' | 'ts' | 'aac' | 'mp3';

/** What each form is called elsewhere (H009, H010). */
export const liveForms = {
  flv: { contentType: 'video/x-flv', sessionType: 'flv-play' },
  ts: { contentType: 'video/MP2T', sessionType: 'ts-play' },
  aac: { contentType: 'audio/x-aac', sessionType: 'aac-play' },
  mp3: { contentType: 'audio/mpeg', sessionType: 'mp3-play' },
} as const satisfies Record<LiveForm, { contentType: string; sessionType: SessionType }>;

/** How long, ms, a stream has to be published before a track that has not come counts as not there. */
export const SETTLED_MS = 5000;

/** The form that a path asks for; undefined for any other extension. */
export function formOf(path: string): LiveForm | undefined {
  if (path.endsWith('.flv')) return 'flv';
  if (path.endsWith('.ts')) return 'ts';
  if (path.endsWith('.aac')) return 'aac';
  return path.endsWith('.mp3') ? 'mp3' : undefined;
}

/** The output form of the engine. */
export function familyOf(form: LiveForm, framing: Framing, stream: LiveStream): FanOutFamily {
  switch (form) {
    case 'flv':
      return flvFamily(framing);
    case 'ts':
      return tsFamily(framing, () => stream.configurations, stream.tsFaults);
    case 'aac':
      return aacFamily(framing);
    case 'mp3':
      return mp3Family(framing);
  }
}

/**
 * Why a stream can't be had in a form, as far as it is known: its codecs have no place there. Undefined while
 * nobody publishes, and until the tracks are known.
 */
export function formProblem(
  form: LiveForm,
  stream: Pick<LiveStream, 'audio' | 'video' | 'publisherId' | 'publishedAt'>,
): string | undefined {
  if (form === 'flv' || stream.publisherId === undefined) return undefined;
  const settled = performance.now() - stream.publishedAt >= SETTLED_MS;
  const audio = stream.audio?.codec;
  const video = stream.video?.codec;
  if (form !== 'ts') {
    if (audio === form) return undefined;
    if (audio !== undefined) return `the audio is ${audio}, not ${form}`;
    return video !== undefined && settled ? `the stream has no audio` : undefined;
  }
  if (audio === 'aac' || audio === 'mp3' || video === 'h264' || video === 'hevc') return undefined;
  const problems: string[] = [];
  if (video !== undefined) problems.push(unsupportedCodec('MPEG-TS', 'video', video));
  if (audio !== undefined) problems.push(unsupportedCodec('MPEG-TS', 'audio', audio));
  return problems.length === 2 || (problems.length === 1 && settled) ? problems.join('; ') : undefined;
}

/** Somebody was refused MPEG-TS of a stream for its codecs: that is a fault of the stream while it is asked for. */
export function noteFormProblem(form: LiveForm, { audio, video, tsFaults }: LiveStream): void {
  if (form !== 'ts') return;
  if (video !== undefined) tsFaults.unsupported('MPEG-TS', { kind: 'video', codec: video.codec });
  if (audio !== undefined) tsFaults.unsupported('MPEG-TS', { kind: 'audio', codec: audio.codec });
}
