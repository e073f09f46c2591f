import { blockList, block, freeBlock } from './blocks.ts';
import { Section } from './section.ts';
import { choice, flag, integer, path, text } from './values.ts';

const PRESETS = [
  '',
  'ultrafast',
  'superfast',
  'veryfast',
  'faster',
  'fast',
  'medium',
  'slow',
  'slower',
  'veryslow',
  'placebo',
] as const;

const engineSection = new Section('engine', {
  enabled: flag('enabled', { default: false, means: 'Runs this engine.' }),
  inputFormat: text('iformat', { default: 'flv', means: "ffmpeg's input format; `off` leaves it out." }),
  inputOptions: freeBlock('perfile', { means: "ffmpeg's options before the input." }),
  videoFilter: freeBlock('vfilter', { means: "ffmpeg's filter options." }),
  videoCodec: text('vcodec', {
    default: '',
    means: 'The video encoder; `copy` keeps the stream, `vn` leaves video out.',
  }),
  videoBitrateKbps: integer('vbitrate', {
    default: 0,
    shape: 'KBPS',
    means: 'Video bitrate; 0 is that of the encoder.',
  }),
  videoFps: integer('vfps', { default: 0, max: 1000, means: 'Frames a second; 0 is that of the source.' }),
  videoWidth: integer('vwidth', {
    default: 0,
    max: 32_768,
    means: 'Width; odd ones become even; 0 is that of the source.',
  }),
  videoHeight: integer('vheight', {
    default: 0,
    max: 32_768,
    means: 'Height; odd ones become even; 0 is that of the source.',
  }),
  videoThreads: integer('vthreads', {
    default: 0,
    max: 1024,
    means: 'Encoder threads; 0 is what the encoder thinks best.',
  }),
  videoProfile: choice('vprofile', ['', 'high', 'main', 'baseline'], {
    default: '',
    means: 'H.264 profile.',
  }),
  videoPreset: choice('vpreset', PRESETS, { default: '', means: 'Encoder preset.' }),
  videoOptions: freeBlock('vparams', { means: "More of ffmpeg's video options." }),
  audioCodec: text('acodec', {
    default: '',
    means: 'The audio encoder; `copy` keeps the stream, `an` leaves audio out.',
  }),
  audioBitrateKbps: integer('abitrate', {
    default: 0,
    shape: 'KBPS',
    means: 'Audio bitrate; 0 is that of the encoder; 16 to 72 for libaacplus.',
  }),
  audioSampleRate: integer('asample_rate', {
    default: 0,
    shape: 'HZ',
    means: 'Sample rate; 0 is that of the source.',
  }),
  audioChannels: integer('achannels', {
    default: 0,
    max: 2,
    means: 'Channels, 1 or 2; 0 is that of the source.',
  }),
  audioOptions: freeBlock('aparams', { means: "More of ffmpeg's audio options." }),
  outputFormat: text('oformat', { default: 'flv', means: "ffmpeg's output format; `off` leaves it out." }),
  output: text('output', {
    active: true,
    default: '',
    shape: 'URL',
    means: 'Where the result goes, with `[vhost]`, `[port]`, `[app]`, `[stream]` and `[engine]`.',
  }),
});

const engines = blockList('engine', engineSection, {
  label: 'optional',
  active: true,
  means: 'One run of ffmpeg; a block may have several.',
});

/** `transcode [APP[/STREAM]] {}` of a vhost. */
export const transcodeSection = new Section('transcode', {
  enabled: flag('enabled', { default: false, means: 'Transcodes the streams of this scope.' }),
  ffmpeg: path('ffmpeg', { default: './objs/ffmpeg/bin/ffmpeg', means: 'The ffmpeg program.' }),
  engines,
});

const inputSection = new Section('input', {
  type: choice('type', ['file', 'stream', 'loop'], {
    default: 'file',
    active: true,
    means:
      'ffmpeg reads a `file` at its own speed and a `stream` as it comes; `loop` plays an FLV or MP4 file round and round without ffmpeg.',
  }),
  url: text('url', { default: '', shape: 'URL', active: true, means: 'The file or the URL to read.' }),
});

/** `ingest NAME {}` of a vhost. */
export const ingestSection = new Section('ingest', {
  enabled: flag('enabled', {
    default: false,
    active: true,
    means: 'Fetches a stream or plays a file, and publishes it here.',
  }),
  input: block('input', inputSection, { active: true, means: 'What is fetched.' }),
  ffmpeg: path('ffmpeg', {
    default: './objs/ffmpeg/bin/ffmpeg',
    // An ingest that needs it is itself noted as inactive.
    asks: () => false,
    means: 'The ffmpeg program.',
  }),
  engines,
});
