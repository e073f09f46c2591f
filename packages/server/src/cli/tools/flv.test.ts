import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { concatBytes } from '@sluice/media/bytes';
import { AmfObject } from '@sluice/media/amf';
import { FlvReader, FlvTagType, parseFlvMetadata } from '@sluice/media/flv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { FileBytes, indexMediaFile } from '../../files/index.ts';
import {
  aacHeaderTag,
  audioTag,
  avcHeaderTag,
  clipTags,
  flvBytes,
  metadataTag,
  temporaryDirectory,
  temporaryFile,
  videoTag,
} from '../../files/test-kit.ts';
import { indexFlvFile } from './flv-index.ts';
import { runFlvIndex, runFlvInfo } from './flv.ts';
import { ToolExit } from './terminal.ts';
import { fakeTerminal } from './test-kit.ts';

async function info(bytes: Uint8Array, flags: { tags?: true; json?: true } = {}): Promise<string> {
  const terminal = fakeTerminal();
  const path = await temporaryFile('x.flv', bytes);
  expect(await runFlvInfo(path, flags, terminal)).toBe(ToolExit.done);
  expect(terminal.said).toBe('');
  return terminal.printed.replace(path, 'x.flv');
}

describe('sluice flv info', () => {
  it('X007 tells codecs, times and the distance of keyframes', async () => {
    const bytes = flvBytes(clipTags(4_000));
    expect((await info(bytes)).split('\n')).toEqual([
      `x.flv: ${bytes.length} bytes, 0:04.0 from 0:00.0 on`,
      'tags: 101 video, 201 audio, 1 data',
      expect.stringMatching(/^video: h264 \d+x\d+, 100 frames, 24\.\d\d fps, \d kbps$/),
      'keyframes: 4, 1000 ms apart (1000 to 1000)',
      expect.stringMatching(/^audio: aac 44100 Hz 2 channels, 200 frames, \d kbps$/),
      'metadata: no duration, no index',
      '',
    ]);
  });

  it('X007 prints every tag with its place', async () => {
    const lines = (
      await info(flvBytes([avcHeaderTag(), videoTag(40, true), audioTag(41)]), { tags: true })
    ).split('\n');
    expect(lines.slice(0, 3)).toEqual([
      '13 0 video header 52',
      '80 40 video keyframe 29',
      '124 41 audio frame 12',
    ]);
  });

  it.each([
    ['a file cut in a tag', flvBytes(clipTags(200)).subarray(0, -9), 'it ends inside a tag'],
    [
      'bytes that are no tag',
      concatBytes([flvBytes(clipTags(200)), Uint8Array.of(...Array<number>(20).fill(3))]),
      'damaged at byte',
    ],
    ['no metadata', flvBytes(clipTags(200).slice(1)), 'it has no metadata'],
    [
      'a duration that is not true',
      flvBytes([metadataTag(new Map([['duration', 60]])), ...clipTags(200).slice(1)]),
      'the metadata says 60 s, the media are 0.18 s',
    ],
    [
      'frames before their header',
      flvBytes([metadataTag(), videoTag(0, true)]),
      'media comes before its sequence header',
    ],
    [
      'frames before a keyframe',
      flvBytes([metadataTag(), avcHeaderTag(), videoTag(0), videoTag(40, true)]),
      '1 video frames come before a keyframe',
    ],
    [
      'a step back and a gap',
      flvBytes([metadataTag(), aacHeaderTag(), audioTag(100), audioTag(80), audioTag(5_000)]),
      'audio goes back in time 1 times\nproblem: audio has 1 gaps, the longest 4920 ms',
    ],
    ['no media', flvBytes([metadataTag()]), 'it has no audio and no video'],
  ])('%s is a problem', async (_, bytes, problem) => {
    expect(await info(bytes)).toContain(`problem: ${problem}`);
  });

  it('says what can not be read at all', async () => {
    for (const [path, words] of [
      ['/nowhere/x.flv', 'no such file'],
      [await temporaryFile('x.flv', new TextEncoder().encode('hello, world')), 'is no FLV file'],
      [await temporaryFile('x.flv', new Uint8Array(0)), 'is no FLV file'],
      [await temporaryDirectory(), ''],
    ] as const) {
      const terminal = fakeTerminal();
      expect(await runFlvInfo(path, {}, terminal)).toBe(ToolExit.file);
      expect(terminal.said).toMatch(/^sluice flv info: [^\n]+\n$/);
      expect(terminal.said).toContain(words);
    }
  });

  it('takes any bytes for what they are', async () => {
    const seed = flvBytes(clipTags(400));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 }),
        async (changes) => {
          const bytes = seed.slice();
          for (const [at, value] of changes) bytes[at] = value;
          const path = await temporaryFile('x.flv', bytes);
          const exit = await runFlvInfo(path, { json: true }, fakeTerminal());
          expect([ToolExit.done, ToolExit.file]).toContain(exit);
          const indexed = await runFlvIndex(path, `${path}.out`, fakeTerminal());
          expect([ToolExit.done, ToolExit.file]).toContain(indexed);
        },
      ),
      { numRuns: 40 },
    );
  });
});

/** Every place that the index names, with the tag that is there. */
async function checkIndex(path: string): Promise<number[]> {
  const bytes = new Uint8Array(await readFile(path));
  const tags = new FlvReader().write(bytes);
  const metadata = parseFlvMetadata(tags[0]?.body ?? new Uint8Array(0));
  expect(metadata?.fileSize).toBe(bytes.length);
  const keyframes = metadata?.properties.get('keyframes');
  if (!(keyframes instanceof AmfObject)) return [];
  const times = keyframes.get('times') as number[];
  for (const [at, position] of (keyframes.get('filepositions') as number[]).entries()) {
    expect(bytes[position]).toBe(FlvTagType.video);
    expect(bytes[position + 11]).toBe(0x17);
    const view = new DataView(bytes.buffer, bytes.byteOffset + position);
    expect((view.getUint32(4) >>> 8) / 1000).toBe(times[at]);
  }
  return times;
}

describe('sluice flv index', () => {
  it.each([
    ['metadata in front', clipTags(4_000)],
    ['no metadata', clipTags(4_000).slice(1)],
    ['metadata in the middle', [...clipTags(4_000).slice(1, 9), metadataTag(), ...clipTags(4_000).slice(9)]],
    ['metadata at the end', [...clipTags(4_000).slice(1), metadataTag(new Map([['encoder', 'x']]))]],
  ])('X007 %s: the index is true, and every other tag is kept', async (_, tags) => {
    const path = await temporaryFile('x.flv', flvBytes(tags));
    const before = await readFile(path);
    const output = join(dirname(path), 'out.flv');
    const terminal = fakeTerminal();
    expect(await runFlvIndex(path, output, terminal)).toBe(ToolExit.done);
    expect(terminal.said).toMatch(/out\.flv: 4 keyframes in 0:04\.0, \d+ bytes\n$/);
    expect(await checkIndex(output)).toEqual([0, 1, 2, 3]);
    expect(await readFile(path)).toEqual(before);
    const media = (bytes: Uint8Array): unknown =>
      new FlvReader().write(bytes).filter(({ type }) => type !== FlvTagType.script);
    expect(media(await readFile(output))).toEqual(media(before));
    const source = await FileBytes.open(output);
    const index = await indexMediaFile(source);
    await source.close();
    expect(index.source).toBe('metadata');
  });

  it('X007 replaces the file itself, again and again, and leaves nothing else behind', async () => {
    const path = await temporaryFile('x.flv', flvBytes(clipTags(3_000)));
    const { mode } = await stat(path);
    await runFlvIndex(path, undefined, fakeTerminal());
    const once = await readFile(path);
    await runFlvIndex(path, undefined, fakeTerminal());
    expect(await readFile(path)).toEqual(once);
    expect(await checkIndex(path)).toEqual([0, 1, 2]);
    expect(await readdir(dirname(path))).toEqual(['x.flv']);
    expect((await stat(path)).mode).toBe(mode);
  });

  it('mends the end of a file that was cut, and says so', async () => {
    const whole = flvBytes(clipTags(2_000));
    const path = await temporaryFile('x.flv', whole.subarray(0, -7));
    const terminal = fakeTerminal();
    expect(await runFlvIndex(path, undefined, terminal)).toBe(ToolExit.done);
    expect(terminal.said).toContain('it ends inside a tag');
    expect(await checkIndex(path)).toEqual([0, 1]);
    const bytes = new Uint8Array(await readFile(path));
    // The last PreviousTagSize is that of the last tag, a video frame of 29 bytes.
    expect(new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4)).toBe(11 + 12);
  });

  it('has no index for sound alone, but its duration', async () => {
    const tags = clipTags(2_000).filter(({ type }) => type !== FlvTagType.video);
    const path = await temporaryFile('x.flv', flvBytes(tags));
    expect(await indexFlvFile(path, path)).toMatchObject({ keyframes: 0, durationMs: 1_980 });
    expect(await checkIndex(path)).toEqual([]);
  });

  it.each([
    ['no media', flvBytes([metadataTag()]), undefined, 'has no audio and no video'],
    ['an output that can not be written', flvBytes(clipTags(100)), '/nowhere/out.flv', "can't be written"],
  ])('%s: one line, and the file as it was', async (_, bytes, output, words) => {
    const path = await temporaryFile('x.flv', bytes);
    const terminal = fakeTerminal();
    expect(await runFlvIndex(path, output, terminal)).toBe(ToolExit.file);
    expect(terminal.said).toMatch(/^sluice flv index: [^\n]+\n$/);
    expect(terminal.said).toContain(words);
    expect(new Uint8Array(await readFile(path))).toEqual(bytes);
  });
});
