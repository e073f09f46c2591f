import { hevcConfigurationUnits, HevcNalType, parseHevcDecoderConfiguration } from '../hevc/index.ts';
import { ascii, box, fixed16, fullBox, type Mp4Part, raw, u16, u32, u8, zeros } from './box-tree.ts';
import { buildElementaryStreamDescriptor, Mp4ObjectType } from './descriptors.ts';
import type { ResolvedAudioTrack, ResolvedTrack, ResolvedVideoTrack } from './track.ts';

const DOTS_72_PER_INCH = 72;
const COLOUR_WITHOUT_ALPHA = 0x0018;
/** Bytes of compressorname. */
const COMPRESSOR_NAME_BYTES = 32;
/** The highest rate that the 16 bits before the point hold. */
const MAX_ENTRY_SAMPLE_RATE = 0xffff;
/** The highest sample rate of MPEG-2 audio, in Hz. */
const MAX_MPEG2_AUDIO_RATE = 24_000;

/** The `stsd` box of a track, with one entry (ISO/IEC 14496-12 clause 8.5.2). */
export function sampleDescriptionBox(track: ResolvedTrack): Mp4Part {
  return fullBox(
    'stsd',
    0,
    0,
    u32(1), // entry_count
    track.kind === 'video' ? visualSampleEntry(track) : audioSampleEntry(track),
  );
}

/** VisualSampleEntry (ISO/IEC 14496-12 clause 12.1.3). */
function visualSampleEntry(track: ResolvedVideoTrack): Mp4Part {
  const { pixelAspect } = track;
  const parts = [
    zeros(6), // reserved
    u16(1), // data_reference_index
    zeros(16), // pre_defined, reserved
    u16(track.width), // width
    u16(track.height), // height
    fixed16(DOTS_72_PER_INCH), // horizresolution
    fixed16(DOTS_72_PER_INCH), // vertresolution
    zeros(4), // reserved
    u16(1), // frame_count
    zeros(COMPRESSOR_NAME_BYTES), // compressorname
    u16(COLOUR_WITHOUT_ALPHA), // depth
    u16(0xffff), // pre_defined
    box(VIDEO_BOXES[track.codec], raw(track.configuration)),
  ];
  if (pixelAspect !== undefined) {
    parts.push(box('pasp', u32(pixelAspect.width), u32(pixelAspect.height))); // hSpacing, vSpacing
  }
  return box(visualEntryType(track), ...parts);
}

const VIDEO_BOXES = { h264: 'avcC', hevc: 'hvcC', av1: 'av1C' } as const;

/**
 * `hvc1` promises that all parameter sets are in the configuration, which is what Apple's players ask for; `hev1`
 * lets them be in the stream (ISO/IEC 14496-15 clause 8.4.1).
 */
function visualEntryType(track: ResolvedVideoTrack): string {
  switch (track.codec) {
    case 'h264':
      return 'avc1';
    case 'av1':
      return 'av01';
    case 'hevc': {
      const record = parseHevcDecoderConfiguration(track.configuration);
      const types = [HevcNalType.vps, HevcNalType.sps, HevcNalType.pps];
      return types.every((type) => hevcConfigurationUnits(record, type).length > 0) ? 'hvc1' : 'hev1';
    }
  }
}

/** AudioSampleEntry (ISO/IEC 14496-12 clause 12.2.3). */
function audioSampleEntry(track: ResolvedAudioTrack): Mp4Part {
  return box(
    track.codec === 'opus' ? 'Opus' : 'mp4a',
    zeros(6), // reserved
    u16(1), // data_reference_index
    zeros(8), // reserved
    u16(track.channels), // channelcount
    u16(16), // samplesize
    zeros(4), // pre_defined, reserved
    fixed16(track.sampleRate > MAX_ENTRY_SAMPLE_RATE ? 0 : track.sampleRate), // samplerate
    track.codec === 'opus' ? box('dOps', raw(track.configuration)) : elementaryStreamBox(track),
  );
}

/** The `esds` box (ISO/IEC 14496-14 clause 6.7.2). */
function elementaryStreamBox(track: ResolvedAudioTrack): Mp4Part {
  const mp3 = track.sampleRate <= MAX_MPEG2_AUDIO_RATE ? Mp4ObjectType.mpeg2Audio : Mp4ObjectType.mpeg1Audio;
  const objectType = track.codec === 'mp3' ? mp3 : Mp4ObjectType.mpeg4Audio;
  return fullBox(
    'esds',
    0,
    0,
    raw(buildElementaryStreamDescriptor({ objectType, configuration: track.configuration })),
  );
}

/** The `hdlr` box of a track (ISO/IEC 14496-12 clause 8.4.3). */
export function handlerBox(track: ResolvedTrack): Mp4Part {
  return fullBox(
    'hdlr',
    0,
    0,
    zeros(4), // pre_defined
    ascii(track.kind === 'video' ? 'vide' : 'soun'), // handler_type
    zeros(12), // reserved
    ascii(track.kind === 'video' ? 'VideoHandler' : 'SoundHandler'), // name
    u8(0),
  );
}
