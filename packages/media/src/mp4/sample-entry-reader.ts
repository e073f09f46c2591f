import { copyBytes } from '../bytes/index.ts';
import { aacOutputChannels, aacOutputSampleRate, parseAudioSpecificConfig } from '../aac/index.ts';
import { MediaError } from '../errors.ts';
import { type BoxRange, childBoxes, findBox, openFullBox, readType, requireBox } from './box-reader.ts';
import { Mp4ObjectType, parseElementaryStreamDescriptor } from './descriptors.ts';
import { MP4_LIMITS } from './limits.ts';
import { MP4_OPUS_TIMESCALE, type Mp4AudioCodec, type Mp4VideoCodec } from './track.ts';

/** What a sample description says of a track. */
export interface SampleEntryFacts {
  /** The entry's type: `avc1`, `mp4a` … */
  readonly entryType: string;
  readonly codec: Mp4VideoCodec | Mp4AudioCodec | undefined;
  /** Why the track can't be played; undefined when it can. */
  readonly unsupported: string | undefined;
  /** As in the track's configuration; empty when there is none. New memory. */
  readonly configuration: Uint8Array;
  /** Pixels; 0 in sound. */
  readonly width: number;
  /** Pixels; 0 in sound. */
  readonly height: number;
  /** Hz that come out; 0 in video. */
  readonly sampleRate: number;
  /** 0 in video. */
  readonly channels: number;
}

const VISUAL_ENTRY_BYTES = 78;
const AUDIO_ENTRY_BYTES = 28;
const QUICKTIME_VERSION_1_BYTES = 16;
const QUICKTIME_VERSION_2_BYTES = 36;
const EMPTY = new Uint8Array(0);

const VIDEO_ENTRIES: ReadonlyMap<string, readonly [Mp4VideoCodec, string]> = new Map([
  ['avc1', ['h264', 'avcC']],
  ['avc3', ['h264', 'avcC']],
  ['hvc1', ['hevc', 'hvcC']],
  ['hev1', ['hevc', 'hvcC']],
  ['av01', ['av1', 'av1C']],
]);

const NOTHING: Omit<SampleEntryFacts, 'entryType' | 'unsupported'> = {
  codec: undefined,
  configuration: EMPTY,
  width: 0,
  height: 0,
  sampleRate: 0,
  channels: 0,
};

/**
 * Reads the `stsd` box of a track.
 *
 * @param handler handler_type of the track: `vide`, `soun` …
 * @throws MediaError when the box is damaged. A codec that is not played is no error.
 */
export function parseSampleDescription(bytes: Uint8Array, stsd: BoxRange, handler: string): SampleEntryFacts {
  const { reader } = openFullBox(bytes, stsd);
  const count = reader.u32(); // entry_count
  const [entry] = childBoxes(bytes, reader.offset, stsd.end);
  if (entry === undefined) return { ...NOTHING, entryType: '', unsupported: 'it has no sample description' };
  const entryType = entry.type;
  if (count > 1) {
    return { ...NOTHING, entryType, unsupported: `it has ${count} sample descriptions, one can be read` };
  }
  if (handler === 'vide') return parseVisualEntry(bytes, entry);
  if (handler === 'soun') return parseAudioEntry(bytes, entry);
  return { ...NOTHING, entryType, unsupported: `${handler} is neither video nor sound` };
}

/** Reads VisualSampleEntry (ISO/IEC 14496-12 clause 12.1.3). */
function parseVisualEntry(bytes: Uint8Array, entry: BoxRange): SampleEntryFacts {
  const { reader } = openEntry(bytes, entry);
  reader.skip(16); // pre_defined, reserved
  const width = reader.u16(); // width
  const height = reader.u16(); // height
  const facts = { ...NOTHING, entryType: entry.type, width, height };
  const known = VIDEO_ENTRIES.get(entry.type);
  if (known === undefined) return { ...facts, unsupported: `codec ${entry.type}` };
  const [codec, boxType] = known;
  const children = { ...entry, body: entry.body + VISUAL_ENTRY_BYTES };
  const configuration = findBox(bytes, children, boxType);
  if (configuration === undefined || configuration.body === configuration.end) {
    return { ...facts, unsupported: `${entry.type} without ${boxType}` };
  }
  return { ...facts, codec, unsupported: undefined, configuration: bodyOf(bytes, configuration) };
}

/** Reads AudioSampleEntry (ISO/IEC 14496-12 clause 12.2.3), and QuickTime's two longer forms of it. */
function parseAudioEntry(bytes: Uint8Array, entry: BoxRange): SampleEntryFacts {
  const { reader } = openEntry(bytes, entry);
  const version = reader.u16(); // reserved; version in QuickTime
  reader.skip(6); // reserved
  const channels = reader.u16(); // channelcount
  reader.skip(6); // samplesize, pre_defined, reserved
  const sampleRate = reader.u16(); // samplerate
  const facts = { ...NOTHING, entryType: entry.type, channels, sampleRate };
  const longer = version === 1 ? QUICKTIME_VERSION_1_BYTES : version === 2 ? QUICKTIME_VERSION_2_BYTES : 0;
  const children = { ...entry, body: Math.min(entry.body + AUDIO_ENTRY_BYTES + longer, entry.end) };
  switch (entry.type) {
    case 'mp4a':
      return parseMp4Audio(bytes, children, facts);
    case '.mp3':
      return { ...facts, codec: 'mp3', unsupported: undefined };
    case 'Opus': {
      const configuration = bodyOf(bytes, requireBox(bytes, children, 'dOps'));
      return {
        ...facts,
        codec: 'opus',
        unsupported: undefined,
        configuration,
        sampleRate: MP4_OPUS_TIMESCALE,
      };
    }
    default:
      return { ...facts, unsupported: `codec ${entry.type}` };
  }
}

function parseMp4Audio(
  bytes: Uint8Array,
  children: BoxRange,
  facts: Omit<SampleEntryFacts, 'unsupported'>,
): SampleEntryFacts {
  // QuickTime wraps the box once more.
  const wave = findBox(bytes, children, 'wave');
  const esds = findBox(bytes, children, 'esds') ?? (wave && findBox(bytes, wave, 'esds'));
  if (esds === undefined) return { ...facts, unsupported: 'mp4a without esds' };
  const { reader } = openFullBox(bytes, esds);
  const stream = parseElementaryStreamDescriptor(reader.bytes(reader.remaining));
  switch (stream.objectType) {
    case Mp4ObjectType.mpeg1Audio:
    case Mp4ObjectType.mpeg2Audio:
      return { ...facts, codec: 'mp3', unsupported: undefined };
    case Mp4ObjectType.mpeg4Audio:
    case Mp4ObjectType.mpeg2AacMain:
    case Mp4ObjectType.mpeg2AacLc:
    case Mp4ObjectType.mpeg2AacSsr:
      return parseAac(stream.configuration, facts);
    default:
      return { ...facts, unsupported: `MPEG-4 object type ${stream.objectType}` };
  }
}

function parseAac(configuration: Uint8Array, facts: Omit<SampleEntryFacts, 'unsupported'>): SampleEntryFacts {
  try {
    const config = parseAudioSpecificConfig(configuration);
    return {
      ...facts,
      codec: 'aac',
      unsupported: undefined,
      configuration: copyBytes(configuration),
      sampleRate: aacOutputSampleRate(config),
      channels: aacOutputChannels(config) ?? facts.channels,
    };
  } catch (error) {
    if (!(error instanceof MediaError)) throw error;
    return { ...facts, unsupported: `its AudioSpecificConfig: ${error.message}` };
  }
}

/** Opens a SampleEntry behind the fields that all have (ISO/IEC 14496-12 clause 8.5.2.2). */
function openEntry(bytes: Uint8Array, entry: BoxRange): ReturnType<typeof openFullBox> {
  const fields = openFullBox(bytes, entry); // reserved
  fields.reader.skip(2); // reserved
  fields.reader.skip(2); // data_reference_index
  return fields;
}

function bodyOf(bytes: Uint8Array, box: BoxRange): Uint8Array {
  const size = box.end - box.body;
  if (size > MP4_LIMITS.configurationBytes) {
    throw new MediaError(
      'limit-exceeded',
      `a ${box.type} box of ${size} bytes, the limit is ${MP4_LIMITS.configurationBytes}`,
    );
  }
  return bytes.slice(box.body, box.end);
}

/** Reads handler_type of an `hdlr` box (ISO/IEC 14496-12 clause 8.4.3). */
export function parseHandler(bytes: Uint8Array, hdlr: BoxRange): string {
  const { reader } = openFullBox(bytes, hdlr);
  reader.skip(4); // pre_defined
  return readType(reader); // handler_type
}
