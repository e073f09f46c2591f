import { describe, expect, it } from 'vitest';

import { AmfEcmaArray, AmfObject, decodeAmf0, encodeAmf0 } from '../amf/index.ts';
import { hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { buildFlvMetadata, parseFlvMetadata } from './index.ts';

describe('onMetaData', () => {
  const said = {
    width: 640,
    height: 360,
    framerate: 25,
    videocodecid: 7,
    audiocodecid: 10,
    stereo: true,
    audiosamplerate: 44100,
    videodatarate: 500,
    encoder: 'Lavf59.27.100',
    bravo_atc: 'true',
  };
  const facts = {
    width: 640,
    height: 360,
    frameRate: 25,
    videoCodec: 'h264',
    audioCodec: 'aac',
    stereo: true,
    audioSampleRate: 44100,
    videoDataRate: 500,
    encoder: 'Lavf59.27.100',
    duration: undefined,
  };

  it.each([
    ['an ECMA array', ['onMetaData', AmfEcmaArray.from(said)]],
    ['an object', ['onMetaData', AmfObject.from(said)]],
    ['@setDataFrame in front', ['@setDataFrame', 'onMetaData', AmfEcmaArray.from(said)]],
    ['values behind', ['onMetaData', AmfObject.from(said), null]],
  ])('P008 %s', (_name, values) => {
    const metadata = parseFlvMetadata(encodeAmf0(...values));
    expect(metadata).toMatchObject(facts);
    expect(metadata?.properties.toRecord()).toEqual(said);
    expect(metadata?.properties.get('bravo_atc')).toBe('true');
  });

  it('P008 other data messages are no metadata', () => {
    expect(parseFlvMetadata(encodeAmf0('onCuePoint', AmfObject.from(said)))).toBeUndefined();
    expect(parseFlvMetadata(encodeAmf0('@setDataFrame', 'onTextData'))).toBeUndefined();
    expect(parseFlvMetadata(encodeAmf0('onMetaData'))?.properties.size).toBe(0);
    expect(parseFlvMetadata(new Uint8Array(0))).toBeUndefined();
  });

  it('values of the wrong type are not taken for facts', () => {
    const wrong = AmfEcmaArray.from({
      width: '640',
      height: Number.NaN,
      stereo: 1,
      encoder: 5,
      videocodecid: null,
    });
    expect(parseFlvMetadata(encodeAmf0('onMetaData', wrong))).toMatchObject({
      width: undefined,
      height: undefined,
      stereo: undefined,
      encoder: undefined,
      videoCodec: undefined,
    });
  });

  it.each([
    [7, 'h264'],
    [12, 'hevc'],
    [0x68766331, 'hevc'],
    ['hvc1', 'hevc'],
    ['av01', 'av1'],
    [99, 'unknown'],
    ['HEVC!', 'unknown'],
  ])('videocodecid %s is %s', (value, codec) => {
    const properties = AmfEcmaArray.from({ videocodecid: value });
    expect(parseFlvMetadata(encodeAmf0('onMetaData', properties))?.videoCodec).toBe(codec);
  });

  it.each([
    [10, 'aac'],
    [2, 'mp3'],
    [0x4f707573, 'opus'],
    ['mp4a', 'aac'],
    [12, 'unknown'],
  ])('audiocodecid %s is %s', (value, codec) => {
    const properties = AmfEcmaArray.from({ audiocodecid: value });
    expect(parseFlvMetadata(encodeAmf0('onMetaData', properties))?.audioCodec).toBe(codec);
  });

  it('is built from facts and from what else there is', () => {
    const body = buildFlvMetadata(
      { width: 1280, videoCodec: 'hevc', audioCodec: 'aac', properties: new AmfEcmaArray([['server', 'x']]) },
      { setDataFrame: true },
    );
    const [command, name, value] = decodeAmf0(body);
    expect([command, name]).toEqual(['@setDataFrame', 'onMetaData']);
    expect(value).toEqual(
      new AmfEcmaArray([
        ['server', 'x'],
        ['width', 1280],
        ['videocodecid', 0x68766331],
        ['audiocodecid', 10],
      ]),
    );
  });

  it('metadata that goes through keeps its order and the form of its codecs', () => {
    const body = encodeAmf0('onMetaData', AmfEcmaArray.from({ ...said, videocodecid: 'avc1' }));
    const metadata = parseFlvMetadata(body);
    expect(metadata).toBeDefined();
    expect(buildFlvMetadata(metadata ?? {})).toEqual(body);
  });

  it('bytes that are no AMF 0 are refused', () => {
    expect(() => parseFlvMetadata(hexToBytes('02ffff61'))).toThrow(MediaError);
  });
});
