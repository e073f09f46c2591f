import { LIMIT_MS, RUN_LIMIT_MS, RunningProcess } from './process.ts';

/** Runs ffmpeg to its end; rejects with its command and last lines unless it succeeds. */
export async function ffmpeg(args: readonly string[], limitMs = RUN_LIMIT_MS): Promise<RunningProcess> {
  const program = new RunningProcess('ffmpeg', ['-hide_banner', '-nostdin', '-loglevel', 'warning', ...args]);
  await program.succeeded(limitMs);
  return program;
}

export interface PublishOptions {
  /** The media file that is sent. */
  readonly file: string;
  readonly url: string;
  /** At the pace of the clock (`-re`, the default) or as fast as the server reads. */
  readonly realtime?: boolean;
  /** From the start again when the file ends; off by default. */
  readonly loop?: boolean;
  /** Seconds of media after which it ends by itself. */
  readonly seconds?: number;
  /** Arguments before the input and before the output, e.g. `['-output_ts_offset', '16777']`. */
  readonly inputArgs?: readonly string[];
  readonly outputArgs?: readonly string[];
}

/** An ffmpeg that publishes. */
export class Publisher {
  readonly process: RunningProcess;

  constructor(process: RunningProcess) {
    this.process = process;
  }

  /** Waits until it has sent everything; rejects when it fails. */
  async finished(limitMs = RUN_LIMIT_MS): Promise<void> {
    await this.process.succeeded(limitMs);
  }

  /** Lets it end the stream properly (unpublish, close) and waits for that. */
  async stop(limitMs = LIMIT_MS): Promise<void> {
    if (this.process.exit === undefined) this.process.kill('SIGINT');
    await this.process.exited(limitMs);
  }

  /** Ends it without a word, as a cable that is pulled. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.process.exited();
  }
}

/** Starts to publish a file, untouched, with ffmpeg. Wait for `sluice.published(name)` before playing. */
export function publish(options: PublishOptions): Publisher {
  return new Publisher(
    new RunningProcess('ffmpeg', [
      ...['-hide_banner', '-nostdin', '-loglevel', 'warning'],
      ...((options.realtime ?? true) ? ['-re'] : []),
      ...(options.loop === true ? ['-stream_loop', '-1'] : []),
      ...(options.inputArgs ?? []),
      ...['-i', options.file, '-map', '0', '-c', 'copy'],
      ...(options.seconds === undefined ? [] : ['-t', String(options.seconds)]),
      ...(options.outputArgs ?? []),
      ...['-flvflags', 'no_duration_filesize', '-f', 'flv', options.url],
    ]),
  );
}

/**
 * Plays a URL's video and audio into a file with ffmpeg, untouched, for so many seconds of media (or until the stream ends).
 * The container follows from the file's name.
 */
export async function record(
  url: string,
  file: string,
  seconds?: number,
  limitMs = RUN_LIMIT_MS,
): Promise<string> {
  await ffmpeg(
    [
      ...(url.startsWith('rtmp') ? ['-rw_timeout', String(LIMIT_MS * 1000)] : []),
      ...['-i', url, '-map', '0:v?', '-map', '0:a?', '-c', 'copy'],
      ...(seconds === undefined ? [] : ['-t', String(seconds)]),
      ...['-y', file],
    ],
    limitMs,
  );
  return file;
}

/** One elementary stream, as ffprobe sees it. */
export interface ProbedStream {
  readonly index: number;
  readonly codec_type: string;
  readonly codec_name: string;
  readonly profile?: string;
  readonly width?: number;
  readonly height?: number;
  readonly sample_rate?: string;
  readonly channels?: number;
  readonly has_b_frames?: number;
  readonly avg_frame_rate?: string;
  readonly start_time?: string;
}

export interface Probe {
  readonly streams: readonly ProbedStream[];
  readonly format: {
    readonly format_name: string;
    readonly start_time?: string;
    readonly duration?: string;
    readonly tags?: Readonly<Record<string, string>>;
  };
}

/** The streams and the container of a file or URL. */
export async function probe(source: string, limitMs = LIMIT_MS): Promise<Probe> {
  return (await ffprobeJson(['-show_streams', '-show_format', source], limitMs)) as Probe;
}

/** One packet, in the order of the container. Times are seconds. */
export interface Packet {
  readonly kind: 'video' | 'audio' | 'data';
  readonly pts: number;
  readonly dts: number;
  readonly size: number;
  readonly keyframe: boolean;
}

/** Every packet of a file, or of so many seconds of a URL. */
export async function packets(
  source: string,
  seconds?: number,
  limitMs = RUN_LIMIT_MS,
): Promise<readonly Packet[]> {
  const answer = (await ffprobeJson(
    [
      ...(seconds === undefined ? [] : ['-read_intervals', `%+${seconds}`]),
      ...['-show_entries', 'packet=codec_type,pts_time,dts_time,size,flags', source],
    ],
    limitMs,
  )) as { readonly packets?: readonly Readonly<Record<string, string>>[] };
  return (answer.packets ?? []).map((packet) => ({
    kind: (packet['codec_type'] ?? 'data') as Packet['kind'],
    pts: Number(packet['pts_time']),
    dts: Number(packet['dts_time']),
    size: Number(packet['size']),
    keyframe: packet['flags']?.startsWith('K') ?? false,
  }));
}

async function ffprobeJson(args: readonly string[], limitMs: number): Promise<unknown> {
  const program = new RunningProcess('ffprobe', [
    '-hide_banner',
    '-loglevel',
    'warning',
    '-of',
    'json',
    ...args,
  ]);
  await program.succeeded(limitMs);
  return JSON.parse(program.stdout);
}

/** One decoded frame: its presentation time in the output's time base, its size and the MD5 of its samples. */
export interface FrameHash {
  readonly stream: number;
  readonly pts: number;
  readonly size: number;
  readonly md5: string;
}

/**
 * Decodes a file or URL and hashes every frame. Frames of two sources with the same pictures have the same
 * `md5`, whatever the containers. Rejects when the decoder reports an error.
 *
 * @param kind only the video (`v`) or the audio (`a`)
 */
export async function framemd5(
  source: string,
  kind: 'v' | 'a',
  seconds?: number,
  limitMs = RUN_LIMIT_MS,
): Promise<readonly FrameHash[]> {
  const program = await ffmpeg(
    [
      ...['-xerror', '-err_detect', 'explode', '-i', source, '-map', `0:${kind}:0`],
      ...['-fps_mode', 'passthrough'].slice(0, kind === 'v' ? 2 : 0),
      ...(seconds === undefined ? [] : ['-t', String(seconds)]),
      ...['-f', 'framemd5', '-'],
    ],
    limitMs,
  );
  return program.stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [stream = '', , pts = '', , size = '', md5 = ''] = line.split(',').map((field) => field.trim());
      return { stream: Number(stream), pts: Number(pts), size: Number(size), md5 };
    });
}

/** Plays a live stream with rtmpdump for so many seconds of media; answers with the FLV file. */
export async function rtmpdump(
  url: string,
  file: string,
  seconds: number,
  limitMs = RUN_LIMIT_MS,
): Promise<string> {
  const program = new RunningProcess('rtmpdump', ['--live', '--rtmp', url, '--flv', file]);
  // Its own --stop counts from timestamp 0 and not from the first frame, so we read its progress.
  const played = (stderr: string): number => {
    const times = [...stderr.matchAll(/ kB \/ ([\d.]+) sec/g)].map((match) => Number(match[1]));
    return (times.at(-1) ?? 0) - (times.find((time) => time > 0) ?? 0);
  };
  await program.wrote((_stdout, stderr) => played(stderr) >= seconds, `${seconds} s were played`, limitMs);
  program.kill('SIGINT');
  await program.exited();
  return file;
}
